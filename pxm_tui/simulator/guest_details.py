"""What a guest has beyond its row in a list: its configuration file, what is pending, its snapshots.

All of it follows from the guest and is made when somebody looks for the first time, so that a hundred thousand
guests that nobody opens weigh little. From then on the configuration is what counts, and `summarize` keeps the
guest's row in step with it.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field

from pxm_tui.simulator.clock import seeded
from pxm_tui.simulator.inventory import Changes, Guest
from pxm_tui.simulator.releases import Release

Option = str | int
Options = dict[str, Option]

MIB = 2**20
DISK_STORAGE = "local-lvm"
DISK_KEYS = re.compile(r"(scsi|virtio|sata|ide)\d+|efidisk0|tpmstate0|rootfs|mp\d+|unused\d+")
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
DAY = 86400


@dataclass(slots=True)
class Snapshot:
    """A snapshot of a guest.

    Attributes:
        taken_at: in seconds since 1970.
        parent: name of the snapshot it was taken after, None for the first.
        with_memory: whether it holds the contents of the memory (qemu).
        options: the configuration as it was.
    """

    name: str
    taken_at: int
    options: Options
    description: str = ""
    parent: str | None = None
    with_memory: bool = False


@dataclass(slots=True)
class GuestDetails:
    """A guest's configuration file.

    Attributes:
        options: the options in force, without `lock`, `template` and `parent`.
        pending: options that wait for the next start.
        removals: names of options that go with the next start.
        snapshots: by name, oldest first.
        parent: the snapshot that the present state comes after.
    """

    options: Options
    pending: Options = field(default_factory=dict)
    removals: set[str] = field(default_factory=set)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    parent: str | None = None


def details_of(guest: Guest) -> GuestDetails:
    """Give a guest's details, made when first asked for."""
    if guest.details is None:
        make = _qemu_options if guest.kind == "qemu" else _lxc_options
        guest.details = GuestDetails(make(guest))
        _add_old_snapshots(guest, guest.details)
    return guest.details


def disk_volume(vmid: int, number: int = 0, *, base: bool = False) -> str:
    """Name a disk of a guest."""
    return f"{DISK_STORAGE}:{'base' if base else 'vm'}-{vmid}-disk-{number}"


def size_text(size: int) -> str:
    """Write a size as disks have it, such as `32G`."""
    for unit in ("T", "G", "M", "K"):
        if size % _UNITS[unit] == 0 and size >= _UNITS[unit]:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


def size_of(text: str) -> int:
    """Read a size such as `32G` or `1.5T`, in bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text)
    return int(float(match.group(1)) * _UNITS[match.group(2)]) if match else 0


def disks_of(options: Options) -> dict[str, tuple[str, int]]:
    """List the disks among options: by key, the volume and its size in bytes."""
    found = {}
    for key, value in options.items():
        if DISK_KEYS.fullmatch(key) and isinstance(value, str) and ":" in value.partition(",")[0]:
            volume, _, rest = value.partition(",")
            size = re.search(r"(?:^|,)size=([^,]+)", rest)
            found[key] = (volume, size_of(size.group(1)) if size else 0)
    return found


def boot_disk(guest: Guest, options: Options) -> str | None:
    """Give the key of the disk that counts as the guest's size."""
    if guest.kind == "lxc":
        return "rootfs" if "rootfs" in options else None
    order = re.search(r"order=([^,]+)", str(options.get("boot", "")))
    wanted = order.group(1).split(";") if order else []
    disks = disks_of(options)
    return next((key for key in (*wanted, *disks) if key in disks), None)


def summarize(guest: Guest, details: GuestDetails) -> None:
    """Bring the guest's row in step with its configuration."""
    options = details.options
    default = f"VM {guest.vmid}" if guest.kind == "qemu" else f"CT{guest.vmid}"
    guest.name = str(options.get("name" if guest.kind == "qemu" else "hostname", default))
    guest.cores = int(options.get("cores", 1)) * int(options.get("sockets", 1))
    memory = re.match(r"\d+", str(options.get("memory", 512)))
    guest.memory = int(memory.group()) * MIB if memory else 512 * MIB
    tags = options.get("tags")
    guest.tags = None if tags is None else str(tags)
    disk = boot_disk(guest, options)
    guest.disk = disks_of(options)[disk][1] if disk else 0
    Changes.note()


def file_options(guest: Guest, release: Release, options: Options | None = None) -> Options:
    """Give options as the API shows them: those in force, or the given ones.

    The memory of a machine is a string since 8.0, and `meta` came with 7.1.
    """
    shown = dict(details_of(guest).options if options is None else options)
    if guest.kind == "qemu" and "memory" in shown:
        text = str(shown["memory"])
        shown["memory"] = text if release.at_least(8) or not text.isdigit() else int(text)
    if not release.at_least(7, 1):
        shown.pop("meta", None)
    return shown


def state_options(guest: Guest) -> Options:
    """Give the options that Proxmox itself keeps in the file: lock, template, parent."""
    state: Options = {}
    if guest.lock is not None:
        state["lock"] = guest.lock
    if guest.template:
        state["template"] = 1
    if details_of(guest).parent is not None:
        state["parent"] = details_of(guest).parent or ""
    return state


def digest_of(guest: Guest) -> str:
    """Compute the digest of a guest's configuration file."""
    details = details_of(guest)
    snapshots = [(one.name, one.parent, one.description, one.options) for one in details.snapshots.values()]
    content = [details.options, details.pending, sorted(details.removals), snapshots, state_options(guest)]
    return hashlib.sha1(json.dumps(content, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def apply_pending(guest: Guest) -> None:
    """Put what is pending in force, as a start does."""
    details = details_of(guest)
    if details.pending or details.removals:
        details.options.update(details.pending)
        for name in details.removals:
            details.options.pop(name, None)
        details.pending.clear()
        details.removals.clear()
        summarize(guest, details)


def mac_address(vmid: int, card: int) -> str:
    """Give the hardware address of a guest's network card, with Proxmox's own prefix."""
    number = vmid * 16 + card
    return f"BC:24:11:{number >> 16 & 255:02X}:{number >> 8 & 255:02X}:{number & 255:02X}"


def ip_address(vmid: int) -> str:
    """Give the address that a guest has."""
    return f"10.{20 + (vmid >> 16) % 200}.{vmid >> 8 & 255}.{vmid & 255}"


def _qemu_options(guest: Guest) -> Options:
    vmid = guest.vmid
    numbers = seeded("qemu", vmid)
    options: Options = {
        "boot": "order=scsi0;net0",
        "cores": guest.cores,
        "cpu": "x86-64-v2-AES",
        "memory": str(guest.memory // MIB),
        "meta": f"creation-qemu=9.0.2,ctime={1_700_000_000 + numbers.randrange(50_000_000)}",
        "name": guest.name,
        "net0": f"virtio={mac_address(vmid, 0)},bridge=vmbr0,firewall=1",
        "numa": 0,
        "onboot": int(not guest.template),
        "ostype": "l26",
        "scsi0": f"{disk_volume(vmid, base=guest.template)},iothread=1,size={size_text(guest.disk)}",
        "scsihw": "virtio-scsi-single",
        "smbios1": f"uuid={_uuid(numbers.randbytes(16).hex())}",
        "sockets": 1,
        "vmgenid": _uuid(numbers.randbytes(16).hex()),
    }
    if vmid % 3 != 1:
        options["agent"] = "1"
    if vmid % 2:
        options["serial0"] = "socket"
    return _with_notes(guest, options)


def _lxc_options(guest: Guest) -> Options:
    vmid = guest.vmid
    return _with_notes(
        guest,
        {
            "arch": "amd64",
            "cores": guest.cores,
            "features": "nesting=1",
            "hostname": guest.name,
            "memory": guest.memory // MIB,
            "net0": f"name=eth0,bridge=vmbr0,firewall=1,hwaddr={mac_address(vmid, 0)},ip=dhcp,type=veth",
            "onboot": int(not guest.template),
            "ostype": "debian",
            "rootfs": f"{disk_volume(vmid, base=guest.template)},size={size_text(guest.disk)}",
            "swap": 512,
            "unprivileged": 1,
        },
    )


def _with_notes(guest: Guest, options: Options) -> Options:
    if guest.tags is not None:
        options["tags"] = guest.tags
    if guest.vmid % 4 == 0:
        options["description"] = f"Machine of the {guest.name.partition('-')[0]} service\n"
    return options


def _uuid(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _add_old_snapshots(guest: Guest, details: GuestDetails) -> None:
    """Give every sixth guest one snapshot and every twelfth two."""
    if guest.vmid % 6 != 4 or guest.template:
        return
    base = int(guest.started_at or 1_760_000_000)
    description = "snapshot taken before upgrade"
    details.snapshots["before-upgrade"] = Snapshot(
        "before-upgrade", base - 20 * DAY, dict(details.options), description
    )
    details.parent = "before-upgrade"
    if guest.vmid % 12 == 10:
        details.snapshots["weekly"] = Snapshot("weekly", base - 3 * DAY, dict(details.options), "", "before-upgrade")
        details.parent = "weekly"
