"""Checking and repairing registered clusters, as every face calls it: on the client's loop, journaled and audited."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pxm_tui.domain.certificate import Certificate
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.messages import changed_meanwhile
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.domain.tokens import TokenRole
from pxm_tui.services.checking import Outcome
from pxm_tui.services.deregistration import left_words
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.means import Means
from pxm_tui.services.meanwhile import same_anchor
from pxm_tui.services.ports import Credentials
from pxm_tui.services.secrets import open_vault
from pxm_tui.services.trusting import Comparison, Trusting


@dataclass(frozen=True, slots=True)
class CheckReport:
    """A check of a registered cluster.

    Attributes:
        cluster: the record after it.
        snapshot: the view beyond the record.
        steps: the checklist.
        error: what stopped it; None when it went through.
    """

    cluster: Cluster
    snapshot: Snapshot
    steps: tuple[Step, ...]
    error: PxmError | None = None

    def to_json(self) -> dict[str, Any]:
        """As `pxm check --json` lists it."""
        return {"cluster": self.cluster.to_json(), "steps": [step.to_json() for step in self.steps]}


@dataclass(frozen=True, slots=True)
class ClusterRepairs:
    """See the module; `ClusterService` says what each of them takes, gives and raises.

    Attributes:
        means: what it works with.
    """

    means: Means

    async def check(self, cluster_id: str, before: Snapshot, dialog: Dialog) -> CheckReport:
        """Check a registered cluster now, and save what was found."""
        cluster = await self.means.find(cluster_id)
        return await self._check(cluster, before, dialog)

    async def log_in_again(
        self,
        cluster_id: str,
        credentials: Credentials | None,
        before: Snapshot,
        dialog: Dialog,
        token: TokenRole | None = TokenRole.AUDITOR,
    ) -> CheckReport:
        """Check with another login; when that goes through it, or the token that it makes, is the cluster's login."""
        cluster = await self.means.find(cluster_id)
        if credentials is None:
            return await self._check(cluster, before, dialog)
        bridged = self.means.bridge(dialog)

        async def work() -> CheckReport:
            from pxm_tui.services.edit_changes import Changes
            from pxm_tui.services.editing import EditFailedError, Editor

            changes = Changes(credentials=credentials, token=token)
            try:
                done = await Editor(self.means).edit(cluster, changes, before, bridged)
            except EditFailedError as failure:
                if not any(step.state is StepState.FAILED for step in failure.steps):
                    raise failure.error from None
                return CheckReport(cluster, before, failure.all_steps(changes.steps(cluster)), failure.error)
            login = done.cluster.login.name
            self.means.journal.write(f"logs in as {login} now{left_words(done.cleanup)}", cluster=cluster.name)
            await self.means.audit.record("log_in_again", done.cluster, login=login, **done.token_facts())
            return CheckReport(done.cluster, done.snapshot, done.steps)

        return await self.means.runner.run(work)

    async def trust_again(self, cluster_id: str, shown: Certificate, before: Snapshot, dialog: Dialog) -> CheckReport:
        """Trust the certificate that a person has compared, and check it."""
        cluster = await self.means.find(cluster_id)
        bridged, trusting = self.means.bridge(dialog), Trusting(self.means)

        async def work() -> CheckReport:
            await open_vault(self.means.secrets, bridged)
            outcome = await trusting.check(cluster, shown, before, bridged)
            trust = outcome.result.trust
            if trust is None:
                return CheckReport(cluster, outcome.snapshot, outcome.steps, outcome.error)
            now = self.means.clock().replace(microsecond=0)

            def change(record: Cluster) -> Cluster:
                if not same_anchor(record.trust, cluster.trust):
                    raise changed_meanwhile(record.name, "trust")
                return replace(record, trust=trust, updated_at=now)

            stored = await self.means.change(cluster, change)
            await trusting.tell(cluster, stored)
            result = replace(outcome.result, basis=stored.basis(), trust=None)
            outcome = await self.means.checker().look_at_others(stored, replace(outcome, result=result), bridged)
            return await self._saved(stored, outcome)

        return await self.means.runner.run(work)

    async def compare_certificates(self, cluster_id: str) -> Comparison:
        """The trusted certificate and the one shown now."""
        cluster = await self.means.find(cluster_id)
        return await self.means.runner.run(lambda: Trusting(self.means).compare(cluster))

    async def _check(self, cluster: Cluster, before: Snapshot, dialog: Dialog) -> CheckReport:
        bridged = self.means.bridge(dialog)

        async def work() -> CheckReport:
            await open_vault(self.means.secrets, bridged)
            outcome = await self.means.checker().check_everywhere(cluster, before, bridged)
            return await self._saved(cluster, outcome)

        return await self.means.runner.run(work)

    async def _saved(self, cluster: Cluster, outcome: Outcome) -> CheckReport:
        records = await self.means.repository.save_checks([outcome.result])
        found = next((record for record in records if record.id == cluster.id), cluster)
        return CheckReport(found, outcome.snapshot, outcome.steps, outcome.error)
