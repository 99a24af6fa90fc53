"""Editing clusters and their endpoints, as every face calls it: on the client's loop, journaled and audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.observation import Node, Snapshot
from pxm_tui.services.bridging import to_the_end
from pxm_tui.services.deregistration import left_words
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.means import Means

if TYPE_CHECKING:
    from pxm_tui.services.edit_changes import Changes
    from pxm_tui.services.editing import Edited, Editor
    from pxm_tui.services.endpoints import Look


@dataclass(frozen=True, slots=True)
class ClusterEdits:
    """See the module.

    Attributes:
        means: what it works with.
    """

    means: Means

    async def edit(self, cluster_id: str, changes: Changes, before: Snapshot, dialog: Dialog) -> Edited:
        """Change a cluster's record, each change checked live as at a registration. Cancelling changes nothing.

        Raises:
            EditFailedError: with the steps, and the error that stopped it; nothing was saved.
            NotFoundError: there is no such cluster.
        """
        cluster, bridged = await self.means.find(cluster_id), self.means.bridge(dialog)

        async def work() -> Edited:
            return await self._editor().edit(cluster, changes, before, bridged)

        done = await self.means.runner.run(work)
        if done.changed:
            left = left_words(done.cleanup)
            self.means.journal.write(f"edited: {', '.join(done.changed)}{left}", cluster=done.cluster.name)
            await self.means.audit.record("edit", done.cluster, **done.facts())
        return done

    async def find_endpoints(self, cluster: Cluster, nodes: Sequence[Node]) -> tuple[Look, ...]:
        """Look at the addresses of the cluster's other nodes, from here, in short time and without a credential."""

        async def work() -> tuple[Look, ...]:
            from pxm_tui.services.same_cluster import look_at_proposed

            return await look_at_proposed(self.means.client(), cluster, nodes, self.means.timer)

        return await self.means.runner.run(work)

    async def take_endpoints(self, cluster: Cluster, nodes: Sequence[Node]) -> tuple[Cluster, tuple[Look, ...]]:
        """Find endpoints and keep all that answer, where nobody is asked; the record after it, and what was found.

        Raises:
            NotFoundError: the cluster was deregistered meanwhile.
        """
        looks = await self.find_endpoints(cluster, nodes)
        return await self.keep_endpoints(cluster, [look.endpoint for look in looks if look.error is None]), looks

    async def keep_endpoints(self, cluster: Cluster, found: Sequence[Endpoint]) -> Cluster:
        """Add endpoints that `find_endpoints` has found to answer; the record after it.

        Raises:
            NotFoundError: the cluster was deregistered meanwhile.
        """
        if not found:
            return cluster

        async def work() -> Cluster:
            return await to_the_end(lambda: self._editor().keep_endpoints(cluster, found))

        stored = await self.means.runner.run(work)
        urls = " ".join(endpoint.url for endpoint in stored.endpoints)
        self.means.journal.write(f"endpoints: {urls}", cluster=stored.name)
        await self.means.audit.record("edit", stored, endpoints=urls)
        return stored

    def _editor(self) -> Editor:
        from pxm_tui.services.editing import Editor

        return Editor(self.means)
