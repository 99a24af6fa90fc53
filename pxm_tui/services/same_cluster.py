"""Whether an endpoint is of a cluster that is known: seen in a handshake alone, so that no credential is at stake."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import replace

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.certificate_messages import not_of_cluster
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.errors import CertificateError
from pxm_tui.domain.observation import Node
from pxm_tui.services.endpoints import LOOK_LIMIT, Look, look_at
from pxm_tui.services.ports import ProxmoxGateway, Timer

PROPOSAL_LIMIT = 1.5
"""Seconds that the looks at proposed endpoints may take: nodes of one cluster are about as far away as each other, and
a registration is not to be held up by those that cannot be reached from here."""
MOST_PROPOSED = 32


async def prove(
    gateway: ProxmoxGateway, cluster: Cluster, endpoint: Endpoint, timer: Timer, limit: float = LOOK_LIMIT
) -> Look:
    """Look at `endpoint`: it has to verify under the cluster's trust, and to be of the cluster.

    One authority of its own is one cluster, and one pinned leaf is one node. An authority that signs for others too
    proves nothing; then the cluster's own one, known since the registration, has to have signed the leaf as well.
    """
    look = await look_at(gateway, endpoint, cluster.trust, timer, limit)
    if isinstance(look.error, CertificateError) and look.error.certificate is not None:
        return replace(look, error=not_of_cluster(endpoint, cluster.name, look.error.certificate))
    if look.error is not None or cluster.trust.mode in {TrustMode.PINNED_CA, TrustMode.PINNED_LEAF}:
        return look
    trusted = cluster.trust.certificate
    shown = look.certificate
    if shown is not None and trusted is not None and shown.sha256 == trusted.sha256:
        return look
    authority = cluster.trust.authority
    if authority is not None:
        own = await look_at(gateway, endpoint, Trust(TrustMode.PINNED_CA, anchor_pem=authority.pem), timer, limit)
        if not isinstance(own.error, CertificateError):
            return replace(look, error=own.error)
    return replace(look, error=not_of_cluster(endpoint, cluster.name, shown))


def proposed(cluster: Cluster, nodes: Sequence[Node]) -> tuple[Endpoint, ...]:
    """The other nodes' addresses at the registered endpoint's port, in the order of their names."""
    found = [
        Endpoint(address, cluster.endpoint.port)
        for node in nodes
        if not node.local and (address := _address(node.address)) is not None
    ]
    return tuple(one for one in dict.fromkeys(found) if one not in cluster.endpoints)[:MOST_PROPOSED]


def _address(text: str | None) -> str | None:
    try:
        return str(ipaddress.ip_address(text or ""))
    except ValueError:
        return None


async def look_at_proposed(
    gateway: ProxmoxGateway, cluster: Cluster, nodes: Sequence[Node], timer: Timer
) -> tuple[Look, ...]:
    """Look at all proposed endpoints at once, in a short time."""
    looks = [prove(gateway, cluster, one, timer, PROPOSAL_LIMIT) for one in proposed(cluster, nodes)]
    return tuple(await asyncio.gather(*looks))
