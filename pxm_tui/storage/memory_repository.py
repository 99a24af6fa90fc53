"""The registry of clusters in memory: for tests, and for a run that leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pxm_tui.domain.cluster import CheckResult, Cluster
from pxm_tui.services.ports import Refusal
from pxm_tui.storage.book import Book
from pxm_tui.storage.documents import cluster_of, identity_document, state_document


class MemoryRepository:
    """Implements `services.ports.ClusterRepository`; keeps what the file would: times to the second."""

    def __init__(self, clusters: Iterable[Cluster] = ()) -> None:
        self._book = Book(_as_stored(cluster) for cluster in clusters)
        self._changes = 0

    def read(self) -> tuple[Cluster, ...]:
        """All clusters, sorted by name."""
        return self._book.clusters

    def stamp(self) -> int:
        """How often the registry was changed."""
        return self._changes

    def lost_before(self) -> None:
        """Nothing can be lost."""

    def notices(self) -> tuple[str, ...]:
        """Nothing can happen to memory that a person should be told."""
        return ()

    async def save(self, cluster: Cluster, refuse: Refusal | None = None) -> None:
        """Insert the record, or replace the one with the same id.

        Raises:
            AlreadyRegisteredError: another record has this name, or is refused.
        """
        self._turn_to(self._book.with_cluster(_as_stored(cluster), refuse))

    async def update(self, cluster_id: str, change: Callable[[Cluster], Cluster]) -> Cluster | None:
        """Apply `change` to the record; the new record, or None."""
        found = self._book.by_id.get(cluster_id)
        if found is None:
            return None
        stored = _as_stored(change(found))
        self._turn_to(self._book.with_cluster(stored))
        return stored

    async def find_by_id(self, cluster_id: str) -> Cluster | None:
        """The record, or None."""
        return self._book.by_id.get(cluster_id)

    async def find_by_name(self, name: str) -> Cluster | None:
        """The record of that name, without regard to case and Unicode form, or None."""
        return self._book.named(name)

    async def list(self) -> tuple[Cluster, ...]:
        """All records, sorted by name in natural order."""
        return self._book.clusters

    async def delete(self, cluster_id: str) -> bool:
        """Remove the record; False when there was none."""
        if cluster_id not in self._book.by_id:
            return False
        self._turn_to(self._book.without(cluster_id))
        return True

    async def exists(self, cluster_id: str) -> bool:
        """Whether there is such a record."""
        return cluster_id in self._book.by_id

    async def save_checks(self, checks: Sequence[CheckResult]) -> tuple[Cluster, ...]:
        """Apply many checks at once; checks of records that do not exist are dropped. Gives all records after it."""
        book, changed = self._book.with_checks(checks)
        if changed:
            self._turn_to(book)
        return book.clusters

    def close(self) -> None:
        """Nothing to end."""

    def _turn_to(self, book: Book) -> None:
        self._book = book
        self._changes += 1


def _as_stored(cluster: Cluster) -> Cluster:
    return cluster_of(identity_document(cluster), state_document(cluster))
