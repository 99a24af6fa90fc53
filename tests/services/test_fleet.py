"""Watching the fleet: who is asked when, what is saved when, and that one cluster never hurts another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from pxm_tui.domain import connection_messages
from pxm_tui.domain.cluster import CheckResult, Cluster, Endpoint, Status
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.services.fleet import FleetService
from pxm_tui.services.polling import PollingPolicy
from pxm_tui.services.silence import silent_since
from tests.fakes import NOW, Bench, FakeSecrets, FakeServer, cluster, make_bench, observation, reason

TIMEOUT = connection_messages.timeout(Endpoint("10.0.0.1"), 5)


def many(count: int) -> list[Cluster]:
    return [cluster(f"c-{index}", number=index, host=f"10.0.0.{index}") for index in range(1, count + 1)]


class Hand:
    """Moves the fleet's time: each pause waits for `tick`, which lets time pass."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.waits: list[float] = []
        self._go = asyncio.Event()

    async def pause(self, event: asyncio.Event, seconds: float) -> None:
        self.waits.append(seconds)
        waiting = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(self._go.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        self._go.clear()

    async def tick(self, seconds: float) -> None:
        self.bench.clock.advance(seconds)
        self._go.set()
        await settle()


async def settle() -> None:
    for _ in range(60):
        await asyncio.sleep(0)


@asynccontextmanager
async def watching(
    bench: Bench, *, period: float | None = 15.0, concurrency: int = 100, on_change: Callable[[], None] = lambda: None
) -> AsyncIterator[tuple[FleetService, Hand]]:
    hand = Hand(bench)
    policy = PollingPolicy(period, concurrency)
    fleet = FleetService(bench.services.clusters.means, bench.cache, policy, pause=hand.pause)
    fleet.load()
    task = asyncio.create_task(fleet.watch(on_change))
    await settle()
    try:
        yield fleet, hand
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def sessions(bench: Bench, host: str) -> int:
    return bench.gateway.servers[host].sessions


async def test_secrets_that_no_record_names_for_10_minutes_are_swept_at_the_start() -> None:
    bench = make_bench(many(2))
    async with watching(bench):
        ((records, older_than),) = bench.secrets.swept
    assert [record.id for record in records] == [record.id for record in many(2)]
    assert older_than == bench.clock() - timedelta(minutes=10)


async def test_load_shows_the_last_known_state_without_asking() -> None:
    records = many(3)
    bench = make_bench(records, snapshots={records[0].id: Snapshot(records[0].id, rights="sees all")})
    view = bench.services.fleet.load()
    assert [found.cluster.name for found in view.clusters] == ["c-1", "c-2", "c-3"]
    assert view.clusters[0].snapshot.rights == "sees all"
    assert all(found.waiting for found in view.clusters)


async def test_everybody_is_asked_at_the_start_and_again_after_the_period() -> None:
    bench = make_bench(many(3), servers={f"10.0.0.{i}": FakeServer() for i in (1, 2, 3)})
    async with watching(bench) as (fleet, hand):
        assert [sessions(bench, f"10.0.0.{i}") for i in (1, 2, 3)] == [1, 1, 1]
        assert not any(found.waiting for found in fleet.view().clusters)
        await hand.tick(9)
        assert [sessions(bench, f"10.0.0.{i}") for i in (1, 2, 3)] == [1, 1, 1]
        await hand.tick(6)
        assert [sessions(bench, f"10.0.0.{i}") for i in (1, 2, 3)] == [2, 2, 1]
        await hand.tick(5)
        assert [sessions(bench, f"10.0.0.{i}") for i in (1, 2, 3)] == [2, 2, 2]


async def test_one_cluster_that_hangs_delays_no_other() -> None:
    servers = {f"10.0.0.{i}": FakeServer() for i in (1, 2, 3)}
    servers["10.0.0.2"].gates["connect"] = asyncio.Event()
    bench = make_bench(many(3), servers=servers)
    async with watching(bench) as (fleet, hand):
        await hand.tick(21)
        assert [sessions(bench, f"10.0.0.{i}") for i in (1, 2, 3)] == [2, 1, 2]
        assert [found.waiting for found in fleet.view().clusters] == [False, True, False]


@pytest.mark.parametrize(("fails", "asked"), [(True, 2), (False, 1)])
async def test_who_asks_for_a_cluster_that_is_being_asked_gets_no_failure_from_before(fails: bool, asked: int) -> None:
    gate = asyncio.Event()
    server = FakeServer(gates={"connect": gate}, errors={"connect": TIMEOUT} if fails else {})
    bench = make_bench(many(1), servers={"10.0.0.1": server})
    async with watching(bench) as (fleet, _):
        await fleet.refresh()
        gate.set()
        await settle()
        assert sessions(bench, "10.0.0.1") == asked
        server.errors.clear()
        await fleet.refresh()
        await settle()
        assert fleet.view().clusters[0].cluster.status is Status.HEALTHY


async def test_an_unreachable_cluster_is_asked_less_and_less() -> None:
    bench = make_bench(many(1), servers={"10.0.0.1": FakeServer(errors={"connect": TIMEOUT})})
    async with watching(bench) as (_, hand):
        asked = []
        for seconds in (14, 2, 14, 17, 58, 3, 119, 2, 299, 2):
            await hand.tick(seconds)
            asked.append(sessions(bench, "10.0.0.1"))
        assert asked == [1, 2, 2, 3, 3, 4, 4, 5, 5, 6]


@pytest.mark.parametrize("status", [Status.UNAUTHORIZED, Status.UNTRUSTED])
async def test_who_needs_a_person_is_left_alone(status: Status) -> None:
    record = replace(many(1)[0], status=status)
    bench = make_bench([record], servers={"10.0.0.1": FakeServer()})
    async with watching(bench) as (fleet, hand):
        await hand.tick(600)
        await fleet.refresh()
        await settle()
        assert sessions(bench, "10.0.0.1") == 0


async def test_a_refused_credential_is_sent_once() -> None:
    server = FakeServer(tokens={})
    bench = make_bench(many(1), servers={"10.0.0.1": server})
    async with watching(bench) as (fleet, hand):
        await hand.tick(600)
        await fleet.refresh()
        await settle()
        assert server.logins == 1
        assert fleet.view().clusters[0].cluster.status is Status.UNAUTHORIZED


async def test_no_more_are_asked_at_once_than_allowed() -> None:
    gate = asyncio.Event()
    bench = make_bench(many(5), servers={f"10.0.0.{i}": FakeServer(gates={"connect": gate}) for i in range(1, 6)})
    async with watching(bench, concurrency=2):
        assert sum(server.sessions for server in bench.gateway.servers.values()) == 2
        gate.set()
        await settle()
        await settle()
        assert sum(server.sessions for server in bench.gateway.servers.values()) == 5


async def test_a_locked_secret_store_is_said_and_nobody_is_asked() -> None:
    bench = make_bench(many(1), servers={"10.0.0.1": FakeServer()}, secrets=FakeSecrets("open sesame"))
    async with watching(bench) as (fleet, hand):
        await hand.tick(60)
        assert sessions(bench, "10.0.0.1") == 0
        assert fleet.view().locked
        assert fleet.view().awaits_key
        await fleet.refresh()
        await settle()
        assert fleet.view().locked, "asking for a refresh opens nothing"
        await bench.secrets.unlock(Secret("open sesame"))
        await fleet.refresh()
        await settle()
        assert sessions(bench, "10.0.0.1") == 1
        assert not fleet.view().locked
        assert not fleet.view().awaits_key


async def test_a_store_that_was_opened_by_another_way_is_noticed() -> None:
    bench = make_bench(many(1), servers={"10.0.0.1": FakeServer()}, secrets=FakeSecrets("open sesame"))
    async with watching(bench) as (fleet, hand):
        await hand.tick(60)
        await bench.secrets.unlock(Secret("open sesame"))
        await hand.tick(2)
        assert sessions(bench, "10.0.0.1") == 1
        assert not fleet.view().locked


async def test_a_pause_gives_up_what_is_being_asked_and_leaves_nobody_out_later() -> None:
    bench = make_bench(many(3), servers={f"10.0.0.{i}": FakeServer() for i in range(1, 4)})
    async with watching(bench) as (fleet, hand):
        fleet._plan_all()
        fleet._start_due()
        assert len(fleet._checks) == 3
        await fleet.pause()  # before the checks have begun
        before = [sessions(bench, f"10.0.0.{i}") for i in range(1, 4)]
        await hand.tick(60)
        await settle()
        assert fleet.view().locked is False, "the store is open, so that the watch goes on by itself"
        assert all(sessions(bench, f"10.0.0.{i}") > before[i - 1] for i in range(1, 4))


async def test_refresh_asks_now() -> None:
    bench = make_bench(many(2), servers={f"10.0.0.{i}": FakeServer() for i in (1, 2)})
    async with watching(bench, period=None) as (fleet, hand):
        await hand.tick(100)
        assert sessions(bench, "10.0.0.1") == 0
        await fleet.refresh()
        await settle()
        assert sessions(bench, "10.0.0.1") == 1


async def test_a_change_of_status_is_saved_at_once_and_figures_later() -> None:
    servers = {"10.0.0.1": FakeServer()}
    bench = make_bench(many(1), servers=servers)
    async with watching(bench) as (_, hand):
        servers["10.0.0.1"].observed = observation(guests=99)
        await hand.tick(16)
        assert (await bench.repository.list())[0].guests_total != 99
        servers["10.0.0.1"].errors["connect"] = TIMEOUT
        await hand.tick(16)
        await settle()
        stored = (await bench.repository.list())[0]
        assert (stored.status, stored.guests_total) == (Status.UNREACHABLE, 99)


async def test_what_was_found_is_saved_at_the_end() -> None:
    bench = make_bench(many(1), servers={"10.0.0.1": FakeServer(observed=observation(guests=77))})
    async with watching(bench):
        pass
    assert (await bench.repository.list())[0].guests_total == 77
    assert bench.cache.kept[many(1)[0].id].rtt_ms == 12.0


async def test_a_refresh_brings_no_deregistered_cluster_back() -> None:
    gate = asyncio.Event()
    bench = make_bench(many(2), servers={f"10.0.0.{i}": FakeServer(gates={"observe": gate}) for i in (1, 2)})
    async with watching(bench) as (fleet, _):
        await bench.services.clusters.deregister("c-1")
        await fleet.reload()
        gate.set()
        await settle()
        assert [found.cluster.name for found in fleet.view().clusters] == ["c-2"]
        assert fleet.view().notices == ()
    assert [found.name for found in await bench.repository.list()] == ["c-2"]


async def test_changes_of_another_process_are_seen_and_told() -> None:
    bench = make_bench(many(1), servers={f"10.0.0.{i}": FakeServer() for i in (1, 7)})
    async with watching(bench) as (fleet, hand):
        await bench.repository.save(cluster("kunde-x", number=7, host="10.0.0.7"))
        await hand.tick(3)
        view = fleet.view()
        assert [found.cluster.name for found in view.clusters] == ["c-1", "kunde-x"]
        assert view.notices == ("kunde-x was registered by another pxm.",)
        fleet.dismiss_notices()
        await bench.repository.delete(many(1)[0].id)
        await hand.tick(3)
        assert fleet.view().notices == ("c-1 was deregistered by another pxm.",)


async def test_the_face_is_told_once_until_it_looks() -> None:
    told: list[int] = []
    bench = make_bench(many(3), servers={f"10.0.0.{i}": FakeServer() for i in (1, 2, 3)})
    async with watching(bench, on_change=lambda: told.append(1)) as (fleet, hand):
        assert len(told) == 1
        fleet.view()
        await hand.tick(16)
        assert len(told) == 2


async def test_adopting_a_check_shows_it_at_once() -> None:
    bench = make_bench(many(1), servers={"10.0.0.1": FakeServer()})
    async with watching(bench, period=None) as (fleet, _):
        found = fleet.view().clusters[0]
        await fleet.adopt(replace(found.cluster, guests_total=5), found.snapshot)
        assert not fleet.view().clusters[0].waiting


async def test_what_a_person_s_check_has_turned_is_in_the_log() -> None:
    record = replace(many(1)[0], status=Status.UNTRUSTED)
    bench = make_bench([record], servers={"10.0.0.1": FakeServer()})
    async with watching(bench, period=None) as (fleet, _):
        found = fleet.view().clusters[0]
        mended = replace(record, status=Status.HEALTHY, error=None)
        await bench.repository.save(mended)
        await fleet.adopt(mended, found.snapshot)
        await fleet.adopt(mended, found.snapshot)
    assert [entry.text for entry in bench.services.journal.entries()] == ["untrusted -> healthy"]


def dead(count: int, of: int, *, minutes: float = 4) -> list[Cluster]:
    found = many(of)
    gone = [
        replace(record, status=Status.UNREACHABLE, error=reason(TIMEOUT, "timed out", minutes_ago=minutes))
        for record in found[:count]
    ]
    return [*gone, *found[count:]]


@pytest.mark.parametrize(
    ("count", "of", "silent"), [(3, 3, True), (2, 2, False), (9, 10, True), (8, 10, False), (0, 5, False)]
)
def test_when_nearly_all_fall_silent_the_cause_is_near(count: int, of: int, silent: bool) -> None:
    views = make_bench(dead(count, of)).services.fleet.load().clusters
    assert (silent_since(views, 15.0) is not None) is silent


def test_those_that_died_one_by_one_are_no_sign() -> None:
    records = [
        replace(record, error=replace(record.error, since=NOW - timedelta(minutes=30 * index)))
        for index, record in enumerate(dead(3, 3))
        if record.error is not None
    ]
    assert silent_since(make_bench(records).services.fleet.load().clusters, 15.0) is None


async def test_a_defect_met_by_one_cluster_does_not_end_the_watch() -> None:
    servers = {"10.0.0.1": FakeServer(), "10.0.0.2": FakeServer()}
    servers["10.0.0.1"].observed = None  # type: ignore[assignment]
    bench = make_bench(many(2), servers=servers)
    async with watching(bench) as (_, hand):
        await hand.tick(23)
        assert [sessions(bench, "10.0.0.1"), sessions(bench, "10.0.0.2")] == [1, 2]


def test_the_rounds_spread_over_the_period() -> None:
    policy, record = PollingPolicy(15.0), many(1)[0]
    delays = [policy.first_delay(record, 0, index, 3) for index in range(3)]
    assert delays == [10.0, 15.0, 20.0]
    assert policy.first_delay(record, 0, 0, 1) == 15.0
    assert PollingPolicy(None).first_delay(record, 0, 0, 1) is None


async def test_what_another_process_writes_just_before_a_save_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make_bench(many(2), servers={f"10.0.0.{i}": FakeServer() for i in (1, 2)})
    save = bench.repository.save_checks

    async def other_first(checks: Sequence[CheckResult]) -> tuple[Cluster, ...]:
        await bench.repository.delete(many(2)[1].id)
        return await save(checks)

    async with watching(bench) as (fleet, hand):
        monkeypatch.setattr(bench.repository, "save_checks", other_first)
        bench.gateway.servers["10.0.0.1"].errors["connect"] = TIMEOUT
        await hand.tick(20)
        await hand.tick(3)
        assert [found.cluster.name for found in fleet.view().clusters] == ["c-1"]


def test_of_many_notices_the_last_are_kept() -> None:
    fleet = make_bench().services.fleet
    for number in range(250):
        fleet._notice(f"cluster {number} was registered by another pxm.")
    assert len(fleet.view().notices) == 100
    assert fleet.view().notices[-1].startswith("cluster 249")
