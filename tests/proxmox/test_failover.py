"""A cluster with several endpoints, as nodes of the simulated one fail and come back: over real TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pxm_tui.bootstrap import build_services
from pxm_tui.domain.addresses import parse_endpoint
from pxm_tui.domain.cluster import Cluster, Endpoint, Status
from pxm_tui.domain.errors import UnreachableError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.loop import InlineRunner
from pxm_tui.services.bundle import Services
from pxm_tui.services.endpoints import look_at
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.settings import load_settings
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.thread import FleetThread
from tests.fakes import StillClock
from tests.fleet_fixtures import FleetFactory
from tests.proxmox.servers import HostileServer, Line, gateway, http, secured
from tests.proxmox.test_faults import TIMEOUTS, by_token
from tests.proxmox.test_transport import password_of
from tests.services.recorder import Recorder


@dataclass
class Client:
    """The program's services with one cluster of three nodes, all of them its endpoints."""

    fleet: FleetThread
    services: Services
    record: Cluster
    clock: StillClock

    @property
    def simulated(self) -> SimulatedCluster:
        return self.fleet.clusters[0]

    def steer(self, what: str, node: str) -> None:
        self.fleet.fleet.run(lambda: getattr(self.simulated, what)(node))


@asynccontextmanager
async def caring(fresh_fleet: FleetFactory, tmp_path: Path) -> AsyncIterator[Client]:
    fleet, clock = fresh_fleet(ClusterOptions("lab", "9.2", nodes=3, guests=12)), StillClock()
    settings = load_settings({"data_dir": tmp_path / "data", **TIMEOUTS}, {"PXM_CONFIG": str(tmp_path / "none")})
    services = build_services(settings, InlineRunner(), passphrase=Secret("only in memory"))
    services.clusters.means.timer = clock.timer
    try:
        done = await services.clusters.register(by_token(fleet.clusters[0], "ca_file"), Recorder())
        record = replace(done.cluster, endpoints=endpoints_of(fleet.clusters[0]))
        await services.clusters.means.repository.save(record)
        yield Client(fleet, services, record, clock)
    finally:
        services.close()


def endpoints_of(cluster: SimulatedCluster) -> tuple[Endpoint, ...]:
    return tuple(parse_endpoint(url).endpoint for url in cluster.endpoints)


@pytest.mark.parametrize(
    ("down", "up"),
    [("take_offline", "bring_back"), ("drop_packets", "take_packets"), ("fall_silent", "speak_again")],
)
async def test_a_node_that_goes_down_is_passed_over_and_comes_back(
    fresh_fleet: FleetFactory, tmp_path: Path, down: str, up: str
) -> None:
    async with caring(fresh_fleet, tmp_path) as client:
        first, second, third = client.record.endpoints
        checker = client.services.clusters.means.checker()
        outcome = await checker.refresh(client.record, Snapshot(client.record.id))
        assert outcome.snapshot.endpoint_in_use == first
        client.steer(down, "pve1")
        outcome = await checker.refresh(client.record, outcome.snapshot)
        assert outcome.error is None
        assert outcome.snapshot.endpoint_in_use in {second, third}
        assert outcome.snapshot.endpoints[0].error in {"refused", "timed out"}
        client.steer(up, "pve1")
        client.clock.advance(15)
        assert await checker.endpoints.look_around(client.record)
        outcome = await checker.refresh(client.record, outcome.snapshot)
        assert outcome.snapshot.endpoint_in_use == first
        assert outcome.result.status is Status.HEALTHY


async def test_a_running_fleet_loses_a_node_and_its_row_stays_healthy(
    fresh_fleet: FleetFactory, tmp_path: Path
) -> None:
    async with caring(fresh_fleet, tmp_path) as client:
        fleet, told = client.services.fleet, asyncio.Event()
        fleet.load()
        watch = asyncio.create_task(fleet.watch(told.set))

        async def until(condition: object) -> ClusterView:
            async with asyncio.timeout(10):
                while True:
                    view = fleet.view().clusters[0]
                    if condition(view):  # type: ignore[operator]
                        return view
                    await told.wait()
                    told.clear()

        try:
            await until(lambda view: view.asked)
            client.steer("take_offline", "pve1")
            await fleet.refresh()
            view = await until(lambda view: view.endpoint != client.record.endpoint)
            assert view.cluster.status is Status.DEGRADED
            assert view.cluster.error is not None
            assert view.cluster.error.short == "pve1 offline"
            assert view.tries == 0
            assert view.cluster.to_json()["api_endpoint"] == client.record.endpoint.url
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch


async def test_a_look_sends_no_request(fresh_fleet: FleetFactory, tmp_path: Path) -> None:
    async with caring(fresh_fleet, tmp_path) as client:
        before = len(client.simulated.requests)
        for endpoint in client.record.endpoints:
            found = await look_at(
                client.services.clusters.means.client(), endpoint, client.record.trust, client.services.timer
            )
            assert found.error is None
            assert found.rtt_ms is not None
        assert len(client.simulated.requests) == before


async def test_a_look_ends_at_its_limit(fresh_fleet: FleetFactory, tmp_path: Path) -> None:
    async with caring(fresh_fleet, tmp_path) as client:
        client.steer("fall_silent", "pve2")
        here = client.services.clusters.means.client()
        found = await look_at(here, client.record.endpoints[1], client.record.trust, client.services.timer, 0.1)
        assert found.error is not None
        assert found.error.cause == "timeout"


async def test_a_login_that_broke_off_may_have_arrived_and_one_that_found_no_server_has_not() -> None:
    async def breaks(line: Line) -> None:
        await line.request()

    async with HostileServer(breaks) as server:
        session = gateway().open(server.endpoint, alone=True)
        await secured(session)
        with pytest.raises(UnreachableError) as broken:
            await session.login(password_of(), None)
        assert broken.value.may_have_arrived
    with pytest.raises(UnreachableError) as unsent:
        await session.login(password_of(), None)
    assert not unsent.value.may_have_arrived
    await session.aclose()


@pytest.mark.parametrize(("status", "unknown"), [("595 No route to host", False), ("596 Connection timed out", True)])
async def test_of_the_proxy_s_statuses_only_595_says_that_nothing_arrived(status: str, unknown: bool) -> None:
    """API.md 1.5: 595 never connected; 596, 597, 599 outcome unknown."""

    async def answers(line: Line) -> None:
        await line.request()
        await line.send(http(b"", status))

    async with HostileServer(answers) as server:
        session = gateway().open(server.endpoint, alone=True)
        await secured(session)
        with pytest.raises(UnreachableError) as failed:
            await session.login(password_of(), None)
        assert failed.value.may_have_arrived is unknown
        await session.aclose()


async def test_reading_changes_nothing_and_may_be_done_over() -> None:
    async def breaks(line: Line) -> None:
        await line.request()

    async with HostileServer(breaks) as server:
        session = gateway().open(server.endpoint, alone=True)
        await secured(session)
        with pytest.raises(UnreachableError) as broken:
            await session.realms()
        assert not broken.value.may_have_arrived
        await session.aclose()
