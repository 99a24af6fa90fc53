"""Nodes, status and resources: API.md §3, their keys by release, and what the unprivileged get."""

from typing import Any

import pytest

from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.inventory import HOSTILE_ESCAPES, HOSTILE_NAME
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.thread import FleetThread
from tests.fleet_fixtures import FleetFactory
from tests.simulator.wire import Reply, Wire, ask, login, session_headers, token_header

NOW = 1_790_000_000.0
NODE_KEYS = {"id", "node", "type", "status", "level", "ssl_fingerprint"}
SIZES = {"maxcpu", "maxmem", "maxdisk"}
FIGURES = {"cpu", "mem", "disk", "uptime"}
GUEST_KEYS = {
    *("id", "type", "vmid", "node", "name", "status", "template", "uptime", "cpu", "maxcpu", "mem", "maxmem"),
    *("disk", "maxdisk", "netin", "netout", "diskread", "diskwrite"),
}
OPTIONAL_GUEST_KEYS = {"pool", "lock", "tags"}


def get(cluster: SimulatedCluster, path: str, node: str | None = None) -> Reply:
    endpoint = cluster.endpoint if node is None else cluster.endpoint_of(node)
    return ask(endpoint, "GET", f"/api2/json{path}", token_header(cluster))


def three(fresh_fleet: FleetFactory, version: str = "9.2") -> tuple[ManualClock, SimulatedCluster]:
    clock = ManualClock(NOW)
    only = ClusterOptions("three", version, nodes=3, guests=12)
    options = FleetOptions(auth_delay=0, clock=clock, cluster_options=(only,))
    return clock, fresh_fleet(options=options).clusters[0]


def by(entries: list[dict[str, Any]], key: str) -> dict[Any, dict[str, Any]]:
    return {entry[key]: entry for entry in entries if key in entry}


def test_version(fleet: FleetThread) -> None:
    assert get(fleet.clusters[1], "/version").data["release"] == "8.4"
    assert set(get(fleet.clusters[2], "/version").data) == {"version", "release", "repoid", "keyboard"}


def test_status_of_a_cluster(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    head, *nodes = get(cluster, "/cluster/status", node="pve2").data
    assert head.pop("version") >= 1
    expected = {"type": "cluster", "id": "cluster", "name": HOSTILE_NAME, "nodes": 3, "quorate": 1}
    assert head == expected
    assert by(nodes, "name")["pve2"] == {
        "type": "node",
        "id": "node/pve2",
        "name": "pve2",
        "nodeid": 2,
        "local": 1,
        "online": 1,
        "ip": cluster.state.nodes["pve2"].address,
        "level": "",
    }
    assert by(nodes, "name")["pve1"]["local"] == 0


def test_status_of_a_standalone_node(fleet: FleetThread) -> None:
    (node,) = get(fleet.clusters[1], "/cluster/status").data
    assert (node["type"], node["name"], node["nodeid"], node["online"]) == ("node", "alone", 0, 1)


def test_nodes(fleet: FleetThread) -> None:
    for cluster in fleet.clusters:
        nodes = get(cluster, "/nodes").data
        assert {entry["node"] for entry in nodes} == set(cluster.nodes)
        assert all(set(entry) == NODE_KEYS | SIZES | FIGURES for entry in nodes)
        assert all(0 <= entry["cpu"] <= 1 and entry["mem"] < entry["maxmem"] for entry in nodes)


def test_the_unprivileged_see_names_only(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    headers = session_headers(login(cluster, username="nobody@pve", password="nobody-pve-1").data)
    nodes = ask(cluster.endpoint, "GET", "/api2/json/nodes", headers).data
    assert all(set(entry) == NODE_KEYS for entry in nodes)
    resources = ask(cluster.endpoint, "GET", "/api2/json/cluster/resources", headers).data
    assert {entry["type"] for entry in resources} == {"node"}
    assert all(set(entry) == NODE_KEYS - {"ssl_fingerprint"} | {"cgroup-mode"} for entry in resources)
    for path, text in (
        ("/cluster/status", "/, Sys.Audit"),
        ("/nodes/pve2/status", "/nodes/pve2, Sys.Audit"),
    ):
        reply = ask(cluster.endpoint, "GET", f"/api2/json{path}", headers)
        assert (reply.status, reply.reason) == (403, f"Permission check failed ({text})")
        assert reply.json["message"] == f"Permission check failed ({text})\n"


def test_guests_are_filtered_one_by_one(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    headers = session_headers(login(cluster, username="operator@pve", password="operator-pve-1").data)
    resources = ask(cluster.endpoint, "GET", "/api2/json/cluster/resources", headers).data
    guests = [entry for entry in resources if "vmid" in entry]
    assert len(guests) == 12
    assert not any("pool" in entry for entry in guests)
    assert {entry["type"] for entry in resources} == {"node", "qemu", "lxc"}


@pytest.mark.parametrize(
    ("version", "types", "more"),
    [
        ("6.4", {"pool", "node", "storage", "qemu", "lxc"}, set[str]()),
        ("7.4", {"pool", "node", "storage", "qemu", "lxc"}, set[str]()),
        ("8.4", {"pool", "node", "storage", "qemu", "lxc", "sdn"}, set[str]()),
        ("9.2", {"pool", "node", "storage", "qemu", "lxc", "network"}, {"memhost"}),
    ],
)
def test_resources_by_release(fresh_fleet: FleetFactory, version: str, types: set[str], more: set[str]) -> None:
    _, cluster = three(fresh_fleet, version)
    resources = get(cluster, "/cluster/resources").data
    assert {entry["type"] for entry in resources} == types
    guests = [entry for entry in resources if "vmid" in entry]
    for guest in guests:
        assert set(guest) - OPTIONAL_GUEST_KEYS == GUEST_KEYS | more
    assert any("tags" in guest for guest in guests) == (version != "6.4")
    assert sum("pool" in guest for guest in guests) == 2
    nodes = [entry for entry in resources if entry["type"] == "node"]
    assert all(("cgroup-mode" in node) == (version != "6.4") for node in nodes)
    storages = [entry for entry in resources if entry["type"] == "storage"]
    assert len(storages) == 9
    assert all(storage["disk"] <= storage["maxdisk"] for storage in storages)


def test_a_pool_sums_up_its_members_that_run(fresh_fleet: FleetFactory) -> None:
    _, cluster = three(fresh_fleet)
    resources = by(get(cluster, "/cluster/resources").data, "id")
    members = [resources["qemu/100"], resources["qemu/101"]]
    pool = resources["/pool/prod"]
    for key in ("mem", "maxmem", "maxcpu"):
        assert pool[key] == sum(member[key] for member in members)
    assert pool["uptime"] == max(member["uptime"] for member in members)
    busy = sum(member["cpu"] * member["maxcpu"] for member in members)
    assert pool["cpu"] == pytest.approx(busy / pool["maxcpu"], abs=1e-6)
    cluster.add_user("pools@pve", "secret", role="PVEPoolUser", path="/pool")
    headers = session_headers(login(cluster, username="pools@pve", password="secret").data)
    seen = by(ask(cluster.endpoint, "GET", "/api2/json/cluster/resources", headers).data, "id")
    assert seen["/pool/prod"] == pool
    assert "qemu/100" not in seen
    for vmid in (100, 101):
        guest = cluster.state.guest(vmid)
        assert guest is not None
        guest.switch_off(NOW)
    pool = by(get(cluster, "/cluster/resources").data, "id")["/pool/prod"]
    assert pool == {"type": "pool", "id": "/pool/prod", "pool": "prod"}


def test_resources_of_one_type(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    assert {entry["type"] for entry in get(cluster, "/cluster/resources?type=vm").data} == {"qemu", "lxc"}
    assert {entry["type"] for entry in get(cluster, "/cluster/resources?type=node").data} == {"node"}
    assert get(cluster, "/cluster/resources?type=sdn").data == []
    assert len(get(fleet.clusters[1], "/cluster/resources?type=sdn").data) == 1
    reply = get(cluster, "/cluster/resources?type=pool")
    expected = "value 'pool' does not have a value in the enumeration 'vm, storage, node, sdn'"
    assert reply.json["errors"] == {"type": expected}


def test_ten_guests_hold_one_to_start(fresh_fleet: FleetFactory) -> None:
    for seed in range(3):
        clusters = (ClusterOptions("a", guests=10), ClusterOptions("b", nodes=1, guests=40, standalone=True))
        fleet = fresh_fleet(options=FleetOptions(seed=seed, auth_delay=0, cluster_options=clusters))
        for cluster in fleet.clusters:
            guests = get(cluster, "/cluster/resources?type=vm").data
            startable = [
                guest
                for guest in guests
                if guest["type"] == "qemu"
                and (guest["status"], guest["template"]) == ("stopped", 0)
                and "lock" not in guest
            ]
            assert startable
            assert any(guest["template"] for guest in guests)
            assert {guest["type"] for guest in guests} == {"qemu", "lxc"}


def test_hostile_names(fleet: FleetThread) -> None:
    guests = by(get(fleet.clusters[0], "/cluster/resources?type=vm").data, "vmid")
    assert (guests[100]["name"], guests[101]["name"]) == (HOSTILE_NAME, HOSTILE_ESCAPES)
    realms = by(get(fleet.clusters[0], "/access/domains").data, "realm")
    assert HOSTILE_NAME in realms["corp"]["comment"]


def test_metrics_move_every_ten_seconds(fresh_fleet: FleetFactory) -> None:
    clock, cluster = three(fresh_fleet)

    def figures() -> tuple[dict[str, Any], dict[str, Any]]:
        resources = by(get(cluster, "/cluster/resources").data, "id")
        return resources["node/pve1"], resources["qemu/100"]

    first = figures()
    clock.advance(9)
    assert figures() == first
    clock.advance(1)
    node, guest = figures()
    assert node["uptime"] == first[0]["uptime"] + 10
    assert guest["netin"] > first[1]["netin"]
    assert node["cpu"] != first[0]["cpu"]
    stopped = by(get(cluster, "/cluster/resources").data, "id")["qemu/103"]
    assert all(stopped[key] == 0 for key in ("cpu", "mem", "uptime", "netin"))


def test_node_status(fleet: FleetThread) -> None:
    new = get(fleet.clusters[0], "/nodes/pve2/status").data
    assert all(isinstance(value, str) for value in new["loadavg"])
    assert isinstance(new["cpuinfo"]["mhz"], str)
    assert new["idle"] == 0
    assert new["pveversion"] == "pve-manager/9.2.11/f6997e698c7933ea"
    assert {"current-kernel", "boot-info"} <= set(new)
    assert set(new["memory"]) == {"total", "used", "free", "available"}
    old = get(fleet.clusters[2], "/nodes/localhost/status").data
    assert not {"current-kernel", "boot-info"} & set(old)
    assert set(old["memory"]) == {"total", "used", "free"}


def test_an_offline_node(fresh_fleet: FleetFactory) -> None:
    clock, cluster = three(fresh_fleet)
    cluster.take_offline("pve3")
    nodes = by(get(cluster, "/nodes").data, "node")
    assert nodes["pve3"]["status"] == "offline"
    assert set(nodes["pve3"]) == NODE_KEYS | SIZES
    head, *listed = get(cluster, "/cluster/status").data
    assert head["quorate"] == 1
    assert by(listed, "name")["pve3"]["online"] == 0
    before = by(get(cluster, "/cluster/resources").data, "id")
    assert before["lxc/102"]["status"] == "running"
    clock.advance(299)
    assert by(get(cluster, "/cluster/resources").data, "id")["lxc/102"] == before["lxc/102"]
    clock.advance(1)
    after = by(get(cluster, "/cluster/resources").data, "id")
    assert set(after["lxc/102"]) - OPTIONAL_GUEST_KEYS == {"id", "type", "vmid", "node", "status"}
    assert after["lxc/102"]["status"] == "unknown"
    assert after["storage/pve3/local"]["status"] == "unknown"
    assert not {"disk", "maxdisk"} & set(after["storage/pve3/local"])
    assert set(by(get(cluster, "/nodes").data, "node")["pve3"]) == NODE_KEYS - {"level"}
    cluster.bring_back("pve3")
    assert set(by(get(cluster, "/nodes").data, "node")["pve3"]) == NODE_KEYS | SIZES | FIGURES
    assert get(cluster, "/version", node="pve3").status == 200


def test_asking_a_node_that_is_down(fresh_fleet: FleetFactory) -> None:
    _, cluster = three(fresh_fleet)
    cluster.take_offline("pve3")
    reply = get(cluster, "/nodes/pve3/status")
    assert (reply.status, reply.reason, reply.body) == (595, "No route to host", b"")
    assert reply.values("Content-Length") == []
    assert reply.values("Connection") == ["close"]
    with pytest.raises(ConnectionRefusedError):
        get(cluster, "/version", node="pve3")


def test_a_node_that_does_not_exist(fleet: FleetThread) -> None:
    reply = get(fleet.clusters[0], "/nodes/nosuch/status")
    text = "hostname lookup 'nosuch' failed - failed to get address info for: nosuch: Name or service not known"
    assert (reply.status, reply.reason) == (500, text)
    assert reply.json == {"data": None, "message": text + "\n"}


def test_lost_quorum(fresh_fleet: FleetFactory) -> None:
    _, cluster = three(fresh_fleet)
    cluster.lose_quorum()
    head, *nodes = get(cluster, "/cluster/status").data
    assert head["quorate"] == 0
    assert {entry["name"]: entry["online"] for entry in nodes} == {"pve1": 1, "pve2": 0, "pve3": 0}
    assert get(cluster, "/nodes/pve2/version").status == 595
    head, *nodes = get(cluster, "/cluster/status", node="pve2").data
    assert by(nodes, "name")["pve2"]["online"] == 1
    cluster.regain_quorum()
    assert get(cluster, "/cluster/status").data[0]["quorate"] == 1
    cluster.take_offline("pve2")
    cluster.take_offline("pve3")
    assert get(cluster, "/cluster/status").data[0]["quorate"] == 0


def test_refusing_and_cutting(fresh_fleet: FleetFactory) -> None:
    _, cluster = three(fresh_fleet)
    cluster.stop_listening()
    for name in cluster.nodes:
        with pytest.raises(ConnectionRefusedError):
            get(cluster, "/version", node=name)
    cluster.listen_again()
    assert get(cluster, "/version").status == 200
    cluster.cut_connections()
    assert get(cluster, "/version").status == 200


def test_silence(fresh_fleet: FleetFactory) -> None:
    _, cluster = three(fresh_fleet)
    cluster.fall_silent("pve1")
    with Wire(cluster.endpoint, context=None) as wire:
        wire.socket.settimeout(0.03)
        with pytest.raises(TimeoutError):
            wire.ask("GET", "/api2/json/version")
    assert get(cluster, "/version", node="pve2").status == 200
    cluster.speak_again()
    assert get(cluster, "/version").status == 200


def test_another_release(fresh_fleet: FleetFactory) -> None:
    _, cluster = three(fresh_fleet)
    cluster.set_version("7.4")
    assert get(cluster, "/version").data["release"] == "7.4"
    assert get(cluster, "/foo").json == {"data": None}


def test_the_root_of_the_api(fleet: FleetThread) -> None:
    names = [entry["subdir"] for entry in get(fleet.clusters[0], "/").data]
    assert sorted(names) == ["access", "cluster", "nodes", "pools", "storage", "version"]
