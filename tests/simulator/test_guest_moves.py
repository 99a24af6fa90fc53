"""Guests that are copied, moved, backed up, made and destroyed, alone and many at once."""

import pytest

from pxm_tui.simulator.ha import HaResource
from pxm_tui.simulator.inventory import Pool
from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import VERSIONS, Api, start_api

RUNNING_VM, STOPPED_VM, RUNNING_CT, STOPPED_CT, TEMPLATE = 100, 103, 102, 108, 106
NEW = 555


@pytest.fixture(params=VERSIONS)
def api(fresh_fleet: FleetFactory, request: pytest.FixtureRequest) -> Api:
    return start_api(fresh_fleet, request.param)


def row(api: Api, vmid: int) -> dict[str, object] | None:
    return next((row for row in api.get("/cluster/resources", type="vm") if row["vmid"] == vmid), None)


def refused(api: Api, method: str, path: str, **fields: object) -> str:
    reply = api.ask(method, path, **fields)
    assert reply.status == 500, (reply.status, reply.reason, reply.body)
    return reply.reason


def test_a_running_machine_moves(api: Api) -> None:
    path = api.path(RUNNING_VM)
    received = api.current(RUNNING_VM)["netin"]
    upid = api.post(f"{path}/migrate", target="pve2", online=1, with_local_disks=1)
    assert upid.split(":")[1:6:4] == ["pve1", "qmigrate"]
    assert api.current(RUNNING_VM)["lock"] == "migrate"
    assert api.wait(upid) == "OK"
    log = api.log(upid)
    assert "starting migration of VM 100 to node 'pve2'" in log[0]
    assert "migration finished successfully (duration 00:" in log[-2]
    assert refused(api, "GET", f"{path}/status/current") == (
        "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist"
    )
    current = api.current(RUNNING_VM)
    assert current["status"] == "running"
    assert current["netin"] >= received
    assert api.guest(RUNNING_VM).node == "pve2"
    moved = row(api, RUNNING_VM)
    assert moved is not None
    assert moved["node"] == "pve2"
    assert upid in {task["upid"] for task in api.get("/nodes/pve1/tasks")}


def test_local_disks_hold_a_running_machine(api: Api) -> None:
    upid = api.post(f"{api.path(RUNNING_VM)}/migrate", target="pve2", online=1)
    assert api.wait(upid) == "migration aborted"
    assert any("without with-local-disks option" in line for line in api.log(upid))
    assert api.guest(RUNNING_VM).node == "pve1"
    assert "lock" not in api.current(RUNNING_VM)


def test_stopped_guests_move_offline(api: Api) -> None:
    for vmid in (STOPPED_VM, STOPPED_CT):
        target = next(name for name in api.cluster.nodes if name != api.guest(vmid).node)
        assert api.do(f"{api.path(vmid)}/migrate", target=target) == "OK"
        assert api.guest(vmid).node == target
        assert api.current(vmid)["status"] == "stopped"


def test_a_running_container_is_restarted(api: Api) -> None:
    path = api.path(RUNNING_CT)
    assert refused(api, "POST", f"{path}/migrate", target="pve1") == (
        "can't migrate running container without --online or --restart"
    )
    assert api.do(f"{path}/migrate", target="pve1", online=1) == "lxc live migration is currently not implemented"
    assert api.do(f"{path}/migrate", target="pve1", restart=1) == "OK"
    current = api.current(RUNNING_CT)
    assert current["status"] == "running"
    assert current["uptime"] < 60
    assert api.guest(RUNNING_CT).node == "pve1"


def test_moves_that_are_refused(api: Api) -> None:
    path = api.path(RUNNING_VM)
    reply = api.ask("POST", f"{path}/migrate", target="pve1")
    assert reply.json["errors"] == {"target": "target is local node."}
    assert refused(api, "POST", f"{path}/migrate", target="nowhere") == "no such cluster node 'nowhere'"
    assert refused(api, "POST", f"{path}/migrate", target="pve2") == "can't migrate running VM without --online"
    api.guest(RUNNING_VM).lock = "backup"
    assert refused(api, "GET", f"{path}/migrate") == "VM is locked (backup)"
    api.guest(RUNNING_VM).lock = None
    api.cluster.lose_quorum()
    assert refused(api, "POST", f"{path}/migrate", target="pve2", online=1) == "cluster not ready - no quorum?"


def test_a_target_that_is_down(api: Api) -> None:
    api.cluster.take_offline("pve3")
    assert api.do(f"{api.path(STOPPED_VM)}/migrate", target="pve3") == "migration aborted"
    assert api.guest(STOPPED_VM).node == "pve1"


def test_conditions_of_a_move(api: Api) -> None:
    release = api.cluster.state.release
    running, stopped = (api.get(f"{api.path(vmid)}/migrate") for vmid in (RUNNING_VM, STOPPED_VM))
    assert (running["running"], stopped["running"]) == (1, 0)
    assert stopped["allowed_nodes"] == ["pve2", "pve3"]
    assert ("allowed_nodes" in running) == release.at_least(8)
    assert running["local_disks"][0]["volid"] == "local-lvm:vm-100-disk-0"
    assert running["local_disks"][0]["size"] == api.guest(RUNNING_VM).disk
    reply = api.ask("GET", f"{api.path(RUNNING_CT)}/migrate")
    assert reply.status == (200 if release.at_least(9) else 501)


def test_a_managed_guest_moves_later(api: Api) -> None:
    api.cluster.state.ha[STOPPED_VM] = HaResource("qemu", STOPPED_VM)
    upid = api.post(f"{api.path(STOPPED_VM)}/migrate", target="pve2")
    assert upid.split(":")[5] == "hamigrate"
    assert api.wait(upid) == "OK"
    assert api.guest(STOPPED_VM).node == "pve1"
    api.clock.advance(10)
    moving = row(api, STOPPED_VM)
    assert moving is not None
    assert moving["hastate"] == "migrate"
    api.clock.advance(30)
    assert api.get("/cluster/resources")
    assert api.guest(STOPPED_VM).node == "pve2"
    found = row(api, STOPPED_VM)
    assert found is not None
    assert found["hastate"] == "started"


@pytest.mark.parametrize("vmid", [RUNNING_VM, STOPPED_CT])
def test_a_full_copy(api: Api, vmid: int) -> None:
    title = "name" if vmid == RUNNING_VM else "hostname"
    upid = api.post(f"{api.path(vmid)}/clone", newid=NEW, **{title: "copied"})
    while_it_runs = row(api, NEW)
    assert while_it_runs is not None
    assert while_it_runs["lock"] == "clone"
    assert api.wait(upid) == "OK"
    assert any("(100.00%)" in line for line in api.log(upid))
    copy = api.guest(NEW)
    assert (copy.name, copy.node, copy.lock, copy.running) == ("copied", api.guest(vmid).node, None, False)
    config, source = (api.get(f"{api.path(number)}/config") for number in (NEW, vmid))
    assert config["net0"] != source["net0"]
    assert "vm-555-disk-0" in config["scsi0" if vmid == RUNNING_VM else "rootfs"]
    assert api.do(f"{api.path(NEW)}/status/start") == "OK"
    assert refused(api, "POST", f"{api.path(vmid)}/clone", newid=NEW).endswith(": config file already exists")


def test_a_template_is_made_and_cloned(api: Api) -> None:
    release = api.cluster.state.release
    reply = api.ask("POST", f"{api.path(STOPPED_CT)}/template")
    assert reply.data is None
    api.clock.advance(5)
    assert api.current(STOPPED_CT)["template"] == 1
    tasks = api.get(f"/nodes/{api.guest(STOPPED_CT).node}/tasks", typefilter="vztemplate")
    assert [task["status"] for task in tasks] == ["OK"]
    reply = api.ask("POST", f"{api.path(STOPPED_VM)}/template")
    assert reply.status == 200
    assert (reply.data is None) == (not release.at_least(7))
    api.clock.advance(5)
    assert api.current(STOPPED_VM)["template"] == 1
    upid = api.post(f"{api.path(STOPPED_VM)}/clone", newid=NEW)
    assert api.wait(upid) == "OK"
    assert api.log(upid)[0].startswith("create linked clone of drive scsi0 (local-lvm:base-103-disk-0)")
    assert not api.guest(NEW).template
    again = refused(api, "POST", f"{api.path(STOPPED_VM)}/template")
    assert again == "you can't convert a template to a template"
    assert "is running" in refused(api, "POST", f"{api.path(RUNNING_CT)}/template")
    assert "contains snapshots" in refused(api, "POST", f"{api.path(RUNNING_VM)}/template")


def test_an_aborted_copy_leaves_nothing(api: Api) -> None:
    upid = api.post(f"{api.path(RUNNING_VM)}/clone", newid=NEW)
    api.ask("DELETE", f"/nodes/pve1/tasks/{upid}")
    assert row(api, NEW) is None


def test_creating_and_destroying(api: Api) -> None:
    upid = api.post("/nodes/pve2/qemu", vmid=NEW, name="fresh", memory=256, scsi0="local-lvm:2", start=1)
    assert upid.split(":")[5] == "qmcreate"
    assert api.wait(upid) == "OK"
    found = row(api, NEW)
    assert found is not None
    assert (found["name"], found["maxmem"], found["maxdisk"], found["status"]) == (
        "fresh",
        256 << 20,
        2 << 30,
        "running",
    )
    assert refused(api, "POST", "/nodes/pve1/qemu", vmid=NEW) == (
        "unable to create VM 555 - VM 555 already exists on node 'pve2'"
    )
    assert refused(api, "DELETE", "/nodes/pve2/qemu/555") == "VM 555 is running - destroy failed"
    assert api.do("/nodes/pve2/qemu/555/status/stop") == "OK"
    assert api.wait(api.ask("DELETE", "/nodes/pve2/qemu/555", purge=1).data) == "OK"
    assert row(api, NEW) is None
    assert api.ask("GET", "/nodes/pve2/qemu/555/config").status == 500


def test_containers_come_and_go(api: Api) -> None:
    image = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
    assert api.do("/nodes/pve2/lxc", vmid=NEW, hostname="box", ostemplate=image, rootfs="local-lvm:3") == "OK"
    assert api.get("/nodes/pve2/lxc/555/config")["rootfs"] == "local-lvm:vm-555-disk-0,size=3G"
    assert "is running" in refused(api, "DELETE", api.path(RUNNING_CT))
    assert api.wait(api.ask("DELETE", api.path(RUNNING_CT), force=1).data) == "OK"
    assert row(api, RUNNING_CT) is None


def test_a_protected_guest_stays(api: Api) -> None:
    assert api.ask("PUT", f"{api.path(STOPPED_VM)}/config", protection=1).status == 200
    assert refused(api, "DELETE", api.path(STOPPED_VM)) == "can't remove VM 103 - protection mode enabled"


def test_a_backup_lands_on_the_storage(api: Api) -> None:
    upid = api.post("/nodes/pve1/vzdump", vmid=RUNNING_VM, storage="nas", compress="zstd")
    assert upid.split(":")[5:7] == ["vzdump", "100"]
    assert api.current(RUNNING_VM)["lock"] == "backup"
    assert api.do(f"{api.path(RUNNING_VM)}/status/suspend") == "OK"
    assert api.wait(upid) == "OK"
    assert "lock" not in api.current(RUNNING_VM)
    log = api.log(upid)
    assert log[1] == "INFO: Starting Backup of VM 100 (qemu)"
    assert log[-2:] == ["INFO: Backup job finished successfully", "TASK OK"]
    assert any(line.startswith("INFO: 100% (") for line in log)
    stored = api.get("/nodes/pve2/storage/nas/content", content="backup", vmid=RUNNING_VM)
    newest = max(stored, key=lambda volume: int(volume["ctime"]))
    assert newest["volid"] == "nas:backup/vzdump-qemu-100-2026_11_22-22_25_06.vma.zst"
    assert newest["ctime"] == int(upid.split(":")[4], 16)


def test_backups_that_fail_or_find_nothing(api: Api) -> None:
    api.guest(STOPPED_VM).lock = "migrate"
    upid = api.post("/nodes/pve1/vzdump", vmid=f"{RUNNING_VM},{STOPPED_VM}", storage="nas")
    assert upid.split(":")[6] == ""
    assert api.wait(upid) == "job errors"
    log = api.log(upid)
    assert "ERROR: Backup of VM 103 failed - VM is locked (migrate)" in log
    assert log[-2:] == ["INFO: Backup job finished with errors", "TASK ERROR: job errors"]
    assert api.post("/nodes/pve2/vzdump", vmid=RUNNING_VM, storage="nas") == "OK"
    assert "wrong content type" in refused(api, "POST", "/nodes/pve1/vzdump", vmid=RUNNING_VM, storage="local-lvm")
    assert api.ask("POST", "/nodes/pve1/vzdump", vmid=RUNNING_VM, script="/x").json["errors"] == {
        "script": "Only root may set this option."
    }


def test_everything_of_a_pool_and_of_a_node(api: Api) -> None:
    api.cluster.state.pools.append(Pool("two", members=["/vms/100", "/vms/103"]))
    upid = api.post("/nodes/pve1/vzdump", pool="two", storage="nas")
    assert api.wait(upid, seconds=120) == "OK"
    assert sum("Finished Backup" in line for line in api.log(upid)) == 2
    upid = api.post("/nodes/pve1/vzdump", all=1, exclude=RUNNING_VM, storage="nas")
    assert api.wait(upid, seconds=300) == "OK"
    assert not any("VM 100 " in line for line in api.log(upid))


def test_all_of_a_node(api: Api) -> None:
    here = [guest for guest in api.cluster.state.guests if guest.node == "pve1"]
    upid = api.post("/nodes/pve1/stopall")
    assert api.wait(upid, seconds=120) == "OK"
    assert not any(guest.running for guest in here)
    stopped = {task["id"] for task in api.get("/nodes/pve1/tasks", typefilter="qmshutdown")}
    assert str(RUNNING_VM) in stopped
    upid = api.post("/nodes/pve1/startall", force=1, vms=f"{RUNNING_VM},{STOPPED_VM}")
    assert api.wait(upid) == "OK"
    assert [guest.vmid for guest in here if guest.running] == [RUNNING_VM, STOPPED_VM]
    assert f"Starting VM {RUNNING_VM}" in api.log(upid)
    upid = api.post("/nodes/pve1/migrateall", target="pve2", vms=STOPPED_VM, with_local_disks=1)
    assert api.wait(upid) == "OK"
    assert api.guest(STOPPED_VM).node == "pve2"


def test_failures_among_many_are_warnings(api: Api) -> None:
    api.guest(STOPPED_VM).lock = "backup"
    upid = api.post("/nodes/pve1/startall", force=1, vms=STOPPED_VM)
    assert api.wait(upid) == "WARNINGS: 1"
    assert api.log(upid)[-1] == "TASK WARNINGS: 1"


def test_across_nodes_since_nine(api: Api) -> None:
    reply = api.ask("POST", "/cluster/bulk-action/guest/shutdown")
    if not api.cluster.state.release.at_least(9, 1):
        assert reply.status == 501
        return
    assert api.wait(reply.data, seconds=200) == "OK"
    assert not any(guest.running for guest in api.cluster.state.guests)
    upid = api.post("/cluster/bulk-action/guest/start", vms=STOPPED_VM)
    assert upid.split(":")[5] == "bulk-start"
    assert api.wait(upid) == "OK"
    assert [guest.vmid for guest in api.cluster.state.guests if guest.running] == [STOPPED_VM]


def test_what_can_be_copied(api: Api) -> None:
    def has(vmid: int, feature: str) -> object:
        return api.get(f"{api.path(vmid)}/feature", feature=feature)["hasFeature"]

    assert [has(RUNNING_VM, feature) for feature in ("snapshot", "copy", "clone")] == [1, 1, 0]
    assert [has(TEMPLATE, feature) for feature in ("snapshot", "copy", "clone")] == [0, 1, 1]
    assert api.get(f"{api.path(RUNNING_VM)}/feature", feature="copy")["nodes"] == ["pve1"]


def test_what_guests_say_of_themselves(api: Api) -> None:
    agentless, with_agent, stopped = 100, 101, 105
    assert refused(api, "POST", f"{api.path(agentless)}/agent/ping") == "No QEMU guest agent configured"
    assert api.post(f"{api.path(with_agent)}/agent/ping") == {"result": {}}
    assert api.get(f"{api.path(with_agent)}/agent/get-osinfo")["result"]["id"] == "debian"
    cards = api.get(f"{api.path(with_agent)}/agent/network-get-interfaces")["result"]
    assert [card["name"] for card in cards] == ["lo", "ens18"]
    assert cards[1]["hardware-address"].upper() in api.get(f"{api.path(with_agent)}/config")["net0"]
    assert api.do(f"{api.path(with_agent)}/status/stop") == "OK"
    assert refused(api, "GET", f"{api.path(with_agent)}/agent/get-osinfo") == "VM 101 is not running"
    reply = api.ask("GET", f"{api.path(RUNNING_CT)}/interfaces")
    if not api.cluster.state.release.at_least(8):
        assert reply.status == 501
        return
    assert [card["name"] for card in reply.data] == ["lo", "eth0"]
    assert api.guest(stopped).kind == "lxc"
    assert api.do(f"{api.path(stopped)}/status/stop") == "OK"
    assert api.get(f"{api.path(stopped)}/interfaces") is None


@pytest.mark.parametrize(
    "command", ["get-fsinfo", "get-time", "get-timezone", "get-users", "get-vcpus", "get-host-name"]
)
def test_more_of_what_agents_know(api: Api, command: str) -> None:
    result = api.get(f"{api.path(101)}/agent/{command}")["result"]
    if command == "get-time":
        assert result == int(api.clock.now * 1_000_000_000)
    elif command == "get-fsinfo":
        assert 0 < result[0]["used-bytes"] < result[0]["total-bytes"] == api.guest(101).disk
    elif command == "get-vcpus":
        assert len(result) == api.guest(101).cores
    elif command == "get-host-name":
        assert result == {"host-name": api.guest(101).name}
    else:
        assert result in ([], {"zone": "UTC", "offset": 0})
    assert refused(api, "GET", f"{api.path(100)}/agent/{command}") == "No QEMU guest agent configured"


def test_the_older_way_to_ask_an_agent(api: Api) -> None:
    path = f"{api.path(101)}/agent"
    assert "ping" in {entry["name"] for entry in api.get(path)}
    assert api.post(path, command="ping") == {"result": {}}
    assert api.post(path, command="get-osinfo")["result"]["id"] == "debian"
    assert api.ask("POST", path, command="no-such-thing").status == 400


def test_suspending_all_of_a_node(api: Api) -> None:
    reply = api.ask("POST", "/nodes/pve1/suspendall")
    if not api.cluster.state.release.at_least(8):
        assert reply.status == 501
        return
    assert api.wait(reply.data) == "OK"
    assert api.current(RUNNING_VM)["lock"] == "suspended"


def test_moving_and_pausing_across_nodes(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    assert [entry["name"] for entry in api.get("/cluster/bulk-action")] == ["guest"]
    assert {entry["name"] for entry in api.get("/cluster/bulk-action/guest")} == {
        *("start", "shutdown", "migrate", "suspend"),
    }
    bulk = "/cluster/bulk-action/guest"
    assert api.do(f"{bulk}/migrate", target="pve3", vms=STOPPED_VM) == "OK"
    assert api.guest(STOPPED_VM).node == "pve3"
    assert api.do(f"{bulk}/suspend", vms=RUNNING_VM) == "OK"
    assert api.current(RUNNING_VM)["qmpstatus"] == "paused"
    secret = api.cluster.add_token("auditor@pve!t", privsep=False)
    auditor = api.as_user({"Authorization": f"PVEAPIToken=auditor@pve!t={secret}"})
    reply = auditor.ask("POST", f"{bulk}/start", vms=STOPPED_VM)
    assert (reply.status, reply.reason) == (403, "Permission check failed (/vms/103, VM.PowerMgmt)")


def test_indexes_and_rows_of_templates(api: Api) -> None:
    for vmid in (RUNNING_VM, RUNNING_CT):
        assert {"config", "status", "snapshot"} <= {entry["subdir"] for entry in api.get(api.path(vmid))}
        actions = {entry["subdir"] for entry in api.get(f"{api.path(vmid)}/status")}
        assert ("reset" in actions) == (vmid == RUNNING_VM)
    full = {int(guest["vmid"]): guest for guest in api.get("/nodes/pve1/qemu", full=1)}
    assert full[RUNNING_VM]["qmpstatus"] == "running"
    assert full[TEMPLATE]["template"] == 1
    assert "qmpstatus" not in api.get("/nodes/pve1/qemu")[0]
