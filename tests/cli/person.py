"""A person at a terminal: starts the program on a pseudo-terminal, waits for words, types."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from types import TracebackType
from typing import Self

from tests.cli.conftest import PROGRAM

PATIENCE = 30.0
"""Seconds after which words that have not come will not."""
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Person:
    """Runs `pxm ARGUMENTS` with a terminal of its own; a context manager that leaves nothing running."""

    def __init__(self, *arguments: str, stdout: int | None = None) -> None:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 80))
        self.seen = ""
        self.child = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *PROGRAM, *arguments],
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self._master)

    def sees(self, words: str) -> str:
        """Wait until the words are on the screen, after those that were waited for before; gives what came before."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.seen:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"no {words!r} in {self.seen!r}")
        before, _, self.seen = self.seen.partition(words)
        return before

    def types(self, text: str) -> None:
        """Press these keys."""
        os.write(self._master, text.encode())

    def hidden(self) -> bool:
        """What is typed now does not appear."""
        return not termios.tcgetattr(self._master)[3] & termios.ECHO

    def interrupts(self, number: signal.Signals = signal.SIGINT) -> None:
        """Press Ctrl-C, or send another signal."""
        if number is signal.SIGINT:
            self.types("\x03")
        else:
            self.child.send_signal(number)

    def ends(self) -> int:
        """Wait for the program's end; gives its exit status. All that it printed is in `seen`."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline - time.monotonic()):
            pass
        return self.child.wait(PATIENCE)

    def _read(self, seconds: float) -> bool:
        """Read what there is; False at the end or when it takes too long."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            part = os.read(self._master, 65536)
        except OSError:  # Linux says so when nobody has the other end any more
            return False
        self.seen += part.decode(errors="replace")
        return bool(part)
