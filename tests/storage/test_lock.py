"""The lock between processes: one holder, a bounded wait, a name in the error."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from pxm_tui.domain.errors import StorageError
from pxm_tui.storage.lock import FileLock


class FakeTime:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def pause(self, seconds: float) -> bool:
        self.now += seconds
        return False


def test_a_lock_that_is_held_too_long_names_its_holder(tmp_path: Path) -> None:
    time = FakeTime()
    waiting = FileLock(tmp_path / "lock", monotonic=time.monotonic, pause=time.pause)
    with (
        FileLock(tmp_path / "lock").held(),
        pytest.raises(StorageError, match=rf"another pxm \(pid {os.getpid()}\)") as caught,
        waiting.held(),
    ):
        pass
    assert caught.value.do == f"Wait for the other pxm (pid {os.getpid()}), or end it."
    assert time.now == pytest.approx(10, abs=0.1)


def test_the_wait_ends_when_the_holder_is_done(tmp_path: Path) -> None:
    holder = FileLock(tmp_path / "lock").held()
    holder.__enter__()
    waits = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            holder.__exit__(None, None, None)

    with FileLock(tmp_path / "lock", pause=pause).held():
        assert len(waits) == 3


def test_the_end_of_the_program_ends_the_wait(tmp_path: Path) -> None:
    waiting = FileLock(tmp_path / "lock", pause=lambda seconds: True)
    with FileLock(tmp_path / "lock").held(), pytest.raises(StorageError, match="pxm is ending"), waiting.held():
        pass


def test_a_lock_is_free_after_an_error(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock", seconds=0)
    with pytest.raises(ZeroDivisionError), lock.held():
        raise ZeroDivisionError
    with lock.held():
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_holder_that_left_no_name_is_unknown(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock").held():
        (tmp_path / "lock").write_text("")
        waiting = FileLock(tmp_path / "lock", seconds=0)
        with pytest.raises(StorageError, match="pid unknown"), waiting.held():
            pass


def test_a_lock_file_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Cannot write"), FileLock(tmp_path / "none" / "lock").held():
        pass


def test_a_file_system_without_locks_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StorageError, match="no locks available"), FileLock(tmp_path / "lock").held():
        pass


def test_a_full_disk_only_leaves_the_holder_unnamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, data: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", refuse)
    with FileLock(tmp_path / "lock").held():
        assert (tmp_path / "lock").read_text() == ""
