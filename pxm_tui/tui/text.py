"""The one doorway for text that came from Proxmox or from a person: it is never markup, and it is harmless.

Everything that is not a literal of ours goes through `content`, `safe` or `fit` before Textual sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from pxm_tui.domain.text import cut_end, cut_middle, one_line

if TYPE_CHECKING:
    from textual.content import Content


def safe(text: str, limit: int = 500) -> str:
    """The text on one line without control and direction characters; for widgets that take plain text only."""
    return one_line(text, limit)


def content(text: str, style: str = "", limit: int = 500) -> Content:
    """The text as content in one style. Square brackets in it are square brackets."""
    from textual.content import Content

    return Content.styled(safe(text, limit), style) if style else Content(safe(text, limit))


def lines(text: str, style: str = "", limit: int = 20_000) -> Content:
    """A text of several lines, each made harmless, as content."""
    from textual.content import Content

    clean = "\n".join(one_line(line, 1000) if line.strip() else "" for line in text[:limit].splitlines())
    return Content.styled(clean, style) if style else Content(clean)


def fit(text: str, width: int, *, right: bool = False, middle: bool = False, mark: str = "…") -> str:
    """The text in exactly `width` columns as Textual counts them.

    Args:
        text: made harmless here.
        width: columns.
        right: filled on the left.
        middle: cut in the middle instead of at the end.
        mark: stands where it was cut.
    """
    clean = text if text.isascii() and text.isprintable() else one_line(text)
    if len(clean) <= width and clean.isascii():
        return clean.rjust(width) if right else clean.ljust(width)
    cut = cut_middle(clean, width, mark) if middle else cut_end(clean, width, mark)
    missing = width - cell_len(cut)
    if missing < 0:
        return set_cell_size(cut, width)
    return " " * missing + cut if right else cut + " " * missing


def wrap(text: str, width: int, count: int, mark: str = "…") -> list[str]:
    """The text in at most `count` lines of at most `width` columns; what does not fit ends in `mark`.

    Breaks at spaces; a word longer than a line is broken where the line ends.
    """
    rows: list[str] = []
    line = ""
    for word in safe(text, 2000).split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            rows.append(line)
        line = word
        while cell_len(line) > width:
            head = set_cell_size(line, width).rstrip()
            rows.append(head)
            line = line[len(head) :]
    rows.append(line)
    if len(rows) <= count:
        return rows
    kept = rows[:count]
    kept[-1] = cut_end(f"{kept[-1]} {rows[count]}" + " " * width, width, mark).rstrip()
    return kept
