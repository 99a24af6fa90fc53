"""Words and figures for a cluster's row, the same on the screen and on the command line."""

from __future__ import annotations

from datetime import datetime

from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.times import age, age_steps

THIN_SPACE = "\u2009"

STATUS_ORDER = {
    Status.UNTRUSTED: 0,
    Status.UNAUTHORIZED: 1,
    Status.UNREACHABLE: 2,
    Status.DEGRADED: 3,
    Status.UNKNOWN: 4,
    Status.HEALTHY: 5,
}
"""Worst first: what needs a person, then what fails, then the rest."""

LONG_REASONS = {"cert changed": "certificate changed", "cert expired": "certificate expired"}


def status_words(cluster: Cluster, width: int = 27) -> str:
    """Status and reason in one cell: `unreachable: timed out`, `healthy, limited rights`.

    From 44 columns on the reason is written out; below 27 it stands alone, where there is one.
    """
    if cluster.status is Status.HEALTHY and cluster.limits:
        if width >= 44:
            missing = ", ".join(sorted({limit.privilege for limit in cluster.limits}))
            return f"healthy, limited rights: no {missing}"
        return "healthy, limited rights" if width >= 23 else "limited rights"
    if cluster.error is None:
        return str(cluster.status)
    reason = cluster.error.short
    if width >= 44:
        reason = LONG_REASONS.get(reason, reason)
    return f"{cluster.status}: {reason}" if width >= 27 else reason


ENVIRONMENT_AND_RO = 7
"""Columns that an environment of four letters and `RO` take."""


def environment_short(cluster: Cluster, width: int = 4) -> str:
    """The label `env` in capitals, as many letters as fit; `RO` behind it on a read-only cluster, where that fits."""
    word = cluster.environment.upper()
    if not cluster.read_only or width < ENVIRONMENT_AND_RO:
        return word[:width]
    return f"{word[: width - 3]} RO" if word else "RO"


def nodes_figure(cluster: Cluster) -> str:
    """Nodes online of all: `3/3`; `?` where it is not known."""
    if cluster.node_count is None:
        return "?"
    online = "?" if cluster.nodes_online is None else str(cluster.nodes_online)
    return f"{online}/{cluster.node_count}"


HIDES = {"/": "quorum", "/nodes": "nodes' figures", "/vms": "guests", "/storage": "storage"}
"""What a missing privilege hides, by its path."""


def hidden_words(cluster: Cluster) -> str:
    """What the login may not see, and what it lacks: `guests (VM.Audit on /vms), quorum (Sys.Audit on /)`."""
    return ", ".join(
        f"{HIDES.get(limit.path, limit.path)} ({limit.privilege} on {limit.path})" for limit in cluster.limits
    )


def quorum_words(cluster: Cluster) -> str:
    """Continues a sentence: `, quorate`, `, no quorum`, or `, quorum ?` where it may not be seen."""
    unseen = ", quorum ?" if any(limit.path == "/" for limit in cluster.limits) else ""
    return {True: ", quorate", False: ", no quorum", None: unseen}[cluster.quorate]


def guests_figure(cluster: Cluster) -> str:
    """Running guests of all: `41/41`; `?` where none may be seen, `9/12+` where only some may."""
    if cluster.guests_total is None:
        return "?"
    running = "?" if cluster.guests_running is None else str(cluster.guests_running)
    return f"{running}/{cluster.guests_total}{'+' if cluster.guests_partial else ''}"


def seen_words(cluster: Cluster, now: datetime, fresh_for: float = 30.0) -> str:
    """How old the row's figures are: `now` within `fresh_for` seconds, else the age; `never`."""
    if cluster.last_seen_at is None:
        return "never"
    seconds = (now - cluster.last_seen_at).total_seconds()
    if seconds <= fresh_for or age(seconds) == "now":
        return "now"
    return age(seconds)


def seen_steps(cluster: Cluster, now: datetime, fresh_for: float = 30.0) -> int | None:
    """The age that `seen_words` says, in minutes, to sort by; 0 for `now`, None for `never`."""
    if cluster.last_seen_at is None:
        return None
    seconds = (now - cluster.last_seen_at).total_seconds()
    return 0 if seconds <= fresh_for else age_steps(seconds)


def is_fresh(cluster: Cluster, now: datetime, fresh_for: float = 30.0) -> bool:
    """The figures are of now."""
    return seen_words(cluster, now, fresh_for) == "now"


def grouped(number: int) -> str:
    """A number with its thousands grouped by a thin space: `4 210`."""
    return f"{number:,}".replace(",", THIN_SPACE)


def labels_words(cluster: Cluster) -> str:
    """`env=prod site=fra`, or `none`."""
    return " ".join(f"{key}={value}" for key, value in cluster.labels) or "none"


def summary(cluster: Cluster) -> str:
    """One line on a cluster that answered: `Proxmox VE 9.2.11, 5 of 5 nodes, 104 of 131 guests up`."""
    words = [f"Proxmox VE {cluster.proxmox_version}", f"{cluster.nodes_online} of {cluster.node_count} nodes"]
    if cluster.guests_total is not None:
        words.append(f"{cluster.guests_running} of {cluster.guests_total} guests up")
    return ", ".join(words)
