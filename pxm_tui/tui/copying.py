"""What `y` copies of a cluster, and as which text. Secrets cannot be copied: nothing here has one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pxm_tui.domain.report import check_report
from pxm_tui.domain.text import one_line
from pxm_tui.services.fleet_view import ClusterView

TMUX_HINT = "If it did not arrive: tmux needs `set -g set-clipboard on`."


@dataclass(frozen=True, slots=True)
class Copyable:
    """One thing that can be copied.

    Attributes:
        letter: the key.
        label: as the line of choices shows it.
        name: as the toast names it.
        text: what is copied.
    """

    letter: str
    label: str
    name: str
    text: str


def copyables(view: ClusterView, now: datetime, machine: str) -> list[Copyable]:
    """What can be copied of a cluster."""
    cluster = view.cluster
    found = [
        Copyable("u", "URL", "the URL", cluster.endpoint.url),
        Copyable("n", "name", "the name", one_line(cluster.name)),
        Copyable("i", "id", "the id", cluster.id),
    ]
    if cluster.trust.fingerprint:
        found.append(Copyable("f", "fingerprint", "the fingerprint", cluster.trust.fingerprint))
    ssh = f"ssh root@{cluster.endpoint.host}"
    return [
        *found,
        Copyable("r", "report", "the report", report(view, now, machine)),
        Copyable("s", ssh, "the command", ssh),
    ]


def report(view: ClusterView, now: datetime, machine: str) -> str:
    """The cluster as last seen, as plain text for a ticket."""
    rows = list(check_report(view.cluster, view.snapshot, (), at=now, machine=machine))
    reason = view.cluster.error
    status = str(view.cluster.status)
    if reason is None:
        rows.append(f"{'status':<12} {status}")
    else:
        since = f", since {reason.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if reason.since else ""
        rows.append(f"{'status':<12} {status}: {one_line(reason.message)}{since}")
    for entry in view.snapshot.errors:
        last = f"{entry.last_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        rows.append(f"{entry.step or 'error':<12} {one_line(entry.short)} ({entry.count} times, last {last})")
    return "\n".join(rows) + "\n"
