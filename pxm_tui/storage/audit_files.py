"""The files of the audit: the present one, those it was before, and the note of the last line that was written.

audit.jsonl              the present one
audit-000012345.jsonl    what it was until line 12345
audit.head               number and hash of the last line, so that missing ones are missed
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pxm_tui.storage import atomic
from pxm_tui.storage.audit_chain import Line, Link, is_torn, read_line
from pxm_tui.storage.problems import cannot_read

if TYPE_CHECKING:
    from pathlib import Path

    from pxm_tui.storage.notices import Notices

CURRENT = "audit.jsonl"
HEAD = "audit.head"
TAIL_BYTES = 262_144
"""More than any line has."""

_OLDER = re.compile(r"audit-(\d{9,})\.jsonl")
_HEAD = re.compile(rb"(\d{1,15}) ([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class Tail:
    """How the audit ends.

    Attributes:
        last: the last sound line; None where there is none.
        rest: what stands behind it that is no sound line.
        closed: the present file ends with the end of a line, or is empty, or is not there.
        size: bytes of the present file.
    """

    last: Line | None
    rest: tuple[bytes, ...]
    closed: bool
    size: int

    @property
    def torn(self) -> list[bytes]:
        """What a killed writer has left; nothing where the rest may be something else."""
        return list(self.rest) if all(is_torn(raw) for raw in self.rest) else []


def older_files(directory: Path) -> list[Path]:
    """What the file was before, oldest first. Raises `StorageError`."""
    try:
        found = [path for path in directory.iterdir() if _OLDER.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise cannot_read(directory, error) from None
    return sorted(found, key=lambda path: int(path.stem.partition("-")[2]))


def older_name(last: int) -> str:
    """The name that a file gets when the line `last` was its last one."""
    return f"audit-{last:09d}.jsonl"


def read_head(directory: Path, notices: Notices) -> Link | None:
    """The last line that was written, by the note of it. Raises `StorageError`."""
    found = atomic.read_private(directory / HEAD, notices)
    match = _HEAD.fullmatch(found[0]) if found else None
    return Link(int(match.group(1)), match.group(2).decode()) if match else None


def head_bytes(link: Link) -> bytes:
    """The content of the note."""
    return f"{link.number} {link.hash}\n".encode()


def read_tail(directory: Path) -> Tail:
    """How the audit ends. A file that was begun anew may hold no whole line yet: then the one before counts, too.

    Raises:
        StorageError: a file cannot be read.
    """
    data, size = _end_of(directory / CURRENT)
    last, rest = _last_sound(data)
    older = older_files(directory)
    if last is None and older:
        last, before = _last_sound(_end_of(older[-1])[0])
        rest = (*before, *rest)
    return Tail(last, rest, not data or data.endswith(b"\n"), size)


def pieces(data: bytes) -> list[bytes]:
    """The lines, whole or not, without empty ones."""
    return [raw for raw in data.split(b"\n") if raw]


def _last_sound(data: bytes) -> tuple[Line | None, tuple[bytes, ...]]:
    found = pieces(data)
    for index in range(len(found) - 1, -1, -1):
        line = read_line(found[index])
        if line is not None and line.sound:
            return line, tuple(found[index + 1 :])
    return None, tuple(found)


def _end_of(path: Path) -> tuple[bytes, int]:
    """The last lines of a file, and its size; nothing where there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = file.seek(max(0, size - TAIL_BYTES))
            data = file.read()
    except FileNotFoundError:
        return b"", 0
    except OSError as error:
        raise cannot_read(path, error) from None
    return (data.partition(b"\n")[2] if start else data), size
