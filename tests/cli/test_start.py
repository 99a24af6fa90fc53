"""How the program starts: what is imported, and that every way of calling it is the same."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from pxm_tui import __version__
from pxm_tui.cli.main import main
from tests.cli.conftest import PROGRAM, Pxm

HEAVY = {
    "textual",
    "rich",
    "httpx",
    "pydantic",
    "asyncio",
    "aiohttp",
    "tinydb",
    "cryptography",
    "keyring",
    "ssl",
    "click",
}
NOT_FOR_LIST = HEAVY | {"pxm_tui.simulator", "importlib.metadata", "logging", "dataclasses", "inspect", "tempfile"}
NOT_FOR_VERSION = NOT_FOR_LIST | {"argparse", "json", "re", "typing", "pathlib", "pxm_tui.domain", "pxm_tui.settings"}
_STARTED = "import sys; before = set(sys.modules); from pxm_tui.cli.main import main; main(sys.argv[1:]); "
_REPORT = "print('\\n'.join(set(sys.modules) - before), file=sys.stderr)"


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a run loads."""
    code = _STARTED + _REPORT
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_the_version_needs_nothing(environment: Path) -> None:
    assert loaded_by("--version") & NOT_FOR_VERSION == set()


@pytest.mark.parametrize("arguments", [["list", "--json"], ["--data-dir", "{}", "list", "--json"]])
def test_listing_imports_little(registered: Path, arguments: list[str]) -> None:
    allowed = {"dataclasses", "inspect"} if sys.version_info >= (3, 14) and arguments[0] != "list" else set()
    loaded = loaded_by(*(argument.format(registered) for argument in arguments))
    assert loaded & NOT_FOR_LIST <= allowed, "argparse itself needs those for its colours, from Python 3.14 on"


@pytest.mark.parametrize("arguments", [["list"], ["show", "alone"], ["--help"], ["register", "--help"]])
def test_what_contacts_nothing_imports_no_client(registered: Path, arguments: list[str]) -> None:
    loaded = loaded_by(*arguments)
    assert loaded & {"textual", "rich", "httpx", "pydantic", "aiohttp", "cryptography", "pxm_tui.simulator"} == set()


def test_both_names_are_installed_and_lead_here() -> None:
    scripts = {point.name: point for point in entry_points(group="console_scripts") if point.name.startswith("pxm")}
    assert {name: point.load() for name, point in scripts.items()} == {"pxm": main, "pxm-tui": main}


def test_as_a_module(environment: Path) -> None:
    done = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"pxm {__version__}\n"
    wrong = subprocess.run([*PROGRAM, "bogus"], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("pxm: ")


def test_the_arguments_are_the_process_own_by_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["pxm", "--version"])
    assert main() == 0
    assert capsys.readouterr().out == f"pxm {__version__}\n"


def test_ctrl_c_while_it_starts(monkeypatch: pytest.MonkeyPatch, pxm: Pxm) -> None:
    def interrupted(arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("pxm_tui.cli.commands.show.run", interrupted)
    assert pxm("show", "x").status == 130
