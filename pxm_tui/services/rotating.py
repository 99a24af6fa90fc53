"""Rotating a cluster's token: a second one is made, given its rights, checked and saved, then the old one is removed.

Never the other way round, and never by making a new secret for the same token: at every moment the login that is
saved works. A password is replaced in the same way, by its first token.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from pxm_tui.domain.cluster import Cluster, Login
from pxm_tui.domain.errors import LoginError, PxmError, StorageError
from pxm_tui.domain.login_messages import refused_before
from pxm_tui.domain.messages import not_found
from pxm_tui.domain.observation import Observation, Snapshot
from pxm_tui.domain.remedies import GIVE_OWNER
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import LOGIN_STEPS, Step
from pxm_tui.domain.token_messages import needs_a_role, not_made, token_may_not
from pxm_tui.domain.tokens import TokenRole, is_within, numbered_after, remove_line
from pxm_tui.services.bridging import to_the_end
from pxm_tui.services.checklist import Checklist
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.judge import answered, snapshot_of
from pxm_tui.services.login_saving import LoginSaver
from pxm_tui.services.meanwhile import refuse_another_login
from pxm_tui.services.minting import Keeping, Mint, Minting, Wish, seen_by
from pxm_tui.services.owners import Door, Entered, Key
from pxm_tui.services.ports import ClusterRepository, SecretStore, Timer
from pxm_tui.services.revoking import may_manage_tokens, revoke_old
from pxm_tui.services.secrets import open_vault, stored_credentials
from pxm_tui.services.token_ports import TokenOffice


@dataclass(frozen=True, slots=True)
class Rotation:
    """What rotating did.

    Attributes:
        cluster: the record after it.
        snapshot: the view beyond the record.
        revoked: whether the old token was removed; None where there was none of pxm's making.
        cleanup: commands for what is left on the cluster.
        steps: the checklist.
        error: what stopped it; None when it went through.
    """

    cluster: Cluster
    snapshot: Snapshot
    revoked: bool | None
    cleanup: tuple[str, ...]
    steps: tuple[Step, ...]
    error: PxmError | None = None

    def to_json(self) -> dict[str, Any]:
        """As `pxm rotate --json` lists it."""
        return {
            "cluster": self.cluster.to_json(),
            "revoked": self.revoked,
            "cleanup": list(self.cleanup),
            "steps": [step.to_json() for step in self.steps],
            "error": None if self.error is None else self.error.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Rotator:
    """Rotates tokens.

    Attributes:
        repository: where the record is.
        secrets: where the secrets are.
        mint: what tokens are made with.
        door: opens clusters.
        timer: monotonic seconds.
    """

    repository: ClusterRepository
    secrets: SecretStore
    mint: Mint
    door: Door
    timer: Timer

    async def rotate(
        self, cluster: Cluster, before: Snapshot, key: Key | None, role: TokenRole | None, dialog: Dialog
    ) -> Rotation:
        """Replace the login of `cluster` by a new token. What fails leaves the old login as it was.

        Args:
            cluster: the record.
            before: the last snapshot.
            key: a login that may make tokens; None: the stored one, where it may and has not been refused.
            role: of the new token; None: that of the old one.
            dialog: told of the steps, and asked.

        Raises:
            StorageError: the stored login cannot be read.
        """
        checklist = Checklist(LOGIN_STEPS, dialog.step, self.timer)
        try:
            self.mint.guard.require_writable(cluster, "make another token")
            if key is None and cluster.login.refused:
                with checklist.step("login"):
                    raise refused_before(cluster, GIVE_OWNER)
            await open_vault(self.secrets, dialog)
            chosen = key or Key(await stored_credentials(self.secrets, cluster))
            async with self.door.enter(cluster, chosen, dialog, checklist) as entered:
                return await self._replace(cluster, before, role, entered, dialog, checklist)
        except StorageError:
            raise
        except PxmError as error:
            return Rotation(cluster, before, None, (), checklist.steps(), error)

    async def _replace(  # noqa: PLR0917
        self,
        cluster: Cluster,
        before: Snapshot,
        role: TokenRole | None,
        entered: Entered,
        dialog: Dialog,
        checklist: Checklist,
    ) -> Rotation:
        observed = await entered.conversation.read(entered.reading, cluster.login)
        office, credentials = entered.session.tokens(), entered.credentials
        try:
            if not may_manage_tokens(credentials, credentials.user, observed.permissions):
                raise token_may_not(credentials.name, "make another token")
            wanted = role or await self._role_of_old(cluster, office)
        except PxmError:
            with checklist.step("token"):
                raise
        wish = Wish(
            wanted=True,
            role=wanted,
            cluster_id=cluster.id,
            endpoint=entered.endpoint,
            identity=cluster.identity,
            number=numbered_after(cluster.login.token_id) if cluster.login.token_id else 1,
            with_token=True,
            cluster=cluster,
        )
        minting = Minting(self.mint, wish, office, credentials, observed)
        async with minting.login(dialog, checklist, dry_run=False) as keeping:
            if not keeping.minted:
                raise not_made(cluster.name)
            with checklist.step("save") as notes:
                saved = await to_the_end(lambda: self._save(cluster, keeping, minting))
                notes.message = keeping.login.name
        revoked = await revoke_old(
            self.mint,
            cluster,
            saved.login,
            credentials,
            observed.permissions,
            lambda: nullcontext(office),
            checklist,
        )
        seen = seen_by(observed, keeping)
        return await self._rotated(cluster, saved, before, seen, revoked, checklist)

    async def _rotated(  # noqa: PLR0917
        self,
        cluster: Cluster,
        saved: Cluster,
        before: Snapshot,
        seen: Observation,
        revoked: bool | None,
        checklist: Checklist,
    ) -> Rotation:
        now = self.mint.clock().replace(microsecond=0)
        shown = saved.trust.certificate
        snapshot = before if shown is None else snapshot_of(before, saved, seen, shown, now)
        old = cluster.login.token_id
        cleanup = (remove_line(old),) if old is not None and revoked is not True else ()
        records = await self.repository.save_checks([answered(saved, seen, now)])
        found = next((record for record in records if record.id == cluster.id), saved)
        return Rotation(found, snapshot, revoked, cleanup, checklist.steps())

    async def _role_of_old(self, cluster: Cluster, office: TokenOffice) -> TokenRole:
        """The narrowest role that the present token fits into; the auditor where it is over, or there is none.

        Raises:
            NotPermittedError: it may do more than any role, so a person says which.
        """
        login = cluster.login
        if login.token_id is None:
            return TokenRole.AUDITOR
        secret: Secret | None = await self.secrets.get(cluster.id, login)
        if secret is None or login.refused:
            return TokenRole.AUDITOR
        try:
            held = await office.rights_of(login.token_id, secret)
        except LoginError:
            return TokenRole.AUDITOR
        for role in (TokenRole.AUDITOR, TokenRole.OPERATOR):
            if is_within(held, role):
                return role
        raise needs_a_role(login.token_id)

    async def _save(self, cluster: Cluster, keeping: Keeping, minting: Minting) -> Cluster:
        """The new secret, then the record; see `LoginSaver`."""
        now = self.mint.clock().replace(microsecond=0)

        async def save_record(login: Login) -> Cluster:
            def change(record: Cluster) -> Cluster:
                refuse_another_login(cluster, record)
                return replace(record, login=login, updated_at=now)

            stored = await self.repository.update(cluster.id, change)
            if stored is None:
                raise not_found(cluster.name, ())
            return stored

        saver = LoginSaver(self.repository, self.secrets, self.mint.intents)
        return await saver.replace(cluster, keeping, minting, save_record)
