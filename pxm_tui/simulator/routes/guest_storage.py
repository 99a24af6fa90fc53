"""What is asked of storages, pools and bridges before a guest gets disks on, or is put into, or is connected to them.

Proxmox source: qemu-server, Qemu.pm and QemuServer.pm; pve-container, LXC.pm; pve-guest-common, GuestHelpers.pm.
"""

import re
from collections.abc import Mapping

from pxm_tui.simulator.errors import handler_error, parameter_error, permission_error
from pxm_tui.simulator.guest_details import Options, disks_of
from pxm_tui.simulator.inventory import STORAGES, Storage
from pxm_tui.simulator.routes.base import Call

SPACE = "Datastore.AllocateSpace"
DISK = re.compile(r"(scsi|virtio|sata|ide|mp)\d+|rootfs|efidisk0|tpmstate0")
NEW_DISK = re.compile(r"(?:volume=|file=)?([^:,=/]+):(\d+(?:\.\d+)?)(?:,|$)")
"""A disk that is still to be made: a storage and a number of GiB."""


def storage_named(name: str) -> Storage:
    """Give a storage.

    Raises:
        ApiError: there is none of that name.
    """
    for storage in STORAGES:
        if storage.name == name:
            return storage
    raise handler_error(f"storage '{name}' does not exist")


def require_pool(call: Call) -> None:
    """Refuse to put a guest into a pool that does not exist.

    Raises:
        ApiError: 403, as Proxmox has it.
    """
    name = call.text("pool")
    if name is not None and all(pool.name != name for pool in call.cluster.pools):
        raise permission_error(f"pool '{name}' does not exist")


def require_space_for_copies(call: Call, options: Options, storage: str | None) -> None:
    """Refuse to copy disks to where who asks may not: their own storages, or the one that all of them go to.

    Raises:
        ApiError: a privilege is missing.
    """
    for volume, _ in disks_of(options).values():
        call.require(f"/storage/{storage or volume.partition(':')[0]}", [SPACE])


def require_space_for_new(call: Call, options: Mapping[str, object]) -> None:
    """Refuse to make disks where there is no storage for them, or not for who asks.

    Raises:
        ApiError: a storage does not exist or holds no disks, or a privilege is missing.
    """
    for name, value in options.items():
        match = NEW_DISK.match(str(value)) if DISK.fullmatch(name) else None
        if match is not None:
            call.require(f"/storage/{match.group(1)}", [SPACE])
            _require_content(match.group(1), "storage")


def require_target_storage(call: Call, parameter: str, vmid: int) -> None:
    """Refuse to move a guest's disks to storages that do not exist, hold none, or are not for who asks.

    Raises:
        ApiError: one of those that the map in `parameter` names is such.
    """
    for entry in call.items(parameter):
        name = entry.rpartition(":")[2]
        if name == "1":
            continue
        if call.release.at_least(8, 4):
            call.require(f"/vms/{vmid}", ["VM.Config.Disk"])
        storage_named(name)
        call.require(f"/storage/{name}", [SPACE])
        _require_content(name, parameter)


def _require_content(name: str, parameter: str) -> None:
    if "images" not in storage_named(name).content.split(","):
        raise parameter_error({parameter: f"storage '{name}' does not support vm images"})


def require_bridges(call: Call, options: Options) -> None:
    """Refuse to connect a guest to bridges that who asks may not use (since 8).

    Raises:
        ApiError: a privilege is missing.
    """
    if not call.release.at_least(8):
        return
    for name, value in options.items():
        match = re.search(r"(?:^|,)bridge=([^,]+)", str(value)) if re.fullmatch(r"net\d+", name) else None
        if match is not None:
            call.require(f"/sdn/zones/localnetwork/{match.group(1)}", ["SDN.Use"])
