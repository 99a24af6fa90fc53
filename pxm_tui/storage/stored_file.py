"""One file of ours: read without a lock, replaced whole under it, mended from its copy when it is damaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from pxm_tui.storage import atomic, problems
from pxm_tui.storage.atomic import PRIMITIVES, Primitives, Stamp
from pxm_tui.storage.lock import FileLock
from pxm_tui.storage.notices import Notices
from pxm_tui.storage.problems import DamagedError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pxm_tui.domain.errors import StorageError

T = TypeVar("T")

_DAMAGED, _RESTORED = "damaged", "restored"
"""In the names of what is kept of an accident: the damaged file; of one that was gone, what took its place."""


class Codec(Protocol[T]):
    """What the bytes of a file mean."""

    def decode(self, data: bytes) -> T:
        """Understand all of it.

        Raises:
            DamagedError: it is not what was written.
            StorageError: it is of a format that this program does not know.
        """
        ...

    def encode(self, value: T) -> Sequence[bytes]:
        """The reverse."""
        ...

    def describe(self, value: T) -> str:
        """How much is in it, such as `40 clusters`."""
        ...


class Stored(Generic[T]):
    """What a file holds.

    Attributes:
        value: the content; never changed in place.
        stamp: of the file that it was read from.
        borrowed: it is the copy's content, because the file is damaged and could not be replaced.
    """

    __slots__ = ("borrowed", "stamp", "value")

    def __init__(self, value: T, stamp: Stamp | None, *, borrowed: bool = False) -> None:
        self.value = value
        self.stamp = stamp
        self.borrowed = borrowed


class StoredFile(Generic[T]):
    """Reads and replaces one file; every write happens under `lock()`.

    Args:
        path: the file.
        codec: what its bytes mean.
        notices: where a person is told of damage.
        lock: between processes.
        mend_missing: use the copy also where the file itself has gone.
        primitives: the operations of a write.
        now: the time, UTC.
    """

    def __init__(
        self,
        path: Path,
        codec: Codec[T],
        notices: Notices,
        lock: FileLock,
        *,
        mend_missing: bool = False,
        primitives: Primitives = PRIMITIVES,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.path = path
        self._codec = codec
        self._notices = notices
        self._lock = lock
        self._mend_missing = mend_missing
        self._primitives = primitives
        self._now = now or _utc_now

    def lock(self) -> AbstractContextManager[None]:
        """Hold off every other writer, of this process and of others. Makes the directory."""
        atomic.prepare_directory(self.path.parent, self._notices)
        return self._lock.held()

    def stamp(self) -> Stamp | None:
        """Differs whenever the file was replaced; None where there is none."""
        return atomic.current_stamp(self.path)

    def load(self, *, locked: bool = False) -> Stored[T] | None:
        """The present content, or None where there is no file.

        Args:
            locked: the caller holds the lock, and will write.

        Raises:
            StorageError: the file cannot be read, is newer than this program, or damaged beyond repair.
        """
        atomic.check_directory(self.path.parent, self._notices)
        try:
            found = self._read(self.path)
        except DamagedError as damage:
            return self._recover(str(damage), locked)
        if found is None and self._mend_missing and atomic.current_stamp(atomic.backup_of(self.path)) is not None:
            return self._recover("", locked)
        return found

    def last_damage(self) -> datetime | None:
        """When the last file that was damaged was written, or one that was gone replaced; None: that never happened."""
        kept = (path for kind in (_DAMAGED, _RESTORED) for path in self.path.parent.glob(f"{self.path.name}.{kind}-*"))
        times = [stamp[0] for stamp in map(atomic.current_stamp, kept) if stamp is not None]
        return _from_ns(max(times)) if times else None

    def raw(self) -> bytes | None:
        """The file's bytes as they are, or None where there is none."""
        atomic.check_directory(self.path.parent, self._notices)
        found = atomic.read_private(self.path, self._notices)
        return None if found is None else found[0]

    def write(self, value: T, *, forget: bool = False) -> Stored[T]:
        """Replace the file; the caller holds the lock and has loaded what is on disk.

        Args:
            value: the new content.
            forget: what is no longer in `value` must not stay in the copy either.

        Raises:
            StorageError: the file is as it was.
        """
        parts = self._codec.encode(value)
        if forget:
            backup = atomic.backup_of(self.path)
            atomic.write_atomically(backup, parts, backup=False, primitives=self._primitives)
        stamp = atomic.write_atomically(self.path, parts, backup=not forget, primitives=self._primitives)
        return Stored(value, stamp)

    def erase(self) -> None:
        """Remove the file and its copy; the caller holds the lock.

        Raises:
            StorageError: it cannot be done; the file is still there.
        """
        try:
            # the copy first: who is stopped in between has the file, not a copy that nothing leads to
            atomic.backup_of(self.path).unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
            self._primitives.fsync_directory(self.path.parent)
        except OSError as error:
            raise problems.cannot_write(self.path.parent, error) from None

    def keep_as(self, suffix: str) -> Path | None:
        """Keep the present file under a name of its own as well; None when it is there already."""
        kept = self.path.with_name(f"{self.path.name}.{suffix}")
        return kept if atomic.keep_as(self.path, kept, primitives=self._primitives) else None

    def _read(self, path: Path) -> Stored[T] | None:
        found = atomic.read_private(path, self._notices)
        return None if found is None else Stored(self._codec.decode(found[0]), found[1])

    def _recover(self, why: str, locked: bool) -> Stored[T]:
        """Use the copy. Who only reads does so even where nothing can be written."""
        from pxm_tui.domain.errors import StorageError

        if locked:
            return self._restore(why)
        try:
            with self.lock():
                return self._restore(why)
        except StorageError as error:
            return self._borrow(why, error)

    def _restore(self, why: str) -> Stored[T]:
        """Set the damaged file aside and put the copy in its place; the lock is held."""
        try:
            present = self._read(self.path)
        except DamagedError:
            present = None
        if present is not None:
            return present  # another process has mended it meanwhile
        damaged = self.stamp() is not None
        copy, when = self._copy(why)
        aside = self._keep_present(_DAMAGED, why) if damaged else None
        parts = self._codec.encode(copy.value)
        stamp = atomic.write_atomically(self.path, parts, backup=False, primitives=self._primitives)
        if not damaged:
            self._keep_present(_RESTORED, why)
        self._tell(damaged, when, copy, f" The damaged file is kept as {aside.name}." if aside else "")
        return Stored(copy.value, stamp)

    def _borrow(self, why: str, error: StorageError) -> Stored[T]:
        copy, when = self._copy(why, error)
        stamp = self.stamp()
        self._tell(stamp is not None, when, copy, f" It could not be mended. {error.message}")
        return Stored(copy.value, stamp, borrowed=True)

    def _copy(self, why: str, otherwise: StorageError | None = None) -> tuple[Stored[T], str]:
        """The copy, and when it was written, in local time."""
        from pxm_tui.domain.times import local_short

        try:
            copy = self._read(atomic.backup_of(self.path))
        except DamagedError:
            copy = None
        if copy is None or copy.stamp is None:
            backup = atomic.backup_of(self.path)
            unusable = backup if self._mend_missing and atomic.current_stamp(backup) is not None else None
            raise otherwise or problems.beyond_repair(self.path, why, unusable)
        return copy, local_short(_from_ns(copy.stamp[0]), self._now())

    def _keep_present(self, kind: str, why: str) -> Path:
        """Give the present file a name of its own as well, which is never one that exists."""
        first = f"{kind}-{self._now().astimezone():%Y%m%d}"
        for number in range(1, 1000):
            aside = self.keep_as(first if number == 1 else f"{first}-{number}")
            if aside is not None:
                return aside
        raise problems.beyond_repair(self.path, why)

    def _tell(self, damaged: bool, when: str, copy: Stored[T], more: str) -> None:
        what = "damaged" if damaged else "missing"
        content = self._codec.describe(copy.value)
        self._notices.add(f"{self.path.name} was {what}; the copy of {when} is in use, {content}.{more}")


def _utc_now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _from_ns(nanoseconds: int) -> datetime:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
