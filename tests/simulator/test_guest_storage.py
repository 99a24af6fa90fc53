"""What is asked of storages, pools and bridges before a guest is copied, moved, made or changed."""

import pytest

from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import VERSIONS, Api, start_api
from tests.simulator.wire import login, session_headers

RUNNING_VM, RUNNING_CT, TEMPLATE = 100, 102, 106
NEW = 555


@pytest.fixture(params=VERSIONS)
def api(fresh_fleet: FleetFactory, request: pytest.FixtureRequest) -> Api:
    return start_api(fresh_fleet, request.param)


def refused(api: Api, method: str, path: str, **fields: object) -> str:
    reply = api.ask(method, path, **fields)
    assert reply.status == 500, (reply.status, reply.reason, reply.body)
    return reply.reason


def test_copies_that_are_refused(api: Api) -> None:
    vm, ct = (f"{api.path(vmid)}/clone" for vmid in (RUNNING_VM, RUNNING_CT))
    assert refused(api, "POST", ct, newid=NEW) == "Cannot do full clones on a running container without snapshots"
    assert refused(api, "POST", vm, newid=NEW, storage="nowhere") == "storage 'nowhere' does not exist"
    assert refused(api, "POST", vm, newid=NEW, full=0) == "Linked clone feature is not supported for drive 'scsi0'"
    assert refused(api, "POST", f"{api.path(TEMPLATE)}/clone", newid=NEW, storage="nas") == (
        "parameter 'storage' not allowed for linked clones"
    )
    reply = api.ask("POST", vm, newid=NEW, pool="nowhere")
    assert (reply.status, reply.reason) == (403, "Permission check failed (pool 'nowhere' does not exist)")
    assert api.cluster.state.guest(NEW) is None


def test_a_copy_goes_to_another_storage(api: Api) -> None:
    assert api.do(f"{api.path(RUNNING_VM)}/clone", newid=NEW, storage="nas") == "OK"
    assert api.get(f"{api.path(NEW)}/config")["scsi0"].startswith("nas:555/vm-555-disk-0.raw,")


def test_space_and_bridges_have_their_own_privileges(api: Api) -> None:
    privileges = "VM.Audit,VM.Clone,VM.Allocate,VM.Migrate,VM.PowerMgmt,VM.Config.Disk"
    api.ask("POST", "/access/roles", roleid="Mover", privs=privileges)
    api.cluster.add_user("mover@pve", "secret")
    api.ask("PUT", "/access/acl", path="/vms", roles="Mover", users="mover@pve")
    mover = api.as_user(session_headers(login(api.cluster, username="mover@pve", password="secret").data))
    path, on_storage = api.path(RUNNING_VM), "Permission check failed (/storage/local-lvm, Datastore.AllocateSpace)"
    target = next(name for name in api.cluster.nodes if name != api.guest(RUNNING_VM).node)
    for method, what, fields in (
        ("POST", f"{path}/clone", {"newid": NEW}),
        ("PUT", f"{path}/config", {"scsi5": "local-lvm:4"}),
        ("POST", "/nodes/pve1/qemu", {"vmid": NEW, "scsi0": "local-lvm:4"}),
        ("POST", f"{path}/status/suspend", {"todisk": 1}),
        ("POST", f"{path}/migrate", {"target": target, "online": 1, "targetstorage": "local-lvm"}),
    ):
        reply = mover.ask(method, what, **fields)
        assert (reply.status, reply.reason) == (403, on_storage), what
    api.ask("PUT", "/access/acl", path="/storage", roles="PVEDatastoreUser", users="mover@pve")
    if api.cluster.state.release.at_least(8):
        reply = mover.ask("POST", f"{path}/clone", newid=NEW)
        assert reply.reason == "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)"
        api.ask("PUT", "/access/acl", path="/sdn", roles="PVESDNUser", users="mover@pve")
    assert mover.do(f"{path}/clone", newid=NEW) == "OK"
    if api.cluster.state.release.at_least(8, 4):
        api.ask("PUT", "/access/roles/Mover", privs=privileges.replace(",VM.Config.Disk", ""))
        move = {"target": target, "online": 1, "with_local_disks": 1}
        reply = mover.ask("POST", f"{path}/migrate", **move, targetstorage="local-lvm")
        assert reply.reason == f"Permission check failed (/vms/{RUNNING_VM}, VM.Config.Disk)"
        assert mover.do(f"{path}/migrate", **move, targetstorage="1") == "OK"


def test_storages_that_do_not_exist_or_hold_no_disks(api: Api) -> None:
    path = api.path(RUNNING_VM)
    target = next(name for name in api.cluster.nodes if name != api.guest(RUNNING_VM).node)
    move = {"target": target, "online": 1}
    gone = "storage 'nowhere' does not exist"
    assert refused(api, "POST", f"{path}/migrate", **move, targetstorage="nowhere") == gone
    assert refused(api, "POST", f"{path}/migrate", **move, targetstorage="local-lvm:nowhere") == gone
    assert refused(api, "PUT", f"{path}/config", scsi5="nowhere:4") == gone
    assert refused(api, "POST", "/nodes/pve1/qemu", vmid=NEW, scsi0="nowhere:4") == gone
    assert refused(api, "POST", f"{path}/status/suspend", todisk=1, statestorage="nowhere") == gone
    for method, what, fields, parameter in (
        ("POST", f"{path}/migrate", {**move, "targetstorage": "nas"}, "targetstorage"),
        ("PUT", f"{path}/config", {"scsi5": "nas:4"}, "storage"),
    ):
        reply = api.ask(method, what, **fields)
        assert reply.json["errors"] == {parameter: "storage 'nas' does not support vm images"}
    reply = api.ask("POST", "/nodes/pve1/qemu", vmid=NEW, pool="nowhere")
    assert reply.reason == "Permission check failed (pool 'nowhere' does not exist)"
