"""The table of a cluster's nodes, and the list of its last errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len

from pxm_tui.domain.observation import ErrorEntry, Node
from pxm_tui.domain.times import age
from pxm_tui.tui.glyphs import Glyphs
from pxm_tui.tui.line import Line
from pxm_tui.tui.text import fit, safe

GIB = 2**30
HERE = "this endpoint"

_STATES = {"online": ("healthy", "good"), "offline": ("unreachable", "bad")}


@dataclass(frozen=True, slots=True)
class NodePainter:
    """Draws nodes.

    Attributes:
        widths: of name, state, address, CPU, memory, uptime; 0 leaves a column out.
        room: for the note at the end.
        glyphs: the signs in use.
        last_seen: the figures are not of now.
    """

    widths: tuple[int, int, int, int, int, int]
    room: int
    glyphs: Glyphs
    last_seen: bool

    @classmethod
    def at(cls, width: int, nodes: Sequence[Node], glyphs: Glyphs, *, last_seen: bool) -> NodePainter:
        """For a screen of this width: columns at the end give way first."""
        name = max(8, 1 + max((cell_len(safe(node.name)) for node in nodes), default=0))
        address = max(12, max((len(node.address or "") for node in nodes), default=0))
        widths = [min(name, 24), 9, min(address, 40), 5, 15, 6]
        fixed = 4 + sum(widths) + len(widths) - 1
        for column in (5, 4, 2, 3):
            if fixed <= width:
                break
            fixed -= widths[column] + 1
            widths[column] = 0
        return cls((*widths,), max(0, width - fixed), glyphs, last_seen)  # type: ignore[arg-type]

    def head(self) -> Line:
        """The heading."""
        titles = ("NODE", "STATE", "ADDRESS", "CPU ", "MEMORY", "UPTIME")
        return (("    ", "head"), (self._joined(titles), "head"))

    def draw(self, node: Node) -> Line:
        """One node's line, after the cursor's column."""
        sign, style = _STATES.get(node.state, ("unknown", "dim"))
        if self.last_seen:
            sign, style = "unknown", "dim"
        cells = (
            safe(node.name),
            f"({node.state})" if self.last_seen else node.state,
            node.address or self.glyphs.nothing,
            "" if node.cpu is None else f"{round(node.cpu * 100)} % ",
            _memory(node),
            "" if node.uptime is None else _uptime(node.uptime),
        )
        figures = "dim" if self.last_seen else ""
        note = HERE if node.local and self.room > len(HERE) else ""
        gap = " " * min(3, max(1, self.room - len(HERE)))
        return ((" ", ""), (self.glyphs.of_status(sign), style), (" " + self._joined(cells), figures), (gap + note, ""))

    def _joined(self, cells: Sequence[str]) -> str:
        right = {3, 5}
        return " ".join(
            fit(cell, width, right=index in right, middle=index == 0, mark=self.glyphs.cut)
            for index, (cell, width) in enumerate(zip(cells, self.widths, strict=True))
            if width
        )


def _memory(node: Node) -> str:
    if node.memory_used is None or not node.memory_total:
        return ""
    return f"{round(100 * node.memory_used / node.memory_total)} % of {_size(node.memory_total)}"


def _size(number: int) -> str:
    return f"{round(number / GIB)} GiB" if number < 1000 * GIB else f"{number / GIB / 1024:.1f} TiB"


def _uptime(seconds: int) -> str:
    found = age(seconds)
    return "< 1 m" if found == "now" else found


def draw_error(entry: ErrorEntry, now: datetime) -> Line:
    """One failure's line, after the cursor's column: when first, where, what, how often, when last."""
    times = "" if entry.count == 1 else f"   ({entry.count} times, last {moment_words(entry.last_at, now)})"
    step = f"{safe(entry.step)}  " if entry.step else ""
    return ((f"  {moment_words(entry.first_at, now)}  {step}", ""), (f"{safe(entry.short)}{times}", ""))


def moment_words(moment: datetime, now: datetime) -> str:
    """A local time to the second; with its date unless it is of today."""
    here = moment.astimezone()
    today = here.date() == now.astimezone().date()
    return here.strftime("%H:%M:%S") if today else here.strftime("%Y-%m-%d %H:%M:%S")
