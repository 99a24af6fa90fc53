"""What nobody foresaw: the user gets one sentence, the log gets the place, and neither gets a value."""

from __future__ import annotations

import resource
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

import pxm_tui.cli.commands.show
from pxm_tui.cli import session
from tests.cli.conftest import PROGRAM, Pxm

SECRET = "hunter2-in-a-variable"


def fail(arguments: Namespace) -> int:
    """A command with a defect, and a library that quotes what it was given."""
    value = SECRET
    try:
        raise ValueError(f"Illegal header value {value}")
    except ValueError as error:
        raise RuntimeError(value) from error


@pytest.mark.parametrize("as_json", [False, True])
def test_a_defect_goes_to_the_log(pxm: Pxm, environment: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    monkeypatch.setattr(pxm_tui.cli.commands.show, "run", fail)
    done = pxm("show", "x", *(["--json"] if as_json else []))
    log = environment / "state" / "pxm.log"
    said = f"unexpected error, details in {log} (no secrets in it)."
    assert done.status == 1
    if as_json:
        assert done.json["error"] == {"code": "internal", "cause": "internal", "message": said, "hint": ""}
        assert done.err == ""
    else:
        assert (done.out, done.err) == ("", f"pxm: {said}\n")
    written = log.read_text()
    assert "test_defects.py" in written
    assert "in fail" in written
    assert written.index("builtins.ValueError\n") < written.index("builtins.RuntimeError\n")
    assert SECRET not in written + done.out + done.err
    assert log.stat().st_mode & 0o077 == 0


def test_a_defect_without_a_log_is_said_with_its_place(
    pxm: Pxm, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.mkdir()
    (environment / "state").write_text("in the way")
    monkeypatch.setattr(pxm_tui.cli.commands.show, "run", fail)
    done = pxm("show", "x")
    assert done.status == 1
    assert done.err.startswith("pxm: unexpected error, RuntimeError in test_defects.py:")
    assert SECRET not in done.err


def test_words_about_the_code_and_of_the_system_are_kept(
    pxm: Pxm, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def misspelled(arguments: Namespace) -> int:
        try:
            Path("/nowhere").read_text()
        except OSError:
            return int(arguments.no_such_argument)
        return 0

    monkeypatch.setattr(pxm_tui.cli.commands.show, "run", misspelled)
    assert pxm("show", "x").status == 1
    written = (environment / "state" / "pxm.log").read_text()
    assert "builtins.FileNotFoundError: No such file or directory" in written
    assert "builtins.AttributeError: 'Namespace' object has no attribute 'no_such_argument'" in written


@pytest.mark.parametrize("arguments", [["--help"], ["list", "--json"], ["register", "--help"]])
def test_a_reader_that_has_gone_is_no_defect(environment: Path, arguments: list[str]) -> None:
    with subprocess.Popen(
        [*PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 141 or "--help" in arguments  # argparse itself takes it calmly
    assert not (environment / "state").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["help"],
        ["list", "--json"],
        ["export"],
        ["completion", "bash"],
        ["demo", "--serve", "--clusters", "1", "--nodes", "1"],
    ],
)
def test_a_full_disk_under_the_output_is_said_and_is_no_defect(environment: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert b"pxm: The output cannot be written: no space left on device." in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"unexpected" not in done.stderr
    assert done.returncode == 1
    assert not (environment / "state").exists()


def test_a_log_that_cannot_be_written_stops_nothing(environment: Path) -> None:
    for directory in (environment, environment / "state", environment / "state" / "pxm.log"):
        directory.mkdir(mode=0o700)
    done = subprocess.run([*PROGRAM, "vault", "--json"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_closed_streams_are_no_defect(environment: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&- 2>&-', "sh", *PROGRAM, "list", "--json"], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not environment.exists()


def test_no_core_is_dumped(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: calls.append((which, limits)))
    session.forbid_core_dumps()
    assert calls == [(resource.RLIMIT_CORE, (0, 0))]


def test_a_terminal_that_knows_only_ascii(environment: Path) -> None:
    code = "from pxm_tui.cli import output; output.say('서울'); output.note('…'); output.print_json('서울')"
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", code],
        capture_output=True,
        check=True,
        env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(__file__).parent.parent.parent), "PATH": ""},
    )
    assert done.stdout == '??\n"서울"\n'.encode()
    assert done.stderr == b"pxm: ?\n"
