"""Who may use the REST API: its own bearer tokens and their roles. Nothing here is known to a cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.messages import invalid
from pxm_tui.domain.times import iso

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
LONGEST_DAYS = 3650


class Role(StrEnum):
    """What a bearer token may do; each may what the one before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, needed: Role) -> bool:
        """Whether this role may what `needed` may."""
        return _RANKS[self] >= _RANKS[needed]


_RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A bearer token as it is kept: never the token itself.

    Attributes:
        name: what its owner calls it.
        role: what it may do.
        sha256: hash of the token, hexadecimal. A token has 256 random bits, so a slow hash would gain nothing.
        created_at: UTC.
        expires_at: UTC; None where it never does.
    """

    name: str
    role: Role
    sha256: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether it has run out."""
        return self.expires_at is not None and self.expires_at <= now

    def to_json(self) -> dict[str, Any]:
        """What is shown of it."""
        return {
            "name": self.name,
            "role": str(self.role),
            "created_at": iso(self.created_at),
            "expires_at": iso(self.expires_at) if self.expires_at else None,
        }


def check_token_name(text: str) -> str:
    """The name of a bearer token.

    Raises:
        InvalidError: it has other characters than ASCII letters, digits, `.`, `_`, `-`, or more than 64.
    """
    if not _NAME.match(text):
        raise invalid(
            "name",
            "The name of a token has 1 to 64 letters, digits, dots, hyphens and underscores.",
            "Example: grafana.",
        )
    return text


def check_role(text: str) -> Role:
    """A role by its word. Raises `InvalidError`."""
    try:
        return Role(text)
    except ValueError:
        raise invalid("role", f"The role is one of {', '.join(Role)}.", "Take the least that does.") from None


def check_days(text: str) -> int:
    """Days until a token ends.

    Raises:
        InvalidError: it is no whole number from 1 to 3650.
    """
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= LONGEST_DAYS:
        raise InvalidError(
            "expires", f"--expires takes days, a whole number from 1 to {LONGEST_DAYS}.", do="Example: --expires 90."
        )
    return int(text)
