"""Volumes on storages that came to be while the simulation ran: backups and disks."""

from dataclasses import dataclass


@dataclass(slots=True)
class Volume:
    """One volume of a storage.

    Attributes:
        storage: name of the storage.
        node: the node that has it; None on a shared storage.
        volid: its full name, such as `nas:backup/vzdump-qemu-100-2026_11_22-22_30_00.vma.zst`.
        content: `backup`, `images`, `rootdir`, `iso`, …
        form: `vma.zst`, `raw`, …; `format` in the API.
        size: in bytes.
        created_at: in seconds since 1970.
    """

    storage: str
    node: str | None
    volid: str
    content: str
    form: str
    size: int
    created_at: int
    vmid: int | None = None
    notes: str | None = None
    protected: bool = False
