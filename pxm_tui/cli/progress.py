"""How far a long command is, on stderr, for a person only: one line that is written over and wiped at the end."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from pxm_tui.domain.text import cell_width, cut_end, one_line

NARROWEST = 20


class Progress:
    """A line such as `12 of 40, 2 failed`.

    Args:
        total: how many there are.
        out: where it is written; None writes nothing.
    """

    def __init__(self, total: int, out: TextIO | None) -> None:
        self._total = total
        self._out = out
        self._done = 0
        self._failed = 0
        self._shown = 0

    @classmethod
    def present(cls, total: int) -> Progress:
        """On the process's own stderr where that is a terminal which can move its cursor; else nowhere."""
        seen = total > 1 and sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        return cls(total, sys.stderr if seen else None)

    def step(self, name: str, *, failed: bool) -> None:
        """One more has ended."""
        self._done += 1
        self._failed += failed
        trouble = f", {self._failed} failed" if self._failed else ""
        self._show(f"{self._done} of {self._total}{trouble}  {one_line(name, 64)}")

    def wipe(self) -> None:
        """Leave nothing on the line: something else is printed now, or it is over."""
        if self._out is not None and self._shown:
            self._out.write(f"\r{' ' * self._shown}\r")
            self._out.flush()
        self._shown = 0

    def _show(self, text: str) -> None:
        if self._out is None:
            return
        encoding = self._out.encoding or "utf-8"
        line = cut_end(text, self._width() - 1).encode(encoding, "replace").decode(encoding)
        width = cell_width(line)
        self._out.write(f"\r{line}{' ' * (self._shown - width)}")
        self._out.flush()
        self._shown = width

    def _width(self) -> int:
        assert self._out is not None  # noqa: S101
        try:
            return max(NARROWEST, os.get_terminal_size(self._out.fileno()).columns)
        except OSError:
            return 80
