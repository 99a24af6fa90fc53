"""What storage tells a person when a file cannot be read, written, locked or understood.

The wording itself is imported when it is needed: reading the registry stays light.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pxm_tui.domain.errors import StorageError

_REASONS = {
    errno.ENOSPC: ("no space left", "Free space there, then try again."),
    errno.EDQUOT: ("the quota is used up", "Free space there, then try again."),
    errno.EROFS: ("read-only file system", "Mount it writable, or give another place with --data-dir."),
    errno.EACCES: ("permission denied", "Mend the permissions with `chmod`, or give another place with --data-dir."),
    errno.EPERM: ("permission denied", "Mend the permissions with `chmod`, or give another place with --data-dir."),
}


class DamagedError(ValueError):
    """The content of a file is not what was written there; its text says where, and never quotes a secret."""


def reason(error: OSError) -> str:
    """Why the operating system refused, in a few words."""
    known = _REASONS.get(error.errno or 0)
    return known[0] if known else (error.strerror or type(error).__name__).lower()


def cannot_write(path: Path, error: OSError) -> StorageError:
    """Writing into the directory `path` failed."""
    from pxm_tui.domain.messages import storage_unusable

    return storage_unusable(path, reason(error), _REASONS.get(error.errno or 0, ("", ""))[1])


def cannot_read(path: Path, error: OSError) -> StorageError:
    """Reading the file `path` failed."""
    from pxm_tui.domain.errors import StorageError

    do = _REASONS.get(error.errno or 0, ("", "Mend it, then try again."))[1]
    return StorageError("storage_unusable", f"Cannot read {path}: {reason(error)}.", do=do)


def locked(path: Path, holder: int | None, seconds: float) -> StorageError:
    """Another process has held the lock of the directory `path` for `seconds`."""
    from pxm_tui.domain.messages import storage_unusable

    who = f"pid {holder}" if holder else "pid unknown"
    return storage_unusable(
        path, f"another pxm ({who}) has kept it locked for {seconds:g} s", f"Wait for the other pxm ({who}), or end it."
    )


def closing(path: Path) -> StorageError:
    """The program ends, and the work had not begun."""
    from pxm_tui.domain.messages import storage_unusable

    return storage_unusable(path, "pxm is ending", "Start it again.")


def foreign(path: Path, owner: int) -> StorageError:
    """The file or directory `path` belongs to another user."""
    from pxm_tui.domain.errors import StorageError

    return StorageError(
        "storage_unusable",
        f"{path} belongs to another user (uid {owner}, this is uid {os.geteuid()}). Nothing was read or written.",
        do="Use a directory of your own, with --data-dir or PXM_DATA_DIR.",
    )


def newer(path: Path, found: int, known: int) -> StorageError:
    """The file was written by a newer program."""
    from pxm_tui.domain.errors import StorageError

    return StorageError(
        "storage_unusable",
        f"{path.name} was written by a newer pxm (format {found}, this one knows {known}). Nothing was changed.",
        do="Update pxm.",
    )


def too_old(path: Path, found: int) -> StorageError:
    """The file is older than the oldest format that can be migrated."""
    from pxm_tui.domain.errors import StorageError

    return StorageError(
        "storage_unusable",
        f"{path.name} has format {found}, from which there is no way to the present one. Nothing was changed.",
        do="Open it once with the pxm that wrote it, then with the versions between.",
    )


def beyond_repair(path: Path, why: str, copy: Path | None = None) -> StorageError:
    """The file is damaged, or missing where `why` is empty, and its `copy`, if there is one, is damaged, too."""
    from shlex import quote

    from pxm_tui.domain.errors import StorageError

    state = f"damaged ({why})" if why else "missing"
    in_the_way = [file for file in (path if why else None, copy) if file is not None]
    moves = " && ".join(f"mv {quote(str(file))} {quote(f'{file}.aside')}" for file in in_the_way)
    return StorageError(
        "storage_unusable",
        f"{path} is {state}, and there is no usable copy of it. Nothing was changed.",
        do=f"Put a good copy in its place; or move away what is there to begin anew: `{moves}`.",
    )
