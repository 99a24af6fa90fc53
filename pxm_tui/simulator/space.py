"""What a task says, and how it ends, where a storage has nothing left (`Node.full`).

Disks, snapshots and saved memory lie on an LVM thin pool, where lvcreate refuses (pve-storage, LvmThinPlugin.pm); an
archive is written until the file system is full (pve-manager, VZDump.pm; qemu-server and pve-container, VZDump).
"""

from pxm_tui.simulator.inventory import Guest, Node
from pxm_tui.simulator.tasks import TaskError

VOLUME_GROUP = "pve"
_REFUSAL = "  Cannot create new thin volume, free space in thin pool pve/data reached threshold."
_COMPRESSORS = {
    "lzo": ("lzop -", "lzop: No space left on device: <stdout>"),
    "gz": ("gzip --rsyncable", "gzip: stdout: No space left on device"),
    "zst": (
        "zstd --rsyncable '--threads=1'",
        "zstd: error 70 : Write error : cannot write block : No space left on device",
    ),
}


def refusal(node: Node, volume: str, step: str = "lvcreate") -> str | None:
    """Give lvcreate's words where `node` cannot make `volume`, such as `local-lvm:vm-100-disk-0`; None where it can."""
    storage, _, name = volume.partition(":")
    return f"{step} '{VOLUME_GROUP}/{name}' error: {_REFUSAL}" if storage in node.full else None


def require_space(node: Node, volume: str, step: str = "lvcreate", *, prefix: str = "") -> None:
    """Let a task go on only where there is space for `volume`.

    Raises:
        TaskError: there is none.
    """
    words = refusal(node, volume, step)
    if words is not None:
        raise TaskError(f"{prefix}{words}")


def broken_archive(guest: Guest, archive: str, form: str) -> tuple[list[str], TaskError]:
    """Give the log of a backup whose archive did not fit, and its error.

    Args:
        guest: whose.
        archive: path of the file.
        form: such as `vma.zst`.
    """
    command, complaint = _COMPRESSORS.get(form.partition(".")[2], ("", ""))
    if guest.kind == "qemu":
        why = "Broken pipe" if command else "No space left on device"
        lines = [f"INFO: {complaint}"] if command else []
        error = f"vma_queue_write: write error - {why}"
        lines += [f"ERROR: {error}", "INFO: aborting backup job"]
        return [*lines, "INFO: resuming VM again"] if guest.running else lines, TaskError(error)
    pipe = f" | {command}" if command else ""
    tar = "tar cpf - --totals --one-file-system -p --sparse --numeric-owner --acls --xattrs ./"
    lines = [f"INFO: {complaint}"] if command else ["INFO: tar: -: Wrote only 4096 of 10240 bytes"]
    return lines, TaskError(f"command 'set -o pipefail && {tar}{pipe} >{archive}' failed: exit code 1")
