"""Taking, restoring and deleting snapshots: the bodies of the tasks (pve-guest-common, AbstractConfig.pm)."""

from pxm_tui.simulator.guest_details import Snapshot, details_of, disks_of, summarize
from pxm_tui.simulator.guest_power import Body, Place, check_lock, hold, require_writable, switch_off, switch_on
from pxm_tui.simulator.inventory import Guest
from pxm_tui.simulator.space import require_space
from pxm_tui.simulator.tasks import Task, TaskError, Work

SECONDS = 1.0
MEMORY_SECONDS = 2.0
"""How much longer it takes when the memory is written as well."""


def lock_for(task: Task, guest: Guest, lock: str) -> None:
    """Set the lock in a guest's configuration until the task ends.

    Raises:
        TaskError: it is locked already.
    """
    check_lock(guest)
    guest.lock = lock

    def let_go() -> None:
        if guest.lock == lock:
            guest.lock = None

    task.at_the_end(let_go)


def take(place: Place, name: str, description: str, *, with_memory: bool) -> Body:
    """Make the body of `qmsnapshot` and `vzsnapshot`."""

    def work(task: Task) -> Work:
        guest = place.guest()
        yield from hold(task, guest)
        details = details_of(guest)
        if guest.template:
            raise TaskError("you can't take a snapshot if it's a template")
        check_lock(guest)
        if name in details.snapshots:
            raise TaskError(f"snapshot name '{name}' already used")
        require_writable(place)
        lock_for(task, guest, "snapshot")
        taken_at = int(task.now)
        for key, (volume, _) in disks_of(details.options).items():
            label = f"drive-{key}" if guest.kind == "qemu" else key
            task.say(f"snapshotting '{label}' ({volume})")
            storage, _, disk = volume.partition(":")
            _require_space(task, place, f"{storage}:snap_{disk}_{name}", "lvcreate snapshot")
        if with_memory and guest.running:
            _require_space(task, place, f"local-lvm:vm-{guest.vmid}-state-{name}", "lvcreate")
            task.say("saving VM state and RAM using storage 'local-lvm'")
            for step in range(1, 5):
                yield MEMORY_SECONDS / 4
                task.say(f"{guest.memory * step / 4 / 2**20:.2f} MiB in {step // 2}s")
            task.say(f"completed saving the VM state in 2s, saved {guest.memory / 2**20:.2f} MiB")
        yield SECONDS
        for volume, _ in disks_of(details.options).values():
            task.say(f'  Logical volume "snap_{volume.partition(":")[2]}_{name}" created.')
        memory = with_memory and guest.running
        options = dict(details.options)
        details.snapshots[name] = Snapshot(name, taken_at, options, description, details.parent, memory)
        details.parent = name

    return work


def _require_space(task: Task, place: Place, volume: str, step: str) -> None:
    try:
        require_space(place.node, volume, step)
    except TaskError:
        task.say("snapshot create failed: starting cleanup")
        raise


def roll_back(place: Place, name: str, *, start: bool) -> Body:
    """Make the body of `qmrollback` and `vzrollback`: a running guest is stopped first, hard."""

    def work(task: Task) -> Work:
        guest = place.guest()
        yield from hold(task, guest)
        details = details_of(guest)
        if name not in details.snapshots:
            raise TaskError(f"snapshot '{name}' does not exist")
        if guest.template:
            raise TaskError("you can't rollback if VM is a template")
        require_writable(place)
        lock_for(task, guest, "rollback")
        snapshot = details.snapshots[name]
        if guest.running:
            yield 0.5
            switch_off(guest, task.now)
        for volume, _ in disks_of(snapshot.options).values():
            task.say(f'  Logical volume "{volume.partition(":")[2]}" successfully removed.')
            task.say(f'  Logical volume "{volume.partition(":")[2]}" created.')
        yield SECONDS
        details.options = dict(snapshot.options)
        details.pending.clear()
        details.removals.clear()
        details.parent = name
        summarize(guest, details)
        if snapshot.with_memory or start:
            yield SECONDS
            switch_on(guest, task.now)

    return work


def delete(place: Place, name: str) -> Body:
    """Make the body of `qmdelsnapshot` and `vzdelsnapshot`: children come after the parent from then on."""

    def work(task: Task) -> Work:
        guest = place.guest()
        yield from hold(task, guest)
        details = details_of(guest)
        if name not in details.snapshots:
            raise TaskError(f"snapshot '{name}' does not exist")
        require_writable(place)
        lock_for(task, guest, "snapshot-delete")
        yield SECONDS
        gone = details.snapshots.pop(name)
        for volume, _ in disks_of(gone.options).values():
            task.say(f'  Logical volume "snap_{volume.partition(":")[2]}_{name}" successfully removed.')
        for snapshot in details.snapshots.values():
            if snapshot.parent == name:
                snapshot.parent = gone.parent
        if details.parent == name:
            details.parent = gone.parent

    return work
