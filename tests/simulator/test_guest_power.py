"""Starting and stopping guests: what is refused, what fails in the task, and what a guest says meanwhile."""

import pytest

from pxm_tui.simulator.ha import HaResource
from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import VERSIONS, Api, start_api

# The first ten guests of every cluster: 100 and 103 are a running and a stopped machine, 102 and 108 a running and
# a stopped container, 106 a template, 109 a paused machine.
RUNNING_VM, STOPPED_VM, RUNNING_CT, STOPPED_CT, TEMPLATE, PAUSED = 100, 103, 102, 108, 106, 109
MISSING = 999


@pytest.fixture(params=VERSIONS)
def api(fresh_fleet: FleetFactory, request: pytest.FixtureRequest) -> Api:
    return start_api(fresh_fleet, request.param)


def power(api: Api, vmid: int, action: str, **fields: object) -> str:
    """Give the exit status of a power action's task."""
    return str(api.do(f"{api.path(vmid)}/status/{action}", **fields))


def refused(api: Api, vmid: int, action: str, **fields: object) -> str:
    reply = api.ask("POST", f"{api.path(vmid)}/status/{action}", **fields)
    assert reply.status == 500
    if api.cluster.state.release.message_in_body:
        assert reply.json["message"].strip() == reply.reason
    return reply.reason


@pytest.mark.parametrize(("stopped", "prefix"), [(STOPPED_VM, "qm"), (STOPPED_CT, "vz")])
def test_there_and_back_within_three_seconds(api: Api, stopped: int, prefix: str) -> None:
    for action, status in (("start", "running"), ("reboot", "running"), ("shutdown", "stopped"), ("start", "running")):
        upid = api.post(f"{api.path(stopped)}/status/{action}")
        assert upid.split(":")[5] == prefix + action
        api.clock.advance(3)
        assert api.wait(upid, seconds=0.5) == "OK"
        assert api.current(stopped)["status"] == status
    assert power(api, stopped, "stop") == "OK"
    current = api.current(stopped)
    assert (current["status"], current["uptime"], current["cpu"], current["mem"]) == ("stopped", 0, 0, 0)


def test_a_running_machine_is_a_failed_task_a_container_an_error(api: Api) -> None:
    assert power(api, RUNNING_VM, "start") == "VM 100 already running"
    assert refused(api, RUNNING_CT, "start") == "CT 102 already running"


def test_stopping_what_is_stopped(api: Api) -> None:
    assert power(api, STOPPED_VM, "stop") == "OK"
    assert power(api, STOPPED_VM, "shutdown") == "OK"
    assert refused(api, STOPPED_CT, "stop") == "CT 108 not running"
    assert refused(api, STOPPED_CT, "shutdown") == "CT 108 not running"
    assert refused(api, STOPPED_VM, "reboot") == "VM 103 not running"
    assert refused(api, STOPPED_CT, "reboot") == "VM 108 not running"
    assert refused(api, STOPPED_VM, "reset") == "VM 103 not running"
    assert refused(api, STOPPED_VM, "suspend") == "VM 103 not running"


def test_resetting(api: Api) -> None:
    assert power(api, RUNNING_VM, "reset") == "OK"
    missing = api.ask("POST", f"{api.path(RUNNING_CT)}/status/reset")
    assert missing.status == 501
    assert missing.reason == f"Method 'POST {api.path(RUNNING_CT)}/status/reset' not implemented"


def test_templates_and_locks(api: Api) -> None:
    assert power(api, TEMPLATE, "start") == "you can't start a vm if it's a template"
    for vmid, text in ((STOPPED_VM, "VM is locked (backup)"), (STOPPED_CT, "CT is locked (backup)")):
        api.guest(vmid).lock = "backup"
        assert power(api, vmid, "start") == text
        assert api.current(vmid)["lock"] == "backup"
    api.guest(STOPPED_CT).lock = None
    api.guest(STOPPED_CT).template = True
    assert power(api, STOPPED_CT, "start") == "you can't start a CT if it's a template"


def test_guests_that_do_not_exist(api: Api) -> None:
    task = api.do(f"/nodes/pve1/qemu/{MISSING}/status/start")
    assert task == "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist"
    reply = api.ask("GET", f"/nodes/pve1/qemu/{MISSING}/status/current")
    assert (reply.status, reply.reason) == (500, task)
    reply = api.ask("GET", f"/nodes/pve1/lxc/{RUNNING_VM}/config")
    assert reply.reason == "Configuration file 'nodes/pve1/lxc/100.conf' does not exist"
    reply = api.ask("POST", f"/nodes/pve1/lxc/{MISSING}/status/stop")
    assert reply.reason == "CT 999 not running"


def test_pausing_and_going_on(api: Api) -> None:
    assert power(api, RUNNING_VM, "suspend") == "OK"
    current = api.current(RUNNING_VM)
    assert (current["status"], current["qmpstatus"]) == ("running", "paused")
    received = current["netin"]
    api.clock.advance(600)
    assert api.current(RUNNING_VM)["netin"] == received
    rows = api.get("/cluster/resources", type="vm")
    assert next(row for row in rows if row["vmid"] == RUNNING_VM)["status"] == "paused"
    assert refused(api, RUNNING_VM, "shutdown") == "VM is paused - cannot shutdown"
    assert refused(api, RUNNING_VM, "reboot") == "VM is paused - cannot shutdown"
    assert power(api, RUNNING_VM, "resume") == "OK"
    after = api.current(RUNNING_VM)
    assert after["qmpstatus"] == "running"
    assert received <= after["netin"] < received + 10_000_000


def test_suspending_to_disk(api: Api) -> None:
    upid = api.post(f"{api.path(RUNNING_VM)}/status/suspend", todisk=1)
    assert upid.split(":")[5] == "qmsuspend"
    assert api.current(RUNNING_VM)["lock"] == "suspending"
    assert api.wait(upid) == "OK"
    current = api.current(RUNNING_VM)
    assert (current["status"], current["lock"]) == ("stopped", "suspended")
    assert power(api, RUNNING_VM, "start") == "OK"
    current = api.current(RUNNING_VM)
    assert current["status"] == "running"
    assert "lock" not in current


def test_one_task_waits_for_the_other(api: Api) -> None:
    first = api.post(f"{api.path(STOPPED_VM)}/status/start")
    second = api.post(f"{api.path(STOPPED_VM)}/status/stop")
    assert api.wait(first) == "OK"
    assert api.wait(second) == "OK"
    assert api.current(STOPPED_VM)["status"] == "stopped"


def test_a_lock_that_is_held_for_too_long(api: Api) -> None:
    guest = api.guest(STOPPED_VM)
    guest.holder = object()
    text = "can't lock file '/var/lock/qemu-server/lock-103.conf' - got timeout"
    assert power(api, STOPPED_VM, "start") == text
    before = api.clock.now
    reply = api.ask("PUT", f"{api.path(STOPPED_VM)}/config", name="other")
    assert (reply.status, reply.reason) == (500, text)
    assert 9 <= api.clock.now - before <= 11


def test_a_change_waits_for_a_task_that_ends_in_time(api: Api) -> None:
    api.post(f"{api.path(STOPPED_VM)}/status/start")
    assert api.ask("PUT", f"{api.path(STOPPED_VM)}/config", description="later").status == 200
    assert api.get(f"{api.path(STOPPED_VM)}/config")["description"] == "later"


def test_only_root_skips_locks(api: Api) -> None:
    reply = api.ask("POST", f"{api.path(STOPPED_VM)}/status/start", skiplock=1)
    assert reply.status == 400
    assert reply.json["errors"] == {"skiplock": "Only root may use this option."}


def test_without_quorum(api: Api) -> None:
    api.cluster.lose_quorum()
    assert refused(api, STOPPED_VM, "start") == "cluster not ready - no quorum?"
    reply = api.ask("PUT", f"{api.path(STOPPED_VM)}/config", onboot=0)
    assert reply.status == 500
    assert reply.reason.startswith("unable to open file '/etc/pve/nodes/pve1/qemu-server/103.conf.tmp.")
    assert reply.reason.endswith("' - Permission denied")
    assert api.get(f"{api.path(STOPPED_VM)}/config")["name"] == api.guest(STOPPED_VM).name
    assert power(api, RUNNING_VM, "stop") == "OK"


def test_guests_of_an_offline_node(api: Api) -> None:
    vmid = next(guest.vmid for guest in api.cluster.state.guests if guest.node == "pve2" and guest.running)
    path = api.path(vmid)
    api.cluster.take_offline("pve2")
    assert api.ask("GET", f"{path}/status/current").status == 595
    assert api.ask("POST", f"{path}/status/stop").status == 595

    def row() -> dict[str, object]:
        rows = api.get("/cluster/resources", type="vm")
        return next(row for row in rows if row["vmid"] == vmid)

    assert row()["status"] == "running"
    api.clock.advance(299)
    assert row()["status"] == "running"
    api.clock.advance(2)
    assert row()["status"] == "unknown"
    assert "name" not in row()


def test_who_may_not(api: Api) -> None:
    secret = api.cluster.add_token("auditor@pve!plain", privsep=False)
    auditor = api.as_user({"Authorization": f"PVEAPIToken=auditor@pve!plain={secret}"})
    reply = auditor.ask("POST", f"{api.path(RUNNING_VM)}/status/stop")
    assert (reply.status, reply.reason) == (403, "Permission check failed (/vms/100, VM.PowerMgmt)")
    assert auditor.current(RUNNING_VM)["vmid"] in {100, "100"}


def test_a_stop_overrules_a_shutdown(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    shutdown = api.post(f"{api.path(RUNNING_VM)}/status/shutdown")
    assert power(api, RUNNING_VM, "stop", overrule_shutdown=1) == "OK"
    assert api.wait(shutdown) == "received interrupt"


def ha_states(api: Api, vmid: int) -> tuple[str, ...]:
    """Give a managed guest's state in the list, by itself, and its three among the services."""
    listed = next(one for one in api.get("/cluster/resources", type="vm") if one["vmid"] == vmid)
    services = (one for one in api.get("/cluster/ha/status/current") if one["type"] == "service")
    service = next(one for one in services if one["sid"].endswith(f":{vmid}"))
    own = api.current(vmid)["ha"]
    assert own["managed"] == 1
    return (listed["hastate"], own["state"], service["crm_state"], service["state"], service["request_state"])


@pytest.mark.parametrize("vmid_kind", ["qemu", "lxc"])
def test_guests_under_high_availability(fresh_fleet: FleetFactory, vmid_kind: str) -> None:
    api = start_api(fresh_fleet, guests=60)
    guest = next(one for one in api.cluster.state.guests[10:] if one.kind == vmid_kind and one.running)
    api.cluster.state.ha[guest.vmid] = HaResource(vmid_kind, guest.vmid)
    upid = api.post(f"{api.path(guest.vmid)}/status/shutdown")
    assert upid.split(":")[5] == "hastop"
    assert api.wait(upid, seconds=0.5) == "OK"
    assert api.current(guest.vmid)["status"] == "running"
    assert ha_states(api, guest.vmid) == ("started", "started", "started", "started", "stopped")
    api.clock.advance(10)
    assert api.current(guest.vmid)["status"] == "running"
    assert ha_states(api, guest.vmid) == ("request_stop", "request_stop", "request_stop", "stopping", "stopped")
    api.clock.advance(5)
    assert api.current(guest.vmid)["status"] == "stopped"
    assert ha_states(api, guest.vmid) == ("stopped", "stopped", "stopped", "stopped", "stopped")
    upid = api.post(f"{api.path(guest.vmid)}/status/start")
    assert upid.split(":")[5] == "hastart"
    api.clock.advance(15)
    assert api.current(guest.vmid)["status"] == "running"
    kinds = [
        task["type"] for task in api.get(f"/nodes/{guest.node}/tasks", vmid=guest.vmid, since=int(api.clock.now) - 60)
    ]
    assert kinds[0] == ("qmstart" if vmid_kind == "qemu" else "vzstart")
