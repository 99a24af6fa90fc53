"""Snapshots of guests: the tree, one of them, making, restoring and deleting (qemu-server, pve-container)."""

from pxm_tui.simulator.errors import handler_error
from pxm_tui.simulator.guest_details import Options, Snapshot, details_of, digest_of, file_options
from pxm_tui.simulator.guest_snapshots import delete, roll_back, take
from pxm_tui.simulator.inventory import Guest
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.guest_base import (
    both,
    guest_of,
    kind_of,
    place_of,
    require_unlocked,
    require_writable,
    start_task,
)
from pxm_tui.simulator.routes.guest_power import PREFIX

RESERVED = ("current", "pending")
ROLLBACK_STARTS_SINCE = (9, 2)
"""Since when `start` needs VM.PowerMgmt too (qemu-server 9.1.10)."""


def list_snapshots(call: Call) -> list[Entry]:
    """Answer `GET …/snapshot`: all snapshots, and the present state as if it were one."""
    guest = guest_of(call)
    details = details_of(guest)
    entries = [_entry(guest, snapshot) for snapshot in details.snapshots.values()]
    current: Entry = {
        "name": "current",
        "description": "You are here!",
        "digest": digest_of(guest),
        "running": int(guest.running),
    }
    if details.parent is not None:
        current["parent"] = details.parent
    return [*call.shuffled(entries), current]


def _entry(guest: Guest, snapshot: Snapshot) -> Entry:
    entry: Entry = {
        "name": snapshot.name,
        "description": snapshot.description,
        "snaptime": snapshot.taken_at,
    }
    if snapshot.parent is not None:
        entry["parent"] = snapshot.parent
    if guest.kind == "qemu":
        entry["vmstate"] = int(snapshot.with_memory)
    return entry


def create_snapshot(call: Call) -> str:
    """Answer `POST …/snapshot`."""
    name = call.text("snapname") or ""
    if name in RESERVED:
        raise handler_error(f"unable to use snapshot name '{name}' (reserved name)")
    body = take(place_of(call), name, call.text("description") or "", with_memory=bool(call.number("vmstate")))
    return start_task(call, f"{PREFIX[kind_of(call)]}snapshot", body)


def show_snapshot(call: Call) -> list[Entry]:
    """Answer `GET …/snapshot/{snapname}`."""
    guest_of(call)
    return [{"cmd": "rollback"}, {"cmd": "config"}]


def show_snapshot_config(call: Call) -> Options:
    """Answer `GET …/snapshot/{snapname}/config`."""
    guest = guest_of(call)
    snapshot = _snapshot(call, guest)
    options = file_options(guest, call.release, snapshot.options)
    options |= {"snaptime": snapshot.taken_at, "description": snapshot.description}
    if snapshot.parent is not None:
        options["parent"] = snapshot.parent
    return options


def change_snapshot(call: Call) -> None:
    """Answer `PUT …/snapshot/{snapname}/config`: its description."""
    guest = guest_of(call)
    require_unlocked(guest)
    require_writable(call, guest)
    snapshot = _snapshot(call, guest)
    description = call.text("description")
    if description is not None:
        snapshot.description = description


def _snapshot(call: Call, guest: Guest) -> Snapshot:
    name = call.place["snapname"]
    snapshot = details_of(guest).snapshots.get(name)
    if snapshot is None:
        raise handler_error(f"snapshot '{name}' does not exist")
    return snapshot


def restore_snapshot(call: Call) -> str:
    """Answer `POST …/snapshot/{snapname}/rollback`."""
    start = bool(call.number("start"))
    if start and call.release.number >= ROLLBACK_STARTS_SINCE:
        call.require(f"/vms/{call.place['vmid']}", ["VM.PowerMgmt"])
    body = roll_back(place_of(call), call.place["snapname"], start=start)
    return start_task(call, f"{PREFIX[kind_of(call)]}rollback", body)


def delete_snapshot(call: Call) -> str:
    """Answer `DELETE …/snapshot/{snapname}`."""
    body = delete(place_of(call), call.place["snapname"])
    return start_task(call, f"{PREFIX[kind_of(call)]}delsnapshot", body)


ONE = "/{vmid}/snapshot/{snapname}"

ROUTES: tuple[Route, ...] = (
    *both("GET", "/{vmid}/snapshot", list_snapshots),
    *both("POST", "/{vmid}/snapshot", create_snapshot),
    *both("GET", ONE, show_snapshot),
    *both("DELETE", ONE, delete_snapshot),
    *both("GET", ONE + "/config", show_snapshot_config),
    *both("PUT", ONE + "/config", change_snapshot),
    *both("POST", ONE + "/rollback", restore_snapshot),
)
