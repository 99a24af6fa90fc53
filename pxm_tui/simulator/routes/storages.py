"""Storages: their configuration, what nodes make of them, and what they hold."""

import hashlib

from pxm_tui.simulator.errors import handler_error, parameter_error
from pxm_tui.simulator.inventory import STORAGES, Storage
from pxm_tui.simulator.metrics import storage_used
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.schema.values import split_list
from pxm_tui.simulator.storage_content import content_of
from pxm_tui.simulator.volumes import Volume

SEE = ("Datastore.Audit", "Datastore.AllocateSpace")
SETTINGS: dict[str, Entry] = {
    "local": {"path": "/var/lib/vz"},
    "local-lvm": {"vgname": "pve", "thinpool": "data"},
    "nas": {"path": "/mnt/pve/nas", "server": "10.11.12.13", "export": "/export/pve"},
}
"""What the configuration of a storage says besides its type and content."""


def list_configured(call: Call) -> list[Entry]:
    """Answer `GET /storage`."""
    kind = call.text("type")
    visible = [storage for storage in STORAGES if call.may_any(f"/storage/{storage.name}", *SEE)]
    return call.shuffled([_configuration(storage) for storage in visible if kind in {None, storage.plugin}])


def show_configured(call: Call) -> Entry:
    """Answer `GET /storage/{storage}`."""
    name = call.place["storage"]
    for storage in STORAGES:
        if storage.name == name:
            return _configuration(storage)
    raise handler_error(f"storage '{name}' does not exist")


def _configuration(storage: Storage) -> Entry:
    content = "".join(f"{item.plugin}: {item.name}\n\tcontent {item.content}\n" for item in STORAGES)
    entry: Entry = {
        "storage": storage.name,
        "type": storage.plugin,
        "content": storage.content,
        "digest": hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest(),
        **SETTINGS[storage.name],
    }
    return entry | {"shared": 1} if storage.shared else entry


def list_storages(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/storage`."""
    wanted, contents = call.text("storage"), set(call.items("content"))
    found = []
    for storage in STORAGES:
        fits = wanted in {None, storage.name} and (not contents or contents & set(split_list(storage.content)))
        if fits and call.may_any(f"/storage/{storage.name}", *SEE):
            entry = {"storage": storage.name, **_state(call, storage)}
            used = storage_used(storage, call.node, call.now)
            found.append(entry | {"used_fraction": used / storage.size})
    return call.shuffled(found)


def _state(call: Call, storage: Storage) -> Entry:
    used = storage_used(storage, call.node, call.now)
    return {
        "type": storage.plugin,
        "content": storage.content,
        "active": 1,
        "enabled": 1,
        "shared": int(storage.shared),
        "total": storage.size,
        "used": used,
        "avail": storage.size - used,
    }


def find_storage(call: Call) -> Storage:
    """Give the storage of the path.

    Raises:
        ApiError: there is none of that name.
    """
    for storage in STORAGES:
        if storage.name == call.place["storage"]:
            return storage
    raise parameter_error({"storage": "No such storage."})


def show_state(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/storage/{storage}/status`."""
    return _state(call, find_storage(call))


def list_content(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/storage/{storage}/content`."""
    name = call.place["storage"]
    storage = next((storage for storage in STORAGES if storage.name == name), None)
    if storage is None:
        raise handler_error(f"storage '{name}' does not exist")
    kind, vmid = call.text("content"), call.number("vmid")
    volumes = [
        volume
        for volume in content_of(call.cluster, storage, call.node)
        if kind in {None, volume.content} and vmid in {None, volume.vmid} and _may_see(call, volume)
    ]
    return call.shuffled([_described(call, volume) for volume in volumes])


def _may_see(call: Call, volume: Volume) -> bool:
    """Guests' volumes are shown to who may audit the storage or back the guest up; the rest to everybody."""
    if volume.vmid is None or call.may_any(f"/storage/{volume.storage}", "Datastore.Allocate", "Datastore.Audit"):
        return True
    return call.may_any(f"/vms/{volume.vmid}", "VM.Backup", "VM.Config.Disk")


def _described(call: Call, volume: Volume) -> Entry:
    entry: Entry = {
        "volid": volume.volid,
        "content": volume.content,
        "format": volume.form,
        "size": volume.size,
        "ctime": volume.created_at,
    }
    if volume.vmid is not None:
        entry["vmid"] = volume.vmid
    if volume.content == "backup" and call.release.at_least(7):
        entry["subtype"] = "lxc" if "-lxc-" in volume.volid else "qemu"
        if volume.notes:
            entry["notes"] = volume.notes
        if volume.protected:
            entry["protected"] = 1
    return entry


def show_volume(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/storage/{storage}/content/{volume}`."""
    storage = find_storage(call)
    given = call.place["volume"]
    wanted = given if given.startswith(f"{storage.name}:") else f"{storage.name}:{given}"
    for volume in content_of(call.cluster, storage, call.node):
        if volume.volid == wanted:
            entry: Entry = {"path": _path(volume), "size": volume.size, "used": volume.size, "format": volume.form}
            entry |= {"notes": volume.notes} if volume.notes else {}
            return entry | ({"protected": 1} if volume.protected else {})
    detail = " - no format" if call.release.at_least(8) else ""
    raise handler_error(f"volume_size_info on '{wanted}' failed{detail}")


def _path(volume: Volume) -> str:
    _, _, name = volume.volid.partition(":")
    if volume.storage == "local-lvm":
        return f"/dev/pve/{name}"
    folder, _, file = name.partition("/")
    place = {"iso": "template/iso", "vztmpl": "template/cache", "backup": "dump"}.get(folder, folder)
    return f"{SETTINGS[volume.storage]['path']}/{place}/{file}"


NODE_STORAGE = "/nodes/{node}/storage/{storage}"

ROUTES = (
    Route("GET", "/storage", list_configured),
    Route("GET", "/storage/{storage}", show_configured),
    Route("GET", "/nodes/{node}/storage", list_storages),
    Route("GET", f"{NODE_STORAGE}/status", show_state),
    Route("GET", f"{NODE_STORAGE}/content", list_content),
    Route("GET", f"{NODE_STORAGE}/content/{{volume}}", show_volume),
)
