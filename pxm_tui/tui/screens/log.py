"""The log of this run: every change of a status, every registration, every failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget

from pxm_tui.services.bundle import Services
from pxm_tui.services.journal import JournalEntry
from pxm_tui.tui.copying import TMUX_HINT
from pxm_tui.tui.keys import LOG_KEYS, bindings
from pxm_tui.tui.line import Line
from pxm_tui.tui.nodes import moment_words
from pxm_tui.tui.screens.prompting import PromptingScreen
from pxm_tui.tui.text import safe, wrap
from pxm_tui.tui.widgets.frame import KeysLine, RuleLine, TextLines, TitleLine
from pxm_tui.tui.widgets.grid import Grid, Look


@dataclass(frozen=True, slots=True)
class LogRow:
    """A line of the journal and its number."""

    number: int
    entry: JournalEntry

    @property
    def text(self) -> str:
        """Time, cluster and text, for copying."""
        entry = self.entry
        who = f"{entry.cluster}: " if entry.cluster else ""
        return f"{entry.at:%Y-%m-%d %H:%M:%S} UTC  {who}{entry.text}"


class LogScreen(PromptingScreen[None]):
    """See the module."""

    KEYS = LOG_KEYS
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(LOG_KEYS))

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._entries: tuple[JournalEntry, ...] = ()
        self._look: Look[LogRow] = Look((), self._draw)

    def compose(self) -> ComposeResult:
        """Title, lines, the selected one in full, keys."""
        title = Content.assemble(("pxm", "bold $pxm-key"), "  Log of this run")
        yield TitleLine(title, Content(safe(self.services.places.log)), id="title")
        yield Grid[LogRow](lambda row: str(row.number), id="grid")
        yield RuleLine(id="rule", right=True)
        yield TextLines(id="explanation")
        yield KeysLine((("Esc", "Back"), ("y", "Copy the line"), ("g G", "first, last")), id="keys", gap=2)

    def on_mount(self) -> None:
        """The newest line is the selected one."""
        self.set_focus(self.grid)

    def on_resize(self) -> None:
        """The selected line is wrapped to the width."""
        first = not self._entries
        self.fleet_changed()
        if first:
            self.grid.action_edge(1)
        self._show_selected()

    @property
    def grid(self) -> Grid[LogRow]:
        """The lines."""
        return self.query_one("#grid", Grid)

    def home_focus(self) -> Widget | None:
        """The lines."""
        return self.grid

    def fleet_changed(self) -> None:
        """There may be new lines."""
        entries = self.services.journal.entries()
        if entries == self._entries and self._entries:
            return
        following = self.grid.cursor_key == str(len(self._entries) - 1)
        self._entries = entries
        notes: list[Line] = [] if entries else [(("   Nothing has happened yet.", "dim"),)]
        self.grid.show([LogRow(number, entry) for number, entry in enumerate(entries)], self._look, notes)
        if following:
            self.grid.action_edge(1)
        self._show_selected()

    def _draw(self, row: LogRow) -> Line:
        entry = row.entry
        who = f"{safe(entry.cluster)}: " if entry.cluster else ""
        return (
            (f" {moment_words(entry.at, self.services.clock())}  ", "dim"),
            (f"{who}{safe(entry.text)}", _style(entry)),
        )

    @on(Grid.Moved)
    def _show_selected(self) -> None:
        row = self.grid.cursor_row
        entry = row.entry if row else None
        who = f"{entry.cluster}: " if entry and entry.cluster else ""
        rows = wrap(f"{who}{entry.text}", self.size.width - 2, 2) if entry else []
        self.query_one("#explanation", TextLines).show(rows)
        first, last = self.grid.seen
        seen = f"{first}{self.glyphs.dash}{last} of {len(self._entries)}" if first else ""
        self.query_one("#rule", RuleLine).show(seen)

    def action_copy(self) -> None:
        """The selected line."""
        row = self.grid.cursor_row
        if row is not None:
            self.app.copy_to_clipboard(row.text)
            self.app.notify(f"Copied the line: {safe(row.text, 100)}\n{TMUX_HINT}", markup=False)


def _style(entry: JournalEntry) -> str:
    return "bad" if entry.failure else ""
