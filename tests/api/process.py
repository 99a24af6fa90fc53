"""`pxm serve` as a program of its own, on a data directory and a passphrase of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-P", "-m", "pxm_tui")


@dataclass
class Place:
    """Where a program runs: its data, and what it finds in its environment.

    Attributes:
        folder: holds everything.
        more: variables besides the usual.
    """

    folder: Path
    more: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def environment(self) -> dict[str, str]:
        """For the program."""
        passphrase = self.folder / "passphrase"
        if not passphrase.exists():
            passphrase.write_text("correct horse battery staple\n")
            passphrase.chmod(0o600)
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("PXM_")},
            "PXM_DATA_DIR": str(self.data),
            "PXM_CONFIG": str(self.folder / "no-config.toml"),
            "PXM_VAULT_PASSPHRASE_FILE": str(passphrase),
            "PXM_SYSLOG": "off",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PYTHONPATH": str(ROOT),
            **self.more,
        }

    def pxm(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        return subprocess.run(
            [*PROGRAM, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment(),
        )

    def token(self, role: str) -> str:
        """A new token."""
        done = self.pxm("serve", "token", "add", role, "--role", role, "--json")
        return str(json.loads(done.stdout)["token"])


class ServerProcess:
    """A server that runs.

    Attributes:
        process: the program.
        url: where it listens; empty on a Unix socket.
        said: its lines on standard error.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self.url = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        assert process.stderr is not None
        for line in process.stderr:
            self.said.append(line)
            found = re.search(r"listening on (https?://\S+?),|listening on the socket", line)
            if found:
                self.url = found[1] or ""
                self._reader.start()
                return
        raise AssertionError(f"the server ended with {process.wait()}: {self.said}")

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(self.process.stderr)

    def wait(self) -> int:
        """Its end; gives the exit status."""
        status = self.process.wait(30)
        self._reader.join(30)
        return status


@contextmanager
def serving(place: Place, *arguments: str) -> Iterator[ServerProcess]:
    """Run `pxm serve` on a free port, or where the arguments say, until the block ends."""
    where = () if "--unix-socket" in arguments else ("--port", "0")
    with subprocess.Popen(
        [*PROGRAM, "serve", *where, *arguments],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=place.environment(),
    ) as process:
        try:
            yield ServerProcess(process)
        finally:
            process.kill()


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until another process has come to a point."""
    for _ in range(int(seconds * 100)):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come to that")


def curl(*arguments: str) -> tuple[int, Any]:
    """What `curl` shows: status and JSON."""
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--noproxy", "*", "--write-out", "\n%{http_code}", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body) if body else None
