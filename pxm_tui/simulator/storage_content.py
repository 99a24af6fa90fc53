"""What storages hold: disks as the guests' configurations name them, images to install from, backups."""

from collections.abc import Iterator
from datetime import UTC, datetime

from pxm_tui.simulator.clock import seeded
from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.guest_details import details_of, disks_of
from pxm_tui.simulator.inventory import GIB, Guest, Node, Storage
from pxm_tui.simulator.volumes import Volume

MIB = 2**20
ISOS = (("debian-12.9.0-amd64-netinst.iso", 633 * MIB), ("virtio-win-0.1.266.iso", 708 * MIB))
TEMPLATES = (("debian-12-standard_12.7-1_amd64.tar.zst", 121 * MIB),)
BACKUPS = 2
"""How many backups a guest has that is backed up at all: every third one is, on the shared storage."""
DAY = 86400


def content_of(cluster: Cluster, storage: Storage, node: Node) -> list[Volume]:
    """List the volumes of a storage as a node sees them."""
    kinds = set(storage.content.split(","))
    volumes: list[Volume] = []
    if "images" in kinds or "rootdir" in kinds:
        for guest in cluster.guests:
            if storage.shared or guest.node == node.name:
                volumes += _disks(cluster, storage, guest)
    if "iso" in kinds:
        volumes += _files(cluster, storage, node, "iso", ISOS)
    if "vztmpl" in kinds:
        volumes += _files(cluster, storage, node, "vztmpl", TEMPLATES)
    if "backup" in kinds and storage.shared:
        volumes += [backup for guest in cluster.guests[::3] for backup in _backups(cluster, storage, guest)]
    made = [volume for volume in cluster.volumes if volume.storage == storage.name and volume.node in {None, node.name}]
    known = {volume.volid for volume in made}
    return [volume for volume in volumes if volume.volid not in known] + made


def _disks(cluster: Cluster, storage: Storage, guest: Guest) -> Iterator[Volume]:
    content = "images" if guest.kind == "qemu" else "rootdir"
    created = int(cluster.created_at) - 90 * DAY + guest.vmid
    for volid, size in disks_of(details_of(guest).options).values():
        if volid.startswith(f"{storage.name}:"):
            yield Volume(storage.name, guest.node, volid, content, "raw", size, created, guest.vmid)


def _files(
    cluster: Cluster, storage: Storage, node: Node, content: str, files: tuple[tuple[str, int], ...]
) -> Iterator[Volume]:
    owner = None if storage.shared else node.name
    for index, (name, size) in enumerate(files):
        form = "iso" if content == "iso" else "tzst"
        created = int(cluster.created_at) - (40 + index) * DAY
        yield Volume(storage.name, owner, f"{storage.name}:{content}/{name}", content, form, size, created)


def _backups(cluster: Cluster, storage: Storage, guest: Guest) -> Iterator[Volume]:
    form = "vma.zst" if guest.kind == "qemu" else "tar.zst"
    numbers = seeded(cluster.seed, "backups", guest.vmid)
    midnight = int(cluster.created_at) // DAY * DAY
    for night in range(1, BACKUPS + 1):
        created = midnight - night * DAY + 2 * 3600 + guest.vmid % 3600
        stamp = datetime.fromtimestamp(created, UTC).strftime("%Y_%m_%d-%H_%M_%S")
        volid = f"{storage.name}:backup/vzdump-{guest.kind}-{guest.vmid}-{stamp}.{form}"
        size = int(guest.disk * numbers.uniform(0.1, 0.4)) // MIB * MIB or GIB
        yield Volume(storage.name, None, volid, "backup", form, size, created, guest.vmid, notes=guest.name)
