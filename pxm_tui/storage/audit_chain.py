"""Lines of the audit: JSON in ASCII, each with the hash of the one before it and its own.

Anybody who may write the file can make a whole chain anew: this finds damage and careless edits, not its owner.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pxm_tui.domain.audit import Actor, AuditEntry

FIRST_PREVIOUS = "0" * 64
"""What stands in the first line in place of a hash."""

_LINE = re.compile(rb'(\{"number":\d+,.*),"hash":"([0-9a-f]{64})"\}')
_BEGINNING = b'{"number":'


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain: the number of a line and its hash."""

    number: int
    hash: str


START = Link(0, FIRST_PREVIOUS)


@dataclass(frozen=True, slots=True)
class Line:
    """A whole line as it was read.

    Attributes:
        link: its number and the hash that it claims.
        document: what it says.
        sound: the hash is that of the content.
    """

    link: Link
    document: dict[str, Any]
    sound: bool

    def follows(self, before: Link) -> bool:
        """Whether it is the line after `before`."""
        return self.link.number == before.number + 1 and self.document.get("previous") == before.hash

    @property
    def torn(self) -> str | None:
        """The hash of the fragments that its writer found before it, and closed."""
        return self.document.get("torn")

    def entry(self) -> AuditEntry:
        """What it says, as far as it can be understood."""
        found = self.document
        cluster, origin, facts = (_mapping(found.get(name)) for name in ("cluster", "from", "facts"))
        actor = Actor(_text(found.get("user")), *(_text(origin.get(n)) for n in ("host", "tty", "ssh", "login")))
        return AuditEntry(
            at=_text(found.get("time")),
            actor=actor,
            action=_text(found.get("action")),
            result=_text(found.get("result")),
            cluster_id=_text(cluster.get("id")),
            cluster_name=_text(cluster.get("name")),
            upid=_text(found.get("upid")),
            facts=tuple((name, value) for name, value in facts.items() if isinstance(value, str | int)),
            number=self.link.number,
            sound=self.sound,
        )


def write_line(entry: AuditEntry, before: Link, torn: str | None) -> tuple[bytes, Link]:
    """The line for `entry`, without its end, and its place in the chain."""
    document = entry.to_json() | {"number": before.number + 1, "previous": before.hash}
    if torn is not None:
        document["torn"] = torn
    body = json.dumps(document, separators=(",", ":")).encode()
    digest = sha256(body).hexdigest()
    return body[:-1] + f',"hash":"{digest}"}}'.encode(), Link(before.number + 1, digest)


def read_line(raw: bytes) -> Line | None:
    """The line; None where `raw` is not a whole one."""
    found = _LINE.fullmatch(raw)
    if found is None:
        return None
    body, digest = found.group(1) + b"}", found.group(2).decode()
    try:
        document = json.loads(body)
        number = int(document["number"])
    except (ValueError, OverflowError, RecursionError, LookupError, TypeError):
        return None
    return Line(Link(number, digest), document, sha256(body).hexdigest() == digest)


def is_torn(raw: bytes) -> bool:
    """Whether this can be what a killed writer has left: the beginning of a line, not a whole one."""
    return raw[: len(_BEGINNING)] == _BEGINNING[: len(raw)] and read_line(raw) is None


def torn_hash(fragments: list[bytes]) -> str | None:
    """What the next line says of fragments before it; None where there are none."""
    return sha256(b"\n".join(fragments)).hexdigest() if fragments else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
