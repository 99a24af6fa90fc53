"""The tree of snapshots, and what taking, restoring and deleting one does."""

import pytest

from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import VERSIONS, Api, start_api

RUNNING_VM, STOPPED_VM, RUNNING_CT, TEMPLATE = 101, 103, 102, 106


@pytest.fixture(params=VERSIONS)
def api(fresh_fleet: FleetFactory, request: pytest.FixtureRequest) -> Api:
    return start_api(fresh_fleet, request.param)


def tree(api: Api, vmid: int) -> dict[str, str | None]:
    """Give the parent of every snapshot and of the present state."""
    return {entry["name"]: entry.get("parent") for entry in api.get(f"{api.path(vmid)}/snapshot")}


def take(api: Api, vmid: int, name: str, **fields: object) -> str:
    return str(api.do(f"{api.path(vmid)}/snapshot", snapname=name, **fields))


@pytest.mark.parametrize("vmid", [RUNNING_VM, RUNNING_CT])
def test_a_tree_grows_and_is_cut(api: Api, vmid: int) -> None:
    assert tree(api, vmid) == {"current": None}
    for name in ("one", "two", "three"):
        assert take(api, vmid, name, description=f"the {name}") == "OK"
    assert tree(api, vmid) == {"one": None, "two": "one", "three": "two", "current": "three"}
    upid = api.ask("DELETE", f"{api.path(vmid)}/snapshot/two").data
    assert api.current(vmid)["lock"] == "snapshot-delete"
    assert api.wait(upid) == "OK"
    assert tree(api, vmid) == {"one": None, "three": "one", "current": "three"}
    assert api.do(f"{api.path(vmid)}/snapshot/one/rollback") == "OK"
    assert tree(api, vmid)["current"] == "one"
    assert api.current(vmid)["status"] == "stopped"
    assert take(api, vmid, "four") == "OK"
    assert tree(api, vmid) == {"one": None, "three": "one", "four": "one", "current": "four"}


def test_entries_of_the_list(api: Api) -> None:
    assert take(api, RUNNING_VM, "plain") == "OK"
    assert take(api, RUNNING_VM, "memory", vmstate=1) == "OK"
    assert take(api, RUNNING_CT, "plain") == "OK"
    entries = {entry["name"]: entry for entry in api.get(f"{api.path(RUNNING_VM)}/snapshot")}
    assert entries["plain"]["vmstate"] == 0
    assert entries["memory"]["vmstate"] == 1
    assert entries["memory"]["snaptime"] >= entries["plain"]["snaptime"] > 0
    assert entries["current"]["running"] == 1
    assert entries["current"]["description"] == "You are here!"
    assert len(entries["current"]["digest"]) == 40
    assert "vmstate" not in api.get(f"{api.path(RUNNING_CT)}/snapshot")[0]


def test_a_snapshot_with_memory_runs_again(api: Api) -> None:
    upid = api.post(f"{api.path(RUNNING_VM)}/snapshot", snapname="memory", vmstate=1)
    assert api.current(RUNNING_VM)["lock"] == "snapshot"
    assert api.wait(upid) == "OK"
    assert any("completed saving the VM state" in line for line in api.log(upid))
    assert api.do(f"{api.path(RUNNING_VM)}/snapshot/memory/rollback") == "OK"
    current = api.current(RUNNING_VM)
    assert current["status"] == "running"
    assert current["uptime"] < 60


def test_the_configuration_goes_back(api: Api) -> None:
    path = api.path(STOPPED_VM)
    name = api.get(f"{path}/config")["name"]
    assert take(api, STOPPED_VM, "before") == "OK"
    assert api.ask("PUT", f"{path}/config", name="changed", memory=4096).status == 200
    old = api.get(f"{path}/snapshot/before/config")
    assert old["name"] == api.get(f"{path}/config", snapshot="before")["name"] == name
    assert old["snaptime"] > 0
    assert api.do(f"{path}/snapshot/before/rollback") == "OK"
    assert api.get(f"{path}/config")["name"] == api.guest(STOPPED_VM).name == name


def test_starting_after_a_rollback(api: Api) -> None:
    assert take(api, STOPPED_VM, "before") == "OK"
    reply = api.ask("POST", f"{api.path(STOPPED_VM)}/snapshot/before/rollback", start=1)
    if not api.cluster.state.release.at_least(7):
        assert "start" in reply.json["errors"]
        return
    assert api.wait(reply.data) == "OK"
    assert api.current(STOPPED_VM)["status"] == "running"


def test_descriptions_change(api: Api) -> None:
    assert take(api, STOPPED_VM, "named", description="old") == "OK"
    path = f"{api.path(STOPPED_VM)}/snapshot/named/config"
    assert api.ask("PUT", path, description="new").status == 200
    assert api.get(path)["description"] == "new"


def test_what_fails_and_how(api: Api) -> None:
    assert take(api, STOPPED_VM, "taken") == "OK"
    assert take(api, STOPPED_VM, "taken") == "snapshot name 'taken' already used"
    assert take(api, TEMPLATE, "never") == "you can't take a snapshot if it's a template"
    path = f"{api.path(STOPPED_VM)}/snapshot/missing"
    text = "snapshot 'missing' does not exist"
    assert api.do(f"{path}/rollback") == text
    assert api.wait(api.ask("DELETE", path).data) == text
    reply = api.ask("GET", f"{path}/config")
    assert (reply.status, reply.reason) == (500, text)
    assert api.ask("POST", f"{api.path(STOPPED_VM)}/snapshot", snapname="1bad").status == 400
    assert api.ask("POST", f"{api.path(STOPPED_VM)}/snapshot", snapname="current").status in {400, 500}
    api.guest(STOPPED_VM).lock = "backup"
    assert take(api, STOPPED_VM, "locked") == "VM is locked (backup)"
    api.guest(STOPPED_VM).lock = None
    api.cluster.lose_quorum()
    assert take(api, STOPPED_VM, "partitioned").endswith("' - Permission denied")


def test_a_stopped_task_leaves_no_lock(api: Api) -> None:
    upid = api.post(f"{api.path(STOPPED_VM)}/snapshot", snapname="half")
    assert api.current(STOPPED_VM)["lock"] == "snapshot"
    api.ask("DELETE", f"/nodes/pve1/tasks/{upid}")
    assert "lock" not in api.current(STOPPED_VM)
    assert "half" not in tree(api, STOPPED_VM)
    assert take(api, STOPPED_VM, "whole") == "OK"
