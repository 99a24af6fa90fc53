"""One node: what it tells of itself, what it remembers, and what happens when it is turned off."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from pxm_tui.simulator.history import Frame, series
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.power import BOOT, GRACE
from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import Api, start_api
from tests.simulator.wire import ask, token_header

STEPS = {
    "9.2": {"hour": (60, 60), "day": (60, 1440), "week": (1800, 336), "month": (1800, 1440), "year": (21600, 1440)},
    "8.4": {"hour": (60, 70), "day": (1800, 70), "week": (10800, 70), "month": (43200, 70), "year": (604800, 70)},
}
PACKAGES = ("apt/update", "apt/versions")
SYSTEM = ("services", *PACKAGES, "subscription", "network", "disks/list", "dns", "time", "hosts", "config", "syslog")


@pytest.mark.parametrize("version", ["9.2", "8.4"])
@pytest.mark.parametrize("frame", ["hour", "day", "week", "month", "year"])
def test_steps_and_points(fresh_fleet: FleetFactory, version: str, frame: str) -> None:
    api = start_api(fresh_fleet, version)
    points = api.get("/nodes/pve1/rrddata", timeframe=frame)
    times = [point["time"] for point in points]
    step, count = STEPS[version][frame]
    assert len(times) == count
    assert {later - earlier for earlier, later in pairwise(times)} == {step}
    assert all(moment % step == 0 for moment in times)
    assert times[-1] <= api.clock() < times[-1] + step


def test_a_decade_came_with_9(fresh_fleet: FleetFactory) -> None:
    assert len(start_api(fresh_fleet).get("/nodes/pve1/rrddata", timeframe="decade")) == 570
    assert start_api(fresh_fleet, "8.4", seed=2).ask("GET", "/nodes/pve1/rrddata", timeframe="decade").status == 400


def test_what_is_measured_and_what_is_not(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    node = api.get("/nodes/pve1/rrddata", timeframe="hour")[-1]
    assert {"cpu", "iowait", "loadavg", "memtotal", "memused", "netin", "netout", "rootused"} < set(node)
    assert {"memavailable", "pressurecpusome"} < set(node)
    running = api.get(api.path(100) + "/rrddata", timeframe="hour")[-1]
    assert {"cpu", "mem", "netin", "diskread", "memhost"} < set(running)
    stopped = api.get(api.path(103) + "/rrddata", timeframe="hour")[-1]
    assert set(stopped) == {"time", "maxcpu", "maxmem", "maxdisk", "disk"}
    assert set(api.get("/nodes/pve1/storage/nas/rrddata", timeframe="hour")[-1]) == {"time", "total", "used"}
    old = start_api(fresh_fleet, "8.4", seed=2).get("/nodes/pve1/rrddata", timeframe="hour")[-1]
    assert "memavailable" not in old


def test_times_without_a_node_are_gaps(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    api.cluster.state.nodes["pve2"].started_at = api.clock() - 1800
    points = api.get("/nodes/pve2/rrddata", timeframe="hour")
    assert set(points[0]) == {"time"}
    assert "cpu" in points[-1]
    api.cluster.take_offline("pve2")
    api.clock.advance(1200)
    points = api.get("/nodes/pve2/rrddata", timeframe="hour")  # replicated: another node answers
    assert set(points[-1]) == {"time"}
    assert any("cpu" in point for point in points)


def measured(api: Api, path: str) -> list[bool]:
    """Tell of each minute of the last hour whether a processor was measured."""
    return ["cpu" in point for point in api.get(path, timeframe="hour")]


def test_the_past_of_a_guest_stays_when_it_is_stopped_and_started(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    path = api.path(100)
    assert all(measured(api, f"{path}/rrddata"))
    assert api.do(f"{path}/status/stop") == "OK"
    api.clock.advance(600)
    assert measured(api, f"{path}/rrddata")[:-11] == [True] * 49
    assert api.do(f"{path}/status/start") == "OK"
    api.clock.advance(600)
    past = measured(api, f"{path}/rrddata")
    assert past[-9:] == [True] * 9
    assert past.count(False) in {10, 11}
    assert past[:38] == [True] * 38


def test_the_past_of_a_node_stays_when_it_reboots(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    guest = next(guest for guest in api.cluster.state.guests if guest.node == "pve2" and guest.running)
    paths = ("/nodes/pve2/rrddata", f"{api.path(guest.vmid)}/rrddata", "/nodes/pve2/storage/local/rrddata")
    assert api.ask("POST", "/nodes/pve2/status", command="reboot").status == 200
    api.clock.advance(300)
    assert api.get("/nodes/pve2/status")["uptime"] < 300
    for path in paths[:2]:
        assert all(measured(api, path)[:50])
        assert not all(measured(api, path))
    assert all("used" in point for point in api.get(paths[2], timeframe="hour")[:50])
    api.cluster.take_offline("pve2")
    api.clock.advance(600)
    api.cluster.bring_back("pve2")
    api.clock.advance(120)
    for path in paths[:2]:
        assert measured(api, path).count(False) in {10, 11, 12, 13}


def test_a_copy_has_no_past(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    assert api.do(f"{api.path(103)}/clone", newid=500) == "OK"
    api.clock.advance(120)
    points = api.get(f"{api.path(500)}/rrddata", timeframe="hour")
    assert set(points[0]) == {"time"}
    assert "maxcpu" in points[-1]


def test_the_highest_is_not_below_the_mean() -> None:
    def source(moment: float) -> dict[str, float]:
        return {"cpu": moment % 7}

    frame = Frame(1800, 5)
    mean, highest = (series(source, frame, 1_000_000, highest=choice) for choice in (False, True))
    assert all(high["cpu"] > average["cpu"] for high, average in zip(highest, mean, strict=True))


def test_the_same_seed_and_time_give_the_same_figures(fresh_fleet: FleetFactory) -> None:
    def figures(seed: int) -> object:
        return start_api(fresh_fleet, seed=seed).get("/nodes/pve1/rrddata", timeframe="day")

    assert figures(5) == figures(5)
    assert figures(5) != figures(6)


def test_days_have_a_rhythm_and_the_network_follows(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    points = api.get("/nodes/pve1/rrddata", timeframe="day")
    by_day = [point["cpu"] for point in points if 12 <= point["time"] % 86400 / 3600 < 16]
    by_night = [point["cpu"] for point in points if point["time"] % 86400 / 3600 < 4]
    assert sum(by_day) / len(by_day) > 1.2 * sum(by_night) / len(by_night)
    busiest = max(points, key=lambda point: point["cpu"])
    assert busiest["netin"] == max(point["netin"] for point in points)


def test_a_node_uses_what_its_guests_use_and_more(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet, guests=90)
    running = next(guest for guest in api.cluster.state.guests if guest.running and guest.kind == "qemu")
    for hour in range(24):
        api.clock.advance(3600)
        if hour == 12:
            assert api.do(f"{api.path(running.vmid)}/status/stop") == "OK"
        resources = api.get("/cluster/resources")
        for node in (one for one in resources if one["type"] == "node"):
            guests = [one for one in resources if "vmid" in one and one["node"] == node["node"]]
            memory = sum(guest["mem"] for guest in guests)
            processors = sum(guest["cpu"] * guest["maxcpu"] for guest in guests)
            assert memory < node["mem"] < memory + 0.2 * node["maxmem"]
            assert processors < node["cpu"] * node["maxcpu"] < processors + 0.2 * node["maxcpu"]


def test_an_unknown_guest_has_no_past(fresh_fleet: FleetFactory) -> None:
    reply = start_api(fresh_fleet).ask("GET", "/nodes/pve1/qemu/999/rrddata", timeframe="hour")
    assert reply.status == 500
    assert reply.reason.startswith("RRD error: opening '/var/lib/rrdcached/db/pve-vm-9.0/999'")


@pytest.mark.parametrize("what", SYSTEM)
@pytest.mark.parametrize("version", ["9.2", "6.4"])
def test_what_a_node_tells_of_itself(fresh_fleet: FleetFactory, version: str, what: str) -> None:
    api = start_api(fresh_fleet, version)
    for node in api.cluster.nodes:
        assert api.get(f"/nodes/{node}/{what}") is not None


def test_services_network_and_disks(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    services = {service["service"]: service for service in api.get("/nodes/pve1/services")}
    assert services["pveproxy"]["active-state"] == "active"
    assert api.get("/nodes/pve1/services/pveproxy/state") == services["pveproxy"]
    assert api.get("/nodes/pve1/services/sshd/state")["state"] == "running"
    bridge = {interface["iface"]: interface for interface in api.get("/nodes/pve1/network")}["vmbr0"]
    assert bridge["address"] == api.cluster.state.nodes["pve1"].address
    assert [interface["iface"] for interface in api.get("/nodes/pve1/network", type="eth")] == ["eth0"]
    assert api.ask("GET", "/nodes/pve1/network/eth9").json["errors"] == {"iface": "interface does not exist"}
    serials = {disk["serial"] for node in api.cluster.nodes for disk in api.get(f"/nodes/{node}/disks/list")}
    assert len(serials) == 2 * len(api.cluster.nodes)
    assert api.get("/nodes/pve1/time")["time"] == int(api.clock())
    line = api.get("/nodes/pve1/syslog", start=2, limit=3)[0]
    assert line["n"] == 3
    assert re.fullmatch(r"[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d pve1 systemd\[1\]: Started cron\.service - .+\.", line["t"])


@pytest.mark.parametrize(("version", "installed", "earlier"), [("9.2", "9.2.11", "9.2.6"), ("7.4", "7.4-16", "7.4-3")])
def test_a_node_without_the_last_update_says_so_everywhere(
    fresh_fleet: FleetFactory, version: str, installed: str, earlier: str
) -> None:
    chosen = ClusterOptions("lab", version, nodes=2, guests=0, outdated=("pve2",))
    cluster = fresh_fleet(options=FleetOptions(auth_delay=0, cluster_options=(chosen,))).clusters[0]
    for node, found in (("pve1", installed), ("pve2", earlier)):

        def get(path: str, node: str = node) -> Any:
            return ask(cluster.endpoint, "GET", f"/api2/json/nodes/{node}/{path}", token_header(cluster)).data

        packages = {entry["Package"]: entry for entry in get("apt/versions")}
        assert packages["pve-manager"]["OldVersion"] == found
        assert packages["pve-manager"]["Version"] == installed
        assert packages["pve-manager"]["ManagerVersion"].startswith(f"{found}/")
        assert f"pve-manager/{packages['pve-manager']['ManagerVersion']}" == get("status")["pveversion"]
        assert packages["proxmox-ve"]["RunningKernel"] in get("status")["kversion"]
        assert get("version")["version"] == found


def test_versions_are_for_who_may_audit_the_node(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    limited = {"Authorization": f"PVEAPIToken=auditor@pve!ro={token_of_auditor(api)}"}
    assert api.as_user(limited).get("/nodes/pve2/apt/versions")[0]["Package"] == "proxmox-ve"
    reply = api.as_user(limited).ask("GET", "/nodes/pve2/apt/update")
    assert reply.reason == "Permission check failed (/nodes/pve2, Sys.Modify)"


def test_a_route_that_is_not_simulated_is_absent_and_counted(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    reply = api.ask("GET", "/nodes/pve1/netstat")
    assert (reply.status, reply.reason) == (501, "Method 'GET /nodes/pve1/netstat' not implemented")
    assert api.cluster.state.not_simulated == {"GET /nodes/{node}/netstat": 1}
    assert api.ask("GET", "/nodes/pve1/wheels").status == 501
    assert sum(api.cluster.state.not_simulated.values()) == 1


def power(api: Api, node: str, command: str) -> None:
    assert api.ask("POST", f"/nodes/{node}/status", command=command).data is None


def states(api: Api) -> dict[str, str]:
    return {node["node"]: node["status"] for node in api.get("/nodes")}


def test_a_node_reboots(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    power(api, "pve2", "reboot")
    assert states(api)["pve2"] == "online"
    api.clock.advance(GRACE + 1)
    assert states(api)["pve2"] == "offline"
    assert api.ask("GET", "/nodes/pve2/status").status == 595
    with pytest.raises(ConnectionRefusedError):
        ask(api.cluster.endpoint_of("pve2"), "GET", "/api2/json/access/domains")
    api.clock.advance(BOOT)
    assert states(api)["pve2"] == "online"
    assert api.get("/nodes/pve2/status")["uptime"] <= 1
    assert ask(api.cluster.endpoint_of("pve2"), "GET", "/api2/json/access/domains").status == 200
    running = [guest for guest in api.cluster.state.guests if guest.node == "pve2" and guest.running]
    assert running
    assert all(api.current(guest.vmid)["uptime"] <= 1 for guest in running)


def test_a_node_is_shut_down_until_somebody_starts_it(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    power(api, "pve3", "shutdown")
    api.clock.advance(3600)
    assert states(api)["pve3"] == "offline"
    api.cluster.bring_back("pve3")
    assert states(api)["pve3"] == "online"


def test_the_loop_keeps_time_where_nobody_asks(fresh_fleet: FleetFactory) -> None:
    options = ClusterOptions("lab", "9.2", nodes=2, guests=2)
    cluster = fresh_fleet(options=FleetOptions(auth_delay=0, cluster_options=(options,))).clusters[0]
    timers: list[tuple[float, Callable[[], None]]] = []
    cluster.state.power.connect(cluster.switch, lambda delay, action: timers.append((delay, action)))
    ask(cluster.endpoint, "POST", "/api2/json/nodes/pve2/status", token_header(cluster), b"command=reboot")
    assert [round(delay) for delay, _ in timers] == [GRACE, GRACE + BOOT]
    assert all(action == cluster.state.power.catch_up for _, action in timers)


def test_who_may_turn_a_node_off(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    limited = {"Authorization": f"PVEAPIToken=auditor@pve!ro={token_of_auditor(api)}"}
    reply = api.as_user(limited).ask("POST", "/nodes/pve1/status", command="reboot")
    assert reply.reason == "Permission check failed (/nodes/pve1, Sys.PowerMgmt)"
    wrong = api.ask("POST", "/nodes/pve1/status", command="explode")
    assert wrong.json["errors"] == {
        "command": "value 'explode' does not have a value in the enumeration 'reboot, shutdown'"
    }


def token_of_auditor(api: Api) -> str:
    return api.cluster.state.accounts.users["auditor@pve"].tokens["ro"].secret
