"""The audit: every change that the program has made, in any run, on a cluster or in the registry."""

from __future__ import annotations

import json
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from pxm_tui.domain.audit import AuditEntry
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.times import from_iso
from pxm_tui.tui.dialog import program_title
from pxm_tui.tui.keys import AUDIT_KEYS, bindings
from pxm_tui.tui.line import Line
from pxm_tui.tui.nodes import moment_words
from pxm_tui.tui.screens.lines import LinesScreen
from pxm_tui.tui.text import safe
from pxm_tui.tui.widgets.frame import TitleLine

TITLE = "Audit: changes made by pxm"


class AuditScreen(LinesScreen[AuditEntry]):
    """See the module."""

    KEYS = AUDIT_KEYS
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(AUDIT_KEYS))
    help_title = "Audit"
    NOTHING = "Nothing has been audited yet."
    FOOTER = (("Esc", "Back"), ("v", "Verify"), ("y", "Copy the line"), ("g G", "first, last"), ("?", "Help"))
    EXPLAINED = 3

    def title_line(self) -> TitleLine:
        """And where the audit is kept."""
        return TitleLine(
            program_title(self.services, TITLE), [Content(safe(self.services.places.audit)), Content("")], id="title"
        )

    def on_mount(self) -> None:
        """Read it."""
        super().on_mount()
        self.fleet_changed()

    def fleet_changed(self) -> None:
        """There may be new lines; an older reading that is not at its end gives way."""
        self.run_worker(self._read(), group="audit", exclusive=True, description="reading the audit")

    async def _read(self) -> None:
        try:
            entries = await self.services.audit.entries()
        except PxmError as error:
            self._say(error.message, "bad")
        else:
            self.show_entries(entries)

    def action_verify(self) -> None:
        """Go through all of it, and say whether it is as it was written."""
        self.run_worker(self._verify(), group="verify", exclusive=True, description="verifying the audit")

    async def _verify(self) -> None:
        try:
            verdict = await self.services.audit.verify()
        except PxmError as error:
            self._say(error.message, "bad")
        else:
            self._say(verdict.words(), "bad" if verdict.broken else "good")

    def _say(self, text: str, style: str) -> None:
        """In the title: it stays."""
        left = [program_title(self.services, title) for title in (TITLE, "Audit")]
        self.query_one("#title", TitleLine).show(left, Content.styled(safe(text), f"$pxm-{style}"))

    def draw(self, entry: AuditEntry) -> Line:
        """Time, who, cluster, what."""
        return (
            (f" {self._time(entry)}  ", "dim"),
            (f"{safe(entry.actor.user, 16)}  ", "dim"),
            (safe(self.full(entry, who=False)), "" if entry.sound and entry.result == "done" else "bad"),
        )

    def full(self, entry: AuditEntry, *, who: bool = True) -> str:
        """What was done where, and by whom."""
        where = f"{entry.cluster_name}: " if entry.cluster_name else ""
        return f"{where}{entry.words()}" + (f". By {entry.actor.words()}" if who else "")

    def copied(self, entry: AuditEntry) -> str:
        """As it is stored."""
        return json.dumps(entry.to_json())

    def _time(self, entry: AuditEntry) -> str:
        try:
            return moment_words(from_iso(entry.at), self.services.clock())
        except ValueError:  # a damaged line
            return safe(entry.at, 20)
