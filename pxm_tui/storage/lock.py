"""The lock between processes: `flock` on a file that stays."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pxm_tui.storage import problems
from pxm_tui.storage.atomic import PRIVATE_FILE

if TYPE_CHECKING:
    from pathlib import Path

LOCK_SECONDS = 10.0
"""How long another process may hold the lock before the wait ends with an error, seconds."""

_POLL_SECONDS = 0.01


class FileLock:
    """One process, and one thread of it, at a time.

    The wait is a bounded series of attempts, never a blocking `flock`: a writer thread that waits can be told to
    end, and a process that was stopped while it held the lock cannot hang the others.

    Args:
        path: the lock file; made if needed, never removed (removing it would let two processes lock two files).
        seconds: how long to wait.
        monotonic: a clock, seconds.
        pause: waits some seconds; gives True when the program ends and the wait should be given up.
    """

    def __init__(
        self,
        path: Path,
        *,
        seconds: float = LOCK_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], bool | None] = time.sleep,
    ) -> None:
        self._path = path
        self._seconds = seconds
        self._monotonic = monotonic
        self._pause = pause

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; the directory exists.

        Raises:
            StorageError: another process has held it for too long, or the lock file cannot be written.
        """
        descriptor = self._open()
        try:
            self._acquire(descriptor)
            self._sign(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE)
        except OSError as error:
            raise problems.cannot_write(self._path.parent, error) from None

    def _acquire(self, descriptor: int) -> None:
        deadline = self._monotonic() + self._seconds
        while not self._try(descriptor):
            if self._monotonic() >= deadline:
                raise problems.locked(self._path.parent, _holder(descriptor), self._seconds)
            if self._pause(_POLL_SECONDS):
                raise problems.closing(self._path.parent)

    def _try(self, descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EINTR}:
                return False
            raise problems.cannot_write(self._path.parent, error) from None
        return True

    def _sign(self, descriptor: int) -> None:
        """Leave our process id for those who wait; on a full disk they do without."""
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        except OSError:
            return


def _holder(descriptor: int) -> int | None:
    try:
        return int(os.pread(descriptor, 20, 0))
    except (OSError, ValueError):
        return None
