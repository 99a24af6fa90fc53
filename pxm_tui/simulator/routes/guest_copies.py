"""Creating, cloning, converting and destroying guests (qemu-server Qemu.pm, pve-container LXC.pm)."""

from pxm_tui.simulator.clock import seeded_bytes
from pxm_tui.simulator.errors import handler_error, permission_error
from pxm_tui.simulator.guest_copies import clone, create, destroy, exists, make_template, new_guest, snapshot_options
from pxm_tui.simulator.guest_details import Options, details_of, disks_of
from pxm_tui.simulator.guest_moves import local_disks
from pxm_tui.simulator.guest_power import Place
from pxm_tui.simulator.inventory import Guest, Node
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.guest_base import (
    both,
    guest_of,
    kind_of,
    place_of,
    require_quorum,
    require_root_for,
    require_unlocked,
    start_task,
)
from pxm_tui.simulator.routes.guest_config import typed, with_disk
from pxm_tui.simulator.routes.guest_power import PREFIX
from pxm_tui.simulator.routes.guest_storage import (
    require_bridges,
    require_pool,
    require_space_for_copies,
    require_space_for_new,
    storage_named,
)

NOT_OPTIONS = frozenset(
    {
        *("vmid", "node", "archive", "storage", "start", "pool", "force", "unique", "bwlimit", "live-restore"),
        *("ostemplate", "password", "ssh-public-keys", "restore", "ignore-unpack-errors", "import-working-storage"),
    }
)


def create_guest(call: Call) -> str:
    """Answer `POST /nodes/{node}/qemu` and `…/lxc`."""
    kind, vmid, pool = kind_of(call), call.number("vmid") or 0, call.text("pool")
    allowed = call.may(f"/vms/{vmid}", "VM.Allocate") or (pool and call.may(f"/pool/{pool}", "VM.Allocate"))
    if not allowed:
        raise permission_error(f"/vms/{vmid}, VM.Allocate")
    require_pool(call)
    require_space_for_new(call, call.parameters)
    require_quorum(call)
    place = Place(call.cluster, call.node, kind, vmid)
    existing = call.cluster.guest(vmid)
    if existing is not None:
        raise handler_error(f"unable to create {place.title} - {exists(existing)}")
    if "archive" in call.parameters or call.number("restore"):
        raise handler_error(f"unable to restore {place.title} - the archive does not exist")
    body = create(place, _new_options(call, kind, vmid), start=bool(call.number("start")))
    _join_pool(call, vmid)
    return start_task(call, f"{PREFIX[kind]}create", body, vmid)


def _new_options(call: Call, kind: str, vmid: int) -> Options:
    defaults: Options = {"memory": 512}
    if kind == "qemu":
        digits = seeded_bytes(16, call.cluster.seed, "new", vmid).hex()
        defaults["smbios1"] = f"uuid={digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    else:
        defaults |= {"arch": "amd64", "hostname": f"CT{vmid}", "ostype": "debian", "rootfs": "local-lvm:4", "swap": 512}
    named = {name: value for name, value in call.parameters.items() if name not in NOT_OPTIONS}
    options = defaults | {name: typed(call, name, value) for name, value in named.items()}
    guest = new_guest(call.cluster, call.node.name, kind, vmid, {})
    settled: Options = {}
    for name, value in options.items():
        settled[name] = with_disk(guest, name, value, settled)
    if kind == "qemu":
        bootable = [name for name in settled if name.startswith(("scsi", "virtio", "sata", "ide")) and name != "scsihw"]
        settled.setdefault("boot", "order=" + ";".join(bootable) if bootable else " ")
    return settled


def _join_pool(call: Call, vmid: int) -> None:
    name = call.text("pool")
    for pool in call.cluster.pools:
        if pool.name == name:
            pool.members.append(f"/vms/{vmid}")


def clone_guest(call: Call) -> str:
    """Answer `POST …/clone`; a template is cloned without copying its disks unless `full` is set."""
    guest = guest_of(call)
    require_pool(call)
    storage = call.text("storage")
    if storage is not None:
        storage_named(storage)
    require_quorum(call)
    newid = call.number("newid") or 0
    if call.cluster.guest(newid) is not None:
        raise handler_error(f"unable to create {_title(guest, newid)}: config file already exists")
    snapshot = call.text("snapname")
    if snapshot is not None and snapshot not in details_of(guest).snapshots:
        raise handler_error(f"snapshot '{snapshot}' does not exist")
    options = snapshot_options(guest, snapshot)
    full = _is_full(call, guest)
    require_space_for_copies(call, options, storage)
    require_bridges(call, options)
    target = _clone_target(call, guest, options)
    _require_copyable(guest, options, snapshot, full=full)
    name = call.text("name" if guest.kind == "qemu" else "hostname")
    description = call.text("description")
    if description is not None:
        options = options | {"description": description}
    body = clone(
        place_of(call), Place(call.cluster, target, guest.kind, newid), name, options, full=full, storage=storage
    )
    upid = start_task(call, f"{PREFIX[guest.kind]}clone", body)
    _join_pool(call, newid)
    return upid


def _is_full(call: Call, guest: Guest) -> bool:
    """Tell whether disks are to be copied: unless told otherwise, those of a template are not.

    Raises:
        ApiError: what is not copied cannot go to another storage or get another format.
    """
    wanted = call.number("full")
    full = not guest.template if wanted is None else bool(wanted)
    for name in ("storage", "format"):
        if not full and name in call.parameters:
            raise handler_error(f"parameter '{name}' not allowed for linked clones")
    return full


def _require_copyable(guest: Guest, options: Options, snapshot: str | None, *, full: bool) -> None:
    """Refuse what the storage cannot do: build on disks of no template, copy those of a running container.

    Raises:
        ApiError: it is such.
    """
    if full:
        if guest.kind == "lxc" and guest.running and snapshot is None:
            raise handler_error("Cannot do full clones on a running container without snapshots")
        return
    for key, (volume, _) in disks_of(options).items():
        if not guest.template:
            what = f"is not supported for drive '{key}'" if guest.kind == "qemu" else f"for '{volume}' is not available"
            raise handler_error(f"Linked clone feature {what}")


def _clone_target(call: Call, guest: Guest, options: Options) -> Node:
    name = call.text("target")
    if name is None or name == call.node.name:
        return call.node
    if name not in call.cluster.nodes:
        raise handler_error(f"no such cluster node '{name}'")
    if local_disks(options):
        raise handler_error(f"can't clone {_word(guest)} to node '{name}' ({_word(guest)} uses local storage)")
    return call.cluster.nodes[name]


def _word(guest: Guest) -> str:
    return "VM" if guest.kind == "qemu" else "CT"


def _title(guest: Guest, vmid: int) -> str:
    return f"{_word(guest)} {vmid}"


def convert_to_template(call: Call) -> str | None:
    """Answer `POST …/template`; only a machine's task is named, and that since 7."""
    guest = guest_of(call)
    require_unlocked(guest)
    word = _word(guest)
    if details_of(guest).snapshots:
        raise handler_error(f"unable to create template, because {word} contains snapshots")
    if guest.template:
        raise handler_error("you can't convert a template to a template")
    if guest.running:
        the = "VM is running" if guest.kind == "qemu" else "the CT is running"
        raise handler_error(f"you can't convert a {word} to template if {the}")
    upid = start_task(call, f"{PREFIX[guest.kind]}template", make_template(place_of(call)))
    return upid if guest.kind == "qemu" and call.release.at_least(7) else None


def destroy_guest(call: Call) -> str:
    """Answer `DELETE /nodes/{node}/qemu/{vmid}` and `…/lxc/{vmid}`."""
    guest = guest_of(call)
    require_root_for(call, frozenset({"skiplock"}))
    if details_of(guest).options.get("protection"):
        raise handler_error(f"can't remove {_title(guest, guest.vmid)} - protection mode enabled")
    require_unlocked(guest)
    if guest.vmid in call.cluster.ha and not call.number("purge"):
        reason = "used in HA resources and purge parameter not set."
        raise handler_error(f"unable to remove {_title(guest, guest.vmid)} - {reason}")
    if guest.running and guest.kind == "qemu":
        raise handler_error(f"VM {guest.vmid} is running - destroy failed")
    if guest.running and not call.number("force"):
        raise handler_error(f"unable to destroy CT {guest.vmid} - container is running")
    return start_task(call, f"{PREFIX[guest.kind]}destroy", destroy(place_of(call)))


def show_feature(call: Call) -> Entry:
    """Answer `GET …/feature`: can it be copied, cloned without a copy, be given snapshots."""
    guest = guest_of(call)
    feature, snapshot = call.text("feature"), call.text("snapname")
    has = feature != "clone" or guest.template or snapshot is not None
    if feature == "snapshot" and guest.template:
        has = False
    if guest.kind == "lxc":
        return {"hasFeature": int(has)}
    local = local_disks(snapshot_options(guest, None))
    return {"hasFeature": int(has), "nodes": [call.node.name] if local else list(call.cluster.nodes)}


ROUTES: tuple[Route, ...] = (
    *both("POST", "", create_guest),
    *both("DELETE", "/{vmid}", destroy_guest),
    *both("POST", "/{vmid}/clone", clone_guest),
    *both("POST", "/{vmid}/template", convert_to_template),
    *both("GET", "/{vmid}/feature", show_feature),
)
