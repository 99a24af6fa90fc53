"""The terminal before Textual has it: the stored table is on the screen at once, and no key is echoed or lost.

Entered, left and restored here until Textual's driver takes over; the alternate screen is entered once.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import termios
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Any

from rich.color import Color, ColorSystem

from pxm_tui.tui import palette
from pxm_tui.tui.line import Line, width_of

ENTER = "\x1b[?1049h"
LEAVE = "\x1b[?1049l\x1b[?25h"

_SYSTEMS = {"truecolor": ColorSystem.TRUECOLOR, "24bit": ColorSystem.TRUECOLOR}


class EarlyTerminal:
    """The terminal from the start of the program until it ends.

    Attributes:
        handed_over: Textual's driver has it now.
        entered: the alternate screen has been entered here.
    """

    def __init__(self) -> None:
        self.handed_over = False
        self.entered = False
        self._input = sys.__stdin__.fileno() if sys.__stdin__ else 0
        self._output = sys.__stderr__.fileno() if sys.__stderr__ else 2
        self._before: list[Any] | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> EarlyTerminal:
        self._before = termios.tcgetattr(self._input)
        mode = termios.tcgetattr(self._input)
        mode[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
        mode[0] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
        termios.tcsetattr(self._input, termios.TCSANOW, mode)
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, _end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        try:
            if self.entered and not self.handed_over:
                self._write(LEAVE)
            termios.tcsetattr(self._input, termios.TCSANOW, self._before or [])
        except OSError:
            return  # the terminal is gone
        except termios.error:
            return

    def show(self, lines: Sequence[Line], style: Callable[[str], str], width: int) -> None:
        """Put lines on the screen; the first one has the background of a title."""
        rows = [_paint(line, style, width, title=index == 0) for index, line in enumerate(lines)]
        self.entered = True
        self._write(f"{ENTER}\x1b[?25l\x1b[H" + "\r\n".join(rows) + "\x1b[0m")

    def take_over(self, data: str) -> bool:
        """Textual's driver enters the alternate screen: True where it is entered already."""
        if data != ENTER or not self.entered or self.handed_over:
            return False
        self.handed_over = True
        return True

    def _write(self, text: str) -> None:
        encoding = sys.__stderr__.encoding if sys.__stderr__ else "utf-8"
        left = text.encode(encoding, errors="replace")
        while left:
            left = left[os.write(self._output, left) :]


def size() -> tuple[int, int]:
    """Columns and lines of the terminal, as Textual finds them."""
    return shutil.get_terminal_size()


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _paint(line: Line, style: Callable[[str], str], width: int, *, title: bool) -> str:
    base = style("title" if title else "")
    parts = [f"{base}{style(name) if name else ''}{text}\x1b[0m" for text, name in line]
    return f"{''.join(parts)}{base}{' ' * max(0, width - width_of(line))}\x1b[0m"


def painter(*, plain: bool, no_color: bool, environment: dict[str, str] | None = None) -> Callable[[str], str]:
    """Gives the escape sequence of a style such as `bold $pxm-key`; an empty name is the screen's own.

    Args:
        plain: the terminal's sixteen colours.
        no_color: no colours at all.
        environment: of the program.
    """
    found = os.environ if environment is None else environment
    system = _SYSTEMS.get(found.get("COLORTERM", "").lower(), ColorSystem.EIGHT_BIT)
    attributes = {"bold": "1", "dim": "2", "reverse": "7"}

    def colour(name: str, *, background: bool = False) -> list[str]:
        if plain or no_color:
            return [] if no_color or background else _standard(name)
        hexadecimal = palette.COLOURS.get(name, name)
        return list(Color.parse(hexadecimal).downgrade(system).get_ansi_codes(foreground=not background))

    def codes(style: str) -> list[str]:
        if style in {"", "title"}:
            back = palette.COLOURS["pxm-title"] if style else palette.BACKGROUND
            return [*colour(palette.FOREGROUND), *colour(back, background=True)]
        return [
            code
            for word in style.split()
            for code in ([attributes[word]] if word in attributes else colour(word.removeprefix("$")))
        ]

    kept: dict[str, str] = {}

    def sequence(style: str) -> str:
        if style not in kept:
            parts = codes(style)
            kept[style] = f"\x1b[{';'.join(parts)}m" if parts else ""
        return kept[style]

    return sequence


def _standard(name: str) -> list[str]:
    words = palette.PLAIN.get(name, "ansi_default").removeprefix("ansi_")
    order = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
    return [str(30 + order.index(words))] if words in order else []
