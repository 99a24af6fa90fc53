"""Writing entries: JSON, YAML, CSV. The same entries give the same bytes."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

Entries = Sequence[dict[str, Any]]

UNSEEN = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
"""Signs that a terminal could act on, or that nobody sees."""
CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f]|{UNSEEN.pattern}")
"""The same, with the control characters that JSON and YAML escape by themselves; but tabs and the ends of lines."""
GROUPS = ("login", "guard", "trust")
FORMULA = re.compile(r"(?!-----BEGIN CERTIFICATE-----\s)'*[=+\-@]")
"""How a cell begins that a spreadsheet could take for a formula; with an apostrophe before it, it is a text."""


def _escaped(found: re.Match[str]) -> str:
    sign = found.group()
    return f"\\u{ord(sign):04x}" if sign <= "\uffff" else json.dumps(sign)[1:-1]


def _escaped_for_yaml(found: re.Match[str]) -> str:
    sign = found.group()
    return f"\\u{ord(sign):04x}" if sign <= "\uffff" else f"\\U{ord(sign):08x}"


def write_json(entries: Entries) -> str:
    """One object with the list `clusters`."""
    text = json.dumps({"clusters": list(entries)}, ensure_ascii=False, indent=2)
    return UNSEEN.sub(_escaped, text) + "\n"


def write_yaml(entries: Entries) -> str:
    """The same document in YAML; certificates stand in it as they are."""
    import yaml

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        """Blocks for texts of several lines; quotes where a sign must be escaped; no references."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
            return True

    def represent(dumper: Any, value: str) -> Any:
        style = '"' if UNSEEN.search(value) else "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, represent)
    text = yaml.dump(
        {"clusters": list(entries)},
        Dumper=Dumper,
        allow_unicode=True,
        default_flow_style=False,
        sort_keys=False,
        width=1_000_000,
    )
    return UNSEEN.sub(_escaped_for_yaml, text)


def write_csv(entries: Entries) -> str:
    """One line a cluster; fields of fields are columns such as `trust.mode`, labels such as `label.env`.

    A spreadsheet takes what begins like a formula for one and runs it: an apostrophe stands before that. CSV has no
    escapes: what a terminal could act on, which only a damaged registry holds, is written as JSON would escape it.
    """
    rows = [_flat(entry) for entry in entries]
    labels = sorted({column for row in rows for column in row if column.startswith("label.")})
    plain = list(dict.fromkeys(column for row in rows for column in row if not column.startswith("label.")))
    columns = [*plain, *labels] or ["name", "api_endpoint"]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return CONTROL.sub(_escaped, out.getvalue())


def _flat(entry: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in entry.items():
        if key in GROUPS:
            found |= {f"{key}.{name}": _cell(item) for name, item in value.items()}
        elif key == "labels":
            found |= {f"label.{name}": _cell(item) for name, item in value.items()}
        else:
            found[key] = _cell(value)
    return found


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        separator = "" if any("\n" in item for item in value) else " "
        return _no_formula(separator.join(value))
    return _no_formula(str(value))


def _no_formula(text: str) -> str:
    return f"'{text}" if FORMULA.match(text) else text


WRITERS: dict[str, Callable[[Entries], str]] = {"json": write_json, "yaml": write_yaml, "csv": write_csv}
"""By the name of the form."""
