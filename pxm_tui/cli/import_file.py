"""The file of `pxm import`, from the disk to its rows; what is beside it (authorities, PDM's tokens) is read too."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.text import one_line
from pxm_tui.formats.documents import text_of
from pxm_tui.formats.pdm import needs_shadow
from pxm_tui.formats.reading import MOST_BYTES, format_of, read_rows
from pxm_tui.formats.rows import ImportRow
from pxm_tui.services.ca_file import read_ca

STDIN = "-"
SHADOW = "remotes.shadow"


@dataclass(frozen=True, slots=True)
class ImportFile:
    """What was read.

    Attributes:
        rows: the clusters.
        notes: what a person should know of the file itself.
    """

    rows: tuple[ImportRow, ...]
    notes: tuple[str, ...]


def read_import(name: str, form: str | None) -> ImportFile:
    """Read the file `name`, or stdin for `-`.

    Raises:
        InvalidError: it cannot be read or understood as a whole.
    """
    path = Path(name)
    chosen = form or format_of(name)
    data = sys.stdin.buffer.read(MOST_BYTES + 1) if name == STDIN else _read(path)
    shadow, notes = b"", []
    beside = path.with_name(SHADOW)
    if chosen == "pdm" and name != STDIN and needs_shadow(text_of(data)):
        try:
            shadow = _read(beside)
        except InvalidError as error:
            notes.append(f"the tokens are not in the file, and {error.message}")
    rows = tuple(_with_ca(row, path.parent) for row in read_rows(data, chosen, shadow))
    if name != STDIN and any(row.has_secret for row in rows):
        notes += [warning for file in (path, beside if shadow else None) if file and (warning := open_to_others(file))]
    return ImportFile(rows, tuple(notes))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidError("file", f"{one_line(str(path))} cannot be read: {error.strerror}.", field="file") from None


def _with_ca(row: ImportRow, folder: Path) -> ImportRow:
    """The row with the authorities that it names a file of."""
    if not row.ca_file or row.error is not None:
        return row
    try:
        return replace(row, ca_pem=read_ca(folder / row.ca_file))
    except InvalidError as error:
        return replace(row, error=error)


def open_to_others(path: Path) -> str:
    """A warning where a file that holds secrets can be read by others; else nothing."""
    mode = path.stat()
    others = stat.S_IMODE(mode.st_mode) & 0o077
    if not others and mode.st_uid == os.getuid():
        return ""
    whose = "others on this machine can read it" if others else "it is another user's"
    return f"{one_line(str(path))} holds secrets, and {whose}: `chmod 600` it, and erase it after the import."
