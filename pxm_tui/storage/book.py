"""All clusters at one moment: immutable, so that any thread may read it, and the rules of changing it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pxm_tui.domain.cluster import CheckResult, Cluster, apply_check
from pxm_tui.domain.text import fold, natural_key

if TYPE_CHECKING:
    from pxm_tui.services.ports import Refusal


class Book:
    """The clusters of a registry, by id and by name.

    Attributes:
        clusters: sorted by name in natural order.
        by_id: the same, by id.
    """

    __slots__ = ("_by_name", "by_id", "clusters")

    def __init__(self, clusters: Iterable[Cluster], *, in_order: bool = False) -> None:
        self.clusters = tuple(clusters if in_order else sorted(clusters, key=_order))
        self.by_id = {cluster.id: cluster for cluster in self.clusters}
        self._by_name: dict[str, Cluster] | None = None

    def named(self, name: str) -> Cluster | None:
        """The cluster of that name, without regard to case and Unicode form."""
        if self._by_name is None:
            self._by_name = {fold(cluster.name): cluster for cluster in self.clusters}
        return self._by_name.get(fold(name))

    def with_cluster(self, cluster: Cluster, refuse: Refusal | None = None) -> Book:
        """The book with a cluster inserted, or replaced by its id.

        Raises:
            AlreadyRegisteredError: another cluster has its name, or `refuse` objects, to the one with its id, too.
        """
        if refuse is not None:
            for kept in self.clusters:
                if (error := refuse(kept)) is not None:
                    raise error
        other = self.named(cluster.name)
        if other is not None and other.id != cluster.id:
            from pxm_tui.domain.messages import already_registered

            raise already_registered(cluster.name, other.endpoint)
        return Book([*(kept for kept in self.clusters if kept.id != cluster.id), cluster])

    def without(self, cluster_id: str) -> Book:
        """The book without a cluster."""
        return Book((kept for kept in self.clusters if kept.id != cluster_id), in_order=True)

    def with_checks(self, checks: Sequence[CheckResult]) -> tuple[Book, list[Cluster]]:
        """The book after many checks, and the clusters that they changed. Unknown clusters are passed over."""
        changed: dict[str, Cluster] = {}
        for check in checks:
            before = changed.get(check.cluster_id) or self.by_id.get(check.cluster_id)
            if before is None:
                continue
            after = apply_check(before, _to_the_second(check))
            if after is not before and after != before:
                changed[after.id] = after
        if not changed:
            return self, []
        return Book((changed.get(kept.id, kept) for kept in self.clusters), in_order=True), list(changed.values())


def _to_the_second(check: CheckResult) -> CheckResult:
    return replace(check, at=check.at.replace(microsecond=0)) if check.at.microsecond else check


def _order(cluster: Cluster) -> tuple[object, str, str]:
    return natural_key(cluster.name), cluster.name, cluster.id
