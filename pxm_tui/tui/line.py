"""Lines of styled text as plain values: what the table is drawn from, before Textual is there and after."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

SMALLEST = (40, 12)
"""Columns and lines below which only a line about the size is shown."""

Span = tuple[str, str]
"""Text, and the name of its style."""

Line = tuple[Span, ...]


def width_of(line: Sequence[Span]) -> int:
    """Columns that a line takes."""
    return sum(cell_len(text) for text, _ in line)


def choose_beside(lefts: Sequence[int], rights: Sequence[int], width: int) -> tuple[int, int, int] | None:
    """Which two of these widths fit beside each other, one column in from the left, and how many lie between them.

    Narrower variants of the right side are taken before those of the left side. None where no two fit.
    """
    for i, left in enumerate(lefts):
        for j, right in enumerate(rights):
            gap = width - 1 - left - right
            if gap >= (1 if right else 0):
                return i, j, gap
    return None
