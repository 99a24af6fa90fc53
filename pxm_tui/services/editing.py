"""Editing a registered cluster: name, labels, endpoints, trust, login, guard. Checked live before it is saved, or not.

What is free of the cluster (name, labels, guard, an endpoint less) works when it is dead. A new endpoint has to verify
under the cluster's trust and to prove that it is of the same cluster; another trust or login has to carry a whole
check. If any of it fails, nothing is saved.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from pxm_tui.domain.cluster import CheckResult, Cluster, Endpoint, Login
from pxm_tui.domain.errors import PxmError, StorageError
from pxm_tui.domain.messages import already_registered, endpoint_needed
from pxm_tui.domain.observation import Observation, Snapshot
from pxm_tui.domain.rights import rights_in_words
from pxm_tui.domain.steps import EDIT_STEPS, Step, StepState
from pxm_tui.services.bridging import to_the_end
from pxm_tui.services.checklist import Checklist
from pxm_tui.services.deregistration import cleanup_of
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.edit_changes import Changes
from pxm_tui.services.judge import answered
from pxm_tui.services.login_saving import LoginSaver
from pxm_tui.services.means import Means
from pxm_tui.services.meanwhile import refuse_other_changes, same_anchor
from pxm_tui.services.minting import Keeping, Minting, seen_by
from pxm_tui.services.new_login import NewLogin
from pxm_tui.services.ports import Credentials
from pxm_tui.services.proposals import Proposals, with_learned
from pxm_tui.services.same_cluster import prove
from pxm_tui.services.secrets import open_vault
from pxm_tui.services.vouching import is_doubtful


class EditFailedError(Exception):
    """An edit stopped; nothing was saved. Carries the steps so far and the error that stopped it."""

    def __init__(self, steps: tuple[Step, ...], error: PxmError) -> None:
        super().__init__(error.message)
        self.steps = steps
        self.error = error

    def all_steps(self, names: Sequence[str]) -> tuple[Step, ...]:
        """Those of these names; what did not run was skipped."""
        known = {step.name: step for step in self.steps}
        return tuple(known.get(name, Step(name, StepState.SKIPPED)) for name in names)


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit did.

    Attributes:
        cluster: the record after it.
        before: the record before it.
        snapshot: the view beyond the record.
        changed: what is different, such as `name`, `endpoints`; empty where nothing is.
        steps: the checklist.
        revoked: whether the token that the new login has replaced was removed; None where pxm made none.
        cleanup: commands for what the edit leaves on the cluster: a token that pxm made and does not use any more.
    """

    cluster: Cluster
    before: Cluster
    snapshot: Snapshot
    changed: tuple[str, ...]
    steps: tuple[Step, ...]
    revoked: bool | None = None
    cleanup: tuple[str, ...] = ()

    def facts(self) -> dict[str, str]:
        """What is different, for the audit."""
        record = self.cluster
        values = {
            "name": record.name,
            "labels": " ".join(f"{key}={value}" for key, value in record.labels),
            "endpoints": " ".join(endpoint.url for endpoint in record.endpoints),
            "trust": f"{record.trust.mode} {record.trust.fingerprint}",
            "login": record.login.name,
            "read-only": "on" if record.read_only else "off",
        }
        return {word.replace("-", "_"): values[word] for word in self.changed} | self.token_facts()

    def token_facts(self) -> dict[str, str]:
        """What became of the token that the new login has replaced, for the audit."""
        if self.revoked is None:
            return {}
        old = self.before.login.name
        return {"revoked": old} if self.revoked else {"left_over": "; ".join(self.cleanup) or old}


@dataclass(frozen=True, slots=True)
class _Checked:
    """The record as it is to be, and what a check of it found, where one was needed."""

    cluster: Cluster
    snapshot: Snapshot
    result: CheckResult | None = None
    observed: Observation | None = None

    def with_login(self, keeping: Keeping, now: datetime) -> _Checked:
        """The same, as the login that is kept sees it."""
        cluster = replace(self.cluster, login=keeping.login)
        if self.observed is None or not keeping.minted:
            return replace(self, cluster=cluster)
        seen = seen_by(self.observed, keeping)
        rights = rights_in_words(seen.permissions, keeping.login.name, seen.version)
        snapshot = replace(self.snapshot, rights=rights, permissions=seen.permissions)
        return _Checked(cluster, snapshot, answered(cluster, seen, now), seen)


@dataclass(frozen=True, slots=True)
class Editor:
    """Runs edits.

    Attributes:
        means: what it works with.
    """

    means: Means

    async def edit(self, cluster: Cluster, asked: Changes, before: Snapshot, dialog: Dialog) -> Edited:
        """Check what is asked for and save it.

        Raises:
            EditFailedError: a step failed; nothing was saved.
        """
        changes = asked.against(cluster)
        checklist = Checklist(EDIT_STEPS, dialog.step, self.means.timer)
        try:
            if not changes.words():
                return Edited(cluster, cluster, before, (), ())
            await self._check_name(cluster, changes, checklist)
            if changes.credentials is not None:
                return await self._edit_login(cluster, changes, before, dialog, checklist)
            checked = await self._checked(cluster, changes, before, dialog, checklist)
            with checklist.step("save") as notes:
                stored = await to_the_end(lambda: self._save_record(cluster, changes, checked))
                notes.message = stored.name
        except PxmError as error:
            raise EditFailedError(checklist.ended(), error) from None
        return Edited(stored, cluster, checked.snapshot, changes.words(), checklist.ended())

    async def _edit_login(
        self, cluster: Cluster, changes: Changes, before: Snapshot, dialog: Dialog, checklist: Checklist
    ) -> Edited:
        """With another login among the changes. The one that is there stays in use where anything fails."""
        checker = self.means.checker()
        ticket = checker.ticket(cluster.id)
        try:
            checked = await self._checked(cluster, changes, before, dialog, checklist)
            new = self._new_login(cluster, changes, checked)
            async with new.keeping(dialog, checklist) as (keeping, minting):
                checked = checked.with_login(keeping, self._now())
                with checklist.step("save") as notes:
                    stored = await to_the_end(lambda: self._save(cluster, changes, checked, keeping, minting))
                    notes.message = stored.name
        except BaseException:
            if checker.ticket(cluster.id) is not ticket:
                checker.keep_ticket(cluster.id, None)
            raise
        revoked = await new.revoke_old(stored.login, checklist)
        if keeping.minted:
            checker.keep_ticket(cluster.id, None)
        left = cleanup_of(cluster) if revoked is False else ()
        return Edited(stored, cluster, checked.snapshot, changes.words(), checklist.ended(), revoked, left)

    def _new_login(self, cluster: Cluster, changes: Changes, checked: _Checked) -> NewLogin:
        assert changes.credentials is not None  # noqa: S101
        assert checked.observed is not None  # noqa: S101
        endpoint = checked.snapshot.endpoint_in_use or checked.cluster.endpoint
        return NewLogin(
            self.means, cluster, checked.cluster, changes.credentials, changes.token, checked.observed, endpoint
        )

    async def _check_name(self, cluster: Cluster, changes: Changes, checklist: Checklist) -> None:
        if changes.name is None:
            return
        with checklist.step("name") as notes:
            found = await self.means.repository.find_by_name(changes.name)
            if found is not None and found.id != cluster.id:
                raise already_registered(found.name, found.endpoint)
            notes.message = f"{changes.name} is free"

    async def _checked(
        self, cluster: Cluster, changes: Changes, before: Snapshot, dialog: Dialog, checklist: Checklist
    ) -> _Checked:
        """The record with all changes that need the cluster. Raises `PxmError` where one does not hold."""
        wanted, checked = with_changes(cluster, changes, cluster.updated_at), _Checked(cluster, before)
        moved = wanted.endpoints != cluster.endpoints
        if moved and changes.trust is None:
            # before the check: no login goes to an endpoint that has not proven to be of the cluster
            wanted = await self._with_endpoints(cluster, wanted, dialog, checklist)
        if changes.trust is not None:
            wanted = replace(wanted, trust=changes.trust)
        if changes.credentials is not None:
            wanted = replace(wanted, login=self._login(changes.credentials))
        if changes.trust is not None or changes.credentials is not None:
            wanted, checked = await self._checked_live(cluster, wanted, changes, before, dialog, checklist)
        if moved and changes.trust is not None:
            wanted = await self._with_endpoints(cluster, wanted, dialog, checklist)
        return replace(checked, cluster=wanted)

    async def _checked_live(  # noqa: PLR0917
        self,
        cluster: Cluster,
        wanted: Cluster,
        changes: Changes,
        before: Snapshot,
        dialog: Dialog,
        checklist: Checklist,
    ) -> tuple[Cluster, _Checked]:
        """What a check of another trust or login found; under another trust it is made where the cluster was before.

        Where none of its endpoints stays a person has said both where it is and what proves that.
        """
        await open_vault(self.means.secrets, dialog)
        prove_trust = changes.trust is not None
        stay = tuple(one for one in wanted.endpoints if one in cluster.endpoints)
        at = replace(wanted, endpoints=stay) if prove_trust and stay else wanted
        outcome = await self.means.checker().check(at, before, dialog, changes.credentials, prove=prove_trust)
        checklist.take(step for step in outcome.steps if step.state is not StepState.SKIPPED)
        if outcome.error is not None:
            raise outcome.error
        found = replace(wanted, trust=outcome.result.trust or wanted.trust)
        return found, _Checked(found, outcome.snapshot, replace(outcome.result, trust=None), outcome.observed)

    async def _with_endpoints(self, cluster: Cluster, wanted: Cluster, dialog: Dialog, checklist: Checklist) -> Cluster:
        """The step `endpoints`: the record with the trust under which each new one is of the cluster."""
        with checklist.step("endpoints") as notes:
            added = [one for one in wanted.endpoints if one not in cluster.endpoints]
            known = replace(wanted, name=cluster.name, endpoints=cluster.endpoints, login=cluster.login)
            answers = []
            for endpoint in added:
                known, words = await self._prove(known, endpoint, dialog)
                answers.append(words)
            gone = [f"{one.authority} goes" for one in cluster.endpoints if one not in wanted.endpoints]
            notes.message = ", ".join([*answers, *gone]) or f"{wanted.endpoint.authority} comes first"
        return replace(wanted, trust=known.trust)

    async def _prove(self, cluster: Cluster, endpoint: Endpoint, dialog: Dialog) -> tuple[Cluster, str]:
        """Raise `PxmError` where the endpoint is not of the cluster; else the record that trusts it, and words.

        A node with a certificate of its own is of the cluster when another node says so.
        """
        look = await prove(self.means.client(), cluster, endpoint, self.means.timer)
        if look.error is not None:
            shown = is_doubtful(look.error)
            if shown is None:
                raise look.error
            await open_vault(self.means.secrets, dialog)
            trust = await self.means.checker().vouch(cluster, endpoint, shown)
            if trust is None:
                raise look.error
            cluster = replace(cluster, trust=trust)
            look = await prove(self.means.client(), cluster, endpoint, self.means.timer)
            if look.error is not None:
                raise look.error
        return cluster, f"{endpoint.authority} answers, {max(1, round(look.rtt_ms or 0))} ms"

    def _login(self, credentials: Credentials) -> Login:
        return Login(credentials.method, credentials.user, credentials.token_id, changed_at=self._now())

    def _now(self) -> datetime:
        return self.means.clock().replace(microsecond=0)

    async def _save(
        self, cluster: Cluster, changes: Changes, checked: _Checked, keeping: Keeping, minting: Minting | None
    ) -> Cluster:
        """The secret first, then the record; see `LoginSaver`."""

        async def save_record(login: Login) -> Cluster:
            return await self._change_record(cluster, changes, checked, login)

        saver = LoginSaver(self.means.repository, self.means.secrets, self.means.mint.intents)
        return await self._save_result(checked, await saver.replace(cluster, keeping, minting, save_record))

    async def _save_record(self, cluster: Cluster, changes: Changes, checked: _Checked) -> Cluster:
        """Of an edit that leaves the login as it is."""
        return await self._save_result(checked, await self._change_record(cluster, changes, checked, None))

    async def _change_record(
        self, cluster: Cluster, changes: Changes, checked: _Checked, login: Login | None
    ) -> Cluster:
        now = self._now()

        def change(record: Cluster) -> Cluster:
            refuse_other_changes(cluster, record, changes, trust=checked.cluster.trust != cluster.trust)
            found = with_changes(record, changes, now)
            if checked.cluster.trust != cluster.trust:
                found = replace(found, trust=checked.cluster.trust)
            return found if login is None else replace(found, login=login)

        return await self.means.change(cluster, change)

    async def _save_result(self, checked: _Checked, stored: Cluster) -> Cluster:
        """The record with what the check has found; where that cannot be written the next check finds it again."""
        if checked.result is None:
            return stored
        with suppress(StorageError):
            records = await self.means.repository.save_checks([replace(checked.result, basis=stored.basis())])
            return next((record for record in records if record.id == stored.id), stored)
        return stored

    async def keep_endpoints(self, cluster: Cluster, proposals: Proposals) -> Cluster:
        """Add endpoints that have been proven already, after those that the record has, and what proves them.

        What was proven under a trust that is not the record's any more is not added.
        """
        now = self._now()

        def change(record: Cluster) -> Cluster:
            if not same_anchor(record.trust, cluster.trust):
                return record
            endpoints = tuple(dict.fromkeys([*record.endpoints, *proposals.endpoints]))
            if endpoints == record.endpoints:
                return record
            trust = with_learned(record.trust, proposals.trust)
            return replace(record, endpoints=endpoints, trust=trust, updated_at=now)

        return await self.means.change(cluster, change)


def with_changes(record: Cluster, changes: Changes, now: datetime) -> Cluster:
    """The record with what needs no answer of the cluster."""
    return replace(
        record,
        name=record.name if changes.name is None else changes.name,
        labels=record.labels if changes.labels is None else changes.labels,
        endpoints=record.endpoints if changes.endpoints is None else changes.endpoints,
        read_only=record.read_only if changes.read_only is None else changes.read_only,
        updated_at=now,
    )


def edited_endpoints(
    before: tuple[Endpoint, ...], added: Collection[Endpoint], removed: Collection[Endpoint]
) -> tuple[Endpoint, ...]:
    """The endpoints after some are removed and others come at the end.

    Raises:
        InvalidError: one to be removed is not there, or none would be left.
    """
    for endpoint in removed:
        if endpoint not in before:
            raise endpoint_needed(f"{endpoint.url} is no endpoint of it.", "`pxm show` lists its endpoints.")
    found = tuple(dict.fromkeys([*(one for one in before if one not in removed), *added]))
    if not found:
        raise endpoint_needed("The last endpoint cannot be removed.", "Add another one first, or deregister it.")
    return found


def edited_labels(
    before: tuple[tuple[str, str], ...], given: Collection[tuple[str, str]], removed: Collection[str]
) -> tuple[tuple[str, str], ...]:
    """The labels after some are removed and others set."""
    found = {key: value for key, value in before if key not in removed} | dict(given)
    return tuple(sorted(found.items()))
