"""The order of the rows, and when it changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pxm_tui.domain.cluster import Status
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.ordering import SORTS, Arrangement, SortOrder, sort
from tests.fakes import NOW, cluster


def _view(name: str, number: int, *, status: Status = Status.HEALTHY, **more: object) -> ClusterView:
    found = cluster(name, number=number, status=status)
    rtt = more.pop("rtt", None)
    snapshot = Snapshot(found.id, rtts_ms=(float(str(rtt)),) if rtt else ())
    return ClusterView(replace(found, **more), snapshot)  # type: ignore[arg-type]


VIEWS = (
    _view("a", 1, guests_total=5, proxmox_version="9.10.1", rtt=30, last_seen_at=NOW - timedelta(hours=2)),
    _view("b", 2, guests_total=None, proxmox_version="9.2.11", status=Status.UNREACHABLE, last_seen_at=None),
    _view("c", 3, guests_total=1, proxmox_version="7.4-16", rtt=9, status=Status.UNTRUSTED, last_seen_at=NOW),
    _view("d", 4, guests_total=9, proxmox_version=None, rtt=12, last_seen_at=NOW - timedelta(hours=1)),
)


def _names(views: list[ClusterView]) -> str:
    return "".join(view.cluster.name for view in views)


@pytest.mark.parametrize(
    ("by", "upwards", "downwards"),
    [
        ("name", "abcd", "dcba"),
        ("status", "cbad", "adbc"),
        ("seen", "cdab", "adcb"),
        ("guests", "cadb", "dacb"),
        ("version", "cbad", "abcd"),
        ("rtt", "cdab", "adcb"),
    ],
)
def test_each_order_both_ways(by: str, upwards: str, downwards: str) -> None:
    assert _names(sort(VIEWS, SortOrder(by))) == upwards
    assert _names(sort(VIEWS, SortOrder(by, reverse=True))) == downwards


def test_s_walks_all_columns() -> None:
    order, seen = SortOrder(), []
    for _ in SORTS:
        seen.append(order.by)
        order = order.next()

    assert tuple(seen) == SORTS
    assert order == SortOrder()
    assert order.reversed().words == "by name, reversed"


def test_figures_move_no_row_until_a_person_asks() -> None:
    arrangement, order = Arrangement(), SortOrder("guests")
    assert _names(arrangement.arrange(VIEWS, order)) == "cadb"
    grown = tuple(replace(view, cluster=replace(view.cluster, guests_total=100 - i)) for i, view in enumerate(VIEWS))
    assert _names(arrangement.arrange(grown, order)) == "cadb"
    assert _names(arrangement.arrange(grown, order, anew=True)) == "dcba"


def test_rows_are_sorted_anew_when_one_comes_or_goes_and_when_sorted_text_changes() -> None:
    arrangement, order = Arrangement(), SortOrder("status")
    assert _names(arrangement.arrange(VIEWS, order)) == "cbad"
    assert _names(arrangement.arrange(VIEWS[1:], order)) == "cbd"
    recovered = tuple(replace(view, cluster=replace(view.cluster, status=Status.HEALTHY)) for view in VIEWS)
    assert _names(arrangement.arrange(recovered, order)) == "abcd"
