"""The log of this run: every change of a status, every registration, every failure."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from pxm_tui.services.journal import JournalEntry
from pxm_tui.tui.dialog import program_title
from pxm_tui.tui.keys import LOG_KEYS, bindings
from pxm_tui.tui.line import Line
from pxm_tui.tui.nodes import moment_words
from pxm_tui.tui.screens.lines import LinesScreen
from pxm_tui.tui.text import safe
from pxm_tui.tui.widgets.frame import TitleLine


class LogScreen(LinesScreen[JournalEntry]):
    """See the module."""

    KEYS = LOG_KEYS
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(LOG_KEYS))
    help_title = "Log"
    NOTHING = "Nothing has happened yet."
    FOOTER = (("Esc", "Back"), ("y", "Copy the line"), ("g G", "first, last"), ("?", "Help"))

    def title_line(self) -> TitleLine:
        """And where the log is kept."""
        title = program_title(self.services, "Log of this run")
        return TitleLine(title, [Content(safe(self.services.places.log)), Content("")], id="title")

    def fleet_changed(self) -> None:
        """There may be new lines."""
        self.show_entries(self.services.journal.entries())

    def draw(self, entry: JournalEntry) -> Line:
        """Time, cluster, what happened; failures in their colour."""
        return (
            (f" {moment_words(entry.at, self.services.clock())}  ", "dim"),
            (safe(_words(entry)), "bad" if entry.failure else ""),
        )

    def full(self, entry: JournalEntry) -> str:
        """Without the time."""
        return _words(entry)

    def copied(self, entry: JournalEntry) -> str:
        """With the time in UTC."""
        return f"{entry.at:%Y-%m-%d %H:%M:%S} UTC  {_words(entry)}"


def _words(entry: JournalEntry) -> str:
    return f"{entry.cluster}: {entry.text}" if entry.cluster else entry.text
