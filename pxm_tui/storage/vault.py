"""The secret store: secrets sealed in one file, or held in memory only."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from pxm_tui.domain.cluster import LoginMethod
from pxm_tui.domain.secret import Secret
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.storage.atomic import PRIMITIVES, Primitives
from pxm_tui.storage.keyholders import Keyring
from pxm_tui.storage.lock import LOCK_SECONDS, FileLock
from pxm_tui.storage.notices import Notices
from pxm_tui.storage.sealed_secrets import SealedSecrets, older_strangers
from pxm_tui.storage.sealing import Argon2
from pxm_tui.storage.stored_file import StoredFile
from pxm_tui.storage.vault_file import FILE_NAME, EntryKey, VaultCodec
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
        )
        self._memory: dict[EntryKey, tuple[datetime, Secret]] | None = {} if only_memory else None

    async def state(self) -> VaultState:
        """How the secret store is; opens it where that needs no person."""
        if self._memory is not None:
            return VaultState(VaultMode.ASK, open=True, exists=self._sealed.exists())
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
        held, self._memory = self._memory or {}, None
        for place, (_, secret) in held.items():
            await self._put(place, secret)

    async def choose_ask(self) -> None:
        """Keep secrets in memory only, for this run."""
        self._memory = self._memory or {}

    async def put(self, cluster_id: str, kind: LoginMethod, secret: Secret) -> None:
        """Keep a secret, replacing an older one of the same cluster and kind; on the disk when this returns."""
        place = cluster_id, kind.value
        if self._memory is not None:
            self._memory[place] = self._now(), secret
        else:
            await self._put(place, secret)

    async def get(self, cluster_id: str, kind: LoginMethod) -> Secret | None:
        """The secret, or None where there is none."""
        place = cluster_id, kind.value
        if self._memory is not None:
            return self._memory[place][1] if place in self._memory else None
        known, secret = self._sealed.peek(place)
        return secret if known else await self._thread.run(lambda: self._sealed.get(place))

    async def delete(self, cluster_id: str) -> None:
        """Erase all secrets of a cluster, from memory and file, and from the file's copy. Needs no key."""
        await self._erase(lambda place, _: place[0] == cluster_id)

    async def sweep(self, known: Collection[str], older_than: datetime) -> int:
        """Erase secrets made before `older_than` whose cluster is not in `known`; gives how many."""
        return await self._erase(older_strangers(frozenset(known), older_than))

    def close(self) -> None:
        """Finish what was begun, forget the key and end the thread."""
        self._thread.close()
        self._sealed.forget_key()

    async def _put(self, place: EntryKey, secret: Secret) -> None:
        await self._thread.run(lambda: self._sealed.put(place, secret))

    async def _erase(self, unwanted: Callable[[EntryKey, datetime], bool]) -> int:
        held = self._memory or {}
        gone = [place for place, (created_at, _) in held.items() if unwanted(place, created_at)]
        for place in gone:
            del held[place]
        return len(gone) + await self._thread.run(lambda: self._sealed.erase(unwanted))
