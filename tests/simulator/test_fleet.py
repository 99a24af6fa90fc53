"""Whole fleets: reproducible, apart from each other, served from the command line."""

import asyncio
import io
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from pxm_tui.simulator import addresses
from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.fleet import Fleet
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.presets import demo_fleet_options
from pxm_tui.simulator.serve import main, serve
from pxm_tui.simulator.thread import FleetThread
from tests.fleet_fixtures import FleetFactory
from tests.simulator.wire import Wire, ask, login, token_header

KEYS = [
    *("name", "endpoint", "fingerprint", "ca_file", "username", "password", "token_id", "token_secret"),
    *("totp_username", "totp_password", "totp_secret"),
]


def portrait(seed: int) -> list[Any]:
    """Everything about a fleet that a client could notice, but for its addresses."""
    options = FleetOptions(seed=seed, auth_delay=0, clock=ManualClock(1_790_000_000.0))
    seen: list[Any] = []
    with FleetThread(options) as fleet:
        for cluster in fleet.clusters:
            for path in ("/cluster/resources", "/access/domains"):
                seen.append(ask(cluster.endpoint, "GET", f"/api2/json{path}", token_header(cluster)).body)
            seen += [cluster.ca_pem, cluster.password, cluster.totp_secret, login(cluster).body]
    return seen


def test_the_same_seed_gives_the_same_fleet() -> None:
    assert portrait(7) == portrait(7)
    assert portrait(7) != portrait(8)


def test_default_fleet(fresh_fleet: FleetFactory) -> None:
    fleet = fresh_fleet(options=FleetOptions(clusters=4, nodes=2, guests=0, auth_delay=0))
    releases = [cluster.state.release.name for cluster in fleet.clusters]
    assert releases == ["9.2", "8.4", "7.4", "6.4"]
    assert [cluster.name for cluster in fleet.clusters] == ["sim-01", "sim-02", "sim-03", "sim-04"]
    only = fresh_fleet(options=FleetOptions(clusters=1, nodes=1, pve="8.4")).clusters[0]
    assert only.state.options.standalone
    assert only.state.release.name == "8.4"


@pytest.mark.parametrize("wrong", [{"version": "5.4"}, {"nodes": 0}, {"guests": -1}, {"standalone": True}])
def test_wrong_options(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"release|cluster|standalone"):
        ClusterOptions("x", **wrong)


@pytest.mark.parametrize("wrong", [{"clusters": 0}, {"latency_ms": -1}, {"auth_delay": -1}, {"keys": "dsa"}])
def test_wrong_fleets(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cluster|delay|keys"):
        FleetOptions(**wrong)


@pytest.mark.parametrize("wrong", [["--nodes", "0"], ["--clusters", "0"], ["--pve", "5.4"], ["--guests", "-1"]])
def test_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_two_fleets_never_share_an_address(fresh_fleet: FleetFactory) -> None:
    fleets = [fresh_fleet(options=FleetOptions(clusters=2, nodes=2, guests=0)) for _ in range(3)]
    endpoints = [url for fleet in fleets for cluster in fleet.clusters for url in cluster.endpoints]
    assert len(set(endpoints)) == 12
    if addresses.HAS_MANY_ADDRESSES:
        assert len({url.rsplit(":", 1)[0] for url in endpoints}) == 12
        for fleet in fleets:
            assert len({url.rsplit(":", 1)[1] for url in fleet.clusters[0].endpoints}) == 1


def test_an_address_of_a_node_that_is_down_stays_its_own(fresh_fleet: FleetFactory) -> None:
    first = fresh_fleet(options=FleetOptions(clusters=1, nodes=2, guests=0)).clusters[0]
    first.take_offline("pve1")
    second = fresh_fleet(options=FleetOptions(clusters=1, nodes=2, guests=0)).clusters[0]
    assert not set(first.endpoints) & set(second.endpoints)
    first.bring_back("pve1")


@pytest.mark.skipif(not addresses.HAS_MANY_ADDRESSES, reason="one loopback address only")
def test_another_port_where_the_first_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        book = addresses.AddressBook(1, port)
        try:
            assert book.port > port
        finally:
            book.close()


def test_one_address_and_many_ports(fresh_fleet: FleetFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "HAS_MANY_ADDRESSES", False)
    clusters = (ClusterOptions("a", nodes=2, guests=0), ClusterOptions("b", nodes=2, guests=0))
    fleet = fresh_fleet(options=FleetOptions(auth_delay=0, port=18006, cluster_options=clusters))
    endpoints = [url for cluster in fleet.clusters for url in cluster.endpoints]
    assert len(set(endpoints)) == 4
    assert all(url.startswith("https://127.0.0.1:") for url in endpoints)
    second = fleet.clusters[1]
    assert ask(second.endpoints[1], "GET", "/api2/json/version", token_header(second)).status == 200


def test_no_port_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "try_to_listen", lambda _address, _port: None)
    with pytest.raises(addresses.NoAddressError):
        addresses.AddressBook(1, 8006)
    monkeypatch.setattr(addresses, "HAS_MANY_ADDRESSES", False)
    with pytest.raises(addresses.NoAddressError):
        addresses.AddressBook(1, 8006).listen_together(1)


async def test_a_fleet_in_its_own_loop() -> None:
    async with Fleet(FleetOptions(clusters=1, nodes=2, guests=0, auth_delay=0)) as fleet:
        cluster = fleet.cluster("sim-01")
        assert await anyio.to_thread.run_sync(lambda: login(cluster).status) == 200
        cluster.take_offline("pve2")
        fleet.auth_delay = 1.5
        fleet.latency_ms = 20
        assert (fleet.auth_delay, fleet.latency_ms) == (1.5, 20)


async def test_stopping_cuts_open_connections() -> None:
    fleet = Fleet(FleetOptions(clusters=1, nodes=1, guests=0))
    await fleet.start()
    endpoint = fleet.clusters[0].endpoint
    wire = await anyio.to_thread.run_sync(lambda: Wire(endpoint))
    with wire:
        await anyio.to_thread.run_sync(lambda: wire.ask("GET", "/api2/json/access/domains"))
        await fleet.stop()
        with pytest.raises((EOFError, OSError)):
            await anyio.to_thread.run_sync(lambda: wire.ask("GET", "/api2/json/access/domains"))


def test_a_fleet_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "try_to_listen", lambda _address, _port: None)
    with pytest.raises(addresses.NoAddressError), FleetThread(FleetOptions(clusters=1)):
        pass


def test_the_demo_fleet(fresh_fleet: FleetFactory) -> None:
    base = FleetOptions(auth_delay=0, seed=3)
    fleet = fresh_fleet(options=demo_fleet_options(base))
    assert [cluster.name for cluster in fleet.clusters] == ["fra-prod", "ams-stage", "dr-site", "demo-fourth"]
    assert login(fleet.clusters[3], username="root@pam", password="demo-fourth").status == 200
    trouble = fleet.cluster("dr-site")
    nodes = ask(trouble.endpoint, "GET", "/api2/json/nodes", token_header(trouble)).data
    assert {entry["node"]: entry["status"] for entry in nodes} == {
        "pve1": "online",
        "pve2": "online",
        "pve3": "offline",
    }
    trouble.bring_back("pve3")
    assert ask(trouble.endpoint_of("pve3"), "GET", "/").status == 200


async def test_serving_describes_each_cluster() -> None:
    out, stop = io.StringIO(), asyncio.Event()
    stop.set()
    await serve(FleetOptions(clusters=2, guests=0), out, stop)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [list(line) for line in lines] == [KEYS, KEYS, ["control_url", "control_token"]]
    assert not await anyio.Path(lines[0]["ca_file"]).exists()


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pxm_tui.simulator", "--clusters", "2", "--guests", "3", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_until_a_signal(number: signal.Signals) -> None:
    with start("--pve", "8.4", "--auth-delay", "0") as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [list(line) for line in lines] == [KEYS, KEYS]
        first = lines[0]
        assert "BEGIN CERTIFICATE" in Path(first["ca_file"]).read_text()
        header = {"Authorization": f"PVEAPIToken={first['token_id']}={first['token_secret']}"}
        assert ask(first["endpoint"], "GET", "/api2/json/version", header).data["release"] == "8.4"
        process.send_signal(number)
        assert process.wait(10) == 0


def test_serving_until_stdin_closes() -> None:
    with start("--until-stdin-closes", "--preset", "demo") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        names = [json.loads(process.stdout.readline())["name"] for _ in range(4)]
        assert names[3] == "demo-fourth"
        process.stdin.close()
        assert process.wait(10) == 0
