"""Runs a program in a pseudo-terminal and reads what it writes, without waiting longer than it takes."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

LIMIT = 20.0
"""Seconds after which a program that does not do what is expected is given up."""


class TerminalProgram:
    """A program with a terminal of its own.

    Args:
        arguments: after the interpreter.
        size: columns and rows.
        environment: beside this process's; None removes a variable.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        size: tuple[int, int] = (80, 24),
        environment: Mapping[str, str | None] | None = None,
    ) -> None:
        self.output = b""
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        merged: dict[str, str | None] = {
            **os.environ,
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            **(environment or {}),
        }
        found = {name: value for name, value in merged.items() if value is not None}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=found,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509
        )
        os.close(slave)

    def __enter__(self) -> TerminalProgram:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    def read(self, seconds: float = 0.02) -> bytes:
        """What it wrote, waiting at most so long for something."""
        found = b""
        while self._master >= 0 and select.select([self._master], [], [], seconds)[0]:
            try:
                part = os.read(self._master, 65536)
            except OSError:
                break
            if not part:
                break
            found += part
        self.output += found
        return found

    def wait_for(self, text: str) -> None:
        """Until it has written this text."""
        end = time.monotonic() + LIMIT
        while text.encode() not in self.output:
            if time.monotonic() > end or (self.process.poll() is not None and not self.read()):
                raise AssertionError(f"{text!r} was not written: {self.output[-2000:]!r}")
            self.read()

    def wait_until_quiet(self, seconds: float = 0.5) -> None:
        """Until it has written nothing for so long."""
        while self.read(seconds):
            pass

    def modes(self) -> list[Any]:
        """The terminal's modes: echo, line by line, and so on."""
        return termios.tcgetattr(self._master)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def hang_up(self) -> None:
        """Close the terminal, as a dropped connection does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Its exit status; what it wrote until then is in `output`."""
        end = time.monotonic() + LIMIT
        while self.process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"it did not end: {self.output[-2000:]!r}")
            if self._master >= 0:
                self.read()
            else:
                try:
                    self.process.wait(0.1)
                except subprocess.TimeoutExpired:
                    continue
        self.read()
        return self.process.returncode


def _take_terminal() -> None:
    """In the child: its standard input becomes its controlling terminal, so that it is told of a hang-up."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
