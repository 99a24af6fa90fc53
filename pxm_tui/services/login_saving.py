"""Saving another login of a registered cluster: the secret first, then the record, both or neither.

Another program may have changed the login since it was read, and its secret with it: then nothing is saved. A token of
pxm's that the new login replaces is written down before the record lets go of it, so that a run which is killed before
it has removed that token names it at the next start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from pxm_tui.domain.cluster import Cluster, LoginMethod
from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.messages import not_found
from pxm_tui.domain.secret import Secret
from pxm_tui.services.meanwhile import refuse_another_login
from pxm_tui.services.minting import Keeping, Minting
from pxm_tui.services.ports import ClusterRepository, SecretStore
from pxm_tui.services.revoking import intent_of, is_abandoned
from pxm_tui.services.token_ports import IntentLog


@dataclass(frozen=True, slots=True)
class LoginSaver:
    """See the module.

    Attributes:
        repository: where the record is.
        secrets: where the secrets are.
        intents: where the old token is written down.
    """

    repository: ClusterRepository
    secrets: SecretStore
    intents: IntentLog

    async def save(
        self,
        before: Cluster,
        keeping: Keeping,
        minting: Minting | None,
        save_record: Callable[[], Awaitable[Cluster]],
    ) -> Cluster:
        """Save the login; what was there comes back where the record is not saved. Run it to its end.

        Args:
            before: the record as it was read.
            keeping: the login.
            minting: has made its token; None where nothing made one.
            save_record: saves the record under the write lock, with `refuse_another_login`.

        Raises:
            InvalidError: somebody else has changed the login meanwhile.
            NotFoundError: the cluster was deregistered meanwhile.
            StorageError: it cannot be saved.
        """
        method = keeping.login.method
        record = await self.repository.find_by_id(before.id)
        if record is None:
            raise not_found(before.name, ())
        refuse_another_login(before, record)
        old = intent_of(before) if is_abandoned(before, keeping.login) else None
        if old is not None:
            await self.intents.add(old)
        try:
            kept = await self.secrets.get(before.id, method)
            try:
                await self.secrets.put(before.id, method, keeping.secret)
                stored = await save_record()
            except BaseException:
                await self._put_back(before.id, method, keeping, kept)
                raise
        except BaseException:
            if old is not None:
                await self.intents.clear(old)
            raise
        if minting is not None:
            await minting.keep()
        with suppress(StorageError):
            for other in set(LoginMethod) - {method}:
                await self.secrets.delete(before.id, other)
        return stored

    async def _put_back(self, cluster_id: str, method: LoginMethod, keeping: Keeping, kept: Secret | None) -> None:
        """The secret that was there, unless another program has put its own there since."""
        if await self.secrets.get(cluster_id, method) != keeping.secret:
            return
        if kept is None:
            await self.secrets.delete(cluster_id, method)
        else:
            await self.secrets.put(cluster_id, method, kept)
