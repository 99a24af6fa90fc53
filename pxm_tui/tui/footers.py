"""Which keys the lowest line of the home screen names, by width and by what is shown."""

from __future__ import annotations

from collections.abc import Container, Sequence

from pxm_tui.tui.columns import NARROW
from pxm_tui.tui.keys import (
    BACK,
    CHECK,
    COMMAND,
    COPY,
    DEREGISTER,
    EDIT,
    FILTER,
    HELP,
    LOG,
    OPEN,
    PROBLEMS,
    QUIT,
    REFRESH,
    REGISTER,
    RIGHTS,
    SORT,
    TAB,
    Key,
)

Row = list[tuple[str, str]]

GAP = 2
WIDE_GAP = 3

_ALL = (OPEN, REGISTER, CHECK, DEREGISTER, FILTER, PROBLEMS, HELP)
_ALL_WIDE = (*_ALL[:-1], EDIT, SORT, REFRESH, COPY, LOG, COMMAND, HELP, QUIT)
_PROBLEMS = (OPEN, CHECK, COPY, PROBLEMS, FILTER, REFRESH, HELP)
_PROBLEMS_WIDE = (*_PROBLEMS[:-1], SORT, LOG, COMMAND, HELP, QUIT)
_EMPTY = (REGISTER, COMMAND, HELP, QUIT)


def home_footer(
    width: int, *, problems_only: bool = False, empty: bool = False, unable: Container[str] = ()
) -> list[Row]:
    """The footer's lines: one, or two on a narrow screen; the words of those keys in parentheses that are `unable`."""

    def pair(key: Key, *, short: bool = False) -> tuple[str, str]:
        shown, label = _pair(key, problems_only=problems_only, short=short)
        return shown, f"({label})" if key.id in unable else label

    if empty:
        return [[_pair(key, problems_only=False) for key in _EMPTY]]
    if width < NARROW:
        first = (OPEN, CHECK, COPY) if problems_only else (OPEN, REGISTER, CHECK)
        second = (PROBLEMS, FILTER, HELP, QUIT)
        return [
            _cut([pair(key) for key in first], width),
            [pair(key, short=True) for key in second],
        ]
    wide, few = (_PROBLEMS_WIDE, _PROBLEMS) if problems_only else (_ALL_WIDE, _ALL)
    for keys in (wide, few):
        row = [pair(key) for key in keys]
        if footer_width(row) < width:
            return [row]
    return [_cut(row, width)]


def _pair(key: Key, *, problems_only: bool, short: bool = False) -> tuple[str, str]:
    if key is PROBLEMS and problems_only:
        return key.footer_key, "All" if short else "All clusters"
    return key.footer_key, key.label


def footer_width(row: Sequence[tuple[str, str]], gap: int = GAP) -> int:
    """Columns that a line takes, with the one at its left."""
    return 1 + sum(len(key) + 1 + len(label) for key, label in row) + gap * max(0, len(row) - 1)


def detail_footer(width: int, *, unreachable: bool = False, unable: Container[str] = ()) -> Row:
    """The footer of the screen of one cluster; the words of those keys in parentheses that are `unable`."""
    keys: tuple[Key, ...] = (BACK, TAB, CHECK, DEREGISTER, COPY, REFRESH, EDIT, RIGHTS, HELP)
    if unreachable:
        keys = (BACK, CHECK, DEREGISTER, COPY, LOG, EDIT, HELP)
    if width < NARROW:
        keys = (BACK, CHECK, COPY, HELP)
    renamed = {CHECK: "Check now", COPY: "Copy report"} if unreachable else {}
    words = {key: renamed.get(key, key.label) for key in keys}
    row = [(key.footer_key, f"({words[key]})" if key.id in unable else words[key]) for key in keys]
    return _cut(row, width)


def _cut(row: Row, width: int) -> Row:
    """Without the ones before the last (help stays) until it fits."""
    while footer_width(row) >= width and len(row) > 1:
        row = [*row[:-2], row[-1]]
    return row


def period_words(period: float | None) -> str:
    """How often everything is asked."""
    if period is None:
        return "refresh by r"
    return f"refresh {period:g} s" if period < 120 else f"refresh {period / 60:g} min"
