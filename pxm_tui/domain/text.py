"""Text that came from outside: made harmless, measured in terminal cells, cut without hiding its end."""

from __future__ import annotations

import re
import unicodedata

_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]+"
)
"""Signs that a terminal could act on, that nobody sees, that turn what follows, and halves that cannot be written."""


def one_line(text: str, limit: int = 300) -> str:
    """The text on one line: control and direction characters become a space, what exceeds `limit` is cut."""
    clean = _CONTROL.sub(" ", text).strip()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def for_shell(text: str) -> str:
    """The text in single quotes, so that a shell takes nothing in it for a command."""
    return "'" + one_line(text).replace("'", "'\\''") + "'"


def has_control(text: str) -> bool:
    """Whether the text has control characters, or such that change the direction of what follows."""
    return _CONTROL.search(text) is not None


def cell_width(text: str) -> int:
    """How many terminal columns the text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(character) for character in text)


def _char_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def cut_middle(text: str, width: int, mark: str = "…") -> str:
    """The text in at most `width` columns; the middle goes, because names of a fleet differ at the end."""
    if cell_width(text) <= width:
        return text
    if width <= 1:
        return mark[:width]
    tail_room = (width - 1) // 2
    head_room = width - 1 - tail_room
    return _take(text, head_room) + mark + _take(text[::-1], tail_room)[::-1]


def cut_end(text: str, width: int, mark: str = "…") -> str:
    """The text in at most `width` columns, its end cut."""
    if cell_width(text) <= width:
        return text
    return _take(text, width - 1) + mark if width > 0 else ""


def _take(text: str, width: int) -> str:
    taken = 0
    for index, character in enumerate(text):
        taken += _char_width(character)
        if taken > width:
            return text[:index]
    return text


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text filled with spaces to `width` columns, on its left if `right`."""
    filling = " " * max(0, width - cell_width(text))
    return filling + text if right else text + filling


_DIGITS = re.compile(r"(\d+)")


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key in which `prod-2` comes before `prod-10`, without regard to case."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in _DIGITS.split(fold(text)) if part)


def fold(text: str) -> str:
    """The text for comparing: without regard to case and Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold())


def fold_accents(text: str) -> str:
    """The text for searching: as `fold`, and without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def quoted(said: str) -> str:
    """What a server said, on one line in quotation marks, as a part of a sentence."""
    return f'"{one_line(said)}"' if said.strip() else "nothing more"
