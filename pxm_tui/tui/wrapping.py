"""Sentences with commands in them, wrapped to a width: commands stay whole, long ones get a line of their own.

Commands are what stands between backticks in the messages of the domain. On the screen they are set off by two spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len as cell_width

_SHELL_WORD = re.compile(r"""(?:\$\([^)]*\)|[^\s'"]|'[^']*'|"[^"]*"|['"])+""")
_GOES_ON = " \\"


@dataclass(frozen=True, slots=True)
class Part:
    """A run of text on one line."""

    text: str
    command: bool = False


@dataclass(frozen=True, slots=True)
class WrappedLine:
    """One line; `alone` is a command too wide for the column, to be put where there is more room."""

    parts: tuple[Part, ...]
    alone: bool = False

    @property
    def plain(self) -> str:
        """The line as text."""
        return "".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    command: bool = False
    before: str = ""
    after: str = ""
    """Punctuation that stands right before and after a command."""

    @property
    def width(self) -> int:
        return cell_width(self.before) + cell_width(self.text) + cell_width(self.after)

    @property
    def set_off(self) -> bool:
        """It is a command, and no mere key such as `c`."""
        return self.command and len(self.text) > 2


def wrap(text: str, width: int, first: int | None = None, *, commands: bool = True) -> list[WrappedLine]:
    """Wrap to `width` columns.

    Args:
        text: may hold commands between backticks.
        width: of every line; words that are wider are broken.
        first: width of the first line, where it differs.
        commands: whether backticks mean something; not in the words of a server.
    """
    lines: list[WrappedLine] = []
    current: list[_Word] = []
    limit = width if first is None else first
    for word in _words(_pieces(text) if commands else [(text, "")], max(1, width)):
        if word.command and word.width > width:
            if current:
                lines.append(_line(current))
            lines.append(WrappedLine((Part(word.text, command=True),), alone=True))
            current = []
        elif current and _width([*current, word]) > limit:
            lines.append(_line(current))
            current = [word]
        else:
            current.append(word)
            continue
        limit = width
    if current:
        lines.append(_line(current))
    return lines


def fold_hard(text: str, width: int) -> list[str]:
    """The text cut into pieces of at most `width` columns, for commands that no line can hold."""
    pieces = [""]
    for character in text:
        if pieces[-1] and cell_width(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def fold_command(text: str, width: int) -> list[str]:
    """A command in lines of at most `width` columns, between its words: a shell takes them as they stand.

    A word that no line can hold is cut.
    """
    lines = [""]
    for word in _SHELL_WORD.findall(text):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if not lines[-1] or cell_width(longer) <= width - len(_GOES_ON):
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > 1 and cell_width(f"{lines[-2]} {lines[-1]}") <= width:
        lines[-2:] = [f"{lines[-2]} {lines[-1]}"]
    *goes_on, last = lines
    return [piece for line in (*(f"{line}{_GOES_ON}" for line in goes_on), last) for piece in fold_hard(line, width)]


def _words(pieces: list[tuple[str, str]], width: int) -> Iterator[_Word]:
    before = ""
    for index, (text, after) in enumerate(pieces):
        if index % 2:
            fits = cell_width(before + text + after) <= width
            yield _Word(text, True, before, after) if fits else _Word(text, True)
            continue
        words = text.split()
        before = words.pop() if words and index + 1 < len(pieces) and not text[-1].isspace() else ""
        for word in words:
            yield from (_Word(part) for part in fold_hard(word, width))


def _pieces(text: str) -> list[tuple[str, str]]:
    """Plain text and commands by turns; punctuation right after a command goes with it."""
    found: list[tuple[str, str]] = []
    for index, piece in enumerate(text.split("`")):
        after = ""
        if found and index % 2 == 0 and piece and not piece[0].isspace():
            after = piece.split(maxsplit=1)[0]
            found[-1] = (found[-1][0], after)
        found.append((piece[len(after) :], ""))
    return found


def _gap(left: _Word, right: _Word) -> str:
    if left.set_off and not left.after:
        return "  "
    return "  " if right.set_off and not right.before else " "


def _width(words: list[_Word]) -> int:
    gaps = sum(len(_gap(left, right)) for left, right in pairwise(words))
    return sum(word.width for word in words) + gaps


def _line(words: list[_Word]) -> WrappedLine:
    parts: list[Part] = []
    for index, word in enumerate(words):
        if index:
            parts.append(Part(_gap(words[index - 1], word)))
        if word.before:
            parts.append(Part(word.before))
        parts.append(Part(word.text, command=word.command))
        if word.after:
            parts.append(Part(word.after))
    return WrappedLine(tuple(parts))
