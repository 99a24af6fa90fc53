"""Primitive operations that fail, write short, or end the process at a chosen step."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pxm_tui.storage.atomic import Primitives

T = TypeVar("T")

STEPS = ("open", "write", "fsync", "link", "rename", "fsync_directory")


class WatchedPrimitives(Primitives):
    """Calls `before(step, number)` before each operation and `after` behind it; steps are numbered from 0."""

    def __init__(
        self,
        before: Callable[[str, int], None] = lambda step, number: None,
        after: Callable[[str, int], None] = lambda step, number: None,
        largest_write: int | None = None,
    ) -> None:
        self.steps: list[str] = []
        self._before = before
        self._after = after
        self._largest_write = largest_write

    def open(self, path: Path) -> int:
        return self._watch("open", lambda: super(WatchedPrimitives, self).open(path))

    def write(self, descriptor: int, data: memoryview) -> int:
        part = data if self._largest_write is None else data[: self._largest_write]
        return self._watch("write", lambda: super(WatchedPrimitives, self).write(descriptor, part))

    def fsync(self, descriptor: int) -> None:
        self._watch("fsync", lambda: super(WatchedPrimitives, self).fsync(descriptor))

    def link(self, source: Path, target: Path) -> None:
        self._watch("link", lambda: super(WatchedPrimitives, self).link(source, target))

    def rename(self, source: Path, target: Path) -> None:
        self._watch("rename", lambda: super(WatchedPrimitives, self).rename(source, target))

    def fsync_directory(self, directory: Path) -> None:
        self._watch("fsync_directory", lambda: super(WatchedPrimitives, self).fsync_directory(directory))

    def _watch(self, step: str, operation: Callable[[], T]) -> T:
        number = len(self.steps)
        self.steps.append(step)
        self._before(step, number)
        found = operation()
        self._after(step, number)
        return found


def failing_at(at: int, code: int = errno.ENOSPC) -> WatchedPrimitives:
    """Operation number `at` and all that follow fail, as on a full disk."""

    def fail(step: str, number: int) -> None:
        if number >= at:
            raise OSError(code, os.strerror(code))

    return WatchedPrimitives(before=fail)


def kill_here() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)
