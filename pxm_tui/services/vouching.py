"""What a cluster itself vouches for: the certificates of its nodes that its trust does not cover yet.

A node may have a certificate of its own (ACME, a company's). Where it is not trusted, another node of the cluster,
one whose own handshake verified, is asked: a certificate whose SHA-256 is in its list of nodes is added to the trust.
Every other one stays untrusted. What the node in doubt says of itself is never asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from pxm_tui.domain.certificate import Certificate, Trust, TrustMode, compare
from pxm_tui.domain.certificate_messages import changed
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.connection_messages import no_other_endpoint
from pxm_tui.domain.errors import CertificateError, LoginError, PxmError, StorageError
from pxm_tui.domain.pem import fingerprint_of
from pxm_tui.services.audit import Audit
from pxm_tui.services.journal import Journal
from pxm_tui.services.ports import ProxmoxGateway, ProxmoxSession
from pxm_tui.services.twins import Twins

LogIn = Callable[[ProxmoxSession], Awaitable[object]]
"""Logs in to a session that is secured, as the cluster's own login."""

Tell = Callable[[Cluster, Endpoint, Certificate], Awaitable[None]]
"""Told of each certificate that was vouched for, with the cluster as it trusts from then on."""


def is_doubtful(error: PxmError) -> Certificate | None:
    """The certificate that the cluster may be asked about, where `error` is about one; its dates it cannot mend."""
    if isinstance(error, CertificateError) and error.cause in {"untrusted", "changed", "wrong_host"}:
        return error.certificate
    return None


class Witness(Protocol):
    """What is asked about a certificate: a session with a node that verified, and that is logged in."""

    async def authority(self, leaf: Certificate | None = None) -> Certificate | None:
        """As `ProxmoxSession`."""
        ...

    async def node_fingerprints(self) -> frozenset[str]:
        """As `ProxmoxSession`."""
        ...


@asynccontextmanager
async def call_witness(
    gateway: ProxmoxGateway, endpoint: Endpoint, trust: Trust, log_in: LogIn
) -> AsyncIterator[ProxmoxSession]:
    """A session with `endpoint`, logged in after it has verified under `trust`.

    Raises:
        PxmError: it cannot be had.
    """
    async with aclosing(gateway.open(endpoint, trust, alone=True)) as session:
        await session.resolve()
        await session.connect()
        await session.secure(trust)
        await log_in(session)
        yield session


async def vouched(witness: Witness, trust: Trust, shown: Certificate) -> Trust | None:
    """The trust with `shown` in it, where the cluster of `witness` vouches for it; else None.

    In `system` mode the cluster's own authority is learned, where it has signed `shown`: it vouches for all its nodes.

    Raises:
        PxmError: the cluster cannot be asked.
    """
    if trust.mode is TrustMode.SYSTEM and trust.authority is None:
        authority = await witness.authority(shown)
        if authority is not None:
            return replace(trust, authority=authority)
    known = await witness.node_fingerprints()
    if shown.sha256 not in known:
        return None
    kept = tuple(pem for pem in trust.vouched if fingerprint_of(pem) in known and pem != shown.pem)
    return replace(trust, vouched=(*kept, shown.pem))


async def ask_cluster(  # noqa: PLR0917
    gateway: ProxmoxGateway,
    cluster: Cluster,
    doubtful: Endpoint,
    shown: Certificate,
    witnesses: Iterable[Endpoint],
    log_in: LogIn,
) -> Trust | None:
    """The cluster's trust with what `doubtful` shows in it; None where the endpoint that has the word says no.

    Args:
        gateway: opens the sessions.
        cluster: whose trust.
        doubtful: the endpoint whose certificate is not trusted; it is not asked.
        shown: that certificate.
        witnesses: the endpoints to ask, best first; the first that verifies and answers has the word.
        log_in: logs in to a witness. A login that is refused is not tried at the next one.

    Raises:
        PxmError: none can be asked; why the first one could not.
    """
    failure: PxmError | None = None
    for witness in witnesses:
        if witness == doubtful:
            continue
        try:
            async with call_witness(gateway, witness, cluster.trust, log_in) as session:
                return await vouched(session, cluster.trust, shown)
        except (LoginError, StorageError):
            raise
        except PxmError as error:
            failure = failure or error
    raise failure or no_other_endpoint(cluster.name)


class Voucher:
    """Asks clusters about certificates.

    Args:
        gateway: opens the sessions.
        tell: told of each certificate that was vouched for.
    """

    def __init__(self, gateway: ProxmoxGateway, tell: Tell) -> None:
        self._gateway = gateway
        self._tell = tell

    async def ask(
        self,
        cluster: Cluster,
        doubtful: Endpoint,
        shown: Certificate,
        witnesses: Iterable[Endpoint],
        log_in: LogIn,
    ) -> Trust | None:
        """As `ask_cluster`; None also where it cannot be asked."""
        try:
            trust = await ask_cluster(self._gateway, cluster, doubtful, shown, witnesses, log_in)
        except PxmError:
            return None
        if trust is not None:
            await self._tell(replace(cluster, trust=trust), doubtful, shown)
        return trust


def told_to(journal: Journal, audit: Audit, twins: Twins) -> Tell:
    """Writes down in log and audit that a cluster has vouched for a certificate.

    Where it did so by its own authority, which it has just learned, that tells which cluster it is.
    """

    async def tell(cluster: Cluster, endpoint: Endpoint, shown: Certificate) -> None:
        words = f"the cluster vouches for the certificate of {endpoint.authority}, {shown.sha256}"
        journal.write(words, cluster=cluster.name)
        await audit.record("vouch", cluster, endpoint=endpoint.url, fingerprint=shown.sha256)
        if shown.pem not in cluster.trust.vouched:
            await twins.look(cluster)

    return tell


def with_leaf(trust: Trust, shown: Certificate) -> Trust:
    """The trust with the certificate that was seen last: it says when it ends, and what a changed one is compared with.

    Call it with what a handshake has verified. A pinned leaf is what it is.
    """
    if trust.mode is TrustMode.PINNED_LEAF or trust.fingerprint == shown.sha256:
        return trust
    return replace(trust, fingerprint=shown.sha256, certificate=shown)


def as_change(cluster: Cluster, endpoint: Endpoint, error: CertificateError, now: datetime) -> CertificateError:
    """For a registered cluster another certificate is a change; say what the change looks like."""
    trusted, shown = cluster.trust.certificate, error.certificate
    if trusted is None or shown is None or error.cause not in {"changed", "untrusted"}:
        return error
    since = cluster.trust.trusted_at or cluster.created_at
    return changed(endpoint, f"{since:%Y-%m-%d}", shown, compare(trusted, shown, now))
