"""Guests of a node: lists and what each one does right now (qemu-server and pve-container, vmstatus)."""

from pxm_tui.simulator.guest_details import MIB, details_of
from pxm_tui.simulator.inventory import Guest
from pxm_tui.simulator.metrics import guest_figures
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.guest_base import as_number_text, both, guest_of, kind_of, process_id, whole

MACHINES = {6: ("5.2", "5.2.0"), 7: ("7.2", "7.2.0"), 8: ("9.2+pve1", "9.2.0"), 9: ("10.1+pve0", "10.1.2")}
"""Machine type and QEMU of each release."""
PRESSURES = ("cpu", "io", "memory")

QEMU_PARTS = (
    *("config", "cloudinit", "pending", "status", "unlink", "vncproxy", "termproxy", "migrate", "resize", "move"),
    *("rrd", "rrddata", "monitor", "agent", "snapshot", "spiceproxy", "sendkey", "firewall", "mtunnel"),
    "remote_migrate",
)
LXC_PARTS = (
    *("config", "pending", "status", "vncproxy", "termproxy", "vncwebsocket", "spiceproxy", "migrate", "clone"),
    *("rrd", "rrddata", "firewall", "snapshot", "resize", "interfaces", "mtunnel", "remote_migrate"),
)
ADDED = {"cloudinit": (7, 4), "mtunnel": (7, 3), "remote_migrate": (7, 3), "interfaces": (8, 1)}
QEMU_ACTIONS = ("current", "start", "stop", "reset", "shutdown", "suspend", "reboot")
LXC_ACTIONS = ("current", "start", "stop", "shutdown", "reboot", "migrate")


def list_guests(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/qemu` and `…/lxc`: the guests that who asks may audit."""
    kind = kind_of(call)
    full = bool(call.number("full"))
    found = []
    for guest in call.cluster.guests:
        if guest.node == call.node.name and guest.kind == kind and call.may(f"/vms/{guest.vmid}", "VM.Audit"):
            found.append(_live(call, guest) | (_run_state(guest) if full and kind == "qemu" else {}))
    return call.shuffled(found)


def show_status(call: Call) -> Entry:
    """Answer `GET …/status/current`."""
    guest = guest_of(call)
    entry = _live(call, guest) | {"ha": _availability(call, guest)}
    if guest.kind == "lxc":
        return entry
    entry |= _run_state(guest)
    options = details_of(guest).options
    if str(options.get("agent", "0")).startswith(("1", "enabled=1")):
        entry["agent"] = 1
    if any(name.startswith("serial") for name in options):
        entry["serial"] = 1
    if guest.running:
        entry |= _monitor(call.release, guest, entry)
    return entry


def _availability(call: Call, guest: Guest) -> Entry:
    resource = call.cluster.ha.get(guest.vmid)
    if resource is None:
        return {"managed": 0}
    entry: Entry = {"managed": 1, "state": resource.manager_state}
    if resource.group is not None and not call.release.at_least(9):
        entry["group"] = resource.group
    return entry


def _run_state(guest: Guest) -> Entry:
    """Give the state that QEMU itself is in; suspended to disk it does not run."""
    return {"qmpstatus": guest.status if guest.running else "stopped"}


def _live(call: Call, guest: Guest) -> Entry:
    release = call.release
    figures = guest_figures(guest, call.now)
    entry: Entry = {
        "vmid": as_number_text(guest.vmid, release),
        "name": guest.name,
        "status": "running" if guest.running else "stopped",
        "cpus": guest.cores,
        "maxmem": guest.memory,
        "maxdisk": guest.disk,
        **figures,
    }
    if guest.running:
        entry["pid"] = as_number_text(process_id(guest), release)
    entry |= _optional(guest, release)
    if guest.kind == "lxc":
        return entry | _swap(guest) | {"type": "lxc"}
    if release.at_least(9):
        entry["memhost"] = figures["mem"]
        if not guest.running:
            del entry["diskread"], entry["diskwrite"]
    elif not release.at_least(7):
        entry.setdefault("pid", None)
    return entry


def _optional(guest: Guest, release: Release) -> Entry:
    entry: Entry = {}
    if guest.template:
        entry["template"] = 1
    elif not release.at_least(7):
        entry["template"] = ""
    if guest.lock is not None:
        entry["lock"] = guest.lock
    if guest.tags is not None:
        entry["tags"] = guest.tags
    if guest.running and release.at_least(9):
        entry |= {f"pressure{name}{share}": 0 for name in PRESSURES for share in ("some", "full")}
    return entry


def _swap(guest: Guest) -> Entry:
    size = int(details_of(guest).options.get("swap", 512)) * MIB
    return {"swap": size // 50 if guest.running else 0, "maxswap": size}


def _monitor(release: Release, guest: Guest, entry: Entry) -> Entry:
    """Add what only the monitor of a running machine tells."""
    machine, version = MACHINES[release.number[0]]
    found: Entry = {
        "running-machine": f"pc-i440fx-{machine}",
        "proxmox-support": {},
        "blockstat": {"scsi0": _block_statistics(whole(entry["diskread"]), whole(entry["diskwrite"]))},
        "nics": {f"tap{guest.vmid}i0": {"netin": entry["netin"], "netout": entry["netout"]}},
        "balloon": guest.memory,
    }
    if release.at_least(7):
        found["running-qemu"] = version
    return found


def _block_statistics(read: int, written: int) -> Entry:
    zeros = (
        *("failed_unmap_operations", "invalid_rd_operations", "invalid_unmap_operations", "unmap_operations"),
        *("flush_total_time_ns", "unmap_bytes", "unmap_merged", "invalid_flush_operations", "rd_merged"),
        *("failed_flush_operations", "failed_wr_operations", "unmap_total_time_ns", "wr_merged"),
        *("failed_rd_operations", "invalid_wr_operations"),
    )
    return {
        **dict.fromkeys(zeros, 0),
        "rd_bytes": read,
        "rd_operations": read // 16384,
        "rd_total_time_ns": read * 3,
        "wr_bytes": written,
        "wr_operations": written // 8192,
        "wr_total_time_ns": written * 9,
        "wr_highest_offset": written,
        "flush_operations": written // 131072,
        "idle_time_ns": 1_000_000,
        "timed_stats": [],
        "account_failed": True,
        "account_invalid": True,
    }


def show_index(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/qemu/{vmid}` and `…/lxc/{vmid}`."""
    guest = guest_of(call)
    parts = QEMU_PARTS if guest.kind == "qemu" else LXC_PARTS
    return [{"subdir": part} for part in parts if call.release.number >= ADDED.get(part, (6, 4))]


def show_actions(call: Call) -> list[Entry]:
    """Answer `GET …/status`."""
    guest = guest_of(call)
    return [{"subdir": name} for name in (QEMU_ACTIONS if guest.kind == "qemu" else LXC_ACTIONS)]


ROUTES: tuple[Route, ...] = (
    *both("GET", "", list_guests),
    *both("GET", "/{vmid}", show_index),
    *both("GET", "/{vmid}/status", show_actions),
    *both("GET", "/{vmid}/status/current", show_status),
)
