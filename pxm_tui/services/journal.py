"""The log of this run, for the log screen and the log file. Lines are composed here and hold no secret."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pxm_tui.domain.text import one_line
from pxm_tui.services.ports import Clock

KEPT = 2000

_logger = logging.getLogger("pxm_tui.journal")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line.

    Attributes:
        at: when, UTC.
        cluster: the cluster's name, or empty for the program itself.
        text: what happened.
        failure: something went wrong.
    """

    at: datetime
    cluster: str
    text: str
    failure: bool = False


class Journal:
    """Keeps the last lines of this run and passes them to the log file."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: deque[JournalEntry] = deque(maxlen=KEPT)
        self.on_entry: Callable[[JournalEntry], None] | None = None
        """Called with each new line, on the thread that wrote it."""

    def write(self, text: str, *, cluster: str = "", failure: bool = False) -> None:
        """Add a line."""
        entry = JournalEntry(self._clock(), one_line(cluster), one_line(text, 500), failure)
        self._entries.append(entry)
        of = f"{entry.cluster}: " if entry.cluster else ""
        _logger.log(logging.WARNING if failure else logging.INFO, "%s%s", of, entry.text)
        if self.on_entry is not None:
            self.on_entry(entry)

    def entries(self) -> tuple[JournalEntry, ...]:
        """The lines, oldest first."""
        return tuple(self._entries)
