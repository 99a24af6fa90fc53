"""Figures of guests: the same for the same seed and time, and plausible as they move."""

from itertools import pairwise

import pytest

from pxm_tui.simulator.inventory import Guest, make_guests, make_node
from pxm_tui.simulator.metrics import (
    guest_activity,
    guest_figures,
    guest_memory,
    guest_rates,
    guest_work,
)
from pxm_tui.simulator.rhythm import DAY

NOW = 1_795_386_306.0
COUNTERS = ("netin", "netout", "diskread", "diskwrite")


NODES = [make_node("seed", name, number, "127.0.0.1", NOW) for number, name in enumerate(("pve1", "pve2"), 1)]


@pytest.fixture
def guests() -> list[Guest]:
    return make_guests("seed", NODES, 60, NOW)


def running(guests: list[Guest]) -> list[Guest]:
    return [guest for guest in guests if guest.running and guest.quiet_since is None]


def test_the_same_for_the_same_seed_and_time(guests: list[Guest]) -> None:
    again = make_guests("seed", NODES, 60, NOW)
    moments = (NOW, NOW + 10, NOW + 86_400)
    for one, other in zip(guests, again, strict=True):
        assert [guest_figures(one, at) for at in moments] == [guest_figures(other, at) for at in moments]
    assert guest_figures(running(guests)[0], NOW) != guest_figures(running(guests)[0], NOW + 10)


def test_counters_never_run_backwards(guests: list[Guest]) -> None:
    for guest in running(guests):
        samples = [guest_figures(guest, NOW + step * 7.3) for step in range(400)]
        for earlier, later in pairwise(samples):
            for name in ("uptime", *COUNTERS):
                assert int(str(later[name])) >= int(str(earlier[name]))
        assert int(str(samples[-1]["netin"])) > int(str(samples[0]["netin"]))


def test_counters_are_the_integral_of_the_rates(guests: list[Guest]) -> None:
    step = 5.0
    for guest in running(guests)[:10]:
        if guest.load * 1.85 > 1:
            continue
        moved = sum(guest_rates(guest, NOW + n * step + step / 2)["netin"] * step for n in range(720))
        start, end = (int(str(guest_figures(guest, at)["netin"])) for at in (NOW, NOW + 3600))
        assert end - start == pytest.approx(moved, rel=0.01)


def test_traffic_follows_the_processor(guests: list[Guest]) -> None:
    for guest in running(guests)[:10]:
        pairs = [(guest_activity(guest, NOW + n * 600), guest_rates(guest, NOW + n * 600)["netin"]) for n in range(144)]
        assert [pair[1] for pair in sorted(pairs)] == sorted(pair[1] for pair in pairs)


def test_no_guest_runs_for_longer_than_its_node(guests: list[Guest]) -> None:
    NODES[0].started_at, before = NOW - 86_400, NODES[0].started_at
    try:
        again = make_guests("seed", NODES, 60, NOW)
    finally:
        NODES[0].started_at = before
    late = [guest for guest in again if guest.node == "pve1" and guest.started_at is not None]
    assert all(NOW - 86_400 < (guest.started_at or 0) < NOW for guest in late)
    assert [guest.status for guest in again] == [guest.status for guest in guests]


def test_days_have_a_rhythm(guests: list[Guest]) -> None:
    def mean(hour: int) -> float:
        midnight = NOW - NOW % DAY
        moments = [midnight + hour * 3600 + minute * 60 for minute in range(0, 60, 5)]
        return sum(guest_activity(guest, at) for guest in running(guests) for at in moments)

    assert mean(14) > 1.5 * mean(2)


def test_shares_stay_within_bounds(guests: list[Guest]) -> None:
    for guest in running(guests):
        for step in range(300):
            at = NOW + step * 311.0
            assert 0 <= guest_activity(guest, at) <= 1
            assert 0 < guest_memory(guest, at) <= guest.memory


def test_a_stopped_guest_moves_nothing(guests: list[Guest]) -> None:
    stopped = next(guest for guest in guests if not guest.running)
    assert set(guest_figures(stopped, NOW).values()) == {0}


def test_a_paused_guest_stands_still(guests: list[Guest]) -> None:
    guest = running(guests)[0]
    before = guest_figures(guest, NOW)
    guest.quiet_since = NOW
    paused = guest_figures(guest, NOW + 5000)
    assert paused["cpu"] == 0
    assert [paused[name] for name in COUNTERS] == [before[name] for name in COUNTERS]
    assert guest_work(guest, NOW + 5000) > guest_work(guest, NOW)
