"""A person at a terminal: asked on stderr, answers on stdin, hidden where it is a secret."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TextIO


def has_terminal() -> bool:
    """Whether somebody can be asked: stdin and stderr are a terminal, and not one without any abilities."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


class Terminal:
    """Asks one question after the other.

    The line is read by the event loop, with the kernel's own line editing: connections stay alive meanwhile, and
    Ctrl-C cancels at once and restores the terminal.

    Args:
        source: the file descriptor to read from; a terminal.
        out: where the questions go.
    """

    def __init__(self, source: int, out: TextIO) -> None:
        self._source = source
        self._out = out
        self._one_at_a_time = asyncio.Lock()
        self.before: Callable[[], None] = lambda: None
        """Called before anything is written: what stands on the line makes room."""

    @classmethod
    def present(cls) -> Terminal | None:
        """The process's own terminal; None where nobody can be asked."""
        return cls(sys.stdin.fileno(), sys.stderr) if has_terminal() else None

    def say(self, text: str) -> None:
        """Print lines."""
        self.before()
        encoding = self._out.encoding or "utf-8"
        self._out.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        self._out.flush()

    async def ask(self, question: str, *, hidden: bool = False, fresh: bool = False) -> str | None:
        """Ask; gives the line that was typed, or None at the end of the input.

        Args:
            question: what is printed before the cursor.
            hidden: do not show what is typed.
            fresh: what was typed before the question was shown does not count.
        """
        async with self._one_at_a_time:
            with self._hidden() if hidden else nullcontext():
                if fresh:
                    termios.tcflush(self._source, termios.TCIFLUSH)
                self.before()
                self._out.write(question)
                self._out.flush()
                line = await self._line()
            if hidden or line is None:
                self.say("")
            return line

    async def _line(self) -> str | None:
        """One line, without its end; a terminal gives at most one at a time."""
        typed = b""
        while not typed.endswith(b"\n"):
            await self._readable()
            part = os.read(self._source, 65536)
            if not part:
                return typed.decode(errors="replace") if typed else None
            typed += part
        return typed.decode(errors="replace").rstrip("\r\n")

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._source, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._source)

    @contextmanager
    def _hidden(self) -> Iterator[None]:
        """Nothing that is typed appears; what was typed before the question is thrown away."""
        before = termios.tcgetattr(self._source)
        without_echo = [*before]
        without_echo[3] &= ~termios.ECHO
        termios.tcsetattr(self._source, termios.TCSAFLUSH, without_echo)
        try:
            yield
        finally:
            termios.tcsetattr(self._source, termios.TCSADRAIN, before)
