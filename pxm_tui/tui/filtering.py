"""Which clusters are shown: words that are typed, and problems only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.describe import status_words
from pxm_tui.domain.text import fold_accents
from pxm_tui.services.fleet_view import ClusterView


class Finder:
    """Finds clusters by words, without regard to case and accents. Remembers what each cluster is searched in."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[Cluster, str]] = {}

    def find(self, views: Sequence[ClusterView], words: str) -> list[ClusterView]:
        """The views in which every word is found, and no word after a `!`."""
        wanted, unwanted = _split(words)
        if not wanted and not unwanted:
            return list(views)
        return [
            view
            for view in views
            for text in (self._text(view.cluster),)
            if all(word in text for word in wanted) and not any(word in text for word in unwanted)
        ]

    def _text(self, cluster: Cluster) -> str:
        known = self._texts.get(cluster.id)
        if known is None or known[0] is not cluster:
            known = self._texts[cluster.id] = (cluster, haystack(cluster))
        return known[1]


def haystack(cluster: Cluster) -> str:
    """What is searched: name, hosts, labels, status and reason, version; folded, one a line."""
    parts = [
        cluster.name,
        *(endpoint.authority for endpoint in cluster.endpoints),
        *(f"{key}={value}" for key, value in cluster.labels),
        status_words(cluster, 44),
        status_words(cluster, 27),
        cluster.proxmox_version or "",
    ]
    return fold_accents("\n".join(parts))


def _split(words: str) -> tuple[list[str], list[str]]:
    parts = fold_accents(words).split()
    return (
        [word for word in parts if not word.startswith("!")],
        [word[1:] for word in parts if word.startswith("!") and len(word) > 1],
    )


def problems(views: Iterable[ClusterView]) -> list[ClusterView]:
    """The clusters that are not healthy."""
    return [view for view in views if view.cluster.status is not Status.HEALTHY]


def limited(views: Iterable[ClusterView]) -> list[ClusterView]:
    """The healthy clusters whose login may not see everything."""
    return [view for view in views if view.cluster.status is Status.HEALTHY and view.cluster.limits]
