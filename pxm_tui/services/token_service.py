"""Rotating tokens, for every face. The work runs on the Proxmox client's loop; callers await it on their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.audit import DONE
from pxm_tui.services.deregistration import left_words
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.means import Means

if TYPE_CHECKING:
    from pxm_tui.domain.tokens import TokenRole
    from pxm_tui.services.owners import Key
    from pxm_tui.services.rotating import Rotation


@dataclass(frozen=True, slots=True)
class TokenService:
    """See the module.

    Attributes:
        means: what it works with.
    """

    means: Means

    async def rotate(
        self,
        cluster_id: str,
        before: Snapshot,
        dialog: Dialog,
        *,
        key: Key | None = None,
        role: TokenRole | None = None,
    ) -> Rotation:
        """Replace a cluster's token, or its password, by a new token; the old token is removed at the end.

        Args:
            cluster_id: which.
            before: the last snapshot.
            dialog: told of the steps, and asked.
            key: a login that may make tokens; None: the stored one, where it may.
            role: of the new token; None: that of the old one.

        Raises:
            NotFoundError: there is no such cluster.
            StorageError: the stored login cannot be read.
        """
        means = self.means
        cluster, bridged = await means.find(cluster_id), means.bridge(dialog)

        async def work() -> Rotation:
            from pxm_tui.services.rotating import Rotator

            rotator = Rotator(means.repository, means.secrets, means.mint, means.door(), means.timer)
            done = await rotator.rotate(cluster, before, key, role, bridged)
            if done.error is None:
                means.checker().keep_ticket(cluster.id, None)
            return done

        done = await means.runner.run(work)
        await self._write_down(cluster, done)
        return done

    async def _write_down(self, before: Cluster, done: Rotation) -> None:
        login = done.cluster.login.name
        left = left_words(done.cleanup)
        if done.error is None:
            self.means.journal.write(f"logs in as {login} now, not as {before.login.name}{left}", cluster=before.name)
        result = DONE if done.error is None else done.error.cause
        await self.means.audit.record(
            "rotate", before, result, login=login, before=before.login.name, left_over="; ".join(done.cleanup)
        )
