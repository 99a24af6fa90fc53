"""Going through the whole audit: is every line as it was written, and is none missing?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pxm_tui.domain.audit import AuditBreak, AuditVerdict
from pxm_tui.storage.audit_chain import START, Line, Link, is_torn, read_line, torn_hash
from pxm_tui.storage.audit_files import HEAD

if TYPE_CHECKING:
    from collections.abc import Iterable

Place = tuple[str, int]
"""A file's name and a line in it, from 1."""


class _BrokenError(Exception):
    def __init__(self, place: Place, why: str) -> None:
        super().__init__(why)
        self.found = AuditBreak(*place, why)


class ChainCheck:
    """Follows the chain from line to line.

    Args:
        head: the last line that was written, by the note of it.
        may_begin_late: so many files are there that older ones have been erased.
    """

    def __init__(self, head: Link | None, *, may_begin_late: bool) -> None:
        self._head = head
        self._may_begin_late = may_begin_late
        self._last = START
        self._lines = 0
        self._fragments: list[tuple[Place, bytes]] = []
        self._place: Place = ("audit.jsonl", 1)
        self._head_seen = False

    def run(self, files: Iterable[tuple[str, bytes]]) -> AuditVerdict:
        """Go through the files, oldest first: name and content."""
        try:
            for name, data in files:
                for number, raw in enumerate(data.split(b"\n"), start=1):
                    if raw:
                        self._take((name, number), raw)
            self._end()
        except _BrokenError as broken:
            return AuditVerdict(self._lines, broken.found)
        return AuditVerdict(self._lines)

    def _take(self, place: Place, raw: bytes) -> None:
        line = read_line(raw)
        if line is None:
            if not is_torn(raw):
                raise _BrokenError(place, "it is no line of the audit")
            self._fragments.append((place, raw))
            return
        if not line.sound:
            raise _BrokenError(place, "it was changed after it was written")
        self._follow(place, line)
        self._close_fragments(place, line)
        self._lines += 1
        self._last, self._place = line.link, place
        self._head_seen = self._head_seen or line.link == self._head

    def _follow(self, place: Place, line: Line) -> None:
        begins_late = self._lines == 0 and self._may_begin_late
        if begins_late or line.follows(self._last):
            return
        first, last = self._last.number + 1, line.link.number - 1
        if first < last:
            raise _BrokenError(place, f"the entries {first} to {last} before it are missing")
        if first == last:
            raise _BrokenError(place, f"the entry {first} before it is missing")
        raise _BrokenError(place, "it does not follow the line before it")

    def _close_fragments(self, place: Place, line: Line) -> None:
        """What a killed writer left was closed by the next one, who said so in its line."""
        if line.torn != torn_hash([raw for _, raw in self._fragments]):
            where = self._fragments[0][0] if self._fragments else place
            raise _BrokenError(where, "it is not what a killed writer had left here")
        self._fragments.clear()

    def _end(self) -> None:
        """The end is there: the last line, or one before it, is the one that was noted."""
        if self._head_seen or (self._head is None and self._last.number <= 1):
            return
        if self._head is None:
            raise _BrokenError((HEAD, 1), "it is missing, so nobody can tell whether entries at the end are")
        where = self._fragments[0][0] if self._fragments else (self._place[0], self._place[1] + 1)
        if self._head.number > self._last.number:
            raise _BrokenError(where, f"the entries from {self._last.number + 1} to {self._head.number} are missing")
        raise _BrokenError(self._place, f"it is another entry {self._head.number} than the one that was written")
