"""The audit's file: the chain, what breaks it and what does not, rotation, two writers, `kill -9`, the system's log."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pxm_tui.domain.errors import StorageError
from pxm_tui.storage.actor import present_actor
from pxm_tui.storage.audit_chain import read_line
from pxm_tui.storage.audit_files import older_files
from pxm_tui.storage.audit_log import FileAuditLog
from pxm_tui.storage.syslog import send
from tests.storage.auditing import make_entry
from tests.storage.faults import failing_at

ROOT = Path(__file__).parents[2]
CURRENT = "audit.jsonl"


async def write(directory: Path, *numbers: int, file_bytes: int = 4_000_000, files_kept: int = 10) -> FileAuditLog:
    """An audit with these entries."""
    log = FileAuditLog(directory, file_bytes=file_bytes, files_kept=files_kept)
    for number in numbers:
        await log.append(make_entry(number))
    log.close()
    return log


def broken(directory: Path) -> str:
    """What is said of the first broken line; empty where all is intact."""
    verdict = FileAuditLog(directory).verify()
    return verdict.broken.words() if verdict.broken else ""


def edit(directory: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of the present file."""
    path = directory / CURRENT
    path.write_bytes(b"\n".join(change(path.read_bytes().split(b"\n"))))


async def test_an_entry_is_one_line_of_json(tmp_path: Path) -> None:
    await write(tmp_path, 7)
    line = json.loads((tmp_path / CURRENT).read_text())
    assert {name: line[name] for name in line if name != "hash"} == {
        "number": 1,
        "time": "2026-11-22T14:02:10Z",
        "user": "anna",
        "from": {"host": "jump1", "tty": "pts/3", "ssh": "10.1.2.3", "login": ""},
        "cluster": {"id": "c7", "name": "prod-7"},
        "action": "register",
        "result": "done",
        "upid": None,
        "facts": {"n": 7},
        "previous": "0" * 64,
    }


async def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    log = await write(tmp_path, 1, 2, 3)
    assert [entry.facts for entry in log.read()] == [(("n", 1),), (("n", 2),), (("n", 3),)]
    assert [entry.number for entry in log.read(2)] == [2, 3]
    assert log.read(0) == ()
    assert log.read()[0].actor.words() == "anna from 10.1.2.3, pts/3 on jump1"


async def test_nothing_written_is_intact_and_makes_no_file(tmp_path: Path) -> None:
    log = FileAuditLog(tmp_path / "state")
    assert (log.verify().lines, log.verify().broken, log.read()) == (0, None, ())
    assert not (tmp_path / "state").exists()


async def test_it_is_closed_to_others(tmp_path: Path) -> None:
    await write(tmp_path / "state", 1)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()} == {0o600}


async def test_many_entries_in_many_files_are_one_chain(tmp_path: Path) -> None:
    log = await write(tmp_path, *range(60), file_bytes=3000, files_kept=100)
    assert len(older_files(tmp_path)) > 3
    assert log.verify().broken is None
    assert log.verify().lines == 60
    assert [entry.number for entry in log.read()] == list(range(1, 61))
    assert [entry.number for entry in log.read(30)] == list(range(31, 61))


async def test_the_oldest_files_go_and_the_rest_is_intact(tmp_path: Path) -> None:
    log = await write(tmp_path, *range(60), file_bytes=3000, files_kept=2)
    assert len(older_files(tmp_path)) == 2
    assert log.verify().broken is None
    assert log.verify().lines < 60


async def test_an_erased_old_file_is_missed(tmp_path: Path) -> None:
    log = await write(tmp_path, *range(40), file_bytes=3000, files_kept=100)
    older_files(tmp_path)[0].unlink()
    found = log.verify().broken
    assert found is not None
    assert "before it are missing" in found.why
    assert found.line == 1


EDITS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "a word is changed": (
        lambda lines: [lines[0], lines[1].replace(b"anna", b"otto"), *lines[2:]],
        "audit.jsonl, line 2: it was changed after it was written.",
    ),
    "a line is removed": (
        lambda lines: [lines[0], *lines[2:]],
        "audit.jsonl, line 2: the entry 2 before it is missing.",
    ),
    "two lines are removed": (
        lambda lines: [lines[0], *lines[3:]],
        "audit.jsonl, line 2: the entries 2 to 3 before it are missing.",
    ),
    "the first line is removed": (lambda lines: lines[1:], "audit.jsonl, line 1: the entry 1 before it is missing."),
    "two lines change places": (
        lambda lines: [lines[1], lines[0], *lines[2:]],
        "audit.jsonl, line 1: the entry 1 before it is missing.",
    ),
    "a line is there twice": (
        lambda lines: [lines[0], *lines],
        "audit.jsonl, line 2: it does not follow the line before it.",
    ),
    "words are put between": (
        lambda lines: [lines[0], b"# looks fine to me", *lines[1:]],
        "audit.jsonl, line 2: it is no line of the audit.",
    ),
    "words are put behind": (
        lambda lines: [*lines[:-1], b"# looks fine to me"],
        "audit.jsonl, line 5: it is no line of the audit.",
    ),
    "half a line is put between": (
        lambda lines: [lines[0], lines[0][:40], *lines[1:]],
        "audit.jsonl, line 2: it is not what a killed writer had left here.",
    ),
    "the last line is cut": (
        lambda lines: [*lines[:-2], lines[-2][:50]],
        "audit.jsonl, line 4: the entries from 4 to 4 are missing.",
    ),
    "the last lines are removed": (
        lambda lines: [*lines[:2], b""],
        "audit.jsonl, line 3: the entries from 3 to 4 are missing.",
    ),
    "all lines are removed": (lambda _: [b""], "audit.jsonl, line 2: the entries from 1 to 4 are missing."),
}


@pytest.mark.parametrize("name", EDITS)
async def test_damage_and_careless_edits_are_found(tmp_path: Path, name: str) -> None:
    change, said = EDITS[name]
    await write(tmp_path, 1, 2, 3, 4)
    assert broken(tmp_path) == ""
    edit(tmp_path, change)
    assert broken(tmp_path) == said


@pytest.mark.parametrize("name", EDITS)
async def test_what_is_written_later_does_not_cover_it(tmp_path: Path, name: str) -> None:
    await write(tmp_path, 1, 2, 3, 4)
    edit(tmp_path, EDITS[name][0])
    await write(tmp_path, 5, 6)
    assert broken(tmp_path) != ""


async def test_a_note_of_the_last_line_that_is_gone(tmp_path: Path) -> None:
    await write(tmp_path, 1, 2)
    (tmp_path / "audit.head").unlink()
    assert broken(tmp_path).startswith("audit.head, line 1: it is missing")


async def test_a_damaged_line_is_shown_as_such(tmp_path: Path) -> None:
    log = await write(tmp_path, 1, 2)
    edit(tmp_path, lambda lines: [lines[0].replace(b"anna", b"otto"), *lines[1:]])
    assert [entry.sound for entry in log.read()] == [False, True]
    assert log.read()[0].words().startswith("! damaged: register")


@pytest.mark.parametrize("left", [1, 10, 50, -1])
async def test_a_torn_line_is_closed_by_the_next_writer_and_is_no_break(tmp_path: Path, left: int) -> None:
    await write(tmp_path, 1, 2)
    whole = (tmp_path / CURRENT).read_bytes()
    await write(tmp_path / "other", 1, 2, 3)
    third = (tmp_path / "other" / CURRENT).read_bytes().split(b"\n")[2]
    (tmp_path / CURRENT).write_bytes(whole + third[:left])
    assert broken(tmp_path) == "", "not closed yet"
    await write(tmp_path, 4)
    assert broken(tmp_path) == ""
    assert [entry.facts[0][1] for entry in FileAuditLog(tmp_path).read()] == [1, 2, 4]


async def test_a_line_that_lacks_only_its_end_counts(tmp_path: Path) -> None:
    await write(tmp_path, 1, 2)
    head = (tmp_path / "audit.head").read_bytes()
    await write(tmp_path, 3)
    (tmp_path / "audit.head").write_bytes(head)
    (tmp_path / CURRENT).write_bytes((tmp_path / CURRENT).read_bytes().rstrip(b"\n"))
    await write(tmp_path, 4)
    assert broken(tmp_path) == ""
    assert [entry.facts[0][1] for entry in FileAuditLog(tmp_path).read()] == [1, 2, 3, 4]


def test_kill_9_at_any_step_loses_no_entry_and_breaks_nothing(tmp_path: Path) -> None:
    trials = 144
    command = [sys.executable, "-m", "tests.storage.auditing", "crash", str(tmp_path), str(trials)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told: list[int] = []
    killed_at: set[str] = set()
    for line in done.stdout.splitlines():
        trial = json.loads(line)
        assert trial["signal"] == 9
        assert trial["broken"] is None
        told += trial["told"]
        killed_at.add(trial["killed_at"])
    assert killed_at == {"open", "write", "fsync", "rename", "fsync_directory"}
    assert told
    kept = [entry.facts[0][1] for entry in FileAuditLog(tmp_path).read()]
    assert len(kept) == len(set(kept))
    assert set(told) <= set(kept)
    assert [number for number in kept if number in set(told)] == told, "in order"


def test_two_programs_write_one_chain(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.storage.auditing", "write", str(tmp_path), "40"]
    programs = [subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) for _ in range(2)]
    for program in programs:
        assert program.stdin is not None
        program.stdin.write(b"go\n")
        program.stdin.close()
    assert [program.wait(60) for program in programs] == [0, 0]
    log = FileAuditLog(tmp_path, files_kept=1000)
    assert log.verify().broken is None
    assert log.verify().lines == 80


@pytest.mark.parametrize("step", range(5))
async def test_a_full_disk_is_said_and_breaks_nothing(tmp_path: Path, step: int) -> None:
    await write(tmp_path, 1)
    full = FileAuditLog(tmp_path, primitives=failing_at(step))
    with pytest.raises(StorageError, match="no space left"):
        await full.append(make_entry(2))
    full.close()
    assert broken(tmp_path) == ""
    await write(tmp_path, 3)
    assert broken(tmp_path) == ""
    assert FileAuditLog(tmp_path).read()[-1].facts == (("n", 3),)


async def test_every_line_goes_to_the_second_place_as_well(tmp_path: Path) -> None:
    sent: list[str] = []
    log = FileAuditLog(tmp_path, also_to=sent.append)
    await log.append(make_entry(1))
    log.close()
    assert sent == [(tmp_path / CURRENT).read_text().rstrip("\n")]


def test_the_systems_log_gets_a_datagram(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        assert send("{}", (str(tmp_path / "absent"), path))
        assert listening.recv(100) == f"<85>pxm[{os.getpid()}]: {{}}".encode()


def test_a_log_that_takes_nothing_or_is_not_there_holds_nobody_up(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        taken = sum(send("x" * 4000, (path,)) for _ in range(2000))
    assert taken < 2000, "nobody reads: it is full at some time"
    assert not send("x", (path,)), "the reader is gone"
    assert not send("x", (str(tmp_path / "absent"),))


def test_who_runs_it() -> None:
    found = present_actor({"SSH_CONNECTION": "2001:db8::7 50312 10.0.0.5 22", "SUDO_USER": "anna\x1b[31m"})
    assert found.user
    assert found.host == socket.gethostname()
    assert found.ssh == "2001:db8::7"
    assert "\x1b" not in found.login
    assert present_actor({}).ssh == ""


def test_a_line_whose_number_is_none_is_no_line() -> None:
    assert read_line(b'{"number":1,"number":1e999,"hash":"' + b"0" * 64 + b'"}') is None
