"""Many guests at once: of one node, and since 9.1 of the whole cluster (pve-manager Nodes.pm, BulkAction/Guest.pm)."""

from collections.abc import Callable, Iterable

from pxm_tui.simulator.errors import handler_error, parameter_error
from pxm_tui.simulator.guest_details import details_of
from pxm_tui.simulator.guest_moves import migrate
from pxm_tui.simulator.guest_power import Body, Place, shutdown, start, suspend
from pxm_tui.simulator.inventory import Guest, Node
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.guest_base import require_quorum, start_task
from pxm_tui.simulator.tasks import Task, Work

POWER, MOVE = "VM.PowerMgmt", "VM.Migrate"
Step = Callable[[Place], tuple[str, str, Body] | None]
"""Gives what the log says of one guest, the kind of its task and the body; None where there is nothing to do."""


def start_all(call: Call) -> str:
    """Answer `POST /nodes/{node}/startall`: those that start at boot, or all with `force` or a list."""
    _allow(call, POWER)
    require_quorum(call)
    forced = bool(call.number("force"))

    def step(place: Place) -> tuple[str, str, Body] | None:
        guest = place.find()
        if guest is None or guest.running or guest.template:
            return None
        if not forced and not details_of(guest).options.get("onboot"):
            return None
        return f"Starting {place.title}", f"{_prefix(place)}start", start(place)

    return start_task(call, "startall", _one_by_one(call, _here(call), step), "")


def stop_all(call: Call) -> str:
    """Answer `POST /nodes/{node}/stopall`."""
    _allow(call, POWER)
    seconds = call.number("timeout")
    return start_task(
        call, "stopall", _one_by_one(call, _here(call), _stopping(180 if seconds is None else seconds)), ""
    )


def _stopping(seconds: int) -> Step:
    def step(place: Place) -> tuple[str, str, Body] | None:
        guest = place.find()
        if guest is None or not guest.running:
            return None
        line = f"Stopping {place.title} (timeout = {seconds} seconds)"
        return line, f"{_prefix(place)}shutdown", shutdown(place)

    return step


def suspend_all(call: Call) -> str:
    """Answer `POST /nodes/{node}/suspendall`: machines only, to disk."""
    _allow(call, POWER)
    return start_task(call, "suspendall", _one_by_one(call, _here(call), _suspending(to_disk=True)), "")


def _suspending(*, to_disk: bool) -> Step:
    def step(place: Place) -> tuple[str, str, Body] | None:
        guest = place.find()
        if guest is None or not guest.running or place.kind == "lxc":
            return None
        kind = "qmsuspend" if to_disk else "qmpause"
        return f"Suspending {place.title}", kind, suspend(place, to_disk=to_disk)

    return step


def migrate_all(call: Call) -> str:
    """Answer `POST /nodes/{node}/migrateall`."""
    _allow(call, MOVE)
    target = _target(call)
    if target is call.node:
        raise parameter_error({"target": "target is local node."})
    return start_task(call, "migrateall", _one_by_one(call, _here(call), _moving(call, target)), "")


def _target(call: Call) -> Node:
    require_quorum(call)
    name = call.text("target") or ""
    if name not in call.cluster.nodes:
        raise handler_error(f"no such cluster node '{name}'")
    return call.cluster.nodes[name]


def _moving(call: Call, target: Node) -> Step:
    with_disks = bool(call.number("with-local-disks"))

    def step(place: Place) -> tuple[str, str, Body] | None:
        guest = place.find()
        if guest is None or guest.node == target.name:
            return None
        restart = guest.running and guest.kind == "lxc"
        kind = "qmigrate" if guest.kind == "qemu" else "vzmigrate"
        line = f"Migrating {place.title} to {target.name}"
        return line, kind, migrate(place, target, with_disks=with_disks, restart=restart)

    return step


def start_anywhere(call: Call) -> str:
    """Answer `POST /cluster/bulk-action/guest/start`."""
    _allow(call, POWER)
    require_quorum(call)

    def step(place: Place) -> tuple[str, str, Body] | None:
        guest = place.find()
        if guest is None or guest.running or guest.template:
            return None
        return f"Starting {place.title}", f"{_prefix(place)}start", start(place)

    return start_task(call, "bulk-start", _one_by_one(call, _anywhere(call), step), "")


def shut_down_anywhere(call: Call) -> str:
    """Answer `POST /cluster/bulk-action/guest/shutdown`."""
    _allow(call, POWER)
    step = _stopping(call.number("timeout") or 180)
    return start_task(call, "bulk-shutdown", _one_by_one(call, _anywhere(call), step), "")


def suspend_anywhere(call: Call) -> str:
    """Answer `POST /cluster/bulk-action/guest/suspend`."""
    _allow(call, POWER)
    step = _suspending(to_disk=bool(call.number("to-disk")))
    return start_task(call, "bulk-suspend", _one_by_one(call, _anywhere(call), step), "")


def migrate_anywhere(call: Call) -> str:
    """Answer `POST /cluster/bulk-action/guest/migrate`."""
    _allow(call, MOVE)
    step = _moving(call, _target(call))
    return start_task(call, "bulk-migrate", _one_by_one(call, _anywhere(call), step), "")


def list_branches(_call: Call) -> list[Entry]:
    """Answer `GET /cluster/bulk-action`."""
    return [{"name": "guest"}]


def list_actions(_call: Call) -> list[Entry]:
    """Answer `GET /cluster/bulk-action/guest`."""
    return [{"name": name} for name in ("start", "shutdown", "migrate", "suspend")]


def _allow(call: Call, privilege: str) -> None:
    """Require a privilege on every guest that is named, or on / where none is."""
    named = call.items("vms")
    if call.may("/", privilege) or not named:
        call.require("/", [privilege])
        return
    for vmid in named:
        call.require(f"/vms/{vmid}", [privilege])


def _here(call: Call) -> list[Guest]:
    return [guest for guest in _anywhere(call) if guest.node == call.node.name]


def _anywhere(call: Call) -> list[Guest]:
    named = set(call.items("vms"))
    return [guest for guest in call.cluster.guests if not named or str(guest.vmid) in named]


def _prefix(place: Place) -> str:
    return "qm" if place.kind == "qemu" else "vz"


def _one_by_one(call: Call, guests: Iterable[Guest], step: Step) -> Body:
    """Make a body that runs a task for each guest, on the guest's node, and waits for it."""
    cluster, authid = call.cluster, call.authid
    chosen = list(guests)

    def work(task: Task) -> Work:
        yield 0.2
        for guest in chosen:
            node = cluster.nodes[guest.node]
            planned = step(Place(cluster, node, guest.kind, guest.vmid))
            if planned is None or not node.online:
                continue
            line, kind, body = planned
            task.say(line)
            inner = cluster.tasks.start(node, body, task.now, kind=kind, subject=guest.vmid, authid=authid)
            yield inner
            if not inner.succeeded:
                task.warn(f"{line} failed: {inner.status}")

    return work


BULK = "/cluster/bulk-action/guest"

ROUTES: tuple[Route, ...] = (
    Route("POST", "/nodes/{node}/startall", start_all),
    Route("POST", "/nodes/{node}/stopall", stop_all),
    Route("POST", "/nodes/{node}/suspendall", suspend_all),
    Route("POST", "/nodes/{node}/migrateall", migrate_all),
    Route("GET", "/cluster/bulk-action", list_branches),
    Route("GET", BULK, list_actions),
    Route("POST", BULK + "/start", start_anywhere),
    Route("POST", BULK + "/shutdown", shut_down_anywhere),
    Route("POST", BULK + "/suspend", suspend_anywhere),
    Route("POST", BULK + "/migrate", migrate_anywhere),
)
