"""Editing clusters and their endpoints, as every face calls it: on the client's loop, journaled and audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.observation import Node, Snapshot
from pxm_tui.services.bridging import to_the_end
from pxm_tui.services.deregistration import left_words
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.means import Means

if TYPE_CHECKING:
    from pxm_tui.services.edit_changes import Changes
    from pxm_tui.services.editing import Edited, Editor
    from pxm_tui.services.proposals import Proposal, Proposals


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
        if done.cluster.trust.ca_fingerprint != cluster.trust.ca_fingerprint:
            await self.means.twins.look(done.cluster)
        return done

    async def find_endpoints(self, cluster: Cluster, nodes: Sequence[Node]) -> Proposals:
        """Look at the addresses of the cluster's other nodes, from here and in short time.

        The registered endpoint is asked, as the cluster's own login, about certificates that are not trusted yet, and
        for the other addresses of nodes that cannot be used at the one which it has told.
        """

        async def work() -> Proposals:
            from pxm_tui.services.identity import is_same
            from pxm_tui.services.proposals import find_proposals

            means = self.means
            records = await means.repository.list()
            others = [one for one in records if one.id != cluster.id and not is_same(one.trust, cluster.trust)]
            log_in = means.checker().login_of(cluster, means.checker().ticket(cluster.id))
            return await find_proposals(means.client(), cluster, nodes, means.timer, log_in, others)

        return await self.means.runner.run(work)

    async def take_endpoints(self, cluster: Cluster, nodes: Sequence[Node]) -> tuple[Cluster, tuple[Proposal, ...]]:
        """Find endpoints and keep all that work; the record after it, and what was found.

        Raises:
            NotFoundError: the cluster was deregistered meanwhile.
        """
        found = await self.find_endpoints(cluster, nodes)
        return await self.keep_endpoints(cluster, found), found.nodes

    async def keep_endpoints(self, cluster: Cluster, found: Proposals) -> Cluster:
        """Add the endpoints that `find_endpoints` has found to work; the record after it.

        Raises:
            NotFoundError: the cluster was deregistered meanwhile.
        """
        if not found.endpoints:
            return cluster

        async def work() -> Cluster:
            return await to_the_end(lambda: self._editor().keep_endpoints(cluster, found))

        stored = await self.means.runner.run(work)
        if stored.endpoints == cluster.endpoints:
            return stored
        for endpoint, shown in found.vouched:
            await self.means.tell(stored, endpoint, shown)
        urls = " ".join(endpoint.url for endpoint in stored.endpoints)
        self.means.journal.write(f"endpoints: {urls}", cluster=stored.name)
        await self.means.audit.record("edit", stored, endpoints=urls)
        return stored

    def _editor(self) -> Editor:
        from pxm_tui.services.editing import Editor

        return Editor(self.means)
