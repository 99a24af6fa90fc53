"""Giving a registered cluster another login: a password makes a token and is forgotten, what it replaces is revoked.

The check of the new login comes before. What it was granted for a password is used again here, so that neither the
password nor a second factor is sent twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod
from pxm_tui.domain.observation import Observation
from pxm_tui.domain.tokens import TokenRole, numbered_after, token_name
from pxm_tui.services.checklist import Checklist
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.means import Means
from pxm_tui.services.minting import Keeping, Mint, Minting, Wish
from pxm_tui.services.ports import Credentials, ProxmoxSession
from pxm_tui.services.revoking import revoke_old
from pxm_tui.services.token_ports import TokenOffice


@dataclass(frozen=True, slots=True)
class NewLogin:
    """One change of login.

    Attributes:
        means: what it works with.
        before: the record with the old login.
        wanted: the record as it is to be, which the check has carried.
        credentials: the new login.
        role: of the token that a password makes; None keeps the password.
        observed: what the new login sees and may do.
        endpoint: the one that has carried the check.
    """

    means: Means
    before: Cluster
    wanted: Cluster
    credentials: Credentials
    role: TokenRole | None
    observed: Observation
    endpoint: Endpoint

    @asynccontextmanager
    async def keeping(self, dialog: Dialog, checklist: Checklist) -> AsyncIterator[tuple[Keeping, Minting | None]]:
        """The login to be kept, around the save; where a password is to make a token with the step `token`.

        The save calls `keep` of the minting, if there is one. The token is taken back where the body fails.

        Raises:
            PxmError: the token cannot be made; none is left.
        """
        given = self.credentials
        if self.role is None or given.method is LoginMethod.TOKEN:
            yield Keeping(self.wanted.login, given.secret, self.observed.permissions), None
            return
        async with self._session() as session:
            office = session.tokens()
            minting = Minting(self._mint, await self._wish(self.role, office), office, given, self.observed)
            async with minting.login(dialog, checklist, dry_run=False) as keeping:
                yield keeping, minting

    async def revoke_old(self, login: Login, checklist: Checklist) -> bool | None:
        """Remove the token that `login` has replaced: the step `revoke`. As `revoking.revoke_old`."""
        return await revoke_old(
            self._mint, self._guarded, login, self.credentials, self.observed.permissions, self._office, checklist
        )

    @property
    def _mint(self) -> Mint:
        return self.means.mint

    @property
    def _guarded(self) -> Cluster:
        """The old record, read-only where it is to become so, too: the guard is on until it is off in the registry."""
        return replace(self.before, read_only=self.before.read_only or self.wanted.read_only)

    async def _wish(self, role: TokenRole, office: TokenOffice) -> Wish:
        """Its name is a new one: the old token may be there until the end, and others from before."""
        cluster_id, old = self.before.id, self.before.login
        number = numbered_after(old.token_id) if old.minted and old.token_id else 1
        taken = await office.names(self.credentials.user)
        while token_name(self._mint.machine, self._mint.person, cluster_id, number) in taken:
            number += 1
        return Wish(
            wanted=True,
            role=role,
            cluster_id=cluster_id,
            endpoint=self.endpoint,
            identity=self.wanted.identity,
            number=number,
            cluster=self._guarded,
        )

    @asynccontextmanager
    async def _office(self) -> AsyncIterator[TokenOffice]:
        async with self._session() as session:
            yield session.tokens()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[ProxmoxSession]:
        """A session at the endpoint that has carried the check, logged in as there."""
        token = self.credentials.method is LoginMethod.TOKEN
        trust = self.wanted.trust
        async with aclosing(self.means.client().open(self.endpoint, trust, token=token, alone=True)) as session:
            await session.resolve()
            await session.connect()
            await session.secure(trust)
            ticket = None if token else self.means.checker().ticket(self.before.id)
            if ticket is not None:
                await session.resume(ticket)
            else:
                await session.login(self.credentials, None)
            yield session
