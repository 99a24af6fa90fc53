"""Some of the clusters, in some order: what lists are filtered and sorted by."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.text import natural_key
from pxm_tui.domain.times import iso

SortKey = tuple[str, tuple[tuple[int, int, str], ...], str]
"""What a list is ordered by; no two clusters have the same."""

ORDERS = ("name", "status", "created_at", "updated_at", "last_seen_at")


def select(clusters: Iterable[Cluster], statuses: Collection[str] = (), labels: Iterable[str] = ()) -> list[Cluster]:
    """Those that fit.

    Args:
        clusters: to choose from.
        statuses: the words of `Status`; none: any.
        labels: each `key=value`, or `key` for any value; all must fit.
    """
    wanted = [(key, value if separator else None) for key, separator, value in (text.partition("=") for text in labels)]

    def fits(cluster: Cluster) -> bool:
        if statuses and str(cluster.status) not in statuses:
            return False
        found = dict(cluster.labels)
        return all(key in found and value in (None, found[key]) for key, value in wanted)

    return [cluster for cluster in clusters if fits(cluster)]


def sort_value(cluster: Cluster, order: str) -> str:
    """The text that `order`, one of `ORDERS`, puts first; what was never seen comes before what was."""
    if order == "name":
        return ""
    if order == "status":
        return str(cluster.status)
    moment = {
        "created_at": cluster.created_at,
        "updated_at": cluster.updated_at,
        "last_seen_at": cluster.last_seen_at,
    }[order]
    return iso(moment) if moment else ""


def sort_key(value: str, name: str, cluster_id: str) -> SortKey:
    """The key of the cluster with this `sort_value`, name and id."""
    return value, natural_key(name), cluster_id
