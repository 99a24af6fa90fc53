"""The command line, run in this process or as a program, each time with a data directory of its own."""

from __future__ import annotations

import io
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

import pxm_tui.bootstrap
from pxm_tui.cli.main import main
from pxm_tui.settings import Settings
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.thread import FleetThread
from tests.fleet_fixtures import FleetFactory

PASSPHRASE = "correct horse battery staple"
PROGRAM = (sys.executable, "-P", "-m", "pxm_tui")
REPOSITORY = str(Path(__file__).parent.parent.parent)


@dataclass(frozen=True)
class Done:
    """A run that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed on stdout, one JSON document."""
        return json.loads(self.out)


class Pxm(Protocol):
    """Runs the command line."""

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        """Run it with these arguments and lines on stdin."""
        ...


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the developer's own: gives the data directory, which is not there yet."""
    data = tmp_path / "data"
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(f"{PASSPHRASE}\n")
    passphrase.chmod(0o600)
    for name, value in {
        "PXM_DATA_DIR": str(data),
        "PXM_CONFIG": str(tmp_path / "no-config.toml"),
        "PXM_VAULT_PASSPHRASE_FILE": str(passphrase),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PYTHONPATH": REPOSITORY,
        "TERM": "xterm-256color",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("PXM_REFRESH", "PXM_SECRET_STORE"):
        monkeypatch.delenv(name, raising=False)
    return data


@pytest.fixture
def pxm(environment: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Pxm]:
    """Run the command line in this process, without a terminal."""

    def no_log(settings: Settings) -> Path:
        return settings.log_file

    def run(*arguments: str, stdin: str = "") -> Done:
        capfd.readouterr()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        status = main(list(arguments))
        found = capfd.readouterr()
        return Done(status, found.out, found.err)

    monkeypatch.setattr(pxm_tui.bootstrap, "start_log", no_log)
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    before = os.umask(0o022)
    yield run
    os.umask(before)
    logging.captureWarnings(capture=False)


@pytest.fixture
def program(environment: Path) -> Pxm:
    """Run the command line as a program of its own, without a terminal."""

    def run(*arguments: str, stdin: str = "") -> Done:
        done = subprocess.run(
            [*PROGRAM, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


Register = Callable[..., Done]


def register_arguments(fleet: FleetThread, number: int, name: str, *more: str) -> list[str]:
    """Arguments that register a cluster of the fleet with its password, which goes to stdin."""
    cluster = fleet.clusters[number]
    return [
        "register", name, cluster.endpoint, "--user", cluster.username, "--password-stdin",
        "--fingerprint", cluster.fingerprint, *more,
    ]  # fmt: skip


@pytest.fixture(scope="session")
def registered_once(fleet: FleetThread, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with `alone` (a password) and `old-timer` (a token), made once for the session."""
    folder = tmp_path_factory.mktemp("registered")
    (folder / "passphrase").write_text(f"{PASSPHRASE}\n")
    (folder / "passphrase").chmod(0o600)
    environment = {
        **os.environ,
        "PXM_DATA_DIR": str(folder / "data"),
        "PXM_CONFIG": str(folder / "no-config.toml"),
        "PXM_VAULT_PASSPHRASE_FILE": str(folder / "passphrase"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PYTHONPATH": REPOSITORY,
    }
    alone, old_timer = fleet.clusters[1], fleet.clusters[2]
    token = [
        "register", "old-timer", old_timer.endpoint, "--token-id", old_timer.token_id, "--token-secret-stdin",
        "--fingerprint", old_timer.fingerprint,
    ]  # fmt: skip
    for arguments, secret in (
        (register_arguments(fleet, 1, "alone", "--label", "env=prod"), alone.password),
        (token, old_timer.token_secret),
    ):
        subprocess.run(
            [*PROGRAM, *arguments], input=f"{secret}\n", text=True, check=True, capture_output=True, env=environment
        )
    return folder / "data"


@pytest.fixture
def registered(environment: Path, registered_once: Path) -> Path:
    """The data directory, with the clusters `alone` and `old-timer`."""
    shutil.copytree(registered_once, environment)
    return environment


@pytest.fixture
def pair(fresh_fleet: FleetFactory, pxm: Pxm) -> FleetThread:
    """Two registered clusters, `one` and `two`; they may be steered."""
    running = fresh_fleet(
        ClusterOptions("one", "9.2", nodes=2, guests=3),
        ClusterOptions("two", "8.4", nodes=1, guests=3, standalone=True),
    )
    for cluster in running.clusters:
        done = pxm(
            "register", cluster.name, cluster.endpoint, "--token-id", cluster.token_id, "--token-secret-stdin",
            "--fingerprint", cluster.fingerprint,
            stdin=f"{cluster.token_secret}\n",
        )  # fmt: skip
        assert done.status == 0
    return running
