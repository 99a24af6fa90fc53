"""Importing many clusters: every row of a file checked live, side by side, each with a verdict of its own.

A row is registered as any cluster is, or not at all. What is registered already is left as it is, its trust above all;
so an import that was stopped is simply run again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pxm_tui.domain.certificate import TrustMode
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import AlreadyRegisteredError, PxmError, StorageError
from pxm_tui.domain.login_messages import saved_without_secret
from pxm_tui.domain.messages import MET_MEANWHILE, invalid
from pxm_tui.domain.steps import StepState
from pxm_tui.domain.text import fold
from pxm_tui.domain.tokens import TokenRole
from pxm_tui.formats.rows import ImportRow
from pxm_tui.services.clusters import ClusterService
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.import_dialog import ImportDialog

if TYPE_CHECKING:
    from pxm_tui.services.registration import Registration
    from pxm_tui.services.requests import RegistrationRequest

AT_ONCE = 32
"""Rows that are worked on at the same time."""


class Verdict(StrEnum):
    """What became of a row."""

    REGISTERED = "registered"
    READY = "ready"
    UNAUTHORIZED = "unauthorized"
    ALREADY_REGISTERED = "already_registered"
    SKIPPED = "skipped"
    FAILED = "failed"
    NOT_RUN = "not_run"

    @property
    def words(self) -> str:
        """The verdict as people read it."""
        return self.value.replace("_", " ")


GOOD = frozenset({Verdict.REGISTERED, Verdict.READY, Verdict.ALREADY_REGISTERED, Verdict.SKIPPED})
"""Verdicts after which nothing is left to do."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """A row and what became of it.

    Attributes:
        row: the row.
        verdict: in a word.
        cluster: the record, where there is one; with a dry run the one that would be saved.
        error: why it failed, or what is still to be done.
        notes: what is worth saying besides.
    """

    row: ImportRow
    verdict: Verdict
    cluster: Cluster | None = None
    error: PxmError | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What to call the row: the cluster's name, as far as it is known."""
        return self.cluster.name if self.cluster is not None else self.row.name

    def to_json(self) -> dict[str, Any]:
        """As `pxm import --json` lists it; no secret is in it."""
        return {
            "row": self.row.place,
            "name": self.name,
            "api_endpoint": self.row.endpoints[0].url if self.row.endpoints else None,
            "verdict": str(self.verdict),
            "cluster": self.cluster.to_json() if self.cluster is not None else None,
            "error": self.error.to_json() if self.error is not None else None,
            "notes": list(self.notes),
        }


class Importer:
    """Imports the rows of one file.

    Args:
        clusters: the service that registers.
        rows: what the file holds.
        dialog: makes the dialog for a row.
        dry_run: check everything, save nothing.
        mint: make tokens after password logins, where the row does not say otherwise.
        role: what those tokens may do.
        at_once: how many rows are worked on at the same time.
        on_result: called with each row's result as it is known.
    """

    def __init__(
        self,
        clusters: ClusterService,
        rows: Sequence[ImportRow],
        dialog: Callable[[ImportRow], Dialog],
        *,
        dry_run: bool = False,
        mint: bool = True,
        role: TokenRole = TokenRole.AUDITOR,
        at_once: int = AT_ONCE,
        on_result: Callable[[RowResult], None] = lambda _: None,
    ) -> None:
        self._clusters = clusters
        self._rows = rows
        self._make_dialog = dialog
        self._dry_run = dry_run
        self._mint = mint
        self._role = role
        self._bound = asyncio.Semaphore(at_once)
        self._on_result = on_result
        self._results: dict[int, RowResult] = {}
        self._storage_error: StorageError | None = None

    def _dialog(self, row: ImportRow) -> Dialog:
        return ImportDialog(self._make_dialog(row))

    def results(self) -> tuple[RowResult, ...]:
        """One result a row, in the order of the file; what was not begun or not ended is `not_run`."""
        return tuple(
            self._results.get(index) or RowResult(row, Verdict.NOT_RUN, error=self._storage_error, notes=row.notes)
            for index, row in enumerate(self._rows)
        )

    async def run(self) -> None:
        """Work on all rows. Cancelled, it leaves what is done done; `results()` says what is not.

        Raises:
            StorageError: the registry or the secret store cannot be used; nothing was contacted.
        """
        known = await self._clusters.list()
        open_rows = self._sort_out(known)
        taken = {cluster.id for cluster in known}
        if not self._dry_run and any(row.login and row.login.secret for _, row in open_rows):
            await self._clusters.open_vault(self._dialog(open_rows[0][1]))
        try:
            async with asyncio.TaskGroup() as group:
                for index, row in open_rows:
                    kept_id = None if row.cluster_id in taken else row.cluster_id
                    taken.update([kept_id] if kept_id else [])
                    group.create_task(self._work(index, row, kept_id), name=f"import {row.place}")
        except asyncio.CancelledError:
            await self._see_what_was_saved(open_rows)
            raise
        except BaseExceptionGroup as defects:
            raise defects.exceptions[0] from None

    def _sort_out(self, known: tuple[Cluster, ...]) -> list[tuple[int, ImportRow]]:
        """Settle what can be said without contacting anything; gives the rows that are left."""
        found = []
        earlier: list[ImportRow] = []
        for index, row in enumerate(self._rows):
            result = self._settled(row, known, earlier)
            if result is None:
                found.append((index, row))
                earlier.append(row)
            else:
                self._settle(index, result)
        return found

    def _settled(self, row: ImportRow, known: tuple[Cluster, ...], earlier: list[ImportRow]) -> RowResult | None:
        if row.skip:
            return RowResult(row, Verdict.SKIPPED, notes=(row.skip,))
        if row.error is not None:
            return RowResult(row, Verdict.FAILED, error=row.error)
        cluster = registered_as(row, known)
        if cluster is not None:
            return self._already(row, cluster)
        for other in earlier:
            if set(other.endpoints) & set(row.endpoints):
                return RowResult(row, Verdict.SKIPPED, notes=(f"the same endpoint as {other.place}",))
            if row.name and fold(other.name) == fold(row.name):
                error = invalid("name", f"{other.place} has the same name.", "Choose another name.")
                return RowResult(row, Verdict.FAILED, error=error)
        return None

    def _already(self, row: ImportRow, cluster: Cluster) -> RowResult:
        called = () if fold(cluster.name) == fold(row.name) else (f"as {cluster.name}",)
        differs = ("its trust is another one than the file's and stays",) if trusts_otherwise(row, cluster) else ()
        return RowResult(row, Verdict.ALREADY_REGISTERED, cluster, notes=(*called, *differs))

    def _settle(self, index: int, result: RowResult) -> None:
        self._results[index] = result
        self._on_result(result)

    async def _work(self, index: int, row: ImportRow, kept_id: str | None) -> None:
        async with self._bound:
            if self._storage_error is not None:
                return  # what nobody can save need not be asked for
            self._settle(index, await self._outcome(row, kept_id))

    async def _outcome(self, row: ImportRow, kept_id: str | None) -> RowResult:
        from pxm_tui.services.registration import RegistrationFailedError

        try:
            try:
                return await self._import(row, kept_id)
            except RegistrationFailedError as failure:
                if failure.error.cause != MET_MEANWHILE or (row.login and row.login.code):
                    raise
            return await self._import(row, kept_id)  # a row beside it was quicker, whose cluster can be asked now
        except RegistrationFailedError as failure:
            return await self._failed(row, failure.error)
        except PxmError as error:
            return await self._failed(row, error)

    async def _import(self, row: ImportRow, kept_id: str | None) -> RowResult:
        complete = Completion(row)
        if row.login is None or row.login.secret is None:
            cluster = await self._clusters.enroll(
                row, complete, self._dialog(row), dry_run=self._dry_run, cluster_id=kept_id
            )
            return RowResult(row, Verdict.UNAUTHORIZED, cluster, saved_without_secret(cluster.name), row.notes)
        found = await self._clusters.register(
            request_of(row, mint=self._mint, role=self._role),
            self._dialog(row),
            dry_run=self._dry_run,
            complete=complete,
            cluster_id=kept_id,
        )
        if self._dry_run:
            return RowResult(row, Verdict.READY, found.cluster, notes=(*row.notes, *_warnings(found)))
        cluster = found.cluster
        if len(row.endpoints) == 1:
            cluster, _ = await self._clusters.edits.take_endpoints(cluster, found.snapshot.nodes)
        return RowResult(row, Verdict.REGISTERED, cluster, notes=(*row.notes, *_warnings(found)))

    async def _failed(self, row: ImportRow, error: PxmError) -> RowResult:
        if isinstance(error, StorageError):
            self._storage_error = error
        if isinstance(error, AlreadyRegisteredError) and error.field != "name":
            # the cluster itself, under another address than the file's
            return RowResult(row, Verdict.ALREADY_REGISTERED, notes=(error.message,))
        return RowResult(row, Verdict.FAILED, error=error, notes=row.notes)

    async def _see_what_was_saved(self, rows: list[tuple[int, ImportRow]]) -> None:
        """A save that had begun went on to its end, after nobody waited for it any more."""
        known = () if self._dry_run else await self._clusters.list()
        for index, row in rows:
            cluster = registered_as(row, known) if index not in self._results else None
            if cluster is not None:
                verdict = Verdict.REGISTERED if row.login and row.login.secret else Verdict.UNAUTHORIZED
                self._settle(index, RowResult(row, verdict, cluster, notes=row.notes))


@dataclass(frozen=True, slots=True)
class Completion:
    """Gives a new record what the file says beyond a registration: further endpoints, guard, age, whose token it is."""

    row: ImportRow

    def __call__(self, cluster: Cluster) -> Cluster:
        """The completed record."""
        row, login = self.row, cluster.login
        if row.login is not None and login.token_id is not None and row.login.token_id == login.token_id:
            login = replace(login, minted=row.login.minted, expires_at=row.login.expires_at)
        return replace(
            cluster,
            login=login,
            endpoints=row.endpoints,
            read_only=row.read_only,
            created_at=row.created_at or cluster.created_at,
        )


def registered_as(row: ImportRow, known: Sequence[Cluster]) -> Cluster | None:
    """The registered cluster that a row describes: by id, by an endpoint, or by the cluster's own authority."""
    endpoints = set(row.endpoints)
    for cluster in known:
        if cluster.id == row.cluster_id or endpoints & set(cluster.endpoints):
            return cluster
    if row.separate:
        return None
    named = {row.fingerprint, row.authority} - {None}
    return next((cluster for cluster in known if cluster.trust.ca_fingerprint in named), None)


def trusts_otherwise(row: ImportRow, cluster: Cluster) -> bool:
    """Whether the file expects another certificate than the record trusts."""
    trust = cluster.trust
    if row.trust is not None:
        return (row.trust.mode, row.trust.anchor_pem) != (trust.mode, trust.anchor_pem)
    if row.fingerprint:
        return row.fingerprint not in {trust.fingerprint, trust.ca_fingerprint}
    return bool(row.ca_pem) and row.ca_pem.strip() != trust.anchor_pem.strip()


def request_of(row: ImportRow, *, mint: bool, role: TokenRole) -> RegistrationRequest:
    """The request to register a row that has a secret. At a cluster that is to stay as it is no token is made.

    Raises:
        InvalidError: naming the field that is wrong.
    """
    from pxm_tui.services.requests import build_request

    login = row.login
    assert login is not None  # noqa: S101
    assert login.secret is not None  # noqa: S101
    fields: dict[str, Any] = {
        "endpoint": row.endpoints[0].url,
        "name": row.name,
        "fingerprint": row.fingerprint,
        "trust_ca": row.ca_pem or None,
        "labels": row.labels,
        "separate": row.separate,
    }
    if row.trust is not None:
        by_authority = row.trust.mode in {TrustMode.CA_FILE, TrustMode.PINNED_CA}
        fields["fingerprint"] = row.trust.pin
        fields["trust_ca"] = row.trust.anchor_pem if by_authority else None
    if login.token_id:
        fields |= {"token_id": login.token_id, "token_secret": login.secret.reveal()}
    else:
        fields |= {"user": login.user, "password": login.secret.reveal()}
        fields["code"] = login.code.reveal() if login.code else None
        fields["mint_token"] = (mint if login.mint is None else login.mint) and not row.read_only
        fields["token_role"] = role
    return build_request(**fields)


def _warnings(found: Registration) -> tuple[str, ...]:
    return tuple(step.message for step in found.steps if step.state is StepState.WARNING)
