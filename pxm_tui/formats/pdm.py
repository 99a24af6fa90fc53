"""Proxmox Datacenter Manager's `remotes.cfg`, in Proxmox's section format, with `remotes.shadow` beside it.

pve: NAME
authid root@pam!token
nodes 10.0.0.11:8006,fingerprint=AA:BB:…
token SECRET or -
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial

from pxm_tui.domain.addresses import parse_endpoint, parse_fingerprint
from pxm_tui.domain.messages import invalid
from pxm_tui.formats.documents import MOST_ROWS, bad_file
from pxm_tui.formats.fields import Fields, endpoints_of, login_of, row
from pxm_tui.formats.rows import ImportRow

_HEAD = re.compile(r"(?P<kind>[a-z][a-z0-9-]*):[ \t]+(?P<name>\S+)[ \t]*\Z")
CLUSTER = "pve"
ELSEWHERE = "-"
"""What stands for the token where it is in the shadow file."""
_OTHERS = {"pbs": "Proxmox Backup Server, which is no cluster"}


@dataclass
class Section:
    """One section: its head, and its lines; a key may repeat."""

    kind: str
    name: str
    values: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def one(self, key: str) -> str:
        """The value of a key that does not repeat; empty where there is none."""
        found = self.values.get(key, [])
        if len(found) > 1:
            raise invalid(key, f"{key} is there twice.", "Keep one of them.")
        return found[0] if found else ""


def sections(text: str) -> list[Section]:
    """The sections of a file. Raises `InvalidError`, which quotes nothing of it."""
    found: list[Section] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] not in " \t":
            head = _HEAD.match(line)
            if head is None:
                raise bad_file(f"is no remotes.cfg: line {number} is neither `TYPE: ID` nor indented")
            found.append(Section(head["kind"], head["name"]))
            if len(found) > MOST_ROWS:
                raise bad_file(f"has more than {MOST_ROWS} rows", "Import it in parts.")
        elif not found:
            raise bad_file(f"is no remotes.cfg: line {number} belongs to nothing")
        else:
            key, _, value = line.strip().partition(" ")
            found[-1].values.setdefault(key, []).append(value.strip())
    return found


def rows_of(text: str, shadow: str = "") -> tuple[ImportRow, ...]:
    """One row a section; the tokens that are not in it are in `shadow`."""
    hidden = {(section.kind, section.name): section.one("token") for section in sections(shadow)}
    return tuple(
        row(f"{found.kind}: {found.name}", partial(_row, found, hidden), found.name) for found in sections(text)
    )


def needs_shadow(text: str) -> bool:
    """Whether a token of the file is elsewhere."""
    return any(ELSEWHERE in section.values.get("token", []) for section in sections(text))


def _row(section: Section, hidden: dict[tuple[str, str], str]) -> ImportRow:
    place = f"{section.kind}: {section.name}"
    if section.kind != CLUSTER:
        return ImportRow(place, section.name, skip=_OTHERS.get(section.kind, f"{section.kind} is no cluster"))
    nodes = [_node(line) for line in section.values.get("nodes", [])]
    endpoints, notes = endpoints_of([address for address, _ in nodes])
    others = [fingerprint for _, fingerprint in nodes[1:] if fingerprint]
    if others:
        notes = (*notes, "fingerprints of further nodes are not taken over; they are checked when they are used")
    token = section.one("token")
    if token in {"", ELSEWHERE}:
        token = hidden.get((section.kind, section.name), "")
    return ImportRow(
        place,
        Fields({"name": section.name}).name("name"),
        endpoints,
        login_of(
            user="",
            password=None,
            token_id=Fields({"authid": section.one("authid")}).token_id("authid"),
            token_secret=Fields({"token": token}).secret("token") if token else None,
        ),
        fingerprint=nodes[0][1],
        notes=notes,
    )


def _node(line: str) -> tuple[str, str | None]:
    """Address and fingerprint of one `nodes` line: `HOST[:PORT][,fingerprint=AA:BB:…]`."""
    address, *options = line.split(",")
    values = dict(option.strip().partition("=")[::2] for option in options)
    address = address.removeprefix("hostname=")
    parse_endpoint(address)
    return address, parse_fingerprint(values["fingerprint"]) if values.get("fingerprint") else None
