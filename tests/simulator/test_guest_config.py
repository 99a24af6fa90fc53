"""Configurations of guests: types, pending changes, digests, disks."""

import re

import pytest

from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import VERSIONS, Api, start_api

RUNNING_VM, STOPPED_VM, RUNNING_CT, STOPPED_CT = 100, 103, 102, 108


@pytest.fixture(params=VERSIONS)
def api(fresh_fleet: FleetFactory, request: pytest.FixtureRequest) -> Api:
    return start_api(fresh_fleet, request.param)


def put(api: Api, vmid: int, **options: object) -> None:
    reply = api.ask("PUT", f"{api.path(vmid)}/config", **options)
    assert (reply.status, reply.body and reply.data) == (200, None), reply.body


def config(api: Api, vmid: int, **fields: object) -> dict[str, object]:
    return api.get(f"{api.path(vmid)}/config", **fields)  # type: ignore[no-any-return]


def test_types_of_options(api: Api) -> None:
    machine, container = config(api, RUNNING_VM), config(api, RUNNING_CT)
    assert isinstance(machine["memory"], str if api.cluster.state.release.at_least(8) else int)
    assert isinstance(container["memory"], int)
    assert isinstance(machine["cores"], int)
    assert re.fullmatch("[0-9a-f]{40}", str(machine["digest"]))
    assert str(machine["net0"]).startswith("virtio=BC:24:11:")
    assert f"size={api.guest(RUNNING_VM).disk >> 30}G" in str(machine["scsi0"])
    assert container["hostname"] == api.guest(RUNNING_CT).name
    assert ("meta" in machine) == api.cluster.state.release.at_least(7, 1)


def test_a_stopped_guest_takes_everything_at_once(api: Api) -> None:
    before = config(api, STOPPED_VM)["digest"]
    put(api, STOPPED_VM, name="renamed", memory=3072, cores=3, tags="b;a", description="two\nlines")
    after = config(api, STOPPED_VM)
    assert (after["name"], int(str(after["memory"])), after["cores"]) == ("renamed", 3072, 3)
    assert after["description"] == "two\nlines"
    assert after["digest"] != before
    rows = api.get("/cluster/resources", type="vm")
    row = next(row for row in rows if row["vmid"] == STOPPED_VM)
    assert (row["name"], row["maxmem"], row["maxcpu"]) == ("renamed", 3072 << 20, 3)
    put(api, STOPPED_VM, delete="tags,description")
    assert "tags" not in config(api, STOPPED_VM)
    assert "tags" not in api.current(STOPPED_VM)


def test_a_running_machine_waits_for_its_restart(api: Api) -> None:
    old = config(api, RUNNING_VM)
    put(api, RUNNING_VM, memory=5120, name="at-once", delete="ostype")
    now, then = config(api, RUNNING_VM, current=1), config(api, RUNNING_VM)
    assert (now["name"], now["memory"]) == ("at-once", old["memory"])
    assert int(str(then["memory"])) == 5120
    assert "ostype" not in then
    entries = {entry["key"]: entry for entry in api.get(f"{api.path(RUNNING_VM)}/pending")}
    assert entries["memory"] == {"key": "memory", "value": old["memory"], "pending": then["memory"]}
    assert entries["ostype"] == {"key": "ostype", "value": "l26", "delete": 1}
    assert api.current(RUNNING_VM)["maxmem"] != 5120 << 20
    put(api, RUNNING_VM, revert="ostype")
    assert api.do(f"{api.path(RUNNING_VM)}/status/reboot") == "OK"
    assert api.current(RUNNING_VM)["maxmem"] == 5120 << 20
    assert config(api, RUNNING_VM, current=1)["ostype"] == "l26"
    assert not any("pending" in entry for entry in api.get(f"{api.path(RUNNING_VM)}/pending"))


def test_a_container_takes_memory_while_it_runs(api: Api) -> None:
    put(api, RUNNING_CT, memory=777, hostname="later")
    assert api.current(RUNNING_CT)["maxmem"] == 777 << 20
    assert config(api, RUNNING_CT, current=1)["hostname"] != "later"
    assert api.do(f"{api.path(RUNNING_CT)}/status/reboot") == "OK"
    assert api.current(RUNNING_CT)["name"] == "later"


def test_digests_and_locks(api: Api) -> None:
    for vmid in (STOPPED_VM, STOPPED_CT):
        put(api, vmid, onboot=0, digest=config(api, vmid)["digest"])
        reply = api.ask("PUT", f"{api.path(vmid)}/config", onboot=1, digest="0" * 40)
        assert reply.status == 500
        assert ("checksum mis" in reply.reason) == (vmid == STOPPED_VM)
        assert ("detected modified configuration" in reply.reason) == (vmid == STOPPED_CT)
    api.guest(STOPPED_VM).lock = "backup"
    reply = api.ask("PUT", f"{api.path(STOPPED_VM)}/config", onboot=1)
    assert (reply.status, reply.reason) == (500, "VM is locked (backup)")
    assert config(api, STOPPED_VM)["lock"] == "backup"


def test_nothing_to_do_and_contradictions(api: Api) -> None:
    assert api.ask("PUT", f"{api.path(STOPPED_VM)}/config").reason == "no options specified"
    reply = api.ask("PUT", f"{api.path(STOPPED_VM)}/config", name="x", delete="name")
    assert "name" in reply.json["errors"]
    assert api.ask("PUT", f"{api.path(STOPPED_VM)}/config", nonsense=1).status == 400


def test_privileges_of_single_options(api: Api) -> None:
    secret = api.cluster.add_token("operator@pve!t", privsep=False)
    operator = api.as_user({"Authorization": f"PVEAPIToken=operator@pve!t={secret}"})
    reply = operator.ask("PUT", f"{api.path(STOPPED_VM)}/config", memory=1024)
    assert (reply.status, reply.reason) == (403, "Permission check failed (/vms/103, VM.Config.Memory)")


def test_in_a_task(api: Api) -> None:
    upid = api.post(f"{api.path(STOPPED_VM)}/config", name="by-task")
    assert upid.split(":")[5] == "qmconfig"
    assert api.wait(upid) == "OK"
    assert config(api, STOPPED_VM)["name"] == "by-task"


def test_disks_grow_and_come_and_go(api: Api) -> None:
    for vmid, key in ((STOPPED_VM, "scsi0"), (STOPPED_CT, "rootfs")):
        size = api.guest(vmid).disk
        reply = api.ask("PUT", f"{api.path(vmid)}/resize", disk=key, size="+2G")
        assert reply.status == 200
        if vmid == STOPPED_VM and not api.cluster.state.release.at_least(8):
            assert reply.data is None
        else:
            assert api.wait(reply.data) == "OK"
        assert api.current(vmid)["maxdisk"] == size + (2 << 30)
        shrunk = api.ask("PUT", f"{api.path(vmid)}/resize", disk=key, size="1G")
        assert (shrunk.status, shrunk.reason) == (500, "shrinking disks is not supported")
    put(api, STOPPED_VM, scsi1="local-lvm:4")
    assert config(api, STOPPED_VM)["scsi1"] == "local-lvm:vm-103-disk-1,size=4G"
    put(api, STOPPED_VM, delete="scsi1")
    assert config(api, STOPPED_VM)["unused0"] == "local-lvm:vm-103-disk-1"
