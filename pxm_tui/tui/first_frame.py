"""The home screen's first frame as plain lines: drawn by hand while Textual, which takes longer, is still imported.

It is made of the same parts as the home screen itself, so that nothing moves when that takes over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pxm_tui.services.fleet_view import FleetView
from pxm_tui.tui.banner import banner_lines
from pxm_tui.tui.columns import columns_at
from pxm_tui.tui.explain import explain
from pxm_tui.tui.footers import GAP, home_footer, period_words
from pxm_tui.tui.glyphs import Glyphs
from pxm_tui.tui.headline import Headline
from pxm_tui.tui.home import HomeChoices
from pxm_tui.tui.keys import HOME
from pxm_tui.tui.line import Line, Span, choose_beside, width_of
from pxm_tui.tui.rows import RowPainter, RttMemory, longest_name

GRID_STYLES = {
    "head": "bold $pxm-faint",
    "sorted": "bold $pxm-key",
    "good": "$pxm-good",
    "note": "$pxm-note",
    "bad": "$pxm-bad",
    "stopped": "$pxm-stopped",
    "dim": "$pxm-faint",
}
"""The grid's styles as the rest of the screen names them."""

EXPLAINED = 2


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """What the first frame is made of.

    Attributes:
        view: the stored fleet.
        choices: filter, problems only, order.
        glyphs: the signs in use.
        now: UTC.
        period: seconds between two refreshes; None: by hand only.
        width: columns of the screen.
        height: its lines.
        program: its name, with what is special about this run.
    """

    view: FleetView
    choices: HomeChoices
    glyphs: Glyphs
    now: datetime
    period: float | None
    width: int
    height: int
    program: str = "pxm"

    def lines(self) -> list[Line]:
        """All lines of the screen, top to bottom."""
        top = [self._title(), *self._banner()]
        rows = self.choices.rows(self.view.clusters, now=self.now, fresh_for=self._fresh_for)
        below = self._keys(empty=not rows)
        room = self.height - len(top) - 1 - EXPLAINED - len(below)
        table = self._table(room)
        found = explain(rows[0], self.now, checking=self._checking).lines(self.width - 1) if rows else []
        explained: list[Line] = [((f" {line}", ""),) for line in found]
        explained += [()] * (EXPLAINED - len(explained))
        seen = (1, min(len(rows), room - 1)) if rows else (0, 0)
        label = self.choices.rule(len(rows), len(self.view.clusters), seen, self.glyphs)
        return [*top, *table, self._rule(label), *explained, *below]

    @property
    def _fresh_for(self) -> float:
        return 2 * (self.period or 15.0)

    @property
    def _checking(self) -> bool:
        return self.period is not None

    def _title(self) -> Line:
        headline = Headline(self.view.clusters, self.now, self.program, checking=self._checking)
        lefts, rights = headline.variants(self.width, self.glyphs)
        chosen = choose_beside([width_of(one) for one in lefts], [width_of(one) for one in rights], self.width - 1)
        i, j, gap = chosen or (len(lefts) - 1, len(rights) - 1, 1)
        return ((" ", ""), *lefts[i], (" " * gap, ""), *rights[j])

    def _banner(self) -> list[Line]:
        lines = banner_lines(self.view, self.now, self.width, self.period)
        return [((f" {self.glyphs.plain(line)}", "bold $pxm-note"),) for line in lines]

    def _table(self, room: int) -> list[Line]:
        views = self.view.clusters
        columns = columns_at(self.width, longest_name(views))
        painter = RowPainter(columns, self.width, self.glyphs, self.now, self._fresh_for, self._checking, RttMemory())
        rows = self.choices.rows(views, now=self.now, fresh_for=self._fresh_for)
        lines = [_grid_line(painter.head(self.choices.order))]
        for index, row in enumerate(rows[: room - 1]):
            line = ((">" if index == 0 else " ", ""), *painter.draw(row))
            lines.append(tuple((text, "reverse") for text, _ in line) if index == 0 else _grid_line(line))
        notes: list[Line] = [((f"   {self.glyphs.plain(note)}", ""),) for note in self.choices.notes(views, rows)]
        if notes and rows:
            notes.insert(0, ())
        lines += notes[: room - len(lines)]
        return lines + [()] * (room - len(lines))

    def _rule(self, label: str) -> Line:
        rule = self.glyphs.rule
        words = f" {label} "
        return (
            (rule * max(0, self.width - 1 - len(words)), "$pxm-rule"),
            (words, ""),
            (rule, "$pxm-rule"),
        )

    def _keys(self, *, empty: bool) -> list[Line]:
        unable = [key.id for key in HOME if key.verb and empty]
        footer = home_footer(self.width, problems_only=self.choices.problems_only, unable=unable)
        rows = [_keys_line(row) for row in footer]
        if self.width >= 160:
            words = period_words(self.period)
            rows[-1] = (*rows[-1], (" " * (self.width - 1 - width_of(rows[-1]) - len(words)) + words, ""))
        return rows


def _grid_line(line: Line) -> Line:
    return tuple((text, GRID_STYLES.get(style, style)) for text, style in line)


def _keys_line(row: list[tuple[str, str]]) -> Line:
    spans: list[Span] = [(" ", "")]
    for index, (key, label) in enumerate(row):
        if index:
            spans.append((" " * GAP, ""))
        unable = label.startswith("(")
        spans += [(key, "$pxm-faint" if unable else "bold $pxm-key"), (f" {label}", "$pxm-faint" if unable else "")]
    return tuple(spans)
