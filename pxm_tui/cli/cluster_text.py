"""Clusters in words for the command line: the table, one record, the report of a check."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pxm_tui.cli.table import pairs, table
from pxm_tui.domain.capabilities import DOES, SEES, Capability, Extent, can, commands
from pxm_tui.domain.certificate import Trust
from pxm_tui.domain.cluster import Cluster, trust_words
from pxm_tui.domain.describe import (
    environment_short,
    guests_figure,
    hidden_words,
    labels_words,
    nodes_figure,
    quorum_words,
    status_words,
)
from pxm_tui.domain.login_messages import grant_line
from pxm_tui.domain.observation import Permissions, Snapshot
from pxm_tui.domain.rights import may_everything
from pxm_tui.domain.text import one_line
from pxm_tui.domain.times import age, days_left, iso
from pxm_tui.domain.tokens import expiry_words

HEADINGS = ("NAME", "ENV", "STATUS", "NODES", "GUESTS", "PVE", "SEEN")
RIGHT = frozenset({"NODES", "GUESTS", "SEEN"})
ENVIRONMENT_WIDTH = 12


def clusters_table(clusters: tuple[Cluster, ...], now: datetime) -> str:
    """One row a cluster, as `pxm list` prints them."""
    return table(HEADINGS, [_row(cluster, now) for cluster in clusters], RIGHT)


def _row(cluster: Cluster, now: datetime) -> tuple[str, ...]:
    cells = (
        cluster.name,
        environment_short(cluster, ENVIRONMENT_WIDTH),
        status_words(cluster),
        nodes_figure(cluster),
        guests_figure(cluster),
        cluster.proxmox_version or "?",
        seen(cluster, now),
    )
    return tuple(one_line(cell) for cell in cells)


def seen(cluster: Cluster, now: datetime) -> str:
    """The age of the last answer. A printed table does not tick, so it may be in seconds."""
    if cluster.last_seen_at is None:
        return "never"
    seconds = max(0.0, (now - cluster.last_seen_at).total_seconds())
    return f"{int(seconds)} s" if seconds < 60 else age(seconds)


def cluster_record(cluster: Cluster, now: datetime, snapshot: Snapshot | None = None) -> str:
    """All that is known of one cluster, as `pxm show` prints it; its rights where the snapshot knows them."""
    rows = [
        ("name", cluster.name),
        ("id", cluster.id),
        ("status", status_words(cluster, 44)),
        *_reason(cluster),
        ("endpoint", "\n".join(one_line(endpoint.url) for endpoint in cluster.endpoints)),
        ("version", f"Proxmox VE {cluster.proxmox_version}" if cluster.proxmox_version else "?"),
        ("nodes", f"{nodes_figure(cluster)} online{quorum_words(cluster)}"),
        ("guests", f"{guests_figure(cluster)} running"),
        ("login", _login(cluster, now)),
        ("trust", _trust(cluster.trust, now)),
        ("labels", labels_words(cluster)),
        *_limits(cluster),
        *(_rights(cluster, snapshot.permissions) if snapshot and snapshot.permissions else ()),
        ("guard", "read-only: pxm changes nothing on it" if cluster.read_only else ""),
        ("seen", _seen_at(cluster, now)),
        ("registered", iso(cluster.created_at)),
        ("updated", iso(cluster.updated_at)),
    ]
    return pairs([(name, "\n".join(one_line(line) for line in value.split("\n"))) for name, value in rows if value])


def _reason(cluster: Cluster) -> list[tuple[str, str]]:
    error = cluster.error
    if error is None:
        return []
    since = f", since {iso(error.since)}" if error.since else ""
    return [("what", f"{one_line(error.message)}{since}"), ("probably", error.probably), ("do", error.do)]


def _limits(cluster: Cluster) -> list[tuple[str, str]]:
    """What its login may not see, which privileges it lacks for that, and the command that grants them."""
    if not cluster.limits:
        return []
    line = grant_line(cluster.login.user, cluster.login.token_id)
    return [("not seen", f"{hidden_words(cluster)}\nto see it, on a node:\n{line}")]


def _rights(cluster: Cluster, permissions: Permissions) -> list[tuple[str, str]]:
    """What its login may, what it lacks, and the commands that grant it, by purpose."""
    if may_everything(permissions):
        return [("rights", "sees and may do everything")]
    version, user = cluster.proxmox_version, cluster.login.user
    found = {action: can(action, permissions, version=version, user=user) for action in (*SEES, *DOES)}
    lacks = [f"{one.action.words} ({one.why_not()})" for one in found.values() if one.extent is not Extent.ALL]
    return [
        ("sees", _may(found[action] for action in SEES)),
        ("may", _may(found[action] for action in DOES)),
        ("may not", "\n".join(lacks)),
        *(
            (f"grant {number}", f"{purpose}, on a node:\n" + "\n".join(lines))
            for number, (purpose, lines) in enumerate(commands(found, cluster.login, version), start=1)
        ),
    ]


def _may(found: Iterable[Capability]) -> str:
    words = [f"{'' if one.extent is Extent.ALL else 'some '}{one.action.words}" for one in found if one.allowed]
    return ", ".join(words) or "nothing"


def _login(cluster: Cluster, now: datetime) -> str:
    refused = "refused by the server and not used until it is changed" if cluster.login.refused else ""
    words = (cluster.login.name, str(cluster.login.method), expiry_words(cluster.login, now), refused)
    return ", ".join(word for word in words if word)


def _trust(trust: Trust, now: datetime) -> str:
    lines = [trust_words(trust)]
    if trust.certificate is not None:
        end = trust.certificate.not_after
        lines[0] += f", to {end:%Y-%m-%d} ({days_left(end, now)} d)"
    if trust.fingerprint:
        lines.append(trust.fingerprint)
    return "\n".join(lines)


def _seen_at(cluster: Cluster, now: datetime) -> str:
    return f"{iso(cluster.last_seen_at)}, {seen(cluster, now)} ago" if cluster.last_seen_at else "never"
