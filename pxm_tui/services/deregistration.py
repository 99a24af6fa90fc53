"""Deregistering a cluster: the record and its secrets go, and the token that pxm made is revoked where it may be.

The record goes first, as ever. The token is written down before that, so that a run which is broken off in between
names it at the next start.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.errors import CertificateError, NotPermittedError, PxmError, StorageError, UnreachableError
from pxm_tui.domain.messages import not_found
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import CHECK_STEPS
from pxm_tui.domain.token_messages import token_may_not
from pxm_tui.domain.tokens import TokenIntent, remove_line
from pxm_tui.services.audit import Audit
from pxm_tui.services.bridging import to_the_end
from pxm_tui.services.checklist import Checklist
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.journal import Journal
from pxm_tui.services.minting import Mint
from pxm_tui.services.owners import Door, Entered, Key
from pxm_tui.services.ports import ClusterRepository, Credentials, SecretStore, Timer
from pxm_tui.services.revoking import may_manage_tokens


@dataclass(frozen=True, slots=True)
class Deregistration:
    """What deregistering did.

    Attributes:
        cluster: the record that was removed.
        revoked: whether the token was revoked on the cluster; None where pxm made none.
        cleanup: commands for what is left on the cluster.
        problem: why the token could not be revoked; None where it was, or where nobody tried.
    """

    cluster: Cluster
    revoked: bool | None
    cleanup: tuple[str, ...]
    problem: PxmError | None = None

    def to_json(self) -> dict[str, Any]:
        """As `pxm deregister --json` prints it."""
        return {
            "id": self.cluster.id,
            "name": self.cluster.name,
            "revoked": self.revoked,
            "cleanup": list(self.cleanup),
        }


def cleanup_of(cluster: Cluster) -> tuple[str, ...]:
    """The commands that take back what stays on the cluster while its token is not revoked."""
    return () if cluster.login.token_id is None else (remove_line(cluster.login.token_id),)


def is_revocable(cluster: Cluster) -> bool:
    """Whether there is a token that pxm made."""
    return cluster.login.minted and cluster.login.token_id is not None


@dataclass(frozen=True, slots=True)
class Deregistrar:
    """Removes clusters.

    Attributes:
        repository: where the record is.
        secrets: where the secrets are.
        mint: has the intents and the guard.
        timer: monotonic seconds.
    """

    repository: ClusterRepository
    secrets: SecretStore
    mint: Mint
    timer: Timer

    async def deregister(self, cluster: Cluster, door: Door | None, key: Key | None, dialog: Dialog) -> Deregistration:
        """Remove `cluster`. Where it cannot be reached or the rights are not there, the token stays, and is named.

        Args:
            cluster: the record.
            door: opens the cluster; None leaves the token as it is.
            key: a login that a person gave; None uses the stored one, where it can be read without asking.
            dialog: asked for a second factor.

        Raises:
            LoginError: the given login was not taken; nothing was changed.
            NotFoundError: there is no such cluster any more.
        """
        chosen, guarded = None, None
        if door is not None and is_revocable(cluster):
            guarded = self._guarded(cluster)
            chosen = None if guarded else key or await self._stored(cluster)
        if door is None or chosen is None:
            await to_the_end(lambda: self._erase(cluster))
            return Deregistration(cluster, False if is_revocable(cluster) else None, cleanup_of(cluster), guarded)
        checklist = Checklist(CHECK_STEPS, dialog.step, self.timer)
        begun: list[Deregistration] = []
        try:
            async with door.enter(cluster, chosen, dialog, checklist) as entered:
                await self._check_rights(cluster, entered)
                begun.append(await to_the_end(lambda: self._erase_and_revoke(cluster, entered)))
        except PxmError as error:
            if begun:
                return begun[0]
            if key is not None and not isinstance(error, UnreachableError | CertificateError | NotPermittedError):
                raise
            await to_the_end(lambda: self._erase(cluster))
            return Deregistration(cluster, False, cleanup_of(cluster), error)
        return begun[0]

    def _guarded(self, cluster: Cluster) -> PxmError | None:
        """Why nothing may be changed there; None where it may. The record here is removed all the same."""
        try:
            self.mint.guard.require_writable(cluster, "revoke the token")
        except NotPermittedError as error:
            return error
        return None

    async def _stored(self, cluster: Cluster) -> Key | None:
        """The cluster's own login; None where it cannot be read without a person, or will not be answered or taken."""
        if cluster.status is Status.UNREACHABLE or cluster.login.refused:
            return None
        with suppress(StorageError):
            if (await self.secrets.state()).open:
                secret: Secret | None = await self.secrets.get(cluster.id, cluster.login)
                login = cluster.login
                return None if secret is None else Key(Credentials(login.method, login.user, secret, login.token_id))
        return None

    async def _check_rights(self, cluster: Cluster, entered: Entered) -> None:
        """Raise `NotPermittedError` where this login may not remove the token; it is not found out by trying."""
        owner, credentials = cluster.login.user, entered.credentials
        if may_manage_tokens(credentials, owner, {}):
            return
        observed = await entered.reading.observation()
        if not may_manage_tokens(credentials, owner, observed.permissions):
            raise token_may_not(credentials.name, "remove tokens")

    async def _erase_and_revoke(self, cluster: Cluster, entered: Entered) -> Deregistration:
        token_id = cluster.login.token_id or ""
        owner, _, name = token_id.partition("!")
        intent = TokenIntent(cluster.id, cluster.endpoint.url, cluster.identity, owner, name)
        with suppress(StorageError):  # of the kill in between; deregistering goes on where the disk is full
            await self.mint.intents.add(intent)
        done = Deregistration(cluster, revoked=True, cleanup=())
        try:
            await self._erase(cluster)
            try:
                await entered.session.tokens().revoke(owner, name)
            except PxmError as error:
                done = replace(done, revoked=False, cleanup=cleanup_of(cluster), problem=error)
        finally:
            with suppress(StorageError):
                await self.mint.intents.clear(intent)
        return done

    async def _erase(self, cluster: Cluster) -> None:
        if not await self.repository.delete(cluster.id):
            raise not_found(cluster.name, ())
        await self.secrets.delete(cluster.id)


def left_words(cleanup: Sequence[str]) -> str:
    """What is left on the cluster, for a line of the log."""
    return "".join(f"; left on the cluster, to be removed there: {line}" for line in cleanup)


async def write_down(done: Deregistration, journal: Journal, audit: Audit) -> None:
    """Tell log and audit what was done."""
    cluster = done.cluster
    revoked = f"; the token {cluster.login.name} is revoked" if done.revoked else ""
    journal.write(f"deregistered{revoked}{left_words(done.cleanup)}", cluster=cluster.name)
    await audit.record(
        "deregister",
        cluster,
        login=cluster.login.name,
        revoked="" if done.revoked is None else str(done.revoked).lower(),
        left_over="; ".join(done.cleanup),
    )
