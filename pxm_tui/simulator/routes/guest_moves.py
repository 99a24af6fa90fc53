"""Migration and backup (qemu-server Qemu.pm, pve-container LXC.pm, pve-manager VZDump.pm)."""

from pxm_tui.simulator.errors import handler_error, parameter_error, permission_error
from pxm_tui.simulator.guest_details import details_of
from pxm_tui.simulator.guest_moves import COMPRESSION, back_up, is_shared, local_disks, migrate
from pxm_tui.simulator.inventory import Guest, Node, Storage
from pxm_tui.simulator.permissions import ROOT
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.guest_base import (
    guest_of,
    place_of,
    require_quorum,
    require_root_for,
    require_unlocked,
    start_task,
)
from pxm_tui.simulator.routes.guest_power import act_later
from pxm_tui.simulator.routes.guest_storage import require_target_storage, storage_named
from pxm_tui.simulator.schema.values import as_text
from pxm_tui.simulator.tasks import Task, TaskError, Work

ROOT_BACKUP = frozenset({"tmpdir", "dumpdir", "script", "job-id"})
MODIFY_BACKUP = ("bwlimit", "ionice", "performance")


def show_machine_conditions(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/qemu/{vmid}/migrate`: what stands against a migration."""
    guest = guest_of(call)
    require_unlocked(guest)
    release = call.release
    entry: Entry = {
        "running": int(guest.running),
        "local_disks": _local_disks(call, guest),
        "local_resources": [],
    }
    others = [name for name in call.cluster.nodes if name != call.node.name]
    if release.at_least(8) or not guest.running:
        entry["allowed_nodes"] = others
        entry["not_allowed_nodes"] = {name: {} for name in others} if release.at_least(9) else {}
    if release.at_least(8):
        entry |= {"mapped-resources": [], "mapped-resource-info": {}}
    if release.at_least(9):
        entry["has-dbus-vmstate"] = 1
    return entry


def _local_disks(call: Call, guest: Guest) -> list[Entry]:
    details = details_of(guest)
    entries = []
    for key, (volume, size) in local_disks(details.options).items():
        entry: Entry = {
            **{"volid": volume, "size": size, "drivename": key, "shared": int(is_shared(volume)), "replicate": 1},
            **{"cdrom": 0, "is_unused": int(key.startswith("unused")), "is_vmstate": 0},
        }
        holding = [name for name, one in details.snapshots.items() if volume in str(one.options.get(key, ""))]
        if holding:
            entry["referenced_in_snapshot"] = dict.fromkeys(holding, 1)
        if call.release.at_least(7):
            entry["is_tpmstate"] = 0
        entry["is_attached" if call.release.at_least(8) else "referenced_in_config"] = 1
        if call.release.at_least(9):
            entry["is_cloudinit"] = 0
        entries.append(entry)
    return entries


def show_container_conditions(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/lxc/{vmid}/migrate` (since 9.1)."""
    guest = guest_of(call)
    others = [name for name in call.cluster.nodes if name != call.node.name]
    return {"running": int(guest.running), "allowed-nodes": others, "not-allowed-nodes": {}}


def migrate_machine(call: Call) -> str:
    """Answer `POST /nodes/{node}/qemu/{vmid}/migrate`."""
    require_root_for(call, frozenset({"force", "migration_type", "migration_network"}))
    target, guest = _target(call), guest_of(call)
    require_unlocked(guest)
    if guest.running and not call.number("online"):
        raise handler_error("can't migrate running VM without --online")
    require_target_storage(call, "targetstorage", guest.vmid)
    with_disks = bool(call.number("with-local-disks"))
    return _migrate(call, guest, target, with_disks=with_disks, restart=False)


def migrate_container(call: Call) -> str:
    """Answer `POST /nodes/{node}/lxc/{vmid}/migrate`: a running one can only be stopped and started again."""
    target, guest = _target(call), guest_of(call)
    require_unlocked(guest)
    require_target_storage(call, "target-storage", guest.vmid)
    restart, online = bool(call.number("restart")), bool(call.number("online"))
    if guest.running and not restart and not online:
        raise handler_error("can't migrate running container without --online or --restart")
    if guest.running and not restart:

        def refuse(_task: Task) -> Work:
            yield 0.3
            raise TaskError("lxc live migration is currently not implemented")

        return start_task(call, "vzmigrate", refuse)
    return _migrate(call, guest, target, with_disks=True, restart=guest.running)


def _target(call: Call) -> Node:
    """Give the node to go to.

    Raises:
        ApiError: it is this one or does not exist, or the cluster cannot be written.
    """
    name = call.text("target") or ""
    if name == call.node.name:
        raise parameter_error({"target": "target is local node."})
    require_quorum(call)
    if name not in call.cluster.nodes:
        raise handler_error(f"no such cluster node '{name}'")
    return call.cluster.nodes[name]


def _migrate(call: Call, guest: Guest, target: Node, *, with_disks: bool, restart: bool) -> str:
    place = place_of(call)
    kind = "qmigrate" if guest.kind == "qemu" else "vzmigrate"
    body = migrate(place, target, with_disks=with_disks, restart=restart)
    if guest.vmid not in call.cluster.ha:
        return start_task(call, kind, body)

    def ask(task: Task) -> Work:
        task.say(f"Requesting HA migration for {place.title} to node {target.name}")
        yield from ()

    upid = start_task(call, "hamigrate", ask)
    act_later(call, place, kind, body, "migrate")
    return upid


def back_up_guests(call: Call) -> str:
    """Answer `POST /nodes/{node}/vzdump`: a task, or `OK` where none of the guests is on this node."""
    _check_backup(call)
    storage = _backup_storage(call)
    wanted = _guests_to_back_up(call)
    here = [guest.vmid for guest in wanted if guest.node == call.node.name]
    if not here:
        return "OK"
    mode, compress = call.text("mode") or "snapshot", call.text("compress") or "0"
    line = f"vzdump {' '.join(map(str, here))} --mode {mode} --storage {storage.name} --node {call.node.name}"
    settings = {
        "mode": mode,
        "compress": compress if compress in COMPRESSION else "0",
        "notes": call.text("notes-template") or "",
        "protected": call.text("protected") or "0",
        "line": line + (f" --compress {compress}" if compress != "0" else ""),
    }
    body = back_up(call.cluster, call.node, here, storage, settings)
    return start_task(call, "vzdump", body, here[0] if len(here) == 1 and "vmid" in call.parameters else "")


def show_backup_defaults(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/vzdump/defaults`."""
    release = call.release
    entry: Entry = {
        **{"all": 0, "bwlimit": 0, "compress": "0", "dumpdir": "/var/lib/vz/dump", "ionice": 7, "lockwait": 180},
        **{"mailnotification": "always", "mode": "snapshot", "pigz": 0, "prune-backups": "keep-all=1", "quiet": 0},
        **{"remove": 1, "stdexcludes": 1, "stop": 0, "stopwait": 10, "storage": "local", "zstd": 1},
    }
    if release.at_least(7):
        entry["performance"] = {"max-workers": 16, "pbs-entries-max": 1048576}
    if release.at_least(8):
        entry |= {"fleecing": {"enabled": 0}, "notification-mode": "auto"}
    if release.at_least(8) and not release.at_least(9):
        entry["notification-policy"] = "always"
    return entry


def _check_backup(call: Call) -> None:
    if call.authid == ROOT:
        return
    for name in sorted(ROOT_BACKUP & call.parameters.keys()):
        raise parameter_error({name: "Only root may set this option."})
    if any(name in call.parameters for name in MODIFY_BACKUP):
        call.require("/", ["Sys.Modify"])


def _backup_storage(call: Call) -> Storage:
    name = call.text("storage") or "local"
    storage = storage_named(name)
    if "prune-backups" in call.parameters:
        call.require(f"/storage/{name}", ["Datastore.Allocate"])
    call.require(f"/storage/{name}", ["Datastore.AllocateSpace"])
    if "backup" not in storage.content.split(","):
        raise handler_error(f"can't use storage '{name}' for backups - wrong content type")
    return storage


def _guests_to_back_up(call: Call) -> list[Guest]:
    numbers = set(call.items("vmid"))
    pool = call.text("pool")
    if numbers:
        for vmid in sorted(numbers):
            call.require(f"/vms/{vmid}", ["VM.Backup"])
        return [guest for guest in call.cluster.guests if str(guest.vmid) in numbers]
    if pool is not None:
        members = next((one.members for one in call.cluster.pools if one.name == pool), None)
        if members is None:
            raise permission_error(f"pool '{pool}' does not exist")
        numbers = {path.rpartition("/")[2] for path in members if path.startswith("/vms/")}
        return [guest for guest in call.cluster.guests if str(guest.vmid) in numbers]
    if not call.number("all"):
        raise parameter_error({"vmid": "property is missing and it is not optional"})
    excluded = {as_text(vmid) for vmid in call.items("exclude")}
    return [
        guest
        for guest in call.cluster.guests
        if str(guest.vmid) not in excluded and call.may(f"/vms/{guest.vmid}", "VM.Backup")
    ]


ROUTES: tuple[Route, ...] = (
    Route("GET", "/nodes/{node}/qemu/{vmid}/migrate", show_machine_conditions),
    Route("POST", "/nodes/{node}/qemu/{vmid}/migrate", migrate_machine),
    Route("GET", "/nodes/{node}/lxc/{vmid}/migrate", show_container_conditions),
    Route("POST", "/nodes/{node}/lxc/{vmid}/migrate", migrate_container),
    Route("POST", "/nodes/{node}/vzdump", back_up_guests),
    Route("GET", "/nodes/{node}/vzdump/defaults", show_backup_defaults),
)
