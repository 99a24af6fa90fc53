"""Starting and stopping guests: what is refused at once, and what fails in the task.

Proxmox source: qemu-server, API2/Qemu.pm; pve-container, API2/LXC/Status.pm. The two kinds differ: a machine
that runs already is a task that fails, a container is an error at once; to stop what is stopped is fine for a
machine and an error for a container.
"""

from collections.abc import Iterator

from pxm_tui.simulator.errors import handler_error, parameter_error
from pxm_tui.simulator.guest_power import (
    SUSPENDED,
    Body,
    Place,
    reboot,
    reset,
    resume,
    shutdown,
    start,
    stop,
    suspend,
)
from pxm_tui.simulator.ha import REACTION
from pxm_tui.simulator.inventory import Guest
from pxm_tui.simulator.permissions import ROOT
from pxm_tui.simulator.routes.base import Call, Route
from pxm_tui.simulator.routes.guest_base import both, kind_of, place_of, require_quorum, require_root_for, start_task
from pxm_tui.simulator.routes.guest_storage import SPACE, storage_named
from pxm_tui.simulator.tasks import Task, Work

PREFIX = {"qemu": "qm", "lxc": "vz"}
STATES = "local-lvm"
"""Where the memory of a machine is written to, unless told otherwise."""


def start_guest(call: Call) -> str:
    """Answer `POST …/status/start`. A machine that does not exist is a task that fails."""
    require_root_for(call)
    place = place_of(call)
    guest = place.find()
    if guest is not None and guest.kind == "lxc" and guest.running:
        raise handler_error(f"CT {guest.vmid} already running")
    require_quorum(call)
    if guest is not None and place.vmid in call.cluster.ha:
        return _ask_ha(call, place, "hastart", "started")
    return start_task(call, f"{PREFIX[place.kind]}start", start(place))


def stop_guest(call: Call) -> str:
    """Answer `POST …/status/stop`."""
    require_root_for(call)
    place = place_of(call)
    _require_running(place, but_machines=True)
    managed = place.vmid in call.cluster.ha
    if call.number("overrule-shutdown"):
        if managed:
            problem = "can't use this parameter for HA managed guests"
            raise parameter_error({"overrule-shutdown": problem})
        for task in _shutdowns(call, place):
            call.cluster.tasks.stop(task, call.now)
    if managed:
        return _ask_ha(call, place, "hastop", "stopped")
    return start_task(call, f"{PREFIX[place.kind]}stop", stop(place))


def _shutdowns(call: Call, place: Place) -> Iterator[Task]:
    """Find the tasks that try to shut the guest down."""
    for task in call.cluster.tasks.running(place.node.name):
        if task.upid.kind == f"{PREFIX[place.kind]}shutdown" and task.upid.subject == str(place.vmid):
            yield task


def shut_down_guest(call: Call) -> str:
    """Answer `POST …/status/shutdown`."""
    require_root_for(call)
    place = place_of(call)
    guest = _require_running(place, but_machines=True)
    forced = bool(call.number("forceStop"))
    if guest is not None and guest.quiet_since is not None and guest.kind == "qemu" and not forced:
        raise handler_error("VM is paused - cannot shutdown")
    if place.vmid in call.cluster.ha:
        return _ask_ha(call, place, "hastop", "stopped")
    return start_task(call, f"{PREFIX[place.kind]}shutdown", shutdown(place))


def reboot_guest(call: Call) -> str:
    """Answer `POST …/status/reboot`; the text of a stopped container calls it a VM."""
    place = place_of(call)
    guest = place.find()
    if guest is None and place.kind == "qemu":
        raise handler_error(_no_such_machine(place))
    if guest is None or not guest.running:
        raise handler_error(f"VM {place.vmid} not running")
    if guest.quiet_since is not None and guest.kind == "qemu":
        raise handler_error("VM is paused - cannot shutdown")
    return start_task(call, f"{PREFIX[place.kind]}reboot", reboot(place))


def reset_guest(call: Call) -> str:
    """Answer `POST …/qemu/{vmid}/status/reset`."""
    require_root_for(call)
    place = place_of(call)
    _require_running(place)
    return start_task(call, "qmreset", reset(place))


def suspend_guest(call: Call) -> str:
    """Answer `POST …/status/suspend`: pause it, or write a machine's memory to disk and stop it."""
    require_root_for(call)
    place = place_of(call)
    to_disk = bool(call.number("todisk"))
    storage = call.text("statestorage") or STATES
    if to_disk:
        call.require(f"/vms/{place.vmid}", ["VM.Config.Disk"])
        call.require(f"/storage/{storage}", [SPACE])
    _require_running(place)
    if to_disk and place.vmid in call.cluster.ha:
        raise handler_error("Cannot suspend HA managed VM to disk")
    kind = "vzsuspend" if kind_of(call) == "lxc" else "qmsuspend" if to_disk else "qmpause"
    if to_disk:
        storage_named(storage)
    return start_task(call, kind, suspend(place, to_disk=to_disk))


def resume_guest(call: Call) -> str:
    """Answer `POST …/status/resume`."""
    require_root_for(call)
    place = place_of(call)
    guest = place.find()
    if guest is None or guest.lock != SUSPENDED:
        _require_running(place)
    return start_task(call, f"{PREFIX[place.kind]}resume", resume(place))


def _require_running(place: Place, *, but_machines: bool = False) -> Guest | None:
    """Refuse what makes sense only while the guest runs.

    Args:
        place: where it should be.
        but_machines: let a machine that exists through anyway.

    Raises:
        ApiError: it does not run, or does not exist.
    """
    guest = place.find()
    if guest is None and place.kind == "qemu":
        raise handler_error(_no_such_machine(place))
    if guest is not None and (guest.running or (but_machines and place.kind == "qemu")):
        return guest
    raise handler_error(f"{place.title} not running")


def _no_such_machine(place: Place) -> str:
    return f"unable to find configuration file for VM {place.vmid} - no such machine"


def _ask_ha(call: Call, place: Place, kind: str, state: str) -> str:
    """Leave a request to the resource managers, who act on it later."""
    resource = call.cluster.ha[place.vmid]
    command = f"Requesting HA {'start' if state == 'started' else 'stop'} for {place.title}"

    def ask(task: Task) -> Work:
        task.say(command)
        resource.state = state
        yield from ()

    upid = start_task(call, kind, ask)
    action, body = ("start", start(place)) if state == "started" else ("shutdown", shutdown(place))
    act_later(call, place, PREFIX[place.kind] + action, body, "request_stop" if state == "stopped" else None)
    return upid


def act_later(call: Call, place: Place, kind: str, body: Body, doing: str | None) -> None:
    """Let the resource manager of a node start a task when its loop gets to it.

    Args:
        call: who asks.
        place: the guest.
        kind: of the task.
        body: of the task.
        doing: the state of the resource meanwhile, None where it is the one that is to be reached.
    """
    tasks, resource = call.cluster.tasks, call.cluster.ha[place.vmid]

    def settle() -> None:
        resource.doing, resource.reached = None, resource.state

    def act(now: float) -> None:
        resource.doing = doing
        if doing is None:
            settle()
        task = tasks.start(place.node, body, now, kind=kind, subject=place.vmid, authid=ROOT)
        if task.running:
            task.at_the_end(settle)
        else:
            settle()

    tasks.later(call.now + REACTION, act)


ROUTES: tuple[Route, ...] = (
    *both("POST", "/{vmid}/status/start", start_guest),
    *both("POST", "/{vmid}/status/stop", stop_guest),
    *both("POST", "/{vmid}/status/shutdown", shut_down_guest),
    *both("POST", "/{vmid}/status/reboot", reboot_guest),
    Route("POST", "/nodes/{node}/qemu/{vmid}/status/reset", reset_guest),
    *both("POST", "/{vmid}/status/suspend", suspend_guest),
    *both("POST", "/{vmid}/status/resume", resume_guest),
)
