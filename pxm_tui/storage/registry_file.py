"""`clusters.json` on disk: its format and migrations, its lock, its copy, and what happens when it is damaged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from pxm_tui.storage import atomic, problems
from pxm_tui.storage.atomic import PRIMITIVES, Primitives, Stamp
from pxm_tui.storage.lock import FileLock
from pxm_tui.storage.notices import Notices
from pxm_tui.storage.problems import DamagedError
from pxm_tui.storage.records import IDENTITIES, STATES

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pxm_tui.domain.errors import StorageError
    from pxm_tui.storage.book import Book

FILE_NAME = "clusters.json"
FORMAT = 1

Content = dict[str, Any]
Tables = dict[str, dict[str, Any]]
Migration = Callable[[Content], Content]

MIGRATIONS: Mapping[int, Migration] = {}
"""By format number: makes the content of the next format from that one."""


class Loaded:
    """The registry as it was read.

    Attributes:
        stamp: of the file that it was read from; None where there was none.
        tables: TinyDB's tables. Their documents are never changed in place.
        migrated_from: the format on disk, where it was an older one.
        borrowed: it is the copy's content, because the file is damaged and could not be replaced.
    """

    __slots__ = ("_book", "borrowed", "migrated_from", "stamp", "tables")

    def __init__(
        self, stamp: Stamp | None, tables: Tables, migrated_from: int | None = None, *, borrowed: bool = False
    ) -> None:
        self.stamp = stamp
        self.tables = tables
        self.migrated_from = migrated_from
        self.borrowed = borrowed
        self._book: Book | None = None

    def book(self) -> Book:
        """The clusters in the tables.

        Raises:
            DamagedError: a document is not one of ours.
        """
        if self._book is None:
            from pxm_tui.storage.book import Book
            from pxm_tui.storage.documents import cluster_of

            states = self.tables[STATES]
            if states.keys() != self.tables[IDENTITIES].keys():
                raise DamagedError("clusters and states do not belong together")
            self._book = Book(cluster_of(document, states[key]) for key, document in self.tables[IDENTITIES].items())
        return self._book

    def use(self, book: Book) -> None:
        """Take a book that is known to be what the tables hold."""
        self._book = book


class RegistryFile:
    """Reads and replaces `clusters.json`; every write happens under `lock()`."""

    def __init__(
        self,
        directory: Path,
        notices: Notices,
        *,
        lock: FileLock | None = None,
        primitives: Primitives = PRIMITIVES,
        now: Callable[[], datetime] | None = None,
        known_format: int = FORMAT,
        migrations: Mapping[int, Migration] = MIGRATIONS,
    ) -> None:
        self.path = directory / FILE_NAME
        self._directory = directory
        self._notices = notices
        self._lock = lock or FileLock(directory / f"{FILE_NAME}.lock")
        self._primitives = primitives
        self._now = now
        self._format = known_format
        self._migrations = migrations
        self._encoded: dict[str, tuple[object, bytes]] = {}

    def lock(self) -> AbstractContextManager[None]:
        """Hold off every other writer, of this process and of others. Makes the directory."""
        atomic.prepare_directory(self._directory, self._notices)
        return self._lock.held()

    def stamp(self) -> Stamp | None:
        """Differs whenever the file was replaced."""
        return atomic.current_stamp(self.path)

    def load(self, *, locked: bool = False, deep: bool = True) -> Loaded:
        """The present content.

        Args:
            locked: the caller holds the lock, and will write.
            deep: look into every record, not only at the form of the file.

        Raises:
            StorageError: the file cannot be read, is newer than this program, or damaged beyond repair.
        """
        atomic.check_directory(self._directory, self._notices)
        try:
            return self._read(self.path, deep) or self._without_file(locked)
        except DamagedError as damage:
            return self._recover(str(damage), locked)

    def write(self, loaded: Loaded, tables: Tables) -> Loaded:
        """Replace the file; the caller holds the lock and has `loaded` what is on disk.

        Raises:
            StorageError: the file is as it was.
        """
        if loaded.migrated_from is not None:
            self._keep_older_format(loaded.migrated_from)
        stamp = atomic.write_atomically(self.path, self._encode(tables), backup=True, primitives=self._primitives)
        return Loaded(stamp, tables)

    def _read(self, path: Path, deep: bool) -> Loaded | None:
        found = atomic.read_private(path, self._notices)
        if found is None:
            return None
        data, stamp = found
        tables, migrated_from = self._decode(data)
        loaded = Loaded(stamp, tables, migrated_from)
        if deep:
            loaded.book()
        return loaded

    def _decode(self, data: bytes) -> tuple[Tables, int | None]:
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            raise DamagedError("not JSON") from None
        found = content.get("format") if isinstance(content, dict) else None
        if type(found) is not int:
            raise DamagedError("no format version")
        if found > self._format:
            raise problems.newer(self.path, found, self._format)
        content = self._migrate(content, found)
        tables: Tables = {}
        for name in (IDENTITIES, STATES):
            table = content.get(name)
            if not isinstance(table, dict):
                raise DamagedError(f"no {name} in it")
            tables[name] = table
        return tables, found if found < self._format else None

    def _migrate(self, content: Content, found: int) -> Content:
        for number in range(found, self._format):
            migration = self._migrations.get(number)
            if migration is None:
                raise problems.too_old(self.path, found)
            try:
                content = migration(content)
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                raise DamagedError(f"format {number} has a wrong form ({type(error).__name__})") from None
        return content

    def _encode(self, tables: Tables) -> list[bytes]:
        """The file's content. A table that TinyDB has not replaced since the last write is not encoded again."""
        known, self._encoded = self._encoded, {}
        parts = [f'{{"format":{self._format}'.encode()]
        for name, table in tables.items():
            before = known.get(name)
            encoded = before[1] if before and before[0] is table else _compact(table)
            self._encoded[name] = (table, encoded)
            parts += [b",\n" + _compact(name) + b":", encoded]
        return [*parts, b"}\n"]

    def _keep_older_format(self, number: int) -> None:
        """Keep the file as the older program wrote it, once, beside the migrated one."""
        kept = self.path.with_name(f"{self.path.name}.format-{number}")
        if atomic.keep_as(self.path, kept, primitives=self._primitives):
            self._notices.add(
                f"{self.path.name} had format {number}, it has {self._format} now. The old one is kept as {kept.name}."
            )

    def _without_file(self, locked: bool) -> Loaded:
        """A new registry; or the copy, where only the file itself has gone."""
        if atomic.current_stamp(atomic.backup_of(self.path)) is None:
            return Loaded(None, {IDENTITIES: {}, STATES: {}})
        return self._recover("missing", locked)

    def _recover(self, why: str, locked: bool) -> Loaded:
        """Use the copy. Who only reads does so even where nothing can be written."""
        from pxm_tui.domain.errors import StorageError

        if locked:
            return self._restore(why)
        try:
            with self.lock():
                return self._restore(why)
        except StorageError as error:
            return self._use_copy_in_memory(why, error)

    def _restore(self, why: str) -> Loaded:
        """Set the damaged file aside and put the copy in its place; the lock is held."""
        try:
            present = self._read(self.path, deep=True)
            if present is not None:
                return present
        except DamagedError:
            pass
        damaged = atomic.current_stamp(self.path) is not None
        copy, when = self._copy(why)
        aside = self._set_aside() if damaged else None
        stamp = atomic.write_atomically(self.path, self._encode(copy.tables), backup=False, primitives=self._primitives)
        kept = f" The damaged file is kept as {aside.name}." if aside else ""
        self._tell("damaged" if damaged else "missing", when, copy, kept)
        restored = Loaded(stamp, copy.tables)
        restored.use(copy.book())
        return restored

    def _use_copy_in_memory(self, why: str, error: StorageError) -> Loaded:
        copy, when = self._copy(why, error)
        stamp = self.stamp()
        self._tell("missing" if stamp is None else "damaged", when, copy, f" It could not be mended. {error.message}")
        loaded = Loaded(stamp, copy.tables, borrowed=True)
        loaded.use(copy.book())
        return loaded

    def _copy(self, why: str, otherwise: StorageError | None = None) -> tuple[Loaded, str]:
        """The backup, and when it was written, as local time."""
        from pxm_tui.domain.times import local_short

        backup = atomic.backup_of(self.path)
        try:
            copy = self._read(backup, deep=True)
        except DamagedError:
            copy = None
        if copy is None or copy.stamp is None:
            raise otherwise or problems.beyond_repair(self.path, why)
        return copy, local_short(_from_ns(copy.stamp[0]), self._moment())

    def _set_aside(self) -> Path:
        """Give the damaged file a name of its own, which is never one that exists."""
        first = f"{self.path.name}.damaged-{self._moment().astimezone():%Y%m%d}"
        for number in range(1, 1000):
            aside = self.path.with_name(first if number == 1 else f"{first}-{number}")
            if atomic.keep_as(self.path, aside, primitives=self._primitives):
                return aside
        raise problems.beyond_repair(self.path, "a thousand damaged files are kept already")

    def _tell(self, what: str, when: str, copy: Loaded, more: str) -> None:
        count = len(copy.tables[IDENTITIES])
        clusters = "1 cluster" if count == 1 else f"{count} clusters"
        self._notices.add(f"{self.path.name} was {what}; the copy of {when} is in use, {clusters}.{more}")

    def _moment(self) -> datetime:
        if self._now is not None:
            return self._now()
        from datetime import UTC, datetime

        return datetime.now(UTC)


def _from_ns(nanoseconds: int) -> datetime:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), check_circular=False).encode()
