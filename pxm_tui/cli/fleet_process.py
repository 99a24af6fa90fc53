"""A simulated fleet in a child process that ends when we do, however we end: its stdin closes then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pxm_tui
from pxm_tui.domain.errors import InternalError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.faults import FaultControl

READY_SECONDS = 60.0
END_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class SimulatedEndpoint:
    """How to reach one simulated cluster; its credentials are made up and public."""

    name: str
    endpoint: str
    fingerprint: str
    username: str
    password: str = field(repr=False)
    token_id: str
    token_secret: str = field(repr=False)


class FleetProcess:
    """`pxm demo --serve --preset demo` as a child; a context manager."""

    def __init__(self) -> None:
        package_parent = str(Path(pxm_tui.__file__).parent.parent)
        search = os.pathsep.join(part for part in (package_parent, os.environ.get("PYTHONPATH", "")) if part)
        # -P: what lies in the present directory is not ours to run
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "pxm_tui", "demo", "--serve", "--preset", "demo", "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": search},
            start_new_session=True,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child, gently at first."""
        assert self._child.stdin is not None  # noqa: S101
        assert self._child.stdout is not None  # noqa: S101
        self._child.stdin.close()
        try:
            self._child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()

    def endpoints(self, count: int) -> list[SimulatedEndpoint]:
        """Wait until so many clusters are ready.

        Raises:
            InternalError: the fleet did not start.
        """
        return [_endpoint(described) for described in self._lines(count)]

    def control(self) -> FaultControl:
        """Say where the fleet takes orders, once all its endpoints have been read.

        Raises:
            InternalError: the fleet has ended.
        """
        described = self._lines(1)[0]
        return FaultControl(described["control_url"], Secret(described["control_token"]))

    def _lines(self, count: int) -> list[dict[str, str]]:
        """Read lines as they come."""
        assert self._child.stdout is not None  # noqa: S101
        watchdog = threading.Timer(READY_SECONDS, self._child.kill)
        watchdog.start()
        try:
            lines = [self._child.stdout.readline() for _ in range(count)]
        finally:
            watchdog.cancel()
        if not all(lines):
            raise InternalError(
                "demo",
                "The simulated fleet did not start.",
                do="`pxm demo --serve` shows why.",
            )
        return [json.loads(line) for line in lines]


def _endpoint(described: dict[str, str]) -> SimulatedEndpoint:
    return SimulatedEndpoint(**{name: described[name] for name in SimulatedEndpoint.__dataclass_fields__})
