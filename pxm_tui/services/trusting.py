"""A changed certificate: both side by side, and trusting the new one after a person has compared it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pxm_tui.domain.certificate import Certificate, ChangeVerdict, Trust, TrustMode, compare
from pxm_tui.domain.cluster import Cluster, trust_words
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.checking import Outcome
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.means import Means


@dataclass(frozen=True, slots=True)
class Comparison:
    """A trusted certificate beside the one that is shown now."""

    trusted: Certificate
    shown: Certificate
    verdict: ChangeVerdict


@dataclass(frozen=True, slots=True)
class Trusting:
    """See the module. Its work runs on the client's loop.

    Attributes:
        means: what it works with.
    """

    means: Means

    async def compare(self, cluster: Cluster) -> Comparison:
        """The trusted certificate and the one shown now, which is read by a handshake that sends nothing.

        Raises:
            UnreachableError: nothing is shown now.
        """
        doubtful = self.means.checker().endpoints.choose(cluster, Snapshot(cluster.id))
        shown = await self.means.client().read_certificate(doubtful)
        trusted = cluster.trust.certificate or shown
        return Comparison(trusted, shown, compare(trusted, shown, self.means.clock()))

    async def check(self, cluster: Cluster, shown: Certificate, before: Snapshot, dialog: Dialog) -> Outcome:
        """Check `cluster` trusting `shown`. Its result has the new trust where the handshake verified.

        It is to be kept then, also where a later step failed: an expired login must not stand in the way.
        """
        trust = Trust(TrustMode.PINNED_LEAF, shown.sha256, shown.pem)
        return await self.means.checker().check(
            replace(cluster, trust=trust), before, dialog, prove=True, looked_at=True
        )

    async def tell(self, before: Cluster, after: Cluster) -> None:
        """Write down that another certificate is trusted."""
        trust = after.trust
        words = trust_words(trust)
        self.means.journal.write(f"trusts {words} now, certificate {trust.fingerprint}", cluster=after.name)
        await self.means.audit.record(
            "trust_again",
            after,
            trust=str(trust.mode),
            fingerprint=trust.fingerprint or "",
            identity=after.identity or "",
            before=before.trust.fingerprint or "",
        )
        if trust.ca_fingerprint != before.trust.ca_fingerprint:
            await self.means.twins.look(after)
