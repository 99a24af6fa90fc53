"""Making and unmaking guests: the bodies of create, clone, template and destroy."""

from pxm_tui.simulator.clock import seeded
from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.guest_details import GuestDetails, Options, details_of, disks_of, mac_address, summarize
from pxm_tui.simulator.guest_power import Body, Place, check_lock, hold, require_writable, switch_on
from pxm_tui.simulator.guest_snapshots import lock_for
from pxm_tui.simulator.inventory import GIB, STORAGES, Guest
from pxm_tui.simulator.space import refusal, require_space
from pxm_tui.simulator.tasks import Task, TaskError, Work

COPY_RATE = 8 * GIB
"""Bytes a second that a copy of a disk moves."""
COPY_SECONDS = (1.0, 12.0)
"""The shortest and the longest that a copy takes."""


def new_guest(cluster: Cluster, node: str, kind: str, vmid: int, options: Options, *, now: float = 0.0) -> Guest:
    """Make a guest that does not run, from its configuration, at a moment."""
    numbers = seeded(cluster.seed, "new guest", vmid)
    guest = Guest(
        kind=kind,
        vmid=vmid,
        name="",
        node=node,
        status="stopped",
        cores=1,
        memory=0,
        disk=0,
        phase=numbers.random(),
        load=numbers.uniform(0.02, 0.4),
        details=GuestDetails(options),
        born=now,
    )
    summarize(guest, details_of(guest))
    return guest


def exists(guest: Guest) -> str:
    """Say that a number is taken."""
    return f"{'VM' if guest.kind == 'qemu' else 'CT'} {guest.vmid} already exists on node '{guest.node}'"


def copy_time(size: int) -> float:
    """Give the seconds that a copy of so many bytes takes."""
    return min(COPY_SECONDS[1], max(COPY_SECONDS[0], size / COPY_RATE))


def copying(task: Task, size: int, seconds: float) -> Work:
    """Let a copy of a disk go on and say how far it is."""
    steps = max(2, round(seconds))
    for step in range(steps + 1):
        done = size * step // steps
        task.say(f"transferred {amount(done)} of {amount(size)} ({100 * step / steps:.2f}%)")
        if step < steps:
            yield seconds / steps


def amount(size: float) -> str:
    """Write a number of bytes as Proxmox's logs do."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def create(place: Place, options: Options, *, start: bool) -> Body:
    """Make the body of `qmcreate` and `vzcreate`."""

    def work(task: Task) -> Work:
        existing = place.cluster.guest(place.vmid)
        if existing is not None:
            raise TaskError(f"unable to create {place.title} - {exists(existing)}")
        guest = new_guest(place.cluster, place.node.name, place.kind, place.vmid, options, now=task.now)
        guest.lock = "create"
        place.cluster.add_guest(guest)
        guest.holder = task
        for key, (volume, _) in disks_of(options).items():
            yield 0.4
            if (words := refusal(place.node, volume)) is not None:
                place.cluster.remove_guest(guest)
                raise TaskError(f"unable to create {place.title} - {words}")
            task.say(f'  Logical volume "{volume.partition(":")[2]}" created.')
            task.say(f"{key}: successfully created disk '{options[key]}'")
        yield 0.4
        guest.lock, guest.holder = None, None
        if start:
            yield 1.0
            switch_on(guest, task.now)

    return work


def clone(
    place: Place, target: Place, name: str | None, changes: Options, *, full: bool, storage: str | None = None
) -> Body:
    """Make the body of `qmclone` and `vzclone`: the new guest is there at once and locked until it is whole.

    Args:
        place: the guest to copy.
        target: where the copy goes.
        name: name of the copy; by default the first one's with `Copy-of-` before it.
        changes: the options of the source: those in force, or those of a snapshot, without what is not copied.
        full: copy the disks, instead of making ones that build on the template's.
        storage: where the copies go; by default each to the storage of its original.
    """

    def work(task: Task) -> Work:
        source = place.guest()
        yield from hold(task, source)
        check_lock(source)
        options, sizes = _copied(source, target, name, changes, storage)
        new = {key: volume for key, (volume, _) in disks_of(options).items()}
        guest = new_guest(place.cluster, target.node.name, source.kind, target.vmid, options, now=task.now)
        guest.lock = "clone"
        place.cluster.add_guest(guest)

        def give_up() -> None:
            if guest.lock == "clone":
                place.cluster.remove_guest(guest)

        task.at_the_end(give_up)
        for key, (volume, size) in sizes.items():
            label = f"drive {key}" if source.kind == "qemu" else f"mountpoint {key}"
            task.say(f"create {'full' if full else 'linked'} clone of {label} ({volume})")
            step, made = ("lvcreate", new[key]) if full else ("clone image", volume)
            require_space(target.node, made, step, prefix="clone failed: ")
            if full:
                yield from copying(task, size, copy_time(size))
            else:
                yield 0.5
        guest.lock = None

    return work


def _copied(
    source: Guest, target: Place, name: str | None, options: Options, storage: str | None
) -> tuple[Options, dict[str, tuple[str, int]]]:
    """Give a copy's options, with its own name, address and disks, and the disks to copy."""
    disks = disks_of(options)
    copy = dict(options)
    for number, (key, (volume, _)) in enumerate(disks.items()):
        rest = str(options[key]).partition(",")[2]
        made = new_volume(storage or volume.partition(":")[0], target.vmid, number)
        copy[key] = made + (f",{rest}" if rest else "")
    for key in options:
        if key.startswith("net"):
            card = int(key.removeprefix("net") or 0)
            old = mac_address(source.vmid, card)
            copy[key] = str(copy[key]).replace(old, mac_address(target.vmid, card))
    title = "name" if source.kind == "qemu" else "hostname"
    copy[title] = name or f"Copy-of-{'VM' if source.kind == 'qemu' else 'CT'}-{source.name}"
    return copy, disks


def new_volume(storage: str, vmid: int, number: int) -> str:
    """Name a disk as its storage does: a file in a folder of the guest's, or a volume."""
    name = f"vm-{vmid}-disk-{number}"
    has_files = any(one.plugin in {"dir", "nfs"} for one in STORAGES if one.name == storage)
    return f"{storage}:{vmid}/{name}.raw" if has_files else f"{storage}:{name}"


def make_template(place: Place) -> Body:
    """Make the body of `qmtemplate` and `vztemplate`."""

    def work(task: Task) -> Work:
        guest = place.guest()
        yield from hold(task, guest)
        require_writable(place)
        yield 0.8
        guest.template = True
        options = details_of(guest).options
        for key, (volume, _) in disks_of(options).items():
            options[key] = str(options[key]).replace(":vm-", ":base-", 1)
            old = volume.partition(":")[2]
            task.say(f'  Renamed "{old}" to "{old.replace("vm-", "base-", 1)}" in volume group "pve"')

    return work


def destroy(place: Place) -> Body:
    """Make the body of `qmdestroy` and `vzdestroy`."""

    def work(task: Task) -> Work:
        guest = place.guest()
        yield from hold(task, guest)
        require_writable(place)
        lock_for(task, guest, "destroyed" if guest.kind == "lxc" else "create")
        yield 0.6
        for volume, _ in disks_of(details_of(guest).options).values():
            task.say(f'  Logical volume "{volume.partition(":")[2]}" successfully removed.')
        task.say("purging " + place.title + " from related configurations..")
        place.cluster.remove_guest(guest)

    return work


def snapshot_options(guest: Guest, snapshot: str | None) -> Options:
    """Give the options to copy: those in force, or those of a snapshot."""
    details = details_of(guest)
    return details.snapshots[snapshot].options if snapshot else details.options
