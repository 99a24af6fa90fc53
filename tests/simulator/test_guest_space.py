"""What needs space where a storage is full: it fails in Proxmox's words, and nothing is left of it."""

from __future__ import annotations

from typing import Any

import pytest

from pxm_tui.simulator.inventory import STORAGES
from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import VERSIONS, Api, start_api

RUNNING_VM, STOPPED_VM, RUNNING_CT, STOPPED_CT, TEMPLATE = 100, 103, 102, 108, 106
NEW = 555
NO_SPACE = "error:   Cannot create new thin volume, free space in thin pool pve/data reached threshold."


@pytest.fixture(params=VERSIONS)
def api(fresh_fleet: FleetFactory, request: pytest.FixtureRequest) -> Api:
    return start_api(fresh_fleet, request.param)


def fill(api: Api, *nodes: str) -> None:
    for name in nodes or tuple(api.cluster.nodes):
        api.cluster.state.nodes[name].full = {storage.name for storage in STORAGES}


def numbers(api: Api) -> set[int]:
    return {row["vmid"] for row in api.get("/cluster/resources", type="vm")}


def volumes(api: Api, storage: str) -> list[Any]:
    return sorted(volume["volid"] for volume in api.get(f"/nodes/pve1/storage/{storage}/content"))


@pytest.mark.parametrize("vmid", [STOPPED_VM, STOPPED_CT])
@pytest.mark.parametrize("fields", [{}, {"target": "pve1"}])
def test_a_clone_fails_and_leaves_no_guest(api: Api, vmid: int, fields: dict[str, str]) -> None:
    before = numbers(api)
    if not fields:
        fill(api)
        assert api.do(f"{api.path(vmid)}/clone", newid=NEW) == f"clone failed: lvcreate 'pve/vm-555-disk-0' {NO_SPACE}"
        assert numbers(api) == before
        assert "lock" not in api.current(vmid)
    else:
        fill(api, *(name for name in api.cluster.nodes if name != api.guest(vmid).node))
        assert api.do(f"{api.path(vmid)}/clone", newid=NEW) == "OK"


def test_a_linked_clone_needs_space_too(api: Api) -> None:
    fill(api)
    ended = api.do(f"{api.path(TEMPLATE)}/clone", newid=NEW)
    assert ended == f"clone failed: clone image 'pve/base-106-disk-0' {NO_SPACE}"
    assert NEW not in numbers(api)


def test_nothing_is_created(api: Api) -> None:
    fill(api)
    upid = api.post("/nodes/pve1/qemu", vmid=NEW, scsi0="local-lvm:8", memory=512)
    assert api.wait(upid) == f"unable to create VM 555 - lvcreate 'pve/vm-555-disk-0' {NO_SPACE}"
    assert NEW not in numbers(api)


@pytest.mark.parametrize("vmid", [RUNNING_VM, RUNNING_CT])
def test_a_snapshot_fails_and_is_not_there(api: Api, vmid: int) -> None:
    before = api.get(f"{api.path(vmid)}/snapshot")
    fill(api)
    upid = api.post(f"{api.path(vmid)}/snapshot", snapname="before")
    assert api.wait(upid) == f"lvcreate snapshot 'pve/snap_vm-{vmid}-disk-0_before' {NO_SPACE}"
    assert "snapshot create failed: starting cleanup" in api.log(upid)
    assert [entry["name"] for entry in api.get(f"{api.path(vmid)}/snapshot")] == [entry["name"] for entry in before]
    assert "lock" not in api.current(vmid)


def test_memory_is_not_saved(api: Api) -> None:
    fill(api)
    ended = api.do(f"{api.path(RUNNING_VM)}/status/suspend", todisk=1)
    assert ended == f"lvcreate 'pve/vm-100-state-suspend' {NO_SPACE}"
    current = api.current(RUNNING_VM)
    assert (current["status"], "lock" in current) == ("running", False)


@pytest.mark.parametrize(
    ("vmid", "compress", "line", "error"),
    [
        (
            RUNNING_VM,
            "zstd",
            "cannot write block : No space left on device",
            "vma_queue_write: write error - Broken pipe",
        ),
        (RUNNING_VM, "0", "aborting backup job", "vma_queue_write: write error - No space left on device"),
        (STOPPED_CT, "gzip", "gzip: stdout: No space left on device", "failed: exit code 1"),
        (RUNNING_CT, "0", "Wrote only 4096 of 10240 bytes", "failed: exit code 1"),
    ],
)
def test_a_backup_fails_at_its_archive(api: Api, vmid: int, compress: str, line: str, error: str) -> None:
    before = volumes(api, "nas")
    for node in api.cluster.state.nodes.values():
        node.full = {"nas"}
    node_of = api.guest(vmid).node
    upid = api.post(f"/nodes/{node_of}/vzdump", vmid=vmid, storage="nas", compress=compress)
    assert api.wait(upid, 200) == "job errors"
    log = api.log(upid)
    assert any(line in entry for entry in log)
    assert any(entry.startswith(f"ERROR: Backup of VM {vmid} failed") and error in entry for entry in log)
    assert volumes(api, "nas") == before
    assert "lock" not in api.current(vmid)


def test_a_running_container_cannot_be_snapshotted_for_its_backup(api: Api) -> None:
    node = api.cluster.state.nodes[api.guest(RUNNING_CT).node]
    node.full = {"local-lvm"}
    upid = api.post(f"/nodes/{node.name}/vzdump", vmid=RUNNING_CT, storage="nas")
    assert api.wait(upid, 200) == "job errors"
    reason = f"lvcreate snapshot 'pve/snap_vm-102-disk-0_vzdump' {NO_SPACE}"
    assert f"ERROR: Backup of VM 102 failed - {reason}" in api.log(upid)


def test_a_guest_does_not_move_to_a_full_node(api: Api) -> None:
    fill(api, "pve2")
    upid = api.post(f"{api.path(RUNNING_VM)}/migrate", target="pve2", online=1, with_local_disks=1)
    assert api.wait(upid) == "migration problems"
    assert any(f"lvcreate 'pve/vm-100-disk-0' {NO_SPACE}" in line for line in api.log(upid))
    assert api.guest(RUNNING_VM).node == "pve1"
    assert "lock" not in api.current(RUNNING_VM)


@pytest.mark.parametrize(("vmid", "fields"), [(STOPPED_VM, {}), (RUNNING_CT, {"restart": 1})])
def test_nor_does_a_copied_one_and_a_restarted_one_runs_where_it_was(
    api: Api, vmid: int, fields: dict[str, object]
) -> None:
    home, status = api.guest(vmid).node, api.current(vmid)["status"]
    target = next(name for name in api.cluster.nodes if name != home)
    fill(api, target)
    upid = api.post(f"{api.path(vmid)}/migrate", target=target, **fields)
    assert api.wait(upid) == "migration aborted"
    assert any(f"storage migration for 'local-lvm:vm-{vmid}-disk-0'" in line for line in api.log(upid))
    assert (api.guest(vmid).node, api.current(vmid)["status"]) == (home, status)
