"""The services for clusters that every face calls: register, list, get, check, repair, deregister.

All work runs on the Proxmox client's loop; callers await it on their own.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pxm_tui.domain.certificate import Certificate
from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.messages import not_found
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.steps import Step
from pxm_tui.services.audit import Audit
from pxm_tui.services.bridging import BridgedDialog
from pxm_tui.services.checking import Checker, Outcome
from pxm_tui.services.deregistration import (
    Deregistrar,
    Deregistration,
    cleanup_of,
    is_revocable,
    left_words,
    write_down,
)
from pxm_tui.services.dialog import Dialog, Silent
from pxm_tui.services.edits import ClusterEdits
from pxm_tui.services.finding import find
from pxm_tui.services.journal import Journal
from pxm_tui.services.leftovers import LeftOvers
from pxm_tui.services.minting import Mint
from pxm_tui.services.owners import Door, Key
from pxm_tui.services.ports import (
    Clock,
    ClusterRepository,
    Credentials,
    ProxmoxGateway,
    Runner,
    SecretStore,
    Timer,
    VaultState,
)
from pxm_tui.services.secrets import open_vault
from pxm_tui.services.trusting import Comparison, Trusting

if TYPE_CHECKING:
    from pxm_tui.formats.rows import ImportRow
    from pxm_tui.services.registration import Registrar, Registration
    from pxm_tui.services.requests import RegistrationRequest

R = TypeVar("R", bound="Registrar")


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


class ClusterService:
    """See the module.

    Args:
        repository: the registry.
        secrets: the secret store.
        gateway: gives the Proxmox client; called on the runner's loop at the first use, because it is slow to import.
        runner: runs work on the client's loop.
        clock: UTC now.
        timer: monotonic seconds.
        journal: told of every registration, repair and deregistration.
        audit: where the same is written down for good.
        mint: what API tokens are made with.
    """

    def __init__(
        self,
        *,
        repository: ClusterRepository,
        secrets: SecretStore,
        gateway: Callable[[], ProxmoxGateway],
        runner: Runner,
        clock: Clock,
        timer: Timer,
        journal: Journal,
        audit: Audit,
        mint: Mint,
    ) -> None:
        self._journal = journal
        self._audit = audit
        self._mint = mint
        self.left_overs = LeftOvers(mint.intents, repository, journal, mint.guard, audit)
        """Tokens that runs which were broken off may have left on clusters."""
        self._repository = repository
        self._secrets = secrets
        self._make_gateway = gateway
        self._gateway: ProxmoxGateway | None = None
        self._runner = runner
        self._clock = clock
        self._timer = timer
        self._checker: Checker | None = None
        self.edits = ClusterEdits(self, repository, secrets, runner, clock, timer, journal, audit)
        """Changes records by hand."""
        self._trusting = Trusting(self.client, self.checker, clock, journal, audit)
        self.own_changes: set[str] = set()
        """Ids that this process registered or deregistered; every other change is another process's."""

    def client(self) -> ProxmoxGateway:
        """The Proxmox client, made at the first call. Call it on the runner's loop only."""
        if self._gateway is None:
            self._gateway = self._make_gateway()
        return self._gateway

    def checker(self) -> Checker:
        """Checks clusters. Call it on the runner's loop only."""
        if self._checker is None:
            tell = self._trusting.tell_of_vouching
            self._checker = Checker(self._secrets, self.client(), self._clock, self._timer, tell)
        return self._checker

    def forget_logins(self) -> None:
        """Drop every ticket. Call it on the runner's loop only."""
        if self._checker is not None:
            self._checker.forget_tickets()

    def _new_id(self, wanted: str | None = None) -> str:
        found = wanted or str(uuid.uuid4())
        self.own_changes.add(found)
        return found

    # Reading the registry

    async def list(self) -> tuple[Cluster, ...]:
        """All clusters, by name in natural order."""
        return await self._repository.list()

    async def get(self, name_or_id: str) -> Cluster:
        """The cluster of that name, id, or first eight or more characters of the id.

        Raises:
            NotFoundError: there is none; names that are close are in the message.
        """
        return find(await self._repository.list(), name_or_id)

    async def vault(self) -> VaultState:
        """How the secret store is."""
        return await self._runner.run(self._secrets.state)

    async def open_vault(self, dialog: Dialog) -> None:
        """Open the secret store, asking for its passphrase. Raises `StorageError` when it stays closed."""
        bridged = self._bridge(dialog)
        await self._runner.run(lambda: open_vault(self._secrets, bridged))

    # Registering

    async def register(
        self,
        request: RegistrationRequest,
        dialog: Dialog,
        *,
        dry_run: bool = False,
        complete: Callable[[Cluster], Cluster] | None = None,
        cluster_id: str | None = None,
    ) -> Registration:
        """Check a cluster live, step by step, and register it. Cancelling leaves nothing behind.

        Args:
            request: what is asked for.
            dialog: told of the steps, and asked.
            dry_run: save nothing.
            complete: gives the new record what a request does not say.
            cluster_id: the id of the new record, which no other has; None makes one.

        Raises:
            RegistrationFailedError: with the steps, and the error that stopped it.
        """
        bridged = self._bridge(dialog)

        async def work() -> Registration:
            from pxm_tui.services.registration import Registrar

            registrar = self._as(Registrar, cluster_id)
            found = await registrar.register(request, bridged, dry_run=dry_run, complete=complete)
            if found.joined and not dry_run:
                await self._joined(found.cluster, request.target)
            elif not dry_run:
                self.checker().keep_ticket(found.cluster.id, found.ticket)
                self._journal.write(f"registered, {found.cluster.endpoint.url}", cluster=found.cluster.name)
                await self._registered(found.cluster)
            return found

        return await self._runner.run(work)

    async def _joined(self, cluster: Cluster, endpoint: Endpoint) -> None:
        self._journal.write(f"{endpoint.url} is an endpoint of it now", cluster=cluster.name)
        await self._audit.record("add_endpoint", cluster, endpoint=endpoint.url)

    def _as(self, kind: type[R], cluster_id: str | None) -> R:
        """A registrar of this kind. Call it on the runner's loop only."""
        return kind(
            repository=self._repository,
            secrets=self._secrets,
            gateway=self.client(),
            clock=self._clock,
            timer=self._timer,
            new_id=partial(self._new_id, cluster_id),
            mint=self._mint,
            left_overs=self.left_overs,
        )

    async def _registered(self, cluster: Cluster) -> None:
        await self._audit.record(
            "register",
            cluster,
            endpoint=cluster.endpoint.url,
            login=cluster.login.name,
            trust=str(cluster.trust.mode),
            fingerprint=cluster.identity or "",
        )

    async def enroll(
        self,
        row: ImportRow,
        complete: Callable[[Cluster], Cluster],
        dialog: Dialog,
        *,
        dry_run: bool = False,
        cluster_id: str | None = None,
    ) -> Cluster:
        """Save a cluster whose secret is not at hand, as `unauthorized`. Raises `PxmError`; then nothing was saved."""
        bridged = self._bridge(dialog)

        async def work() -> Cluster:
            from pxm_tui.services.enrolling import Enroller

            enroller = self._as(Enroller, cluster_id)
            cluster = await enroller.enroll(row, complete, bridged, dry_run=dry_run)
            if not dry_run:
                self._journal.write(
                    f"imported without its secret, {cluster.endpoint.url}", cluster=cluster.name, failure=True
                )
                await self._registered(cluster)
            return cluster

        return await self._runner.run(work)

    async def probe(self, endpoint: Endpoint, dialog: Dialog) -> None:
        """Run address, connect and certificate quietly: no login, no question. Steps are reported, errors swallowed."""
        bridged = self._bridge(dialog)

        async def work() -> None:
            from pxm_tui.services.probing import probe

            await probe(self.client(), endpoint, bridged, self._clock, self._timer)

        await self._runner.run(work)

    # Checking and repairing

    async def check(self, cluster_id: str, before: Snapshot, dialog: Dialog) -> CheckReport:
        """Check a registered cluster now, a refused login included, and save what was found."""
        cluster = await self.get(cluster_id)
        return await self._check(cluster, before, dialog)

    async def log_in_again(
        self, cluster_id: str, credentials: Credentials | None, before: Snapshot, dialog: Dialog
    ) -> CheckReport:
        """Check with another login; when that goes through, it becomes the cluster's login. Nothing else changes.

        Args:
            cluster_id: which.
            credentials: the new login; None tries the stored one again.
            before: the last snapshot.
            dialog: asked for the second factor.
        """
        cluster = await self.get(cluster_id)
        if credentials is None:
            return await self._check(cluster, before, dialog)
        now = self._clock().replace(microsecond=0)
        login = Login(credentials.method, credentials.user, credentials.token_id, changed_at=now)
        changed = replace(cluster, login=login)
        bridged = self._bridge(dialog)

        async def work() -> CheckReport:
            await open_vault(self._secrets, bridged)
            outcome = await self.checker().check(changed, before, bridged, credentials)
            if outcome.error is not None:
                return CheckReport(cluster, outcome.snapshot, outcome.steps, outcome.error)
            await self._secrets.put(cluster.id, credentials.method, credentials.secret)
            stored = await self._change(cluster, lambda record: replace(record, login=login, updated_at=now))
            for other in set(LoginMethod) - {credentials.method}:
                await self._secrets.delete(cluster.id, other)
            left = left_words(cleanup_of(cluster)) if is_revocable(cluster) else ""
            self._journal.write(f"logs in as {credentials.name} now{left}", cluster=cluster.name)
            await self._audit.record("log_in_again", stored, login=credentials.name)
            return await self._saved(stored, outcome)

        return await self._runner.run(work)

    async def trust_again(self, cluster_id: str, shown: Certificate, before: Snapshot, dialog: Dialog) -> CheckReport:
        """Trust the certificate that a person has compared, check it, and look for the authority that has signed it.

        Where it is no longer shown nothing changes; where a later step fails it is trusted all the same.
        """
        cluster = await self.get(cluster_id)
        bridged = self._bridge(dialog)

        async def work() -> CheckReport:
            await open_vault(self._secrets, bridged)
            outcome = await self._trusting.check(cluster, shown, before, bridged)
            trust = outcome.result.trust
            if trust is None:
                return CheckReport(cluster, outcome.snapshot, outcome.steps, outcome.error)
            now = self._clock().replace(microsecond=0)
            stored = await self._change(cluster, lambda record: replace(record, trust=trust, updated_at=now))
            await self._trusting.tell(cluster, stored)
            result = replace(outcome.result, basis=stored.basis(), trust=None)
            return await self._saved(stored, replace(outcome, result=result))

        return await self._runner.run(work)

    async def compare_certificates(self, cluster_id: str) -> Comparison:
        """The trusted certificate and the one shown now, which is read by a handshake that sends nothing.

        Raises:
            UnreachableError: nothing is shown now.
        """
        cluster = await self.get(cluster_id)
        return await self._runner.run(lambda: self._trusting.compare(cluster))

    async def _check(self, cluster: Cluster, before: Snapshot, dialog: Dialog) -> CheckReport:
        bridged = self._bridge(dialog)

        async def work() -> CheckReport:
            await open_vault(self._secrets, bridged)
            outcome = await self.checker().check_everywhere(cluster, before, bridged)
            return await self._saved(cluster, outcome)

        return await self._runner.run(work)

    async def _change(self, cluster: Cluster, change: Callable[[Cluster], Cluster]) -> Cluster:
        stored = await self._repository.update(cluster.id, change)
        if stored is None:
            raise not_found(cluster.name, ())
        return stored

    async def _saved(self, cluster: Cluster, outcome: Outcome) -> CheckReport:
        records = await self._repository.save_checks([outcome.result])
        found = next((record for record in records if record.id == cluster.id), cluster)
        return CheckReport(found, outcome.snapshot, outcome.steps, outcome.error)

    # Deregistering

    async def deregister(
        self, cluster_id: str, *, key: Key | None = None, dialog: Dialog | None = None, keep_token: bool = False
    ) -> Deregistration:
        """Remove the record, then its secrets, and revoke the token that pxm made, with `key` or the stored login.

        Works when the cluster is dead. Raises `NotFoundError`, and `LoginError` where the given login is not taken;
        then nothing was changed.
        """
        cluster, bridged = await self.get(cluster_id), self._bridge(dialog or Silent())

        async def work() -> Deregistration:
            self.own_changes.add(cluster.id)
            deregistrar = Deregistrar(self._repository, self._secrets, self._mint, self._timer)
            wanted = is_revocable(cluster) and not keep_token
            done = await deregistrar.deregister(cluster, self.door() if wanted else None, key, bridged)
            if self._checker is not None:
                self._checker.keep_ticket(cluster.id, None)
                self._checker.endpoints.forget(cluster.id)
            return done

        done = await self._runner.run(work)
        await write_down(done, self._journal, self._audit)
        return done

    def door(self) -> Door:
        """Opens clusters for their tokens' sake. Call it on the runner's loop only."""
        return Door(self.client(), self.checker(), self._clock, self.left_overs)

    def _bridge(self, dialog: Dialog) -> Dialog:
        """The dialog for use on the client's loop."""
        return BridgedDialog(dialog, self._runner)
