"""The registry of clusters in TinyDB, in one file that several programs may use at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pxm_tui.storage.atomic import PRIMITIVES, Primitives, Stamp
from pxm_tui.storage.lock import LOCK_SECONDS, FileLock
from pxm_tui.storage.notices import Notices
from pxm_tui.storage.problems import DamagedError
from pxm_tui.storage.records import IDENTITIES, records_of
from pxm_tui.storage.registry import (
    FILE_NAME,
    FORMAT,
    MIGRATIONS,
    Migration,
    Registry,
    RegistryCodec,
    book_of,
    empty_tables,
)
from pxm_tui.storage.stored_file import Stored, StoredFile
from pxm_tui.storage.writer_thread import WriterThread

if TYPE_CHECKING:
    import builtins
    from datetime import datetime
    from pathlib import Path

    from pxm_tui.domain.cluster import CheckResult, Cluster
    from pxm_tui.services.ports import Refusal
    from pxm_tui.storage.book import Book


class TinyDbRepository:
    """Implements `services.ports.ClusterRepository` on `clusters.json`.

    Reading needs no lock: the file is only ever replaced whole. What was read is kept and used again for as long as
    the file's stamp is the same, so `find_by_id` is one `stat`. Writing happens in one thread, under the lock, on
    what is on disk at that moment.

    Args:
        directory: the data directory; made at the first write, closed to other users.
        lock_seconds: how long another process may keep the lock before a write fails.
        monotonic: clock of that wait, seconds.
        pause: waits some seconds for the lock; by default an end of the program cuts it short.
        primitives: the operations of a write.
        now: the time, UTC; only for the names and texts about a damaged file.
        known_format: the format that this program writes.
        migrations: by format, how to make the next one.
    """

    def __init__(
        self,
        directory: Path,
        *,
        lock_seconds: float = LOCK_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool | None] | None = None,
        primitives: Primitives = PRIMITIVES,
        now: Callable[[], datetime] | None = None,
        known_format: int = FORMAT,
        migrations: Mapping[int, Migration] = MIGRATIONS,
    ) -> None:
        self._writer = WriterThread("pxm-registry")
        self._notices = Notices()
        lock = FileLock(
            directory / f"{FILE_NAME}.lock",
            seconds=lock_seconds,
            monotonic=monotonic,
            pause=pause or self._writer.pause,
        )
        self._codec = RegistryCodec(directory / FILE_NAME, known_format, migrations)
        self._format = known_format
        self._file: StoredFile[Registry] = StoredFile(
            directory / FILE_NAME,
            self._codec,
            self._notices,
            lock,
            mend_missing=True,
            primitives=primitives,
            now=now,
        )
        self._loaded: Stored[Registry] | None = None

    def read(self) -> tuple[Cluster, ...]:
        """All clusters as they are on disk now, sorted by name; blocks for a few milliseconds, needs no loop."""
        return self._book().clusters

    def read_records(self) -> builtins.list[dict[str, Any]]:
        """What `[cluster.to_json() for cluster in read()]` gives, without building the objects."""
        data = self._file.raw()
        if data is not None:
            try:
                return records_of(self._codec.tables(data)[0])
            except (DamagedError, LookupError, TypeError, AttributeError):
                pass  # what is damaged is mended below
        return [cluster.to_json() for cluster in self.read()]

    def stamp(self) -> Stamp | None:
        """Differs when another process has changed the registry; one `stat`."""
        return self._file.stamp()

    def lost_before(self) -> datetime | None:
        """When the last damaged file was written; the end of time where there is no file, None where all is well."""
        from datetime import UTC, datetime

        if self.stamp() is None:
            return datetime.max.replace(tzinfo=UTC)
        return self._file.last_damage()

    def notices(self) -> tuple[str, ...]:
        """What a person should be told since the last call: a damaged file, permissions that were too wide."""
        return self._notices.take()

    async def save(self, cluster: Cluster, refuse: Refusal | None = None) -> None:
        """Insert the record, or replace the one with the same id; on the disk when this returns.

        Raises:
            AlreadyRegisteredError: another record has this name, or is refused.
        """
        await self._writer.run(lambda: self._save(cluster, refuse))

    async def update(self, cluster_id: str, change: Callable[[Cluster], Cluster]) -> Cluster | None:
        """Apply `change` to the record as it is on disk, under the write lock; the new record, or None."""
        return await self._writer.run(lambda: self._update(cluster_id, change))

    async def find_by_id(self, cluster_id: str) -> Cluster | None:
        """The record, or None."""
        return (await self._read_book()).by_id.get(cluster_id)

    async def find_by_name(self, name: str) -> Cluster | None:
        """The record of that name, without regard to case and Unicode form, or None."""
        return (await self._read_book()).named(name)

    async def list(self) -> tuple[Cluster, ...]:
        """All records, sorted by name in natural order."""
        return (await self._read_book()).clusters

    async def delete(self, cluster_id: str) -> bool:
        """Remove the record; False when there was none."""
        return await self._writer.run(lambda: self._delete(cluster_id))

    async def exists(self, cluster_id: str) -> bool:
        """Whether there is such a record."""
        return cluster_id in (await self._read_book()).by_id

    async def save_checks(self, checks: Sequence[CheckResult]) -> tuple[Cluster, ...]:
        """Apply many checks in one write, each to the record as it is on disk; gives all records after it.

        Checks of records that no longer exist are dropped; without a change nothing is written.
        """
        return await self._writer.run(lambda: self._save_checks(checks))

    def close(self) -> None:
        """Finish the write that was begun and end the writer thread. Reading still works."""
        self._writer.close()

    def _book(self) -> Book:
        """The clusters as they are on disk now."""
        loaded = self._loaded
        if loaded is None or loaded.stamp != self._file.stamp():
            loaded = self._file.load() or _nothing()
            self._loaded = loaded
        return loaded.value.book

    async def _read_book(self) -> Book:
        """As `_book`; a changed file is parsed off the loop, and not behind a writer that waits for the lock."""
        loaded = self._loaded
        if loaded is not None and loaded.stamp == self._file.stamp():
            return loaded.value.book
        import asyncio

        return await asyncio.to_thread(self._book)

    def _current(self) -> Registry:
        """What is on disk, for a writer that holds the lock."""
        loaded = self._loaded
        if loaded is None or loaded.borrowed or loaded.stamp != self._file.stamp():
            loaded = self._file.load(locked=True) or _nothing()
            self._loaded = loaded
        return loaded.value

    def _save(self, cluster: Cluster, refuse: Refusal | None) -> None:
        with self._file.lock():
            self._put(self._current(), cluster, refuse)

    def _update(self, cluster_id: str, change: Callable[[Cluster], Cluster]) -> Cluster | None:
        with self._file.lock():
            registry = self._current()
            found = registry.book.by_id.get(cluster_id)
            return None if found is None else self._put(registry, change(found))

    def _put(self, registry: Registry, cluster: Cluster, refuse: Refusal | None = None) -> Cluster:
        """Insert or replace a record; the lock is held."""
        from pxm_tui.storage.documents import cluster_of, identity_document, state_document

        identity, state = identity_document(cluster), state_document(cluster)
        stored = cluster_of(identity, state)
        self._write(registry, registry.book.with_cluster(stored, refuse), identities=[identity], states=[state])
        return stored

    def _delete(self, cluster_id: str) -> bool:
        with self._file.lock():
            registry = self._current()
            if cluster_id not in registry.book.by_id:
                return False
            self._write(registry, registry.book.without(cluster_id), removed=[cluster_id])
            return True

    def _save_checks(self, checks: Sequence[CheckResult]) -> tuple[Cluster, ...]:
        from pxm_tui.storage.documents import identity_document, state_document

        with self._file.lock():
            registry = self._current()
            book, changed = registry.book.with_checks(checks)
            if changed:
                before = registry.book.by_id
                trusted = [cluster for cluster in changed if cluster.trust != before[cluster.id].trust]
                self._write(
                    registry,
                    book,
                    identities=[identity_document(cluster) for cluster in trusted],
                    states=[state_document(cluster) for cluster in changed],
                )
            return book.clusters

    def _write(
        self,
        registry: Registry,
        book: Book,
        *,
        identities: Sequence[dict[str, Any]] = (),
        states: Sequence[dict[str, Any]] = (),
        removed: Sequence[str] = (),
    ) -> None:
        """Bring documents into TinyDB's tables and these, in one step, to the disk."""
        from pxm_tui.storage.tinydb_tables import changed_tables

        if registry.migrated_from is not None:
            self._keep_older_format(registry.migrated_from)
        tables = changed_tables(registry.tables, identities, states, removed)
        if identities:
            # in the order of the list, so that `read_records` need not sort
            tables[IDENTITIES] = {cluster.id: tables[IDENTITIES][cluster.id] for cluster in book.clusters}
        self._loaded = self._file.write(Registry(tables, book))

    def _keep_older_format(self, number: int) -> None:
        """Keep the file as the older program wrote it, once, beside the migrated one."""
        kept = self._file.keep_as(f"format-{number}")
        if kept is not None:
            self._notices.add(
                f"{FILE_NAME} had format {number}, it has {self._format} now. The old one is kept as {kept.name}."
            )


def _nothing() -> Stored[Registry]:
    """A registry that has not been written yet."""
    tables = empty_tables()
    return Stored(Registry(tables, book_of(tables)), None)
