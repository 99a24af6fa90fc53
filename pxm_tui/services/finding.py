"""Finding a cluster by what a person types."""

from __future__ import annotations

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.messages import not_found
from pxm_tui.domain.text import fold


def find(clusters: tuple[Cluster, ...], name_or_id: str) -> Cluster:
    """The cluster of that name, id, or beginning of the id (eight characters or more).

    Raises:
        NotFoundError: there is none.
    """
    wanted = fold(name_or_id.strip())
    for cluster in clusters:
        if fold(cluster.name) == wanted or cluster.id == wanted:
            return cluster
    if len(wanted) >= 8:
        matches = [cluster for cluster in clusters if cluster.id.startswith(wanted)]
        if len(matches) == 1:
            return matches[0]
    raise not_found(name_or_id, [cluster.name for cluster in clusters])
