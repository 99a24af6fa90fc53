"""The order of the rows. They stay where they are until a person, or the sorted text itself, moves them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pxm_tui.domain.describe import STATUS_ORDER, seen_steps
from pxm_tui.domain.text import natural_key
from pxm_tui.services.fleet_view import ClusterView

SORTS = ("name", "status", "seen", "guests", "version", "rtt")


@dataclass(frozen=True, slots=True)
class SortOrder:
    """By what, and whether turned round."""

    by: str = "name"
    reverse: bool = False

    def next(self) -> SortOrder:
        """By the next column, the right way round."""
        place = SORTS.index(self.by) if self.by in SORTS else -1
        return SortOrder(SORTS[(place + 1) % len(SORTS)])

    def reversed(self) -> SortOrder:
        """The other way round."""
        return replace(self, reverse=not self.reverse)

    @property
    def words(self) -> str:
        """For the rule: `by name`, `by seen, reversed`."""
        return f"by {self.by}, reversed" if self.reverse else f"by {self.by}"


class Arrangement:
    """Keeps rows in their places while their figures move."""

    def __init__(self) -> None:
        self._order: SortOrder | None = None
        self._text: list[Any] = []
        self._ids: list[str] = []

    def arrange(
        self,
        views: Sequence[ClusterView],
        order: SortOrder,
        *,
        now: datetime,
        fresh_for: float,
        anew: bool = False,
    ) -> list[ClusterView]:
        """The views in order; sorted anew when asked, by another order, or when clusters or sorted text changed.

        Args:
            views: all clusters, by name.
            order: by what.
            now: UTC, for ages.
            fresh_for: seconds for which an answer counts as `now`.
            anew: a person asked.
        """
        text = _sorted_text(views, order)
        if anew or order != self._order or text != self._text:
            self._order, self._text = order, text
            ordered = sort(views, order, now, fresh_for)
            self._ids = [view.cluster.id for view in ordered]
            return ordered
        by_id = {view.cluster.id: view for view in views}
        return [by_id[key] for key in self._ids]


def sort(views: Sequence[ClusterView], order: SortOrder, now: datetime, fresh_for: float) -> list[ClusterView]:
    """The views sorted by what is shown of them; equal ones by name, those without a figure last."""
    if order.by == "name":
        return list(reversed(views)) if order.reverse else list(views)
    keyed = [(_value(view, order.by, now, fresh_for), view) for view in views]
    known = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=order.reverse)
    return [view for _, view in known] + [view for value, view in keyed if value is None]


def _sorted_text(views: Sequence[ClusterView], order: SortOrder) -> list[Any]:
    """What the order depends on: who is there, and for words (not figures) what they say."""
    if order.by == "status":
        return [(view.cluster.id, view.cluster.status) for view in views]
    if order.by == "version":
        return [(view.cluster.id, view.cluster.proxmox_version) for view in views]
    return [view.cluster.id for view in views]


def _value(view: ClusterView, by: str, now: datetime, fresh_for: float) -> Any:
    cluster = view.cluster
    if by == "status":
        return STATUS_ORDER[cluster.status], "" if cluster.error is None else cluster.error.short, bool(cluster.limits)
    if by == "seen":
        return seen_steps(cluster, now, fresh_for)
    if by == "guests":
        return cluster.guests_total
    if by == "version":
        found = cluster.proxmox_version
        return None if found is None else natural_key(re.sub(r"[^0-9A-Za-z]+", " ", found))
    return None if view.snapshot.rtt_ms is None else max(1, round(view.snapshot.rtt_ms))
