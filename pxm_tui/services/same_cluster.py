"""Whether an endpoint is of a cluster that is known: seen in a handshake alone, so that no credential is at stake."""

from __future__ import annotations

from dataclasses import replace

from pxm_tui.domain.certificate import Certificate, Trust, TrustMode
from pxm_tui.domain.certificate_messages import not_of_cluster
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.errors import CertificateError
from pxm_tui.domain.pem import fingerprints
from pxm_tui.services.endpoints import LOOK_LIMIT, Look, look_at
from pxm_tui.services.ports import ProxmoxGateway, Timer
from pxm_tui.services.vouching import is_doubtful


async def prove(
    gateway: ProxmoxGateway, cluster: Cluster, endpoint: Endpoint, timer: Timer, limit: float = LOOK_LIMIT
) -> Look:
    """Look at `endpoint`: it has to verify under the cluster's trust, and to be of the cluster.

    One authority of its own is one cluster, and one pinned leaf is one node. An authority that signs for others too
    proves nothing; then the cluster's own one has to have signed the leaf as well, or the cluster has vouched for it.
    """
    look = await look_at(gateway, endpoint, cluster.trust, timer, limit)
    doubtful = None if look.error is None else is_doubtful(look.error)
    if doubtful is not None:
        return replace(look, error=not_of_cluster(endpoint, cluster.name, doubtful))
    if look.error is not None or cluster.trust.mode in {TrustMode.PINNED_CA, TrustMode.PINNED_LEAF}:
        return look
    shown = look.certificate
    if shown is not None and _is_known(cluster.trust, shown):
        return look
    authority = cluster.trust.authority
    if authority is not None:
        own = await look_at(gateway, endpoint, Trust(TrustMode.PINNED_CA, anchor_pem=authority.pem), timer, limit)
        if not isinstance(own.error, CertificateError):
            return replace(look, error=own.error)
    return replace(look, error=not_of_cluster(endpoint, cluster.name, shown))


def _is_known(trust: Trust, shown: Certificate) -> bool:
    """Whether it is the very leaf that was trusted, or one that the cluster has vouched for."""
    trusted = trust.certificate
    if trusted is not None and shown.sha256 == trusted.sha256:
        return True
    return shown.pem in trust.vouched or shown.sha256 in fingerprints(trust.vouched)
