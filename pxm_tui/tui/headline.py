"""What the first line of the home screen says: how many, how they are, and the clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pxm_tui.domain.cluster import NEEDS_A_PERSON, Status
from pxm_tui.domain.describe import grouped
from pxm_tui.domain.times import local_short
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.glyphs import STATUS_STYLE, Glyphs
from pxm_tui.tui.line import Line, Span

WORDS_FROM = 120
"""From this width on every status has its word."""

ORDER = (
    Status.HEALTHY,
    Status.DEGRADED,
    Status.UNREACHABLE,
    Status.UNTRUSTED,
    Status.UNAUTHORIZED,
    Status.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class Headline:
    """The facts of the first line.

    Attributes:
        views: all clusters.
        now: UTC.
        program: its name, with what is special about this run.
        checking: clusters that have not answered in this run are being asked.
    """

    views: Sequence[ClusterView]
    now: datetime
    program: str
    checking: bool

    def variants(self, width: int, glyphs: Glyphs) -> tuple[list[Line], list[Line]]:
        """Left and right sides, widest first, for a screen of this width."""
        clock: Line = ((clock_words(self.now), ""),)
        start: Line = ((self.program, "bold $pxm-key"), (f"  Clusters {len(self.views)}", "bold"))
        compact: Line = ((self.program, "bold $pxm-key"), (f" {len(self.views)}", "bold"))
        if not self.views:
            return [start], [clock]
        if self.checking and any(view.waiting for view in self.views):
            return [
                (*start, ("    ", ""), (self._answered(), "")),
                (*compact, ("  ", ""), (self._answered_short(), "")),
            ], [clock]
        counts = Counter(view.cluster.status for view in self.views)
        lefts: list[Line] = []
        rights = [clock]
        if width >= WORDS_FROM:
            lefts.append((*start, ("    ", ""), *_every_word(counts, glyphs)))
            rights.insert(0, ((glyphs.plain(f"{self._totals()}   "), ""), *clock))
        lefts.append((*start, ("    ", ""), *_few_words(counts, glyphs, words=True)))
        lefts.append((*start, ("    ", ""), *_few_words(counts, glyphs, words=False)))
        lefts.append((*compact, ("  ", ""), *_few_words(counts, glyphs, words=False, gap=" ")))
        return lefts, rights

    def _answered(self) -> str:
        seen = [view.cluster.last_seen_at for view in self.views if view.cluster.last_seen_at is not None]
        answered = sum(not view.waiting for view in self.views)
        as_of = f"as of {local_short(max(seen), self.now)}, " if seen else ""
        return f"{as_of}checking: {answered} of {len(self.views)} answered"

    def _answered_short(self) -> str:
        return f"checking: {sum(not view.waiting for view in self.views)} answered"

    def _totals(self) -> str:
        clusters = [view.cluster for view in self.views]
        online = sum(cluster.nodes_online or 0 for cluster in clusters)
        nodes = sum(cluster.node_count or 0 for cluster in clusters)
        running = sum(cluster.guests_running or 0 for cluster in clusters)
        guests = sum(cluster.guests_total or 0 for cluster in clusters)
        more = "+" if any(limit.path == "/vms" for cluster in clusters for limit in cluster.limits) else ""
        figures = f"{grouped(guests)}{more} guests ({grouped(running)}{more} running)"
        return f"{grouped(online)}/{grouped(nodes)} nodes   {figures}"


def clock_words(now: datetime) -> str:
    """Local time, to the minute."""
    return f"{now.astimezone():%H:%M}"


def _every_word(counts: Counter[Status], glyphs: Glyphs) -> list[Span]:
    return _figures(
        [(status, f" {status}") for status in ORDER if counts[status] or status is Status.HEALTHY], counts, glyphs
    )


def _few_words(counts: Counter[Status], glyphs: Glyphs, *, words: bool, gap: str = "   ") -> list[Span]:
    """Healthy without its word; what needs a person together."""
    need_you = sum(counts[status] for status in NEEDS_A_PERSON)
    merged = Counter({status: count for status, count in counts.items() if status not in NEEDS_A_PERSON})
    merged[Status.HEALTHY] += 0
    order = [(Status.HEALTHY, "")]
    order += [
        (status, f" {status}" if words else "")
        for status in (Status.DEGRADED, Status.UNREACHABLE, Status.UNKNOWN)
        if merged[status]
    ]
    if need_you:
        merged[Status.UNTRUSTED] = need_you
        order.append((Status.UNTRUSTED, " need you" if words else ""))
    return _figures(order, merged, glyphs, gap)


def _figures(
    order: Sequence[tuple[Status, str]], counts: Counter[Status], glyphs: Glyphs, gap: str = "   "
) -> list[Span]:
    parts: list[Span] = []
    for status, word in order:
        if parts:
            parts.append((gap, ""))
        parts += [(glyphs.of_status(status), STATUS_STYLE[status]), (f" {counts[status]}{word}", "")]
    return parts
