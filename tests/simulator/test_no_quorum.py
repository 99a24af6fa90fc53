"""What a node without a majority refuses: everything that would be written to /etc/pve, in whatever way it begins."""

import pytest

from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import VERSIONS, Api, start_api
from tests.simulator.wire import login, session_headers

# On the node that is asked: a running and a stopped machine. On the last one: a stopped container.
RUNNING_VM, STOPPED_VM, STOPPED_CT = 100, 103, 108


@pytest.fixture(params=VERSIONS)
def api(fresh_fleet: FleetFactory, request: pytest.FixtureRequest) -> Api:
    found = start_api(fresh_fleet, request.param)
    for vmid in (RUNNING_VM, STOPPED_VM, STOPPED_CT):
        found.guest(vmid).node = "pve1"
    found.cluster.lose_quorum()
    return found


def not_writable(vmid: int, kind: str) -> str:
    return f"unable to open file '/etc/pve/nodes/pve1/{kind}/{vmid}.conf.tmp.{15_000 + vmid}' - Permission denied"


@pytest.mark.parametrize(("vmid", "kind"), [(STOPPED_VM, "qemu-server"), (STOPPED_CT, "lxc")])
def test_no_guest_is_destroyed(api: Api, vmid: int, kind: str) -> None:
    upid = api.ask("DELETE", api.path(vmid)).data
    assert api.wait(upid) == not_writable(vmid, kind)
    assert api.guest(vmid).lock is None
    assert not any("removed" in line for line in api.log(upid))


@pytest.mark.parametrize("vmid", [STOPPED_VM, STOPPED_CT])
def test_no_template_is_made(api: Api, vmid: int) -> None:
    assert api.ask("POST", f"{api.path(vmid)}/template").status == 200
    api.clock.advance(5)
    ended = api.get("/nodes/pve1/tasks", limit=1)[0]
    assert (ended["type"][2:], ended["status"].endswith("Permission denied")) == ("template", True)
    assert not api.guest(vmid).template


def test_no_backup_is_made(api: Api) -> None:
    upid = api.post("/nodes/pve1/vzdump", vmid=RUNNING_VM, storage="nas")
    assert api.wait(upid) == "job errors"
    reason = not_writable(RUNNING_VM, "qemu-server")
    assert f"ERROR: Backup of VM {RUNNING_VM} failed - {reason}" in api.log(upid)
    assert not api.cluster.state.volumes


def test_no_memory_is_written_to_disk(api: Api) -> None:
    upid = api.post(f"{api.path(RUNNING_VM)}/status/suspend", todisk=1)
    assert api.wait(upid) == not_writable(RUNNING_VM, "qemu-server")
    assert api.current(RUNNING_VM)["status"] == "running"


def test_second_factors_and_passwords_stay(api: Api) -> None:
    root = api.as_user(session_headers(login(api.cluster).data))
    reply = root.ask("PUT", "/access/password", userid="nobody@pve", password="changed-1")
    assert (reply.status, reply.reason) == (500, "cfs-lock 'file-priv_shadow_cfg' error: no quorum!")
    assert login(api.cluster, username="nobody@pve", password="nobody-pve-1").status == 200
    if api.cluster.state.release.at_least(8):
        reply = root.ask("PUT", f"/access/users/{api.cluster.totp_username}/unlock-tfa")
        assert (reply.status, reply.reason) == (500, "cfs-lock 'file-priv_tfa_cfg' error: no quorum!")
