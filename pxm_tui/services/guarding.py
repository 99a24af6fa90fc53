"""The guard: what is read-only stays as it is, whoever asks. Every action that changes a cluster calls it first."""

from __future__ import annotations

from dataclasses import replace

from pxm_tui.domain import guard
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.messages import not_found
from pxm_tui.services.audit import Audit
from pxm_tui.services.journal import Journal
from pxm_tui.services.ports import Clock, ClusterRepository


class Guard:
    """See the module.

    Args:
        repository: has each cluster's own switch.
        audit: where a change of the switch is written down.
        journal: told of it, too.
        clock: UTC now.
        read_only: nothing is changed on any cluster in this run.

    Attributes:
        read_only: the same.
    """

    def __init__(
        self, repository: ClusterRepository, audit: Audit, journal: Journal, clock: Clock, *, read_only: bool = False
    ) -> None:
        self.read_only = read_only
        self._repository = repository
        self._audit = audit
        self._journal = journal
        self._clock = clock

    def is_read_only(self, cluster: Cluster | None) -> bool:
        """Whether nothing may be changed on this cluster; None is one that is not registered yet."""
        return self.read_only or (cluster is not None and cluster.read_only)

    def require_writable(self, cluster: Cluster | None, doing: str) -> None:
        """Let a change of a cluster pass, or not. Call it before anything is sent, with a record read just now.

        Args:
            cluster: which; None where it is not registered yet.
            doing: what would be done, such as `make a token`, for the words of the error.

        Raises:
            NotPermittedError: cause `read_only`.
        """
        if self.is_read_only(cluster):
            raise guard.read_only(cluster, doing, whole_run=self.read_only)

    async def switch(self, cluster_id: str, *, read_only: bool) -> Cluster:
        """Make a cluster read-only, or not; gives the record. That is a change here, not on the cluster.

        Raises:
            NotFoundError: there is no such cluster.
            StorageError: it cannot be written.
        """
        now = self._clock().replace(microsecond=0)

        def change(record: Cluster) -> Cluster:
            if record.read_only is read_only:
                return record
            return replace(record, read_only=read_only, updated_at=now)

        stored = await self._repository.update(cluster_id, change)
        if stored is None:
            raise not_found(cluster_id, ())
        state = "read-only" if read_only else "writable"
        self._journal.write(f"is {state} now", cluster=stored.name)
        await self._audit.record("guard", stored, now=state)
        return stored
