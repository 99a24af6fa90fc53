"""A cluster's row, drawn for given columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len

from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.describe import (
    environment_short,
    guests_figure,
    is_fresh,
    nodes_figure,
    seen_words,
    status_words,
)
from pxm_tui.domain.expiry import is_ending
from pxm_tui.domain.times import days_left
from pxm_tui.domain.tokens import ends_soon
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.columns import NARROW, Column
from pxm_tui.tui.glyphs import Glyphs
from pxm_tui.tui.line import Line
from pxm_tui.tui.ordering import SortOrder
from pxm_tui.tui.text import fit

STYLE = {
    "healthy": "good",
    "degraded": "note",
    "unreachable": "bad",
    "untrusted": "stopped",
    "unauthorized": "stopped",
    "unknown": "dim",
}
"""The grid's style of a status."""

ANSWERED = frozenset({Status.HEALTHY, Status.DEGRADED})


class RttMemory:
    """The round-trip times as they are shown; repainted only when they have moved by a fifth."""

    def __init__(self) -> None:
        self._shown: dict[str, float] = {}

    def shown(self, cluster_id: str, measured: float) -> float:
        """The figure to show for what was measured, milliseconds."""
        before = self._shown.get(cluster_id)
        if before is None or abs(measured - before) >= before / 5:
            self._shown[cluster_id] = before = measured
        return before


@dataclass(frozen=True, slots=True)
class RowPainter:
    """Draws rows as they are at one moment.

    Attributes:
        columns: from left to right.
        width: of the screen.
        glyphs: the signs in use.
        now: UTC.
        fresh_for: seconds for which an answer counts as `now`.
        checking: clusters that have not answered in this run are being asked.
        rtts: the shown round-trip times.
    """

    columns: tuple[Column, ...]
    width: int
    glyphs: Glyphs
    now: datetime
    fresh_for: float
    checking: bool
    rtts: RttMemory

    def head(self, order: SortOrder) -> Line:
        """The heading, with the sign of the order."""
        spans: list[tuple[str, str]] = [("  ", "head")]
        for column in self.columns:
            is_sorted = column.sort == order.by
            title = self._title(column, order) if is_sorted else column.title
            spans += [(" ", "head"), (fit(title, column.width, right=column.right), "sorted" if is_sorted else "head")]
        return tuple(spans)

    def _title(self, column: Column, order: SortOrder) -> str:
        sign = self.glyphs.down if order.reverse else self.glyphs.up
        spaced = f"{column.title} {sign}"
        return spaced if len(spaced) <= column.width else f"{column.title}{sign}"[: column.width]

    def draw(self, view: ClusterView) -> Line:
        """The row's line, after the cursor's column."""
        cluster = view.cluster
        waits = self.checking and view.waiting
        status = Status.UNKNOWN if waits else cluster.status
        style = STYLE[status]
        figures = "" if is_fresh(cluster, self.now, self.fresh_for) and not waits else "dim"
        spans: list[tuple[str, str]] = [(self.glyphs.of_status(status), style)]
        for column in self.columns:
            cell_style = _status_style(cluster, style) if column.key == "status" else figures
            spans += [(" ", ""), (self._cell(view, column, waits=waits), cell_style)]
        return tuple(spans)

    def _cell(self, view: ClusterView, column: Column, *, waits: bool) -> str:
        mark = self.glyphs.cut
        if column.key == "name":
            return fit(view.cluster.name, column.width, middle=True, mark=mark)
        if column.key == "status":
            words = self._waiting(view.cluster) if waits else self._status(view.cluster, column.width)
            return fit(words, column.width, mark=mark)
        return fit(self._figure(view, column), column.width, right=column.right, mark=mark)

    def _status(self, cluster: Cluster, width: int) -> str:
        if self.width < NARROW:
            return status_words(cluster, min(width, 26))
        written_out = status_words(cluster, 44)
        return written_out if cell_len(written_out) <= width else status_words(cluster, 27)

    def _waiting(self, cluster: Cluster) -> str:
        return "checking" if cluster.status is Status.UNKNOWN else f"({cluster.status}) checking"

    def _figure(self, view: ClusterView, column: Column) -> str:  # noqa: PLR0911
        cluster = view.cluster
        match column.key:
            case "env":
                return environment_short(cluster, column.width)
            case "nodes":
                return nodes_figure(cluster)
            case "guests":
                return guests_figure(cluster)
            case "pve":
                return cluster.proxmox_version or "?"
            case "seen":
                return seen_words(cluster, self.now, self.fresh_for)
            case "rtt":
                return self._rtt(view)
            case "cert":
                return self._certificate(view)
            case "login":
                return f"{cluster.login.method}{' !' if ends_soon(cluster.login, self.now) else ''}"
            case _:
                return view.endpoint.authority

    def _rtt(self, view: ClusterView) -> str:
        measured = view.snapshot.rtt_ms
        if measured is None or view.cluster.status not in ANSWERED:
            return self.glyphs.nothing
        return f"{max(1, round(self.rtts.shown(view.cluster.id, measured)))} ms"

    def _certificate(self, view: ClusterView) -> str:
        trusted = view.cluster.trust.certificate
        end = view.snapshot.certificate_not_after or (trusted.not_after if trusted else None)
        if end is None or view.cluster.status is Status.UNTRUSTED:
            return self.glyphs.nothing
        authority = view.cluster.trust.authority
        warned = is_ending(end, self.now) or (authority is not None and is_ending(authority.not_after, self.now))
        return f"{days_left(end, self.now)} d{' !' if warned else ''}"


def _status_style(cluster: Cluster, style: str) -> str:
    if cluster.status is Status.HEALTHY:
        return "note" if cluster.limits else ""
    return style


def longest_name(views: Sequence[ClusterView]) -> int:
    """Columns that the longest name takes."""
    return max((cell_len(view.cluster.name) for view in views), default=0)
