"""Private files that are replaced whole or not at all: the one writer of registry, vault and cache.

At every moment the file, or the copy of its previous content, is whole on disk: killing the process after any
operation loses nothing that was acknowledged.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from pxm_tui.storage import problems

if TYPE_CHECKING:
    from pathlib import Path

    from pxm_tui.storage.notices import Notices

Stamp = tuple[int, int, int]
"""Modification time (ns), size (bytes) and inode of a file: differs whenever the file was replaced."""

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
_OF_OTHERS = 0o077
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EACCES}


class Primitives:
    """The operations that a write consists of, one method each, so that a test can make any of them fail."""

    def open(self, path: Path) -> int:
        """Create a file that must not exist yet, closed to others from its first moment; its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE)

    def write(self, descriptor: int, data: memoryview) -> int:
        """Write some of `data`; how many bytes were taken."""
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        """Bring a file's content to the disk."""
        os.fsync(descriptor)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name."""
        os.link(source, target)

    def rename(self, source: Path, target: Path) -> None:
        """Move a file over another, in one step."""
        os.replace(source, target)  # noqa: PTH105

    def fsync_directory(self, directory: Path) -> None:
        """Bring the names in a directory to the disk."""
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


PRIMITIVES = Primitives()


def backup_of(path: Path) -> Path:
    """Where the previous content of `path` is kept."""
    return path.with_name(path.name + ".bak")


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a file from its status."""
    return found.st_mtime_ns, found.st_size, found.st_ino


def current_stamp(path: Path) -> Stamp | None:
    """The stamp of a file, or None where there is none.

    Raises:
        StorageError: the file cannot be looked at.
    """
    try:
        return stamp_of(os.stat(path))  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise problems.cannot_read(path, error) from None


def prepare_directory(directory: Path, notices: Notices) -> None:
    """Make the directory, closed to others, and its parents as needed.

    Raises:
        StorageError: it cannot be made, or belongs to another user.
    """
    try:
        if not directory.exists():
            for missing in reversed([directory, *directory.parents]):
                missing.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    except OSError as error:
        raise problems.cannot_write(directory, error) from None
    check_directory(directory, notices)


def check_directory(directory: Path, notices: Notices) -> None:
    """Refuse a directory of another user, close one that is open to others; do nothing where there is none.

    Raises:
        StorageError: it is not a directory of this user's.
    """
    try:
        found = os.stat(directory)  # noqa: PTH116
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "not a directory")
        if found.st_uid != os.geteuid():
            raise problems.foreign(directory, found.st_uid)
        if found.st_mode & _OF_OTHERS:
            _close_to_others(directory, found.st_mode, PRIVATE_DIRECTORY, notices)
    except FileNotFoundError:
        return
    except OSError as error:
        raise problems.cannot_read(directory, error) from None


def _close_to_others(path: Path, mode: int, private: int, notices: Notices) -> None:
    """Take the permissions of others away; where that cannot be done, on a read-only disk, say so."""
    try:
        path.chmod(private)
        outcome = "it is closed to them now"
    except OSError as error:
        outcome = f"it could not be closed to them ({problems.reason(error)})"
    notices.add(f"{path} was open to other users ({mode & 0o777:04o}); {outcome}.")


def read_private(path: Path, notices: Notices) -> tuple[bytes, Stamp] | None:
    """The content of a file and its stamp, or None where there is none. A file open to others is closed to them.

    Raises:
        StorageError: it cannot be read, or belongs to another user.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid():
                raise problems.foreign(path, found.st_uid)
            if found.st_mode & _OF_OTHERS:
                _close_to_others(path, found.st_mode, PRIVATE_FILE, notices)
            return file.read(), stamp_of(found)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise problems.cannot_read(path, error) from None


def write_atomically(
    path: Path, parts: Sequence[bytes], *, backup: bool, durable: bool = True, primitives: Primitives = PRIMITIVES
) -> Stamp:
    """Replace the content of `path` in one step; the caller holds the lock of the directory.

    Args:
        path: the file; its directory exists.
        parts: the whole new content, in pieces so that a large one need not be copied together.
        backup: keep the previous content as `backup_of(path)`.
        durable: the content is on the disk when this returns.
        primitives: the operations to do it with.

    Returns:
        The stamp of the new file.

    Raises:
        StorageError: a full disk, say. The file is still whole.
    """
    try:
        _remove_leftovers(path)
        temporary = _temporary_name(path)
        stamp = _write_new(temporary, parts, durable, primitives)
        if backup:
            _keep_previous(path, primitives)
        primitives.rename(temporary, path)
        if durable:
            primitives.fsync_directory(path.parent)
    except OSError as error:
        with suppress(OSError):
            _remove_leftovers(path)
        raise problems.cannot_write(path.parent, error) from None
    return stamp


def keep_as(path: Path, target: Path, *, primitives: Primitives = PRIMITIVES) -> bool:
    """Give the content of `path` a second name that stays; False when there is a file of that name already.

    Raises:
        StorageError: it cannot be done.
    """
    try:
        _link_or_copy(path, target, primitives)
    except FileExistsError:
        return False
    except OSError as error:
        raise problems.cannot_write(path.parent, error) from None
    return True


def _link_or_copy(source: Path, target: Path, primitives: Primitives) -> None:
    """A second name for a file; where the file system has no links, or will not make one, a copy."""
    try:
        primitives.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _write_new(target, [source.read_bytes()], True, primitives)


def _write_new(path: Path, parts: Sequence[bytes], durable: bool, primitives: Primitives) -> Stamp:
    """A new file with all of `parts`."""
    descriptor = primitives.open(path)
    try:
        for part in parts:
            _write_all(descriptor, part, primitives)
        # the kernel's own times move in steps of some milliseconds, too coarse to tell two writes apart
        moment = time.time_ns()
        os.utime(descriptor, ns=(moment, moment))
        if durable:
            primitives.fsync(descriptor)
        return stamp_of(os.fstat(descriptor))
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes, primitives: Primitives) -> None:
    rest = memoryview(data)
    while rest:
        taken = primitives.write(descriptor, rest)
        if taken <= 0:
            raise OSError(errno.ENOSPC, "short write")
        rest = rest[taken:]


def _keep_previous(path: Path, primitives: Primitives) -> None:
    """Make the backup another name of the present file, if there is one."""
    temporary = _temporary_name(path)
    try:
        _link_or_copy(path, temporary, primitives)
    except FileNotFoundError:
        return
    primitives.rename(temporary, backup_of(path))
    # rename does nothing where both are names of one file already, as a write killed at this point leaves them
    temporary.unlink(missing_ok=True)


def _temporary_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")


def _remove_leftovers(path: Path) -> None:
    """Erase what a killed or failed write has left. Nobody else writes: the lock is held."""
    prefix = f".{path.name}."
    for entry in os.scandir(path.parent):
        if entry.name.startswith(prefix) and entry.name.endswith(".tmp"):
            os.unlink(entry.path)  # noqa: PTH108
