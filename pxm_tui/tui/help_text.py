"""The help page of a screen, made from its keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from rich.cells import cell_len

from pxm_tui import __version__
from pxm_tui.services.bundle import Places
from pxm_tui.tui.copying import TMUX_HINT
from pxm_tui.tui.glyphs import Glyphs
from pxm_tui.tui.keys import Key
from pxm_tui.tui.text import wrap

TWO_COLUMNS = 78
"""From this width on the blocks stand side by side."""

LEFT = ("Move", "Find")
_RIGHT_AT = 39
_RIGHT_WORDS = 21
"""Columns before the words of the right column."""

LEGEND = (
    ("healthy", "healthy    answers, quorate, all nodes online"),
    ("degraded", "degraded   answers; a node is offline or there is no quorum"),
    ("unreachable", "unreachable   no Proxmox VE answers at its endpoint"),
    ("untrusted", "untrusted, unauthorized   stopped until you decide: press c"),
    ("unknown", "unknown    not checked yet"),
)


@dataclass(frozen=True, slots=True)
class HelpRow:
    """One line of a block: its name in the first line, keys, and what they do."""

    block: str
    keys: str
    does: str


def help_lines(
    keys: Sequence[Key],
    glyphs: Glyphs,
    places: Places,
    width: int,
    *,
    legend: bool = True,
    unable: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """The page.

    Args:
        keys: of the screen, and of the widgets on it.
        glyphs: the signs in use.
        places: where things are kept.
        width: of the screen.
        legend: explain the signs of the statuses.
        unable: why those that cannot work now cannot, by `Key.id`: their words stand in parentheses.
    """
    lines = [""]
    lines += _blocks_lines([_marked(key) if key.id in unable else key for key in keys], glyphs, width)
    lines += (refused := _unable_lines(keys, unable, width))
    if legend:
        lines.append("")
        for index, (status, words) in enumerate(LEGEND):
            lines.append(f" {'Status' if not index else '':<10}{glyphs.of_status(status)} {words}")
        lines += [
            " NODES online/all   GUESTS running/all, without templates   ? not allowed to see",
            " SEEN  the last answer: now, or how old the row is",
        ]
    hint = TMUX_HINT.removeprefix("If it did not arrive: tmux needs ").replace("`", "").removesuffix(".")
    lines += [
        *([] if refused else [""]),  # so that one reason still fits 80x24
        f" Copying under tmux needs  {hint}.  Shift+drag selects text.",
        f" Data {places.data}   Log {places.log}   pxm {__version__}",
    ]
    return lines if width >= TWO_COLUMNS else [row for line in lines for row in _wrapped(line, width)]


def _marked(key: Key) -> Key:
    return replace(key, help=f"({key.help})" if key.help else "")


def _unable_lines(keys: Sequence[Key], unable: Mapping[str, str], width: int) -> list[str]:
    """What cannot work now, and why; those of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for key in keys:
        if key.id in unable:
            by_reason.setdefault(unable[key.id].replace("`", ""), []).append(key.names[0] if key.names else key.label)
    rows = [row for why, names in by_reason.items() for row in wrap(f"{', '.join(names)}: {why}", width - 12, 9)]
    return [f" {'Not now' if not index else '':<10}{row}" for index, row in enumerate(rows)]


def _wrapped(line: str, width: int) -> list[str]:
    """A line that is too long, continued below with an indent."""
    if cell_len(line) <= width:
        return [line]
    indent = len(line) - len(line.lstrip())
    return [" " * (indent if not index else 11) + row for index, row in enumerate(wrap(line.strip(), width - 11, 9))]


def blocks(keys: Sequence[Key], glyphs: Glyphs) -> dict[str, list[HelpRow]]:
    """The rows of each block, in the order of the keys."""
    found: dict[str, list[HelpRow]] = {}
    for key in keys:
        if key.group and key.shown and key.help:
            rows = found.setdefault(key.group, [])
            shown = key.shown.replace("↓ ↑", glyphs.arrows)
            does = key.help.replace("…", "...") if glyphs.ascii else key.help
            rows.append(HelpRow("" if rows else key.group, shown, does))
    return found


def _blocks_lines(keys: Sequence[Key], glyphs: Glyphs, width: int) -> list[str]:
    found = blocks(keys, glyphs)
    if width >= TWO_COLUMNS and any(name in LEFT for name in found):
        return _side_by_side(found, width - _RIGHT_AT - _RIGHT_WORDS)
    return [_left_words(row) for rows in found.values() for row in rows]


def _folded(row: HelpRow, room: int) -> list[HelpRow]:
    """The row, and others below it where its words take more than so many columns."""
    first, *others = wrap(row.does, max(room, 10), 9)
    return [HelpRow(row.block, row.keys, first), *(HelpRow("", "", other) for other in others)]


def _side_by_side(found: Mapping[str, Sequence[HelpRow]], room: int) -> list[str]:
    blank = HelpRow("", "", "")
    left: list[HelpRow] = []
    right: list[HelpRow] = []
    for name, rows in found.items():
        column = left if name in LEFT else right
        folded = rows if column is left else [part for row in rows for part in _folded(row, room)]
        column += [*([blank] if column and column is left else []), *folded]
    for index, row in enumerate(left):
        too_long = len(_left_words(row)) >= _RIGHT_AT
        if too_long and index < len(right) and right[index].block:
            right.insert(index, blank)
    lines = []
    for index in range(max(len(left), len(right))):
        one = left[index] if index < len(left) else blank
        other = right[index] if index < len(right) else blank
        words = _left_words(one)
        at = _RIGHT_AT if len(words) < _RIGHT_AT else len(words) + 1
        beside = f"{other.block:<10}{other.keys:<11}{other.does}"
        lines.append((words.ljust(at) + beside[at - _RIGHT_AT :]).rstrip())
    return lines


def _left_words(row: HelpRow) -> str:
    return f" {row.block:<10}{row.keys:<12}{row.does}"


def key_table(screens: Sequence[tuple[str, Sequence[Key]]]) -> list[tuple[str, str, str]]:
    """Screen, keys, and what they do: every key of these screens, for the README."""
    return [
        (screen, key.shown, key.help.replace(" …", ""))
        for screen, keys in screens
        for key in keys
        if key.shown and key.help
    ]
