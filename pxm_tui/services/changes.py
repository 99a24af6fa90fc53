"""What has changed in the watched fleet, as events for a program that reads along."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pxm_tui.domain.times import iso
from pxm_tui.services.fleet_view import FleetView
from pxm_tui.services.ports import Clock

TICKING = frozenset({"last_seen_at", "updated_at"})
"""Fields that move without anything having changed."""


class Changes:
    """Compares each view with the last.

    Args:
        clock: UTC now.
        only: the ids to look at; None: all.
    """

    def __init__(self, clock: Clock, only: Collection[str] | None = None) -> None:
        self._clock = clock
        self._only = only
        self._last: dict[str, dict[str, Any]] | None = None

    def of(self, view: FleetView) -> list[dict[str, Any]]:
        """The events since the last view; of the first one the last known state of every cluster.

        An event is `{"event", "at", "cluster"}`; `event` is `known`, `registered`, `changed` or `deregistered`.
        """
        records = {
            found.cluster.id: found.cluster.to_json()
            for found in view.clusters
            if self._only is None or found.cluster.id in self._only
        }
        before, self._last = self._last, records
        if before is None:
            return [self._event("known", record) for record in records.values()]
        events = [self._event("deregistered", before[key]) for key in before if key not in records]
        for key, record in records.items():
            if key not in before:
                events.append(self._event("registered", record))
            elif _lasting(record) != _lasting(before[key]):
                events.append(self._event("changed", record))
        return events

    def _event(self, event: str, record: dict[str, Any]) -> dict[str, Any]:
        return {"event": event, "at": iso(self._clock()), "cluster": record}


def _lasting(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in TICKING}
