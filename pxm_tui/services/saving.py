"""What checks have found and the registry does not have yet: kept in memory, written in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pxm_tui.domain.cluster import CheckResult, Cluster, after, apply_check
from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.ports import ClusterRepository, SnapshotCache, Timer

SAVE_EVERY = 30.0
"""Seconds between two writes where nothing is urgent."""


class CheckSaving:
    """See the module.

    Args:
        repository: takes the results.
        cache: takes what is known beyond the records.
        timer: monotonic seconds.
    """

    def __init__(self, repository: ClusterRepository, cache: SnapshotCache, timer: Timer) -> None:
        self._repository = repository
        self._cache = cache
        self._timer = timer
        self._pending: dict[str, CheckResult] = {}
        self._saved_at = timer()
        self._cache_changed = False
        self._urgent = False

    def add(self, key: str, result: CheckResult, *, urgent: bool) -> None:
        """Remember a result; an urgent one is written at once."""
        self._pending[key] = after(self._pending.get(key), result)
        self._cache_changed = True
        self._urgent = self._urgent or urgent

    def supersede(self, key: str) -> None:
        """Something newer than what waits for this cluster is in the registry; the cache does not have it yet."""
        self.drop(key)
        self._cache_changed = True

    def drop(self, key: str) -> None:
        """The cluster is gone."""
        self._pending.pop(key, None)

    def on_top_of(self, record: Cluster) -> Cluster:
        """The record with what was found since its last write."""
        pending = self._pending.get(record.id)
        return apply_check(record, pending) if pending else record

    async def save(self, snapshots: Callable[[], Mapping[str, Snapshot]], *, at_end: bool) -> None:
        """Write what was found: at once where it is urgent, else every 30 s and at the end.

        Args:
            snapshots: gives what is known beyond the records, for the cache; called where it is written.
            at_end: nothing is written after this.

        Raises:
            StorageError: it could not be written; the results are kept for the next time.
        """
        due = self._timer() - self._saved_at >= SAVE_EVERY
        if not (at_end or due or self._urgent) or not (self._pending or self._cache_changed):
            return
        pending, self._pending = self._pending, {}
        self._urgent = False
        self._saved_at = self._timer()
        try:
            if pending:
                await self._repository.save_checks(list(pending.values()))
            if at_end or due:
                self._cache_changed = False
                await self._cache.write(snapshots())
        except StorageError:
            self._pending = {**pending, **self._pending}
            raise
