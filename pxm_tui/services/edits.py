"""Editing clusters and their endpoints, as every face calls it: on the client's loop, journaled and audited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.observation import Node, Snapshot
from pxm_tui.services.audit import Audit
from pxm_tui.services.bridging import BridgedDialog, to_the_end
from pxm_tui.services.checking import Checker
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.journal import Journal
from pxm_tui.services.ports import Clock, ClusterRepository, ProxmoxGateway, Runner, SecretStore, Timer

if TYPE_CHECKING:
    from pxm_tui.services.editing import Changes, Edited, Editor
    from pxm_tui.services.endpoints import Look


class _Clusters(Protocol):
    """What is needed of the services for clusters."""

    async def get(self, name_or_id: str) -> Cluster: ...

    def client(self) -> ProxmoxGateway: ...

    def checker(self) -> Checker: ...


class ClusterEdits:
    """See the module.

    Args:
        clusters: finds them; has the client.
        repository: the registry.
        secrets: the secret store.
        runner: runs work on the client's loop.
        clock: UTC now.
        timer: monotonic seconds.
        journal: told of every change.
        audit: where the same is written down for good.
    """

    def __init__(  # noqa: PLR0917
        self,
        clusters: _Clusters,
        repository: ClusterRepository,
        secrets: SecretStore,
        runner: Runner,
        clock: Clock,
        timer: Timer,
        journal: Journal,
        audit: Audit,
    ) -> None:
        self._clusters = clusters
        self._repository = repository
        self._secrets = secrets
        self._runner = runner
        self._clock = clock
        self._timer = timer
        self._journal = journal
        self._audit = audit

    async def edit(self, cluster_id: str, changes: Changes, before: Snapshot, dialog: Dialog) -> Edited:
        """Change a cluster's record, each change checked live as at a registration. Cancelling changes nothing.

        Raises:
            EditFailedError: with the steps, and the error that stopped it; nothing was saved.
            NotFoundError: there is no such cluster.
        """
        cluster, bridged = await self._clusters.get(cluster_id), BridgedDialog(dialog, self._runner)

        async def work() -> Edited:
            return await self._editor().edit(cluster, changes, before, bridged)

        done = await self._runner.run(work)
        if done.changed:
            self._journal.write(f"edited: {', '.join(done.changed)}", cluster=done.cluster.name)
            await self._audit.record("edit", done.cluster, **done.facts())
        return done

    async def find_endpoints(self, cluster: Cluster, nodes: Sequence[Node]) -> tuple[Look, ...]:
        """Look at the addresses of the cluster's other nodes, from here, in short time and without a credential."""

        async def work() -> tuple[Look, ...]:
            from pxm_tui.services.same_cluster import look_at_proposed

            return await look_at_proposed(self._clusters.client(), cluster, nodes, self._timer)

        return await self._runner.run(work)

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

        stored = await self._runner.run(work)
        urls = " ".join(endpoint.url for endpoint in stored.endpoints)
        self._journal.write(f"endpoints: {urls}", cluster=stored.name)
        await self._audit.record("edit", stored, endpoints=urls)
        return stored

    def _editor(self) -> Editor:
        from pxm_tui.services.editing import Editor

        client, checker = self._clusters.client(), self._clusters.checker()
        return Editor(self._repository, self._secrets, client, checker, self._clock, self._timer)
