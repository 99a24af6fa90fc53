"""Several endpoints on the screens: the detail screen, the row, and the words about a cluster that is unreachable."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pxm_tui.domain.cluster import Cluster, Endpoint, Status
from pxm_tui.domain.connection_messages import bad_answer, refused
from pxm_tui.domain.observation import EndpointState, Snapshot
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.endpoint_lines import endpoint_lines
from pxm_tui.tui.explain import explain
from pxm_tui.tui.glyphs import ASCII, UNICODE
from tests.fakes import NOW, Bench, cluster, make_bench, reason
from tests.tui.driving import driven
from tests.tui.fleet import node

FIRST, SECOND, THIRD = (Endpoint(f"10.20.0.{number}") for number in (11, 12, 13))
STATES = (
    EndpointState(FIRST, error="timed out", since=NOW - timedelta(minutes=64)),
    EndpointState(SECOND, in_use=True, rtt_ms=9.4),
    EndpointState(THIRD),
)
NODES = tuple(node(f"fra{number}", f"10.20.0.{10 + number}", local=number == 2) for number in (1, 2, 3))


def three(status: Status = Status.HEALTHY) -> Cluster:
    error = reason(refused(FIRST), "refused") if status is Status.UNREACHABLE else None
    return replace(cluster("fra-prod", status=status, error=error), endpoints=(FIRST, SECOND, THIRD))


def view(record: Cluster, states: tuple[EndpointState, ...] = STATES) -> ClusterView:
    return ClusterView(record, Snapshot(record.id, taken_at=NOW, nodes=NODES, rtts_ms=(9.4,), endpoints=states))


def bench(status: Status = Status.HEALTHY) -> Bench:
    found = view(three(status))
    return make_bench([found.cluster], snapshots={found.cluster.id: found.snapshot})


async def test_each_is_a_line_with_its_own_state_and_round_trip_time() -> None:
    async with driven(bench()) as ui:
        await ui.press("enter")
        await ui.shows("Last errors")
        lines = ui.lines
    since = f"{(NOW - timedelta(minutes=64)).astimezone():%H:%M}"
    assert lines[3:6] == [
        f" Endpoints  × https://10.20.0.11:8006 (node fra1), timed out since {since}",
        f"{'':12}● https://10.20.0.12:8006 (node fra2), in use, RTT 9 ms",
        f"{'':12}○ https://10.20.0.13:8006 (node fra3), not tried yet",
    ]
    assert lines[6].startswith(" Login ")


def test_a_changed_certificate_is_said_of_the_endpoint_that_shows_it() -> None:
    error = replace(reason(refused(SECOND), "cert changed"), since=NOW)
    stopped = replace(three(), status=Status.UNTRUSTED, error=error)
    lines = list(endpoint_lines(view(stopped), NOW, UNICODE, 3))

    assert lines[1] == f"× https://10.20.0.12:8006 (node fra2), cert changed since {NOW.astimezone():%H:%M}"


async def test_the_row_shows_the_endpoint_in_use() -> None:
    async with driven(bench(), size=(160, 45)) as ui:
        row = next(line for line in ui.lines if "fra-prod" in line)
    assert row.endswith("10.20.0.12:8006")


async def test_the_row_of_an_endpoint_that_was_removed_shows_the_registered_one() -> None:
    record = replace(three(), endpoints=(FIRST, THIRD))
    assert view(record).endpoint == FIRST


def test_an_unreachable_cluster_says_that_none_answers() -> None:
    words = explain(view(three(Status.UNREACHABLE)), NOW)
    assert words.more == ("None of its 3 endpoints answers.",)


def test_what_answers_but_cannot_be_used_is_not_said_to_be_silent() -> None:
    spoiled = replace(three(Status.UNREACHABLE), error=reason(bad_answer(FIRST, "is not HTTP"), "bad answer"))
    assert explain(view(spoiled), NOW).more == ("None of its 3 endpoints can be used.",)


def test_it_names_the_nodes_that_are_no_endpoint() -> None:
    record = replace(three(Status.UNREACHABLE), endpoints=(FIRST, SECOND))
    words = explain(view(record), NOW)
    assert words.more == ("None of its 2 endpoints answers; its other node, when last seen: fra3, 10.20.0.13.",)


def test_a_healthy_cluster_names_the_endpoint_that_is_not_used() -> None:
    words = explain(view(three()), NOW)
    assert words.more == ("https://10.20.0.12:8006. Not used: 10.20.0.11:8006, timed out.",)


@pytest.mark.parametrize(("glyphs", "signs"), [(UNICODE, "×●○"), (ASCII, "x+?")])
def test_the_state_is_said_without_colour(glyphs: object, signs: str) -> None:
    lines = list(endpoint_lines(view(three()), NOW, glyphs, 8))  # type: ignore[arg-type]
    assert [line[0] for line in lines] == list(signs)


def test_of_many_those_in_use_and_those_that_fail_are_not_left_out() -> None:
    endpoints = tuple(Endpoint(f"10.20.0.{number}") for number in range(11, 27))
    states = tuple(
        EndpointState(one, in_use=index == 9, rtt_ms=5.0, error="refused" if index in {4, 12} else "")
        for index, one in enumerate(endpoints)
    )
    lines = list(endpoint_lines(view(replace(three(), endpoints=endpoints), states), NOW, UNICODE, 4))
    assert [line.partition(":8006")[0][-2:] for line in lines[:-1]] == ["11", "15", "20", "23"]
    assert lines[-1] == "and 12 more"
    fewer = list(endpoint_lines(view(replace(three(), endpoints=endpoints), states), NOW, UNICODE, 2))
    assert fewer[-1] == "and 14 more, 1 of them fails"
