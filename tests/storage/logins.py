"""Registering, logging in again, editing, rotating and deregistering: on real files, at a made-up server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from pxm_tui.domain.cluster import Cluster, Login, LoginMethod
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.services.clusters import ClusterService
from pxm_tui.services.edit_changes import Changes
from pxm_tui.services.editing import Edited, Editor
from pxm_tui.services.owners import Key
from pxm_tui.services.ports import Credentials
from pxm_tui.services.requests import build_request
from pxm_tui.services.token_service import TokenService
from pxm_tui.storage.atomic import PRIMITIVES, Primitives
from pxm_tui.storage.intents import FileIntentLog
from pxm_tui.storage.sealing import Argon2
from pxm_tui.storage.tinydb_repository import TinyDbRepository
from pxm_tui.storage.vault import SecretVault
from tests.fakes import NOW, FakeAuditLog, FakeGateway, FakeServer, StillClock, certificate, cluster, make_means
from tests.services.recorder import Recorder
from tests.storage.faults import WatchedPrimitives
from tests.storage.vaults import NO_KEYRING, PASSPHRASE

OLD = "root@pam!pxm-jump1-anna-550e8400"
PASTED = Credentials(LoginMethod.TOKEN, "monitor@pve", Secret("pasted-secret"), "monitor@pve!pxm")
SAME = Credentials(LoginMethod.TOKEN, "root@pam", Secret("right-secret"), OLD)
ROOT = Credentials(LoginMethod.PASSWORD, "root@pam", Secret("right-password"))
SECRET_OF = {
    OLD: "right-secret",
    f"{OLD}-2": "minted-secret",
    "root@pam": "right-password",
    "monitor@pve!pxm": "pasted-secret",
}
"""By account; that of the tokens that a registration makes is as every made one's."""

HOST, OTHER_HOST = "10.20.0.11", "10.20.0.12"


def make_servers() -> dict[str, FakeServer]:
    """The cluster that is registered, and one that is not yet."""
    tokens = {OLD: "right-secret", "monitor@pve!pxm": "pasted-secret"}
    one = FakeServer(tokens=tokens, grants=[(OLD, ("PVEAuditor",))])
    other = FakeServer(certificate=certificate(seed=7), tokens={"monitor@pve!pxm": "pasted-secret"})
    return {HOST: one, OTHER_HOST: other}


def registered(secret_id: str | None) -> Cluster:
    """The record as it is before; without an id of its secret it is from before secrets had one."""
    login = Login(
        LoginMethod.TOKEN,
        "root@pam",
        OLD,
        minted=True,
        expires_at=NOW + timedelta(days=9),
        secret_id=secret_id,
    )
    return replace(cluster("prod"), login=login)


class FlowFailedError(Exception):
    """It was reported that something could not be done."""


class Unsynced(Primitives):
    """Leaves the disk its time: what only a loss of power would lose is not at stake."""

    def fsync(self, descriptor: int) -> None:
        """Not now."""

    def fsync_directory(self, directory: Path) -> None:
        """Not now."""


class UnsyncedSteps(WatchedPrimitives, Unsynced):
    """The same, watched."""


class Process:
    """One program on the directory, with what it works with."""

    def __init__(
        self,
        directory: Path,
        servers: dict[str, FakeServer],
        clock: StillClock,
        primitives: Primitives = PRIMITIVES,
    ) -> None:
        self.repository = TinyDbRepository(directory, primitives=primitives)
        self.secrets = SecretVault(
            directory,
            secret_store="passphrase",
            passphrase=PASSPHRASE,
            keyring=NO_KEYRING,
            now=clock,
            argon2=lambda: Argon2(1, 64, 1),
            primitives=primitives,
        )
        self.intents = FileIntentLog(directory / "intents", primitives)
        self.means = make_means(
            self.repository, self.secrets, FakeGateway(servers), clock, self.intents, FakeAuditLog()
        )
        self.clusters, self.tokens = ClusterService(self.means), TokenService(self.means)

    async def change(self, before: Cluster, credentials: Credentials) -> Edited:
        """Give the cluster another login, as it was read some time ago."""
        changes = Changes(credentials=credentials, token=None)
        return await Editor(self.means).edit(before, changes, Snapshot(before.id), Recorder())

    def close(self) -> None:
        """As at the end of a run, killed or not."""
        for part in (self.repository, self.secrets, self.intents):
            part.close()


async def prepare(directory: Path, clock: StillClock, secret_id: str | None) -> Cluster:
    """One registered cluster, and an hour passes."""
    process, record = Process(directory, {}, clock, Unsynced()), registered(secret_id)
    await process.secrets.put(record.id, record.login, Secret("right-secret"))
    await process.repository.save(record)
    process.close()
    clock.advance(3600)
    return record


async def _register(process: Process, _before: Cluster) -> None:
    request = build_request(endpoint=OTHER_HOST, user="root@pam", password="right-password", name="new")
    await process.clusters.register(request, Recorder())


async def _log_in_again(process: Process, before: Cluster) -> None:
    report = await process.clusters.log_in_again(before.id, ROOT, Snapshot(before.id), Recorder())
    if report.error is not None:
        raise FlowFailedError


async def _edit(process: Process, before: Cluster) -> None:
    await process.clusters.edits.edit(before.id, Changes(credentials=PASTED), Snapshot(before.id), Recorder())


async def _edit_keeping_the_password(process: Process, before: Cluster) -> None:
    changes = Changes(credentials=ROOT, token=None)
    await process.clusters.edits.edit(before.id, changes, Snapshot(before.id), Recorder())


async def _edit_with_the_same_account(process: Process, before: Cluster) -> None:
    await process.clusters.edits.edit(before.id, Changes(credentials=SAME), Snapshot(before.id), Recorder())


async def _rotate(process: Process, before: Cluster) -> None:
    done = await process.tokens.rotate(before.id, Snapshot(before.id), Recorder(), key=Key(ROOT))
    if done.error is not None:
        raise FlowFailedError


async def _deregister(process: Process, before: Cluster) -> None:
    await process.clusters.deregister(before.id, key=Key(ROOT))


FLOWS: dict[str, Callable[[Process, Cluster], Awaitable[None]]] = {
    "register": _register,
    "log in again": _log_in_again,
    "edit": _edit,
    "edit, keep the password": _edit_keeping_the_password,
    "edit, the same account": _edit_with_the_same_account,
    "rotate": _rotate,
    "deregister": _deregister,
}


@dataclass(frozen=True)
class Left:
    """What the next programs find.

    Attributes:
        found: by account, what the record's login finds in the secret store; None: nothing.
        counts: how many secrets there are: at once, and after a sweep 9 and 11 minutes later.
    """

    found: dict[str, str | None]
    counts: tuple[int, ...]

    def is_whole(self) -> bool:
        """Every record finds the secret of its own login, and nothing else is left in the end."""
        right = all(secret == SECRET_OF.get(account, "minted-secret") for account, secret in self.found.items())
        return right and self.counts[2] == len(self.found)


async def what_is_left(directory: Path, clock: StillClock) -> Left:
    """Look at the files as the next programs do: at once, 9 and 11 minutes later."""
    counts, found = [], {}
    for minutes in (0, 9, 2):
        clock.advance(60 * minutes)
        process = Process(directory, {}, clock, Unsynced())
        if minutes:
            await process.means.sweep()
        for record in await process.repository.list():
            secret = await process.secrets.get(record.id, record.login)
            found[record.login.name] = None if secret is None else secret.reveal()
        counts.append((await process.secrets.state()).secrets)
        process.close()
    return Left(found, tuple(counts))
