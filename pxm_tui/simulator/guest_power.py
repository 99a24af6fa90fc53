"""What happens when a guest is started, stopped, paused: the bodies of the tasks (qemu-server, pve-container)."""

from collections.abc import Callable
from dataclasses import dataclass

from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.guest_details import apply_pending
from pxm_tui.simulator.inventory import Changes, Guest, Node
from pxm_tui.simulator.metrics import guest_work
from pxm_tui.simulator.space import require_space
from pxm_tui.simulator.tasks import Task, TaskError, Work

Body = Callable[[Task], Work]

LOCK_PATIENCE = 10
"""Seconds that a task waits for the lock on a guest's configuration file."""
START, STOP, SHUTDOWN, REBOOT, SIGNAL = 1.0, 0.5, 1.8, 2.4, 0.3
"""Seconds that they take."""
SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a guest should be: the node and number that a request names."""

    cluster: Cluster
    node: Node
    kind: str
    vmid: int

    @property
    def title(self) -> str:
        """The guest as messages name it."""
        return f"{'VM' if self.kind == 'qemu' else 'CT'} {self.vmid}"

    @property
    def file(self) -> str:
        """Its configuration file below /etc/pve."""
        return f"nodes/{self.node.name}/{'qemu-server' if self.kind == 'qemu' else 'lxc'}/{self.vmid}.conf"

    def find(self) -> Guest | None:
        """Give the guest, None where it is not there."""
        return self.cluster.guest(self.vmid, node=self.node.name, kind=self.kind)

    def guest(self) -> Guest:
        """Give the guest to a task.

        Raises:
            TaskError: it is not there.
        """
        guest = self.find()
        if guest is None:
            raise TaskError(f"Configuration file '{self.file}' does not exist")
        return guest


def lock_timeout(guest: Guest) -> str:
    """Say that somebody else holds the lock on a guest's configuration file."""
    if guest.kind == "qemu":
        return f"can't lock file '/var/lock/qemu-server/lock-{guest.vmid}.conf' - got timeout"
    return f"can't lock file '/run/lock/lxc/pve-config-{guest.vmid}.lock' - got timeout"


def locked(guest: Guest) -> str:
    """Say that a guest is locked."""
    return f"{'VM' if guest.kind == 'qemu' else 'CT'} is locked ({guest.lock})"


def check_lock(guest: Guest, *but: str) -> None:
    """Let a task go on only if its guest is not locked, save by one of `but`.

    Raises:
        TaskError: it is.
    """
    if guest.lock is not None and guest.lock not in but:
        raise TaskError(locked(guest))


def require_writable(place: Place) -> None:
    """Let a task go on only where /etc/pve can be written.

    Raises:
        TaskError: it cannot.
    """
    if not place.cluster.quorate(place.node):
        path = f"/etc/pve/{place.file}.tmp.{15_000 + place.vmid}"
        raise TaskError(f"unable to open file '{path}' - Permission denied")


def hold(task: Task, guest: Guest) -> Work:
    """Wait for the lock on a guest's configuration file and keep it until the task ends.

    Raises:
        TaskError: another task held it for too long.
    """
    deadline = task.now + LOCK_PATIENCE
    while guest.holder is not None and guest.holder is not task:
        if task.now >= deadline:
            raise TaskError(lock_timeout(guest))
        yield 0.5
    guest.holder = task

    def let_go() -> None:
        if guest.holder is task:
            guest.holder = None

    task.at_the_end(let_go)


def switch_on(guest: Guest, now: float) -> None:
    """Let a guest run, from this moment on."""
    apply_pending(guest)
    guest.switch_on(now)


def switch_off(guest: Guest, now: float) -> None:
    """Let a guest stand still, from this moment on."""
    guest.switch_off(now)
    apply_pending(guest)


def pause(guest: Guest, now: float) -> None:
    """Let a running guest wait."""
    guest.status, guest.quiet_since = "paused", now
    Changes.note()


def go_on(guest: Guest, now: float) -> None:
    """Let a paused guest go on where it was."""
    if guest.quiet_since is not None:
        guest.missed += guest_work(guest, now) - guest_work(guest, guest.quiet_since)
    guest.status, guest.quiet_since = "running", None
    Changes.note()


def start(place: Place) -> Body:
    """Make the body of `qmstart` and `vzstart`."""

    def work(task: Task) -> Work:
        guest = place.guest()
        yield from hold(task, guest)
        qemu = guest.kind == "qemu"
        if guest.template:
            raise TaskError(f"you can't start a {'vm' if qemu else 'CT'} if it's a template")
        check_lock(guest, *((SUSPENDED,) if qemu else ()))
        if guest.running:
            raise TaskError(f"{place.title} already running")
        if guest.lock == SUSPENDED:
            task.say("Resuming suspended VM")
        yield START
        if guest.lock == SUSPENDED:
            guest.lock = None
            task.say("Resumed VM, removing state")
        switch_on(guest, task.now)

    return work


def stop(place: Place, *, seconds: float = STOP) -> Body:
    """Make the body of `qmstop` and `vzstop`: pulls the plug."""

    def work(task: Task) -> Work:
        guest = place.guest()
        yield from hold(task, guest)
        if not guest.running:
            return
        check_lock(guest)
        yield seconds
        switch_off(guest, task.now)

    return work


def shutdown(place: Place) -> Body:
    """Make the body of `qmshutdown` and `vzshutdown`."""
    return stop(place, seconds=SHUTDOWN)


def reboot(place: Place) -> Body:
    """Make the body of `qmreboot` and `vzreboot`, which puts pending options in force."""

    def work(task: Task) -> Work:
        guest = place.guest()
        yield from hold(task, guest)
        check_lock(guest)
        yield REBOOT
        switch_on(guest, task.now)

    return work


def reset(place: Place) -> Body:
    """Make the body of `qmreset`: the machine boots anew, its process goes on."""

    def work(task: Task) -> Work:
        guest = place.guest()
        yield from hold(task, guest)
        check_lock(guest, "backup")
        yield SIGNAL

    return work


def suspend(place: Place, *, to_disk: bool = False) -> Body:
    """Make the body of `qmpause` and `vzsuspend`, or of `qmsuspend`, which writes the memory to disk."""

    def work(task: Task) -> Work:
        guest = place.guest()
        yield from hold(task, guest)
        check_lock(guest, "backup")
        if not to_disk:
            yield SIGNAL
            pause(guest, task.now)
            return
        require_writable(place)
        require_space(place.node, f"local-lvm:vm-{guest.vmid}-state-suspend")
        guest.lock = "suspending"
        task.at_the_end(lambda: _forget(guest, "suspending"))
        task.say(f"State will be saved to 'local-lvm:vm-{guest.vmid}-state-suspend', size {guest.memory >> 20} MiB")
        yield SHUTDOWN
        task.say("State saved, quitting")
        switch_off(guest, task.now)
        guest.lock = SUSPENDED

    return work


def _forget(guest: Guest, lock: str) -> None:
    if guest.lock == lock:
        guest.lock = None


def resume(place: Place) -> Body:
    """Make the body of `qmresume` and `vzresume`."""

    def work(task: Task) -> Work:
        guest = place.guest()
        if guest.lock == SUSPENDED:
            yield from start(place)(task)
            return
        yield from hold(task, guest)
        check_lock(guest, "backup")
        yield SIGNAL
        go_on(guest, task.now)

    return work
