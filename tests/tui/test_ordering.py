"""The order of the rows, and when it changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pxm_tui.domain.cluster import Status
from pxm_tui.domain.describe import seen_steps, seen_words
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
    assert _names(sort(VIEWS, SortOrder(by), NOW, 30.0)) == upwards
    assert _names(sort(VIEWS, SortOrder(by, reverse=True), NOW, 30.0)) == downwards


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
    assert _names(arrangement.arrange(VIEWS, order, now=NOW, fresh_for=30.0)) == "cadb"
    grown = tuple(replace(view, cluster=replace(view.cluster, guests_total=100 - i)) for i, view in enumerate(VIEWS))
    assert _names(arrangement.arrange(grown, order, now=NOW, fresh_for=30.0)) == "cadb"
    assert _names(arrangement.arrange(grown, order, now=NOW, fresh_for=30.0, anew=True)) == "dcba"


def test_rows_are_sorted_anew_when_one_comes_or_goes_and_when_sorted_text_changes() -> None:
    arrangement, order = Arrangement(), SortOrder("status")
    assert _names(arrangement.arrange(VIEWS, order, now=NOW, fresh_for=30.0)) == "cbad"
    assert _names(arrangement.arrange(VIEWS[1:], order, now=NOW, fresh_for=30.0)) == "cbd"
    recovered = tuple(replace(view, cluster=replace(view.cluster, status=Status.HEALTHY)) for view in VIEWS)
    assert _names(arrangement.arrange(recovered, order, now=NOW, fresh_for=30.0)) == "abcd"


def test_seen_and_rtt_are_sorted_as_they_are_shown_and_equal_ones_by_name() -> None:
    """Who answered a second later is not seen later; each refresh would reorder all rows."""
    views = tuple(
        _view(name, number, rtt=12.0 + number / 10, last_seen_at=NOW - timedelta(seconds=seconds))
        for number, (name, seconds) in enumerate([("a", 7), ("b", 29), ("c", 3), ("d", 150), ("e", 130), ("f", 7199)])
    )
    for reverse, names in ((False, "abcdef"), (True, "fdeabc")):
        assert _names(sort(views, SortOrder("seen", reverse=reverse), NOW, 30.0)) == names
    assert _names(sort(views, SortOrder("seen"), NOW, 140.0)) == "abcedf"
    assert _names(sort(views, SortOrder("rtt"), NOW, 30.0)) == "abcdef"


@pytest.mark.parametrize("seconds", [0, 29, 30, 59, 60, 61, 3599, 3600, 7300, 172_799, 172_800, 900_000])
def test_what_sorts_alike_reads_alike(seconds: int) -> None:
    one, other = (
        cluster("a", seen_seconds_ago=found) for found in (seconds, seconds + 60 * (3 if seconds > 3600 else 0))
    )
    same_words = seen_words(one, NOW) == seen_words(other, NOW)
    assert (seen_steps(one, NOW) == seen_steps(other, NOW)) is same_words
