"""Primitive operations that fail, write short, or end the process at a chosen step."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

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


def run_until_killed(work: Callable[[int], Coroutine[Any, Any, None]]) -> tuple[bytes, int | None]:
    """Run `work` in a child that is to be killed: what it wrote to its pipe, and the signal that ended it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            asyncio.run(work(writing))
        finally:
            os._exit(3)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    return told, os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
