"""Tokens that a run which was broken off may have left on a cluster: named at the start, removed at the next login."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.errors import PxmError, StorageError
from pxm_tui.domain.observation import Observation, Permissions
from pxm_tui.domain.token_messages import left_over
from pxm_tui.domain.tokens import TokenIntent, is_in_use
from pxm_tui.services.audit import Audit
from pxm_tui.services.guarding import Guard
from pxm_tui.services.journal import Journal
from pxm_tui.services.ports import ClusterRepository, Credentials, ProxmoxSession
from pxm_tui.services.revoking import may_manage_tokens
from pxm_tui.services.token_ports import IntentLog, TokenOffice

Tidy = Callable[[ProxmoxSession, Credentials, Cluster, Observation], Awaitable[None]]
"""Clears up with a login: over which session, as whom, at which cluster, with which rights. Raises no `PxmError`."""


@dataclass(frozen=True, slots=True)
class LeftOvers:
    """See the module.

    Attributes:
        intents: what was about to be made.
        repository: a token that a record uses is not left over.
        journal: told of what is left, and of what was removed.
        guard: nothing is removed where nothing may be changed.
        audit: where what was removed is written down.
    """

    intents: IntentLog
    repository: ClusterRepository
    journal: Journal
    guard: Guard
    audit: Audit

    async def named(self) -> tuple[str, ...]:
        """One text for each token that may be left, for the start of a run."""
        with suppress(StorageError):
            return tuple(left_over(intent) for intent in await self._found())
        return ()

    async def remove(  # noqa: PLR0917
        self,
        office: TokenOffice,
        credentials: Credentials,
        endpoints: Collection[Endpoint],
        identity: str | None,
        cluster: Cluster | None = None,
        permissions: Permissions | None = None,
    ) -> None:
        """Remove those of this cluster that this login may remove. A failure is for the log.

        Args:
            office: of the cluster, logged in with `credentials`.
            credentials: who is logged in; a password may remove the tokens of its own account.
            endpoints: of the cluster.
            identity: what makes it this cluster.
            cluster: the record; None at a registration.
            permissions: what the login may do, where that is known: it may have the right to tokens of others.
        """
        if self.guard.is_read_only(cluster):
            return
        urls = [endpoint.url for endpoint in endpoints]
        try:
            for intent in await self._found():
                may = may_manage_tokens(credentials, intent.owner, permissions or {})
                if may and any(intent.is_of(url, identity) for url in urls):
                    await self._remove(office, intent)
        except PxmError as error:
            self.journal.write(f"a token that is left could not be removed: {error.message}", failure=True)

    async def tidy(
        self, session: ProxmoxSession, credentials: Credentials, cluster: Cluster, observed: Observation
    ) -> None:
        """As `remove`, over the session of a check that went through."""
        office, permissions = session.tokens(), observed.permissions
        await self.remove(office, credentials, cluster.endpoints, cluster.identity, cluster, permissions)

    async def _remove(self, office: TokenOffice, intent: TokenIntent) -> None:
        there = await office.revoke(intent.owner, intent.name)
        await self.intents.clear(intent)
        if there:
            await self.audit.record("remove_token", None, endpoint=intent.endpoint, token=intent.token_id)
            self.journal.write(f"removed the token {intent.token_id}, left by a run that was broken off")

    async def _found(self) -> list[TokenIntent]:
        """Those that no record uses; where one does, the run ended after its save, and all is well."""
        intents = await self.intents.left_over()
        if not intents:
            return []
        clusters = await self.repository.list()
        for intent in intents:
            if is_in_use(intent.token_id, clusters):
                await self.intents.clear(intent)
        return [intent for intent in intents if not is_in_use(intent.token_id, clusters)]
