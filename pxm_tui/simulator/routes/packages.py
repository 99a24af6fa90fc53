"""The packages of a node: which are installed, what of them runs, and what could be updated."""

from pxm_tui.simulator.clock import seeded
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.routes.base import Call, Entry, Route

Package = tuple[str, str, str, str]
"""Name, title, section, origin."""

META = ("proxmox-ve", "Proxmox Virtual Environment", "admin", "Proxmox")
MANAGER = ("pve-manager", "Proxmox Virtual Environment Management Tools", "admin", "Proxmox")
OTHERS: tuple[Package, ...] = (
    ("corosync", "cluster engine daemon and utilities", "admin", "Proxmox"),
    ("libpve-access-control", "Proxmox VE access control library", "perl", "Proxmox"),
    ("lxc-pve", "Linux containers userspace tools", "admin", "Proxmox"),
    ("pve-cluster", '"pmxcfs" distributed cluster filesystem for Proxmox Virtual Environment.', "admin", "Proxmox"),
    ("pve-qemu-kvm", "Full virtualization on x86 hardware", "admin", "Proxmox"),
    ("qemu-server", "Qemu Server Tools", "admin", "Proxmox"),
    ("zfsutils-linux", "command-line tools to manage OpenZFS filesystems", "contrib/admin", "Proxmox"),
)
SSL = ("openssl", "Secure Sockets Layer toolkit - cryptographic utility", "utils", "Debian")
UPDATES = (MANAGER, OTHERS[5], SSL)


def list_updates(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/apt/update`: a few packages, or none, as the node's luck has it."""
    numbers = seeded(call.cluster.seed, "updates", call.node.name)
    chosen = UPDATES[: numbers.randrange(len(UPDATES) + 1)]
    return [_entry(call, package, *_versions(call, package, pending=True)) for package in chosen]


def list_versions(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/apt/versions`: what matters of Proxmox VE, the most important first.

    Facts: pve-manager, PVE/API2/APT.pm (`versions`): `OldVersion` is what is installed, `Version` what could be;
    `proxmox-ve` has the running kernel, `pve-manager` the version of the daemons that run.
    """
    installed = call.cluster.installed_on(call.node)
    entries = {package[0]: _entry(call, package, *_versions(call, package)) for package in (META, MANAGER, *OTHERS)}
    for entry in entries.values():
        entry["CurrentState"] = "Installed"
    entries["proxmox-ve"]["RunningKernel"] = installed.kernel
    entries["pve-manager"]["ManagerVersion"] = f"{installed.version}/{installed.repository}"
    return list(entries.values())


def _versions(call: Call, package: Package, *, pending: bool = False) -> tuple[str, str]:
    """What is installed of a package, and what could be."""
    installed, latest = call.cluster.installed_on(call.node), call.release
    if package == META:
        return latest.base, latest.base
    if package == MANAGER:
        return installed.version, _next(latest) if pending else latest.version
    major, minor = call.release.number
    old = f"{major}.{minor}.{seeded(call.cluster.seed, 'package', package[0]).randrange(1, 8)}"
    return old, f"{major}.{minor}.9" if pending else old


def _next(release: Release) -> str:
    """The version of pve-manager after the present one."""
    head, separator, last = release.version.rpartition("-" if "-" in release.version else ".")
    return f"{head}{separator}{int(last) + 1}"


def _entry(call: Call, package: Package, old: str, new: str) -> Entry:
    name, title, section, origin = package
    entry: Entry = {
        "Package": name,
        "Title": title,
        "Version": new,
        "OldVersion": old,
        "Origin": origin,
        "Priority": "optional",
        "Section": section,
        "Arch": "amd64",
        "Description": f"{title}\n This package is part of {origin}.",
    }
    return entry if call.release.at_least(8) else entry | {"ChangeLogUrl": ""}


ROUTES = (
    Route("GET", "/nodes/{node}/apt/update", list_updates),
    Route("GET", "/nodes/{node}/apt/versions", list_versions),
)
