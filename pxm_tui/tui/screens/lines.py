"""A screen of lines, the newest last; the selected one is shown in full below them, and can be copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from pxm_tui.services.bundle import Services
from pxm_tui.tui.copying import TMUX_HINT
from pxm_tui.tui.dialog import fit_keys
from pxm_tui.tui.line import Line
from pxm_tui.tui.screens.prompting import PromptingScreen
from pxm_tui.tui.text import safe, wrap
from pxm_tui.tui.widgets.frame import KeysLine, RuleLine, TextLines, TitleLine
from pxm_tui.tui.widgets.grid import Grid, Look

Entry = TypeVar("Entry")


class LinesScreen(PromptingScreen[None], Generic[Entry]):
    """See the module. Subclasses say what the lines are and how they look."""

    NOTHING = ""
    """What is shown where there are no lines."""

    FOOTER: tuple[tuple[str, str], ...] = ()

    EXPLAINED = 2
    """Lines that the selected one may take below."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._entries: tuple[Entry, ...] = ()
        self._look: Look[tuple[int, Entry]] = Look((), lambda row: self.draw(row[1]))

    # What subclasses say

    def title_line(self) -> TitleLine:
        """The first line."""
        raise NotImplementedError

    def draw(self, entry: Entry) -> Line:
        """One line."""
        raise NotImplementedError

    def full(self, entry: Entry) -> str:
        """The line in full, for the explanation."""
        raise NotImplementedError

    def copied(self, entry: Entry) -> str:
        """What is copied of it."""
        raise NotImplementedError

    # The screen

    def compose(self) -> ComposeResult:
        """Title, lines, the selected one in full, keys."""
        yield self.title_line()
        yield Grid[tuple[int, Entry]](lambda row: str(row[0]), id="grid")
        yield RuleLine(id="rule", right=True)
        yield TextLines(id="explanation")
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        """The newest line is the selected one."""
        self.set_focus(self.grid)

    def on_resize(self) -> None:
        """The selected line is wrapped to the width."""
        self.query_one("#keys", KeysLine).show_content(*fit_keys(self.FOOTER, self.size.width, rows=1))
        first = not self._entries
        self.fleet_changed()
        if first:
            self.grid.action_edge(1)
        self._show_selected()

    @property
    def grid(self) -> Grid[tuple[int, Entry]]:
        """The lines."""
        return self.query_one("#grid", Grid)

    def home_focus(self) -> Widget | None:
        """The lines."""
        return self.grid

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show these lines; who looks at the newest goes on looking at the newest."""
        if tuple(entries) == self._entries and self._entries:
            return
        following = self.grid.cursor_key in {None, str(len(self._entries) - 1)}
        self._entries = tuple(entries)
        notes: list[Line] = [] if entries else [((f"   {self.NOTHING}", "dim"),)]
        self.grid.show(list(enumerate(entries)), self._look, notes)
        if following:
            self.grid.action_edge(1)
        self._show_selected()

    @on(Grid.Moved)
    def _show_selected(self) -> None:
        row = self.grid.cursor_row
        rows = wrap(self.full(row[1]), self.size.width - 2, self.EXPLAINED) if row else []
        self.query_one("#explanation", TextLines).show(rows)
        first, last = self.grid.seen
        seen = f"{first}{self.glyphs.dash}{last} of {len(self._entries)}" if first else ""
        self.query_one("#rule", RuleLine).show(seen)

    def action_copy(self) -> None:
        """The selected line."""
        row = self.grid.cursor_row
        if row is not None:
            text = self.copied(row[1])
            self.app.copy_to_clipboard(text)
            self.app.notify(f"Copied the line: {safe(text, 100)}\n{TMUX_HINT}", markup=False)
