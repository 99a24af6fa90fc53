"""Rows of a CSV file: a heading with the names of fields, then one cluster a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from pxm_tui.domain.messages import invalid
from pxm_tui.formats.documents import bad_file, not_too_many
from pxm_tui.formats.fields import row
from pxm_tui.formats.own import LOGIN, TRUST, row_of
from pxm_tui.formats.rows import ImportRow
from pxm_tui.formats.writing import FORMULA

SEPARATORS = ",;\t"
LONGEST_FIELD = 1_000_000
LABEL = "label."
GROUPS = {"login": LOGIN, "trust": TRUST, "guard": frozenset({"read_only"})}
"""Fields of fields; a column is called `trust.mode`."""
SECRETS = frozenset({"password", "token_secret", "otp"})
"""Columns whose cells are taken as they stand there."""


def csv_rows(text: str) -> tuple[ImportRow, ...]:
    """The rows. The separator is the comma, semicolon or tab of the heading. Raises `InvalidError`."""
    heading_line = text.lstrip("\r\n").partition("\n")[0]
    separator = max(SEPARATORS, key=heading_line.count)
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines = _lines(reader)
    _, heading = next(lines, (0, []))
    columns = [_column(name) for name in heading]
    if not ({"endpoint", "endpoints", "api_endpoint"} & set(columns)):
        raise bad_file(
            "has no heading with the names of fields",
            "The first line is such as: name,endpoint,username,password,fingerprint,label.env",
        )
    whole = next((column for column in columns if column in GROUPS), None)
    if whole is not None:
        raise bad_file(f"has a column {whole}", f"Its columns are such as {whole}.{min(GROUPS[whole])}.")
    if len(set(columns)) < len(columns):
        raise bad_file("has two columns of one name", "Keep one of them.")
    return tuple(_row(f"line {number}", columns, cells) for number, cells in not_too_many(lines))


def _lines(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """The lines that hold anything, each with the number of its first line in the file."""
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise bad_file(f"is no CSV: line {number}", "Look at its quotes.") from None
        if any(cell.strip() for cell in cells):
            yield number, cells


def _column(name: str) -> str:
    """A heading as a field's name; the key of a label stays as it is."""
    clean = name.strip()
    return clean if clean.startswith(LABEL) else clean.lower().replace(" ", "_")


def _row(place: str, columns: list[str], cells: list[str]) -> ImportRow:
    def make() -> ImportRow:
        if len(cells) > len(columns):
            raise invalid("row", f"It has {len(cells)} fields, the heading {len(columns)}.", "Look at its quotes.")
        return row_of(place, _entry(dict(zip(columns, cells, strict=False))))

    return row(place, make, dict(zip(columns, cells, strict=False)).get("name", ""))


def _entry(cells: dict[str, str]) -> dict[str, Any]:
    """The entry as JSON would have it. An empty cell says nothing."""
    found: dict[str, Any] = {}
    labels: list[str] = []
    for column, written in cells.items():
        group, _, name = column.partition(".")
        if not written:
            continue
        guarded = written.startswith("'") and column not in SECRETS and FORMULA.match(written)
        cell = written[1:] if guarded else written  # as spreadsheets read it, and exports write it
        if column.startswith(LABEL):
            labels.append(f"{name}={cell}")
        elif column == "labels":
            labels.extend(cell.split())
        elif name and group in GROUPS:
            found.setdefault(group, {})[name] = cell
        else:
            found[column] = cell
    return found | {"labels": labels}
