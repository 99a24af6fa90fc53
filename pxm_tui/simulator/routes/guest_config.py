"""Reading and changing the configuration of guests (qemu-server Qemu.pm, pve-container LXC/Config.pm)."""

import re

from pxm_tui.simulator.errors import handler_error, parameter_error
from pxm_tui.simulator.guest_details import (
    Option,
    Options,
    details_of,
    digest_of,
    disk_volume,
    disks_of,
    file_options,
    size_of,
    size_text,
    state_options,
    summarize,
)
from pxm_tui.simulator.guest_power import hold
from pxm_tui.simulator.inventory import Guest
from pxm_tui.simulator.permissions import ROOT
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.guest_base import (
    both,
    guest_of,
    require_digest,
    require_root_for,
    require_unlocked,
    require_writable,
    start_task,
)
from pxm_tui.simulator.routes.guest_storage import DISK, require_space_for_new
from pxm_tui.simulator.schema.values import Value, as_text, split_list
from pxm_tui.simulator.tasks import Task, Work

NOT_OPTIONS = frozenset(
    {"delete", "revert", "digest", "force", "skiplock", "background_delay", "import-working-storage"}
)
AT_ONCE = re.compile(
    r"name|description|tags|onboot|startup|protection|hookscript|agent|migrate_\w+|net\d+|unused\d+|(scsi|virtio|ide|sata)\d+"
)
"""Options of a running machine that need no restart."""
AT_NEXT_START = re.compile(
    r"arch|features|hostname|nameserver|searchdomain|ostype|rootfs|unprivileged|cmode|console|tty"
)
"""Options of a running container that do."""
PRIVILEGES = (
    ("VM.Config.CPU", re.compile(r"cores|sockets|cpu|cpulimit|cpuunits|vcpus|numa\d*|affinity")),
    ("VM.Config.Memory", re.compile(r"memory|balloon|shares|swap")),
    ("VM.Config.Network", re.compile(r"net\d+|nameserver|searchdomain|hostname")),
    ("VM.Config.Disk", re.compile(r"(scsi|virtio|sata|ide|mp|unused)\d+|rootfs|efidisk0|tpmstate0|scsihw|bootdisk")),
    ("VM.Config.Cloudinit", re.compile(r"ci\w+|ipconfig\d+|sshkeys")),
    ("VM.Config.HWType", re.compile(r"bios|vga|machine|keyboard|localtime|audio0|watchdog|args|hostpci\d+|arch")),
)
OTHERWISE = "VM.Config.Options"


def show_config(call: Call) -> Options:
    """Answer `GET …/config`: with what is pending unless `current` is set, or as it was at a snapshot."""
    guest = guest_of(call)
    details = details_of(guest)
    snapshot = call.text("snapshot")
    if snapshot is not None:
        if snapshot not in details.snapshots:
            raise handler_error(f"snapshot '{snapshot}' does not exist")
        return file_options(guest, call.release, details.snapshots[snapshot].options) | {"digest": digest_of(guest)}
    options = dict(details.options)
    if not call.number("current"):
        options.update(details.pending)
        options = {name: value for name, value in options.items() if name not in details.removals}
    return file_options(guest, call.release, options) | state_options(guest) | {"digest": digest_of(guest)}


def show_pending(call: Call) -> list[Entry]:
    """Answer `GET …/pending`: every option with what it is and what it will be."""
    guest = guest_of(call)
    details = details_of(guest)
    present = file_options(guest, call.release) | state_options(guest) | {"digest": digest_of(guest)}
    waiting = file_options(guest, call.release, details.pending)
    entries: list[Entry] = []
    for name in present.keys() | waiting.keys():
        entry: Entry = {"key": name}
        if name in present:
            entry["value"] = present[name]
        if name in waiting:
            entry["pending"] = waiting[name]
        if name in details.removals:
            entry["delete"] = 1
        entries.append(entry)
    return call.shuffled(entries)


def change_config(call: Call) -> None:
    """Answer `PUT …/config`."""
    guest = guest_of(call)
    changes = _changes(call, guest)
    _check(call, guest)
    _apply(call, guest, changes)


def change_config_later(call: Call) -> str:
    """Answer `POST /nodes/{node}/qemu/{vmid}/config`, which does it in a task."""
    guest = guest_of(call)
    changes = _changes(call, guest)
    _check(call, guest)

    def work(task: Task) -> Work:
        yield from hold(task, guest)
        task.say(*(f"update VM {guest.vmid}: -{name} {value}" for name, value in changes.items()))
        yield 0.3
        _apply(call, guest, changes)

    return start_task(call, "qmconfig", work)


def _check(call: Call, guest: Guest) -> None:
    require_digest(call, guest)
    require_unlocked(guest)
    require_writable(call, guest)


def _changes(call: Call, guest: Guest) -> Options:
    """Read the options to set, in the types that Proxmox gives them back in.

    Raises:
        ApiError: there is nothing to do, or who asks may not.
    """
    require_root_for(call, frozenset({"skiplock"}))
    named = {name: value for name, value in call.parameters.items() if name not in NOT_OPTIONS}
    removed = [*call.items("delete"), *call.items("revert")]
    if not named and not removed:
        raise handler_error("no options specified")
    if call.authid != ROOT:
        for name in sorted({*named, *removed}):
            call.require(f"/vms/{guest.vmid}", [_privilege(name)])
    for name in removed:
        if call.facts.parameter(name) is None:
            raise parameter_error({"delete": f"unknown option '{name}'"})
        if name in named:
            raise parameter_error({name: f"Cannot use '-{name}' and '-delete {name}' at the same time."})
    require_space_for_new(call, named)
    return {name: typed(call, name, value) for name, value in named.items()}


def _privilege(option: str) -> str:
    return next((privilege for privilege, names in PRIVILEGES if names.fullmatch(option)), OTHERWISE)


def typed(call: Call, name: str, value: Value) -> Option:
    """Give an option's value as a number where the schema says that it is one."""
    parameter = call.facts.parameter(name)
    text = as_text(value) if not isinstance(value, list) else ",".join(as_text(item) for item in value)
    if parameter is not None and parameter.kind in {"integer", "boolean"}:
        return int(text)
    if name == "tags" and call.release.at_least(7, 3):
        return ";".join(sorted({tag.lower() for tag in split_list(text)}))
    return text


def _apply(call: Call, guest: Guest, changes: Options) -> None:
    """Set, remove and take back options; what a running guest cannot take at once stays pending."""
    details = details_of(guest)
    for name in call.items("revert"):
        details.pending.pop(name, None)
        details.removals.discard(name)
    for name in call.items("delete"):
        if name not in details.options:
            details.pending.pop(name, None)
        elif _waits(guest, name):
            details.removals.add(name)
            details.pending.pop(name, None)
        else:
            _release_disk(details.options, name)
            details.options.pop(name, None)
    for name, value in changes.items():
        settled = with_disk(guest, name, value, details.options)
        details.removals.discard(name)
        if _waits(guest, name) and details.options.get(name) != settled:
            details.pending[name] = settled
        else:
            details.options[name] = settled
            details.pending.pop(name, None)
    summarize(guest, details)


def _waits(guest: Guest, name: str) -> bool:
    """Tell whether a change of an option has to wait until the guest starts anew."""
    if not guest.running:
        return False
    if guest.kind == "qemu":
        return AT_ONCE.fullmatch(name) is None
    return AT_NEXT_START.fullmatch(name) is not None


def _release_disk(options: Options, name: str) -> None:
    """Keep a disk that is taken out of a guest as an unused one."""
    disk = disks_of(options).get(name)
    if disk is None or name.startswith("unused"):
        return
    free = next(number for number in range(256) if f"unused{number}" not in options)
    options[f"unused{free}"] = disk[0]


def with_disk(guest: Guest, name: str, value: Option, options: Options) -> Option:
    """Allocate the disk that `storage:GiB` asks for; give every other value as it is."""
    match = re.match(r"([a-zA-Z][\w.-]*):(\d+(?:\.\d+)?)(,.*)?$", str(value))
    if match is None or not DISK.fullmatch(name):
        return value
    taken = {volume for volume, _ in disks_of(options).values()}
    for number in range(256):
        volume = disk_volume(guest.vmid, number).replace("local-lvm", match.group(1), 1)
        if volume not in taken:
            break
    rest = match.group(3) or ""
    return f"{volume}{rest},size={size_text(int(float(match.group(2)) * 2**30))}"


def show_cloud_init(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/qemu/{vmid}/cloudinit`: no machine here has such a drive."""
    guest_of(call)
    return []


def resize_disk(call: Call) -> str | None:
    """Answer `PUT …/resize`: a task of a container always, of a machine since 8."""
    guest = guest_of(call)
    key, wanted = call.text("disk") or "", call.text("size") or ""
    require_root_for(call, frozenset({"skiplock"}))
    require_digest(call, guest)
    require_unlocked(guest)
    require_writable(call, guest)
    disk = disks_of(details_of(guest).options).get(key)
    if disk is None:
        raise handler_error(f"disk '{key}' does not exist")
    size = size_of(wanted.removeprefix("+")) + (disk[1] if wanted.startswith("+") else 0)
    if size < disk[1]:
        raise handler_error("shrinking disks is not supported")
    if guest.kind == "qemu" and not call.release.at_least(8):
        _resize(guest, key, size)
        return None

    def work(task: Task) -> Work:
        yield from hold(task, guest)
        yield 0.8
        task.say(f"  Size of logical volume pve/{disk[0].partition(':')[2]} changed to {size_text(size)}.")
        _resize(guest, key, size)

    return start_task(call, "resize", work)


def _resize(guest: Guest, key: str, size: int) -> None:
    details = details_of(guest)
    text = re.sub(r",size=[^,]+", "", str(details.options[key]))
    details.options[key] = f"{text},size={size_text(size)}"
    summarize(guest, details)


ROUTES: tuple[Route, ...] = (
    *both("GET", "/{vmid}/config", show_config),
    *both("GET", "/{vmid}/pending", show_pending),
    *both("PUT", "/{vmid}/config", change_config),
    Route("POST", "/nodes/{node}/qemu/{vmid}/config", change_config_later),
    Route("GET", "/nodes/{node}/qemu/{vmid}/cloudinit", show_cloud_init),
    *both("PUT", "/{vmid}/resize", resize_disk),
)
