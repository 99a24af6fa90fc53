"""The secret store: secrets sealed in one file, or held in memory only."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pxm_tui.domain.cluster import Cluster, Login
from pxm_tui.domain.messages import secret_store as unusable
from pxm_tui.domain.messages import secrets_locked
from pxm_tui.domain.secret import Secret
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.storage.atomic import PRIMITIVES, Primitives
from pxm_tui.storage.keyholders import Keyring
from pxm_tui.storage.lock import LOCK_SECONDS, FileLock
from pxm_tui.storage.login_session import LoginSession
from pxm_tui.storage.notices import Notices
from pxm_tui.storage.sealed_secrets import SealedSecrets
from pxm_tui.storage.sealing import Argon2
from pxm_tui.storage.stored_file import StoredFile
from pxm_tui.storage.vault_file import FILE_NAME, Choice, EntryKey, VaultCodec
from pxm_tui.storage.writer_thread import WriterThread


def _now() -> datetime:
    return datetime.now(UTC)


class SecretVault:
    """Implements `services.ports.SecretStore` on `secrets.vault`.

    Deriving a key, asking the keyring and writing happen in one thread; a secret of an open vault is read at once.

    Args:
        directory: the data directory; made at the first write, closed to other users.
        secret_store: `auto`, `keyring`, `passphrase` or `ask` (no file, secrets in memory). `auto` takes the
            holder of an existing vault's key, else the keyring, else the passphrase file, else a person chooses.
        passphrase: held in memory, so that nobody is asked and no keyring touched.
        passphrase_file: holds the passphrase on its first line.
        keyring: the operating system's; another one for tests.
        remember: minutes for which the login session remembers what a person's passphrase gave; None: not at all.
        session: remembers it; another one for tests.
        now: the time, UTC.
        argon2: makes the parameters for a new vault.
        lock_seconds: how long another process may keep the lock before a write fails.
        monotonic: clock of that wait, seconds.
        primitives: the operations of a write.
    """

    def __init__(
        self,
        directory: Path,
        *,
        secret_store: str = "auto",  # noqa: S107 - the name of a mode
        passphrase: Secret | None = None,
        passphrase_file: Path | None = None,
        keyring: Keyring | None = None,
        remember: float | None = None,
        session: LoginSession | None = None,
        now: Callable[[], datetime] = _now,
        argon2: Callable[[], Argon2] = Argon2,
        lock_seconds: float = LOCK_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        primitives: Primitives = PRIMITIVES,
    ) -> None:
        self._thread = WriterThread("pxm-vault")
        self._notices = Notices()
        self._now = now
        path = directory / FILE_NAME
        lock = FileLock(
            directory / f"{FILE_NAME}.lock",
            seconds=lock_seconds,
            monotonic=monotonic,
            pause=self._thread.pause,
        )
        only_memory = secret_store == VaultMode.ASK
        self._sealed = SealedSecrets(
            StoredFile(path, VaultCodec(path), self._notices, lock, primitives=primitives, now=now),
            secret_store="auto" if only_memory else secret_store,
            passphrase=passphrase,
            passphrase_file=passphrase_file,
            keyring=keyring or Keyring(),
            now=now,
            argon2=argon2,
            session=session or (None if remember is None else LoginSession(round(remember), self._notices)),
            notices=self._notices,
        )
        self._locked = False
        self._memory: dict[EntryKey, tuple[datetime, Secret]] | None = {} if only_memory else None

    async def state(self) -> VaultState:
        """How the secret store is; opens it where that needs no person."""
        if self._memory is not None:
            return VaultState(
                VaultMode.ASK, open=not self._locked, exists=self._sealed.exists(), secrets=len(self._memory)
            )
        return await self._thread.run(self._sealed.state)

    def notices(self) -> tuple[str, ...]:
        """What a person should be told since the last call: a damaged file, permissions that were too wide."""
        return self._notices.take()

    async def unlock(self, passphrase: Secret) -> None:
        """Open the vault, or make it, with a passphrase; what was kept in memory so far goes into it.

        Raises:
            InvalidError: cause `passphrase`: it is not the right one.
        """
        await self._thread.run(lambda: self._sealed.unlock(passphrase))
        self._locked = False
        await self._move_from_memory()

    async def choose_ask(self) -> None:
        """Keep secrets in memory only, for this run."""
        self._memory = self._memory or {}

    def is_open(self) -> bool:
        """Whether secrets can be read now; asks nobody and does no work."""
        return not self._locked and (self._memory is not None or self._sealed.is_open())

    async def lock(self) -> None:
        """Drop the key and secrets that are in memory only; nothing opens the vault before `reopen` or `unlock`."""
        self._locked = True
        if self._memory is not None:
            self._memory = {}
        await self._thread.run(self._sealed.lock)

    async def reopen(self) -> VaultState:
        """End a lock; opens where that needs no person."""
        self._locked = False
        await self._thread.run(self._sealed.reopen)
        return await self.state()

    async def change(self, mode: VaultMode, passphrase: Secret | None, current: Secret | None) -> None:
        """Let another holder keep the key; every secret stays. See the port."""
        if self._memory is not None:
            if mode is not VaultMode.ASK:
                await self._leave_memory(mode, passphrase)
        elif mode is VaultMode.ASK:
            self._memory = await self._thread.run(lambda: self._sealed.surrender(current))
        else:
            await self._thread.run(lambda: self._sealed.change(mode, passphrase, current))
        self._locked = False

    async def _leave_memory(self, mode: VaultMode, passphrase: Secret | None) -> None:
        if self._sealed.exists():
            raise unusable(
                "There is a secrets.vault from before, which is not in use.",
                'Start pxm without secret_store = "ask" to use it, or move it away.',
            )
        await self._thread.run(lambda: self._sealed.change(mode, passphrase, None))
        await self._move_from_memory()

    async def _move_from_memory(self) -> None:
        held, self._memory = self._memory or {}, None
        for place, (_, secret) in held.items():
            await self._put(place, secret)

    async def put(self, cluster_id: str, login: Login, secret: Secret) -> None:
        """Keep the secret of a login, beside those of other logins of the cluster; on the disk when this returns."""
        place = cluster_id, login.secret_kind
        if self._memory is not None:
            self._refuse_if_locked()
            self._memory[place] = self._now(), secret
        else:
            await self._put(place, secret)

    async def get(self, cluster_id: str, login: Login) -> Secret | None:
        """The secret of this login and no other, or None where there is none."""
        place = cluster_id, login.secret_kind
        if self._memory is not None:
            self._refuse_if_locked()
            return self._memory[place][1] if place in self._memory else None
        known, secret = self._sealed.peek(place)
        return secret if known else await self._thread.run(lambda: self._sealed.get(place))

    async def delete(self, cluster_id: str, login: Login | None = None) -> None:
        """Erase a cluster's secrets, or that of one login, from memory, file and the file's copy. Needs no key."""
        kind = None if login is None else login.secret_kind

        def unwanted(held: Mapping[EntryKey, datetime]) -> Collection[EntryKey]:
            return [place for place in held if place[0] == cluster_id and kind in {None, place[1]}]

        await self._erase(unwanted)

    async def sweep(
        self,
        records: Callable[[], Iterable[Cluster]],
        older_than: datetime,
        lost_before: Callable[[], datetime | None] = lambda: None,
    ) -> int:
        """Erase the secrets that were put between these times and are of no record's login; gives how many."""

        def unwanted(held: Mapping[EntryKey, datetime]) -> Collection[EntryKey]:
            old = {place for place, created_at in held.items() if created_at < older_than}
            strangers = old and old - {(cluster.id, cluster.login.secret_kind) for cluster in records()}
            begin = lost_before() if strangers else None  # a damaged registry was mended while it was read
            return strangers if begin is None else {place for place in strangers if held[place] > begin}

        return await self._erase(unwanted)

    def close(self) -> None:
        """Finish what was begun, forget the key and end the thread."""
        self._thread.close()
        self._sealed.forget_key()

    def _refuse_if_locked(self) -> None:
        if self._locked:
            raise secrets_locked()

    async def _put(self, place: EntryKey, secret: Secret) -> None:
        await self._thread.run(lambda: self._sealed.put(place, secret))

    async def _erase(self, unwanted: Choice) -> int:
        held = self._memory or {}
        gone = unwanted({place: created_at for place, (created_at, _) in held.items()})
        for place in gone:
            del held[place]
        return len(gone) + await self._thread.run(lambda: self._sealed.erase(unwanted))
