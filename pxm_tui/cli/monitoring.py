"""The outcome of a check for monitoring systems: a line a cluster, or the one line of a Nagios plug-in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.describe import guests_figure, nodes_figure
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.text import one_line
from pxm_tui.services.judge import status_of_error
from pxm_tui.services.repairs import CheckReport

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
MOST_NAMED = 5


def status_of(report: CheckReport) -> Status:
    """What this check says of the cluster, whatever the record says of earlier ones."""
    return report.cluster.status if report.error is None else status_of_error(report.error)


def line_of(report: CheckReport) -> str:
    """One cluster on one line: name, status, nodes, guests, version, milliseconds, cause and message, by tabs."""
    cluster = report.cluster
    cause, message = _why(report)
    milliseconds = sum(step.ms for step in report.steps)
    cells = (
        cluster.name,
        str(status_of(report)),
        nodes_figure(cluster),
        guests_figure(cluster),
        cluster.proxmox_version or "?",
        str(milliseconds),
        cause or "-",
        message or "-",
    )
    return "\t".join(one_line(cell, 500) for cell in cells)


def _why(report: CheckReport) -> tuple[str, str]:
    if report.error is not None:
        return report.error.cause, report.error.message
    known = report.cluster.error
    return (known.cause, known.message) if known is not None else ("", "")


def nagios(reports: Sequence[CheckReport], seconds: float) -> tuple[int, str]:
    """Exit status and line of a Nagios plug-in.

    Args:
        reports: one a cluster.
        seconds: how long it took.
    """
    if not reports:
        return UNKNOWN, _head(UNKNOWN, "no cluster is registered")
    statuses = Counter(status_of(report) for report in reports)
    bad = [report for report in reports if report.error is not None]
    weak = [report for report in reports if report.error is None and status_of(report) is not Status.HEALTHY]
    state = CRITICAL if bad else WARNING if weak else OK
    counts = [f"{count} of {len(reports)} {status}" for status in Status if (count := statuses[status])]
    trouble = [_named(report) for report in (*bad, *weak)]
    more = [f"and {len(trouble) - MOST_NAMED} more"] if len(trouble) > MOST_NAMED else []
    said = ", ".join(counts) + (f": {', '.join((*trouble[:MOST_NAMED], *more))}" if trouble else "")
    return state, f"{_head(state, said)} | {_performance(reports, statuses, seconds)}"


def nagios_failure(error: PxmError) -> tuple[int, str]:
    """Exit status and line where nothing could be checked at all."""
    return UNKNOWN, _head(UNKNOWN, error.message)


def _head(state: int, said: str) -> str:
    """The words before the figures; a vertical line begins the figures, so there is none in the words."""
    return f"PXM {WORDS[state]} - {one_line(said, 1000)}".replace("|", "/")


def _named(report: CheckReport) -> str:
    cause, _ = _why(report)
    return f"{one_line(report.cluster.name, 64)} ({cause.replace('_', ' ') or status_of(report)})"


def _performance(reports: Sequence[CheckReport], statuses: Counter[Status], seconds: float) -> str:
    """The figures. Of what could not be seen there is no figure, rather than 0."""
    seen = [report.cluster for report in reports if report.error is None]
    total = len(reports)
    figures = [f"clusters={total};;;0"]
    figures += [f"{status}={statuses[status]};;;0;{total}" for status in Status if status is not Status.UNKNOWN]
    figures += [
        f"{name}={found};;;0" for name, found in ((name, _sum(seen, name)) for name in _SUMMED) if found is not None
    ]
    return " ".join((*figures, f"time={seconds:.3f}s;;;0"))


_SUMMED = ("node_count", "nodes_online", "guests_total", "guests_running")


def _sum(clusters: Sequence[Cluster], name: str) -> int | None:
    """The sum of a figure over the clusters that have it; None where none has."""
    values = [value for cluster in clusters if (value := getattr(cluster, name)) is not None]
    return sum(values) if values else None
