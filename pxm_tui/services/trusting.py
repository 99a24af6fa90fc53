"""A changed certificate: both side by side, and trusting the new one after a person has compared it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pxm_tui.domain.certificate import Certificate, ChangeVerdict, Trust, TrustMode, compare
from pxm_tui.domain.cluster import Cluster, Endpoint, trust_words
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.audit import Audit
from pxm_tui.services.checking import Checker, Outcome
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.journal import Journal
from pxm_tui.services.ports import Clock, ProxmoxGateway


@dataclass(frozen=True, slots=True)
class Comparison:
    """A trusted certificate beside the one that is shown now."""

    trusted: Certificate
    shown: Certificate
    verdict: ChangeVerdict


@dataclass(frozen=True, slots=True)
class Trusting:
    """See the module. Its work runs on the client's loop.

    Args:
        gateway: gives the Proxmox client.
        checker: gives what checks clusters.
        clock: UTC now.
        journal: told of what is trusted.
        audit: where the same is written down for good.
    """

    gateway: Callable[[], ProxmoxGateway]
    checker: Callable[[], Checker]
    clock: Clock
    journal: Journal
    audit: Audit

    async def compare(self, cluster: Cluster) -> Comparison:
        """The trusted certificate and the one shown now, which is read by a handshake that sends nothing.

        Raises:
            UnreachableError: nothing is shown now.
        """
        doubtful = self.checker().endpoints.choose(cluster, Snapshot(cluster.id))
        shown = await self.gateway().read_certificate(doubtful)
        trusted = cluster.trust.certificate or shown
        return Comparison(trusted, shown, compare(trusted, shown, self.clock()))

    async def check(self, cluster: Cluster, shown: Certificate, before: Snapshot, dialog: Dialog) -> Outcome:
        """Check `cluster` trusting `shown`. Its result has the new trust where the handshake verified.

        It is to be kept then, also where a later step failed: an expired login must not stand in the way.
        """
        trust = Trust(TrustMode.PINNED_LEAF, shown.sha256, shown.pem)
        return await self.checker().check(replace(cluster, trust=trust), before, dialog, prove=True)

    async def tell(self, before: Cluster, after: Cluster) -> None:
        """Write down that another certificate is trusted."""
        trust = after.trust
        words = trust_words(trust)
        self.journal.write(f"trusts {words} now, certificate {trust.fingerprint}", cluster=after.name)
        await self.audit.record(
            "trust_again",
            after,
            trust=str(trust.mode),
            fingerprint=trust.fingerprint or "",
            identity=after.identity or "",
            before=before.trust.fingerprint or "",
        )

    async def tell_of_vouching(self, cluster: Cluster, endpoint: Endpoint, shown: Certificate) -> None:
        """Write down that the cluster has vouched for a certificate."""
        words = f"the cluster vouches for the certificate of {endpoint.authority}, {shown.sha256}"
        self.journal.write(words, cluster=cluster.name)
        await self.audit.record("vouch", cluster, endpoint=endpoint.url, fingerprint=shown.sha256)
