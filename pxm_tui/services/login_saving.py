"""Saving a login and its secret, which are in two files: whoever is killed when, the record finds its own secret.

A secret is of one login, which has a random `secret_id`, and it is never written over. In this order:

1. the new secret is put beside whatever is there, under an id that nobody else has; it is on the disk then;
2. the record is saved with that id, in one atomic step under the registry's write lock, where another login than the
   one that was read is refused: this is the moment of the change;
3. the secret of the login before is erased.

What a kill or a loss of power leaves:

- before 1 is on the disk: what was there;
- between 1 and 2: the old record with the old secret, and a secret that no record names;
- between 2 and 3: the new record with the new secret, and a secret that no record names.

Deregistering removes the record first, then the secrets; a kill in between leaves secrets that no record names. The
next start erases those, under the lock of the secret store and by the registry as it is at that moment, but none that
is younger than `SWEEP_AFTER`: from 1 to 2 it is two writes and two waits for a lock, which end after seconds. Nor any
whose record may have been lost: where the registry's file is not there, and from before one that was damaged, or gone,
was replaced by an older copy. Somebody may put back what is missing.

An error in place of a kill is cleaned up at once, by who has met it: the new secret is erased, unless the record names
it all the same because the disk failed after step 2. Nobody else can have named it. So two who change one login at
once need not look at each other's secrets: the second is refused in step 2, and erases what it alone has put.

A record from before secrets had ids names none, and finds the secret that was kept under its method alone (see
`storage.vault_file`); step 3 of its next login erases that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from secrets import token_hex

from pxm_tui.domain.cluster import Cluster, Login
from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.tokens import TokenIntent
from pxm_tui.services.minting import Keeping, Minting
from pxm_tui.services.ports import Clock, ClusterRepository, SecretStore
from pxm_tui.services.revoking import intent_of, is_abandoned
from pxm_tui.services.token_ports import IntentLog

SWEEP_AFTER = timedelta(minutes=10)
"""How old a secret is that no record names, and that is not just about to be named."""

SaveRecord = Callable[[Login], Awaitable[Cluster]]
"""Saves the record with this login under the write lock."""


def _new_id() -> str:
    return token_hex(8)


@dataclass(frozen=True, slots=True)
class LoginSaver:
    """See the module.

    Attributes:
        repository: where the record is.
        secrets: where the secrets are.
        intents: where tokens that are to be removed are written down.
        new_id: makes an id that no other secret has.
    """

    repository: ClusterRepository
    secrets: SecretStore
    intents: IntentLog
    new_id: Callable[[], str] = field(default=_new_id)

    async def save_first(
        self, cluster_id: str, keeping: Keeping, minting: Minting | None, save_record: SaveRecord
    ) -> Cluster:
        """Steps 1 and 2, which are all where there was no login before. Run it to its end.

        Args:
            cluster_id: whose login it is.
            keeping: the login, with its secret.
            minting: has made its token, which is not taken back once the record has it; None where nothing made one.
            save_record: see `SaveRecord`.

        Raises:
            PxmError: it cannot be saved, or is refused; the record and its secret are as they were.
        """
        return await self._save(cluster_id, keeping, minting, save_record, None)

    async def replace(
        self, before: Cluster, keeping: Keeping, minting: Minting | None, save_record: SaveRecord
    ) -> Cluster:
        """All steps. Run it to its end.

        A token of pxm's that the new login replaces is written down before the record lets go of it, so that a run
        that is killed before it has removed that token names it at the next start.

        Args:
            before: the record as it was read.
            keeping: the login, with its secret.
            minting: has made its token; None where nothing made one.
            save_record: see `SaveRecord`; has to `refuse_another_login`.

        Raises:
            InvalidError: somebody else has changed the login meanwhile.
            NotFoundError: the cluster was deregistered meanwhile.
            StorageError: it cannot be saved.
        """
        old = intent_of(before) if is_abandoned(before, keeping.login) else None
        stored = await self._save(before.id, keeping, minting, save_record, old)
        with suppress(StorageError):
            await self.secrets.delete(before.id, before.login)
        return stored

    async def _save(
        self,
        cluster_id: str,
        keeping: Keeping,
        minting: Minting | None,
        save_record: SaveRecord,
        old: TokenIntent | None,
    ) -> Cluster:
        """Steps 1 and 2; `old` is the token that the record lets go of, if there is one."""
        login = replace(keeping.login, secret_id=self.new_id())
        if old is not None:
            await self.intents.add(old)
        try:
            await self.secrets.put(cluster_id, login, keeping.secret)
            stored = await save_record(login)
        except BaseException:
            if not await self._may_be_saved(cluster_id, login):
                await self._clean_up(cluster_id, login, old)
            elif minting is not None:
                await minting.keep()
            raise
        if minting is not None:
            await minting.keep()
        return stored

    async def _clean_up(self, cluster_id: str, login: Login, old: TokenIntent | None) -> None:
        """After an error; what cannot be erased now the next start erases."""
        with suppress(StorageError):
            if old is not None:
                await self.intents.clear(old)
        with suppress(StorageError):
            await self.secrets.delete(cluster_id, login)

    async def _may_be_saved(self, cluster_id: str, login: Login) -> bool:
        """Whether an error came after the record was replaced, as when a disk fails while that is made durable."""
        try:
            record = await self.repository.find_by_id(cluster_id)
        except StorageError:
            return True
        return record is not None and record.login.secret_id == login.secret_id


async def sweep(secrets: SecretStore, repository: ClusterRepository, clock: Clock) -> None:
    """Erase the secrets that no record names, at the start of a run; needs no key.

    Raises:
        StorageError: registry or secret store cannot be used; nothing was erased.
    """
    await secrets.sweep(repository.read, clock() - SWEEP_AFTER, repository.lost_before)
