"""A refresh: what it says, over how many connections, and that its failures are a full check's failures."""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from pxm_tui.domain.cluster import LoginMethod
from pxm_tui.domain.errors import CertificateError
from pxm_tui.domain.observation import Observation, Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.services.ports import Credentials
from pxm_tui.simulator.options import ClusterOptions
from tests.fleet_fixtures import FleetFactory
from tests.proxmox.servers import CA_FILE, HostileServer, Line, gateway, http, secured, self_signed
from tests.proxmox.test_faults import CASES, registered
from tests.proxmox.test_session import endpoint_of, talking_to, token, trust_of

TOKEN = Credentials(LoginMethod.TOKEN, "mon@pve", Secret("0f1e2d3c-aaaa-bbbb-cccc-123456789abc"), "mon@pve!pxm")
RESOURCES = (
    b'{"data":[{"id":"node/pve1","type":"node","node":"pve1","status":"online","cpu":0.25,"mem":"7","maxmem":8,'
    b'"uptime":9},{"id":"qemu/100","type":"qemu","vmid":"100","node":"pve1","status":"running"},'
    b'{"id":"storage/pve1/local","type":"storage","storage":"local","node":"pve1","status":"available"}]}'
)
STATUS = b'{"data":[{"id":"node/pve1","type":"node","name":"pve1","online":1,"local":1,"ip":"10.0.0.1"}]}'
FORBIDDEN = "403 Permission check failed (/, Sys.Audit)"


@pytest.mark.parametrize("release", ["6.4", "7.4", "8.4", "9.2"])
@pytest.mark.parametrize("nodes", [1, 3])
async def test_it_says_what_a_full_check_says(fresh_fleet: FleetFactory, release: str, nodes: int) -> None:
    cluster = fresh_fleet(ClusterOptions("lab", release, nodes=nodes, guests=7, standalone=nodes == 1)).clusters[0]
    async with talking_to(cluster) as session:
        await session.login(token(cluster.token_id, cluster.token_secret), None)
        full = await session.observe()
    async with aclosing(gateway().open(endpoint_of(cluster), trust_of(cluster), alone=True)) as session:
        await secured(session, trust_of(cluster))
        await session.login(token(cluster.token_id, cluster.token_secret), None)
        light = await session.refresh()
    assert all(node.cpu is not None and node.memory_used and node.uptime for node in light.nodes)
    assert full.permissions
    assert comparable(light) == comparable(full)


def comparable(observed: Observation) -> Observation:
    """Without what moves, what a refresh does not read, and Perl's order."""
    nodes = tuple(replace(node, cpu=None, memory_used=None, uptime=None) for node in observed.nodes)
    guests = tuple(sorted(observed.guests, key=lambda guest: guest.vmid))
    return replace(observed, nodes=nodes, guests=guests, permissions={}, rtt_ms=0)


async def talk(line: Line) -> None:
    while request := await line.request():
        body = RESOURCES if b"cluster/resources" in request else STATUS
        await line.send(http(body))


async def forbid_status(line: Line) -> None:
    await line.request()
    await line.send(http(RESOURCES))
    await line.request()
    await line.send(http(b'{"data":null}', FORBIDDEN, "Connection: close"))


async def test_it_is_two_requests_on_one_connection() -> None:
    async with (
        HostileServer(talk) as server,
        aclosing(gateway().open(server.endpoint, CA_FILE, alone=True)) as session,
    ):
        await secured(session)
        await session.login(TOKEN, None)
        seen = await session.refresh()
        assert server.connections == 1
        assert re.findall(rb"GET (\S+)", server.heard) == [
            b"/api2/json/cluster/resources",
            b"/api2/json/cluster/status",
        ]
    assert [(node.name, node.cpu, node.memory_used, node.uptime, node.address) for node in seen.nodes] == [
        ("pve1", 0.25, 7, 9, "10.0.0.1")
    ]
    assert [(guest.vmid, guest.running) for guest in seen.guests] == [(100, True)]
    assert (seen.version, seen.permissions, seen.quorate, seen.standalone) == ("", {}, True, True)


async def test_where_the_status_is_forbidden_quorum_is_not_known() -> None:
    async with (
        HostileServer(forbid_status) as server,
        aclosing(gateway().open(server.endpoint, CA_FILE, alone=True)) as session,
    ):
        await secured(session)
        await session.login(TOKEN, None)
        seen = await session.refresh()
    assert seen.quorate is None
    assert [(node.name, node.state) for node in seen.nodes] == [("pve1", "online")]


EVERYTHING = {
    b"access/domains": b'{"data":[{"realm":"pam","type":"pam"},{"realm":"pve","type":"pve"}]}',
    b"version": b'{"data":{"version":"9.2.11"}}',
    b"nodes": b'{"data":[{"node":"pve1","status":"online"}]}',
    b"access/permissions": b'{"data":{"/":{"Sys.Audit":1}}}',
    b"cluster/resources": RESOURCES,
    b"cluster/status": STATUS,
}


async def say_everything(line: Line) -> None:
    while request := await line.request():
        path = request.split(b" ", 2)[1].removeprefix(b"/api2/json/")
        await line.send(http(EVERYTHING[path]))


async def test_a_full_check_alone_asks_everything_on_one_connection_the_status_last() -> None:
    async with (
        HostileServer(say_everything) as server,
        aclosing(gateway().open(server.endpoint, CA_FILE, alone=True)) as session,
    ):
        await secured(session)
        await session.login(TOKEN, None)
        _, version, seen = await asyncio.gather(session.realms(), session.version(), session.observe())
        asked = [path.removeprefix(b"/api2/json/") for path in re.findall(rb"GET (\S+)", server.heard)]
        assert server.connections == 1
    assert asked == list(EVERYTHING)
    assert (version, [node.name for node in seen.nodes], len(seen.guests)) == ("9.2.11", ["pve1"], 1)


async def test_waiting_for_the_connection_takes_no_time_from_an_answer() -> None:
    shown = asyncio.Event()

    async def answer_late(line: Line) -> None:
        await line.request()
        await shown.wait()
        await line.send(http(EVERYTHING[b"version"]))
        await line.request()
        await line.send(http(EVERYTHING[b"version"]))

    async with (
        HostileServer(answer_late) as server,
        aclosing(gateway().open(server.endpoint, CA_FILE, alone=True)) as session,
    ):
        await secured(session)
        await session.login(TOKEN, None)
        first = asyncio.create_task(session.version())
        await asyncio.sleep(0)
        session._api._timeouts = replace(session._api._timeouts, answer=0.2)
        second = asyncio.create_task(session.version())
        asyncio.get_running_loop().call_later(0.4, shown.set)
        assert (await first, await second) == ("9.2.11", "9.2.11")


async def test_nothing_is_said_to_a_stranger() -> None:
    async with HostileServer(talk, self_signed()) as server:
        async with aclosing(gateway().open(server.endpoint, CA_FILE, alone=True)) as session:
            with pytest.raises(CertificateError):
                await secured(session)
        assert server.heard == b""


@pytest.mark.parametrize(("fault", "node", "value", "status", "cause"), CASES)
async def test_a_fault_is_named_as_by_a_full_check(
    fresh_fleet: FleetFactory, tmp_path: Path, fault: str, node: str | None, value: object, status: str, cause: str
) -> None:
    async with registered(fresh_fleet, tmp_path) as client:
        checker, before = client.services.clusters.means.checker(), Snapshot(client.record.id)
        await checker.refresh(client.record, before)
        client.fleet.clusters[0].forget_requests()
        await checker.refresh(client.record, before)
        assert client.fleet.clusters[0].request_count == 2
        client.set(fault, node, value)
        found = await checker.refresh(client.record, before)
        full = await client.check()
        assert (str(found.result.status), found.result.error.cause if found.result.error else "") == (status, cause)
        assert full.cluster.error is None or (found.result.error is not None)
        if found.result.error is not None and full.cluster.error is not None:
            assert replace(found.result.error, since=None) == replace(full.cluster.error, since=None)
        client.clear(fault)
        assert str((await checker.refresh(client.record, before)).result.status) == "healthy"
