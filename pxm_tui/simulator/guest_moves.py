"""Moving guests to other nodes and backing them up: the bodies of the tasks (qemu-server QemuMigrate.pm, VZDump.pm)."""

from collections.abc import Callable
from datetime import UTC, datetime

from pxm_tui.simulator.clock import seeded_bytes
from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.guest_copies import amount, copy_time
from pxm_tui.simulator.guest_details import Options, details_of, disks_of
from pxm_tui.simulator.guest_power import Body, Place, hold, locked, require_writable, switch_off, switch_on
from pxm_tui.simulator.guest_snapshots import lock_for
from pxm_tui.simulator.inventory import STORAGES, Guest, Node, Storage
from pxm_tui.simulator.space import broken_archive, refusal
from pxm_tui.simulator.tasks import Task, TaskError, Work
from pxm_tui.simulator.volumes import Volume

MOVE_SECONDS = 2.0
MEMORY_RATE = 2 * 2**30
"""Bytes of memory a second that a live migration moves."""
LONGEST_MOVE = 10.0
COMPRESSION = {"0": "", "1": ".lzo", "gzip": ".gz", "lzo": ".lzo", "zstd": ".zst"}
JOB_FAILED = "job errors"


def is_shared(volume: str) -> bool:
    """Tell whether a volume lies on a storage that all nodes share."""
    name = volume.partition(":")[0]
    return any(storage.shared for storage in STORAGES if storage.name == name)


def local_disks(options: Options) -> dict[str, tuple[str, int]]:
    """List the disks that only their own node has."""
    return {key: disk for key, disk in disks_of(options).items() if not is_shared(disk[0])}


def migrate(place: Place, target: Node, *, with_disks: bool, restart: bool = False) -> Body:
    """Make the body of `qmigrate` and `vzmigrate`; it runs on the node that the guest leaves.

    Args:
        place: the guest.
        target: where it goes.
        with_disks: move a running machine's local disks as well.
        restart: stop a running container and start it again over there.
    """

    def work(task: Task) -> Work:
        guest = place.guest()
        yield from hold(task, guest)
        lock_for(task, guest, "migrate")
        began = task.now
        say = _stamped(task)
        live = guest.running and guest.kind == "qemu"
        say(f"starting migration of {place.title} to node '{target.name}' ({target.address})")
        if not place.cluster.node_online(target, place.node):
            yield 3.0
            _give_up(say, "Can't connect to destination address using public key", 3)
        local = local_disks(details_of(guest).options)
        if live and local and not with_disks:
            _refuse_local_disks(say, next(iter(local.values()))[0])
        if guest.running and restart:
            say(f"shutdown CT {guest.vmid}")
            yield 1.5
            switch_off(guest, task.now)
        for key, (volume, size) in local.items():
            say(f"found local disk '{volume}' ({'attached' if live else 'in current VM config'})")
            yield copy_time(size) / 2
            if (words := refusal(target, volume)) is not None:
                if restart:
                    say("start container on source node")
                    switch_on(guest, task.now)
                _no_space(say, volume, words, target, int(task.now - began), live=live)
            say(f"drive mirror is starting for drive-{key}" if live else f"copying local disk image '{volume}'")
        if live:
            yield from _move_memory(say, guest, target)
        yield MOVE_SECONDS
        guest.move_to(target.name)
        if restart:
            say(f"start container on target node\n# /usr/bin/ssh -e none root@{target.address} pct start {guest.vmid}")
            switch_on(guest, task.now)
        seconds = int(task.now - began)
        say(f"migration finished successfully (duration 00:{seconds // 60:02d}:{seconds % 60:02d})")

    return work


def _stamped(task: Task) -> Callable[[str], None]:
    def say(text: str) -> None:
        moment = datetime.fromtimestamp(task.now, UTC).strftime("%Y-%m-%d %H:%M:%S")
        task.say(*(f"{moment} {line}" for line in text.split("\n")))

    return say


def _refuse_local_disks(say: Callable[[str], None], volume: str) -> None:
    reason = "can't live migrate attached local disks without with-local-disks option"
    problem = "Problem found while scanning volumes - can't migrate VM - check log"
    say(f"can't migrate local disk '{volume}': {reason}")
    say(f"ERROR: {problem}")
    say("aborting phase 1 - cleanup resources")
    _give_up(say, problem, 0)


def _no_space(say: Callable[[str], None], volume: str, words: str, target: Node, seconds: int, *, live: bool) -> None:
    say(words)
    if live:
        say("ERROR: online migrate failure - remote command failed with exit code 255")
        say("aborting phase 2 - cleanup resources\nmigrate_cancel")
        say(f"ERROR: migration finished with problems (duration 00:00:{seconds:02d})")
        raise TaskError("migration problems")
    remote = f"/usr/bin/ssh -e none -o 'HostKeyAlias={target.name}' root@{target.address}"
    move = f"pvesm export {volume} raw+size - -with-snapshots 0 | {remote} -- pvesm import {volume} raw+size -"
    say("aborting phase 1 - cleanup resources")
    storage, why = volume.partition(":")[0], f"command 'set -o pipefail && {move}' failed: exit code 5"
    _give_up(say, f"storage migration for '{volume}' to storage '{storage}' failed - {why}", seconds)


def _give_up(say: Callable[[str], None], problem: str, seconds: int) -> None:
    say(f"ERROR: migration aborted (duration 00:00:{seconds:02d}): {problem}")
    raise TaskError("migration aborted")


def _move_memory(say: Callable[[str], None], guest: Guest, target: Node) -> Work:
    say(f"starting VM {guest.vmid} on remote node '{target.name}'")
    say("start remote tunnel")
    say(f"starting online/live migration on unix:/run/qemu-server/{guest.vmid}.migrate")
    seconds = min(LONGEST_MOVE, max(1.0, guest.memory / MEMORY_RATE))
    steps = max(2, int(seconds))
    for step in range(1, steps + 1):
        yield seconds / steps
        moved = guest.memory * step / steps
        say(f"migration active, transferred {amount(moved)} of {amount(guest.memory)} VM-state, 1.2 GiB/s")
    say("average migration speed: 1.2 GiB/s - downtime 43 ms")
    say("migration status: completed")


def back_up(cluster: Cluster, node: Node, guests: list[int], storage: Storage, settings: dict[str, str]) -> Body:
    """Make the body of `vzdump`: one guest after the other, each locked meanwhile.

    Args:
        cluster: the cluster.
        node: where the guests are.
        guests: their numbers.
        storage: where the archives go.
        settings: `mode`, `compress`, `notes`, `protected` and `line`, what the job looks like on a command line.
    """

    def work(task: Task) -> Work:
        task.say(f"INFO: starting new backup job: {settings['line']}")
        failed = False
        for vmid in guests:
            guest = cluster.guest(vmid, node=node.name)
            if guest is None:
                continue
            stamp = datetime.fromtimestamp(task.now, UTC)
            task.say(f"INFO: Starting Backup of VM {vmid} ({guest.kind})", f"INFO: Backup started at {stamp:%F %T}")
            try:
                yield from _back_up_one(task, cluster, guest, storage, settings)
            except TaskError as error:
                failed = True
                stamp = datetime.fromtimestamp(task.now, UTC)
                task.say(f"ERROR: Backup of VM {vmid} failed - {error}", f"INFO: Failed at {stamp:%F %T}")
        task.say(f"INFO: Backup job finished {'with errors' if failed else 'successfully'}")
        if failed:
            raise TaskError(JOB_FAILED)

    return work


def _back_up_one(task: Task, cluster: Cluster, guest: Guest, storage: Storage, settings: dict[str, str]) -> Work:
    yield from hold(task, guest)
    if guest.lock is not None:
        guest.holder = None
        raise TaskError(locked(guest))
    node = cluster.nodes[guest.node]
    require_writable(Place(cluster, node, guest.kind, guest.vmid))
    guest.lock, guest.holder = "backup", None
    began = task.now

    def let_go() -> None:
        if guest.lock == "backup":
            guest.lock = None

    task.at_the_end(let_go)
    volume = _archive(guest, storage, settings, began)
    if guest.kind == "lxc" and guest.running and settings["mode"] == "snapshot":
        for disk, _ in disks_of(details_of(guest).options).values():
            name = f"{disk.partition(':')[0]}:snap_{disk.partition(':')[2]}_vzdump"
            if (words := refusal(node, name, "lvcreate snapshot")) is not None:
                let_go()
                raise TaskError(words)
    task.say(*_opening(cluster, guest, storage, volume, settings))
    seconds = copy_time(guest.disk) + 2
    steps = max(3, int(seconds))
    for step in range(1, steps + 1):
        yield seconds / steps
        share = step / steps
        done = f"({amount(guest.disk * share)} of {amount(guest.disk)}) in {int(seconds * share)}s"
        task.say(f"INFO: {100 * share:3.0f}% {done}, read: 1.1 GiB/s, write: 512.0 MiB/s")
        if storage.name in node.full:
            let_go()
            lines, error = broken_archive(guest, _path(storage, volume), volume.form)
            task.say(*lines)
            raise error
    passed = f"00:{int(task.now - began) // 60:02d}:{int(task.now - began) % 60:02d}"
    task.say(
        f"INFO: archive file size: {volume.size / 2**30:.2f}GB",
        f"INFO: Finished Backup of VM {guest.vmid} ({passed})",
        f"INFO: Backup finished at {datetime.fromtimestamp(task.now, UTC):%F %T}",
    )
    cluster.volumes.append(volume)
    let_go()


def _archive(guest: Guest, storage: Storage, settings: dict[str, str], now: float) -> Volume:
    form = ("vma" if guest.kind == "qemu" else "tar") + COMPRESSION[settings["compress"]]
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y_%m_%d-%H_%M_%S")
    size = max(2**20, int(guest.disk * (0.1 + 0.2 * guest.phase)))
    return Volume(
        storage.name,
        None if storage.shared else guest.node,
        f"{storage.name}:backup/vzdump-{guest.kind}-{guest.vmid}-{stamp}.{form}",
        "backup",
        form,
        size,
        int(now),
        guest.vmid,
        settings["notes"].replace("{{guestname}}", guest.name).replace("{{vmid}}", str(guest.vmid)) or None,
        settings["protected"] == "1",
    )


def _path(storage: Storage, volume: Volume) -> str:
    folder = "/var/lib/vz" if storage.name == "local" else f"/mnt/pve/{storage.name}"
    return f"{folder}/dump/{volume.volid.partition('/')[2]}"


def _opening(cluster: Cluster, guest: Guest, storage: Storage, volume: Volume, settings: dict[str, str]) -> list[str]:
    title = "VM" if guest.kind == "qemu" else "CT"
    lines = [f"INFO: status = {'running' if guest.running else 'stopped'}", f"INFO: {title} Name: {guest.name}"]
    for key, (disk, size) in disks_of(details_of(guest).options).items():
        lines.append(f"INFO: include disk '{key}' '{disk}' {size // 2**30}G")
    lines.append(f"INFO: backup mode: {settings['mode'] if guest.running else 'stop'}")
    lines.append("INFO: ionice priority: 7")
    lines.append(f"INFO: creating vzdump archive '{_path(storage, volume)}'")
    if guest.kind == "qemu":
        digits = seeded_bytes(16, cluster.seed, volume.volid).hex()
        lines.append(
            f"INFO: started backup task '{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}'"
        )
    return lines
