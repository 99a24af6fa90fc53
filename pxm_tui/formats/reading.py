"""A file of clusters, in whatever of the known forms it is."""

from __future__ import annotations

from pathlib import PurePath

from pxm_tui.domain.errors import InvalidError
from pxm_tui.formats import csv_rows, own, pdm, proxxx, pvetui
from pxm_tui.formats.documents import bad_file, not_too_many, read_json, read_toml, read_yaml, text_of
from pxm_tui.formats.rows import ImportRow

MOST_BYTES = 16_000_000
FORMATS = ("csv", "yaml", "json", "pvetui", "proxxx", "pdm")
_BY_ENDING = {
    ".csv": "csv", ".tsv": "csv", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "proxxx", ".cfg": "pdm",
}  # fmt: skip


def format_of(name: str) -> str:
    """The form that a file's name speaks of. Raises `InvalidError`."""
    found = _BY_ENDING.get(PurePath(name).suffix.lower())
    if found is None:
        raise InvalidError(
            "format", "The name of the file does not say what it is.", do=f"Give --format {'|'.join(FORMATS)}."
        )
    return found


def read_rows(data: bytes, form: str, shadow: bytes = b"") -> tuple[ImportRow, ...]:
    """The rows of a file; those that are wrong say so themselves.

    Args:
        data: the file's content.
        form: one of `FORMATS`; `yaml` finds out by itself that a file is pvetui's.
        shadow: for `pdm`, the content of `remotes.shadow`.

    Raises:
        InvalidError: the file as a whole cannot be understood; nothing of it is quoted.
    """
    if max(len(data), len(shadow)) > MOST_BYTES:
        raise bad_file(f"is larger than {MOST_BYTES // 1_000_000} MB")
    rows = tuple(not_too_many(_rows(text_of(data), form, text_of(shadow))))
    if not rows:
        raise bad_file("holds no cluster")
    return rows


def _rows(text: str, form: str, shadow: str) -> tuple[ImportRow, ...]:
    if form == "csv":
        return csv_rows.csv_rows(text)
    if form == "json":
        return own.rows_of(read_json(text))
    if form == "pdm":
        return pdm.rows_of(text, shadow)
    if form == "proxxx":
        return proxxx.rows_of(read_toml(text))
    document = read_yaml(text)
    if pvetui.is_pvetui(document):
        return pvetui.rows_of(document)
    if form == "pvetui":
        raise bad_file("has no profiles")
    return own.rows_of(document)
