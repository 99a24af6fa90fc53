"""A table of text whose columns align in terminal cells, wide characters included."""

from __future__ import annotations

from pxm_tui.domain.text import cell_width, pad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str] = frozenset()) -> str:
    """Lay out rows under headings, two spaces between columns.

    Args:
        headings: one a column.
        rows: cells, as many as headings; harmless for a terminal already.
        right: headings of the columns that are aligned at their right.
    """
    lines = [headings, *rows]
    widths = [max(cell_width(line[index]) for line in lines) for index in range(len(headings))]
    return "\n".join(
        "  ".join(
            pad(cell, width, right=heading in right)
            for heading, cell, width in zip(headings, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def pairs(rows: Sequence[tuple[str, str]]) -> str:
    """Lay out names and their values, the values under each other; a value may have several lines."""
    width = max(cell_width(name) for name, _ in rows) + 2
    lines: list[str] = []
    for name, value in rows:
        first, *others = value.split("\n")
        lines.append((pad(name, width) + first).rstrip())
        lines.extend((" " * width + other).rstrip() for other in others)
    return "\n".join(lines)
