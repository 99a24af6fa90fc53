"""Intents: on the disk before the act, held while their process lives, left over when it ends in the middle."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.tokens import TokenIntent
from pxm_tui.storage.atomic import Primitives
from pxm_tui.storage.intents import FileIntentLog

INTENT = TokenIntent("550e8400-e29b", "https://pve1:8006", "AA:BB", "root@pam", "pxm-jump1-anna-550e8400")


def files_of(folder: Path) -> list[Path]:
    """What is in a folder."""
    return list(folder.iterdir())


BREAKING_OFF = """
import asyncio, os, signal, sys
from pathlib import Path
from pxm_tui.domain.tokens import TokenIntent
from pxm_tui.storage.intents import FileIntentLog

async def main():
    await FileIntentLog(Path(sys.argv[1])).add(TokenIntent(*sys.argv[2:]))
    print("written", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


class Recorded(Primitives):
    """Remembers what was brought to the disk; can run out of space."""

    def __init__(self, *, full: bool = False) -> None:
        self.synced: list[str] = []
        self._full = full

    def fsync(self, descriptor: int) -> None:
        """Remember it."""
        self.synced.append("file")
        if self._full:
            raise OSError(28, "No space left on device")
        super().fsync(descriptor)

    def fsync_directory(self, directory: Path) -> None:
        """Remember it."""
        self.synced.append("directory")
        super().fsync_directory(directory)


async def test_an_intent_is_on_the_disk_closed_to_others_and_is_not_left_over_while_it_is_held(tmp_path: Path) -> None:
    done = Recorded()
    log = FileIntentLog(tmp_path / "intents", done)
    await log.add(INTENT)
    assert done.synced == ["file", "directory"]
    (path,) = (tmp_path / "intents").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert await log.left_over() == ()
    assert await FileIntentLog(tmp_path / "intents").left_over() == ()
    log.close()
    assert await FileIntentLog(tmp_path / "intents").left_over() == (INTENT,)


async def test_a_cleared_intent_is_gone(tmp_path: Path) -> None:
    log = FileIntentLog(tmp_path)
    await log.add(INTENT)
    await log.clear(INTENT)
    await log.clear(INTENT)
    assert files_of(tmp_path) == []


def test_a_killed_process_leaves_its_intent(tmp_path: Path) -> None:
    fields = [INTENT.cluster_id, INTENT.endpoint, INTENT.identity or "", INTENT.owner, INTENT.name]
    with subprocess.Popen(
        [sys.executable, "-c", BREAKING_OFF, str(tmp_path), *fields],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        log = FileIntentLog(tmp_path)
        assert asyncio.run(log.left_over()) == ()
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    assert asyncio.run(log.left_over()) == (INTENT,)
    asyncio.run(log.clear(INTENT))
    assert asyncio.run(log.left_over()) == ()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name": 1}', b"\xff"])
async def test_what_was_not_written_whole_was_not_acted_upon(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    assert await FileIntentLog(tmp_path).left_over() == ()


async def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        await FileIntentLog(tmp_path, Recorded(full=True)).add(INTENT)
    assert files_of(tmp_path) == []


class LookedAt(Primitives):
    """While a file is written, somebody looks for left-overs: locks what has the name of one, and keeps the lock."""

    def __init__(self) -> None:
        self.locked: list[int] = []

    def open(self, path: Path) -> int:
        """Open it, and look."""
        descriptor = super().open(path)
        for found in path.parent.glob("*.json"):
            self.locked.append(os.open(found, os.O_RDWR))
            fcntl.flock(self.locked[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor


async def test_who_looks_for_left_overs_does_not_get_in_the_way(tmp_path: Path) -> None:
    looked = LookedAt()
    log = FileIntentLog(tmp_path, looked)
    await log.add(INTENT)
    assert looked.locked == []
    assert await FileIntentLog(tmp_path).left_over() == ()
    log.close()


async def test_without_a_directory_nothing_is_left_over(tmp_path: Path) -> None:
    assert await FileIntentLog(tmp_path / "none").left_over() == ()
    assert not (tmp_path / "none").exists()


async def test_two_that_are_about_to_make_one_token_do_not_erase_each_others_intent(tmp_path: Path) -> None:
    one, other = FileIntentLog(tmp_path), FileIntentLog(tmp_path)
    await one.add(INTENT)
    await other.add(INTENT)
    await other.clear(INTENT)  # the token was there already
    one.close()  # killed before it could save
    assert await other.left_over() == (INTENT,)


async def test_who_finds_the_token_of_one_that_was_killed_does_not_forget_it(tmp_path: Path) -> None:
    killed, next_one = FileIntentLog(tmp_path), FileIntentLog(tmp_path)
    await killed.add(INTENT)
    killed.close()
    await next_one.add(INTENT)
    await next_one.clear(INTENT)
    assert await next_one.left_over() == (INTENT,)
    await next_one.clear(INTENT)
    assert files_of(tmp_path) == []


async def test_what_was_killed_before_it_could_act_is_erased_once_it_is_old(tmp_path: Path) -> None:
    old, new = tmp_path / "a.unfinished", tmp_path / "b.unfinished"
    for path in (old, new):
        path.touch(0o600)
    os.utime(old, (1, 1))
    assert await FileIntentLog(tmp_path).left_over() == ()
    assert files_of(tmp_path) == [new]
