"""Tickets and CSRF tokens: what a password login gives, and how it is checked again.

A real ticket carries an RSA-2048 signature of the cluster's key. Here a keyed hash of the same length stands
in its place: nobody outside the cluster can check or forge either.
"""

import base64
import hmac
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

LIFETIME = 7200
"""Seconds after which a ticket is refused."""
TOLERANCE = 300
"""Seconds that a ticket may come from the future."""

HALF_PREFIX = "!tfa!"
OLD_HALF_PREFIX = "tfa!"


@dataclass(frozen=True, slots=True)
class TicketOffice:
    """Issues and checks the tickets of one cluster.

    Attributes:
        secret: the cluster's signing key.
    """

    secret: bytes

    def issue(self, userid: str, now: float) -> str:
        """Give a full ticket for `userid`."""
        return self._assemble(userid, now)

    def check(self, ticket: str, now: float) -> str | None:
        """Give the user of a full ticket, or None where it is forged, too old or only half a ticket."""
        data = self._verify(ticket, now)
        if data is None or data.startswith((HALF_PREFIX, OLD_HALF_PREFIX)):
            return None
        return data

    def issue_half(self, userid: str, challenge: dict[str, Any], now: float) -> str:
        """Give the ticket of a login that still needs its second factor (Proxmox VE 7.1 and later)."""
        return self._assemble(HALF_PREFIX + json.dumps(challenge, separators=(",", ":")), now, userid)

    def check_half(self, ticket: str, userid: str, now: float) -> bool:
        """Tell whether `ticket` is a half ticket that was given to `userid`."""
        data = self._verify(ticket, now, userid)
        return data is not None and data.startswith(HALF_PREFIX)

    def issue_old_half(self, userid: str, now: float) -> str:
        """Give the half ticket of the old login (up to Proxmox VE 7.4)."""
        return self._assemble(OLD_HALF_PREFIX + userid, now)

    def check_old_half(self, ticket: str, now: float) -> str | None:
        """Give the user of an old half ticket, or None."""
        data = self._verify(ticket, now)
        if data is None or not data.startswith(OLD_HALF_PREFIX):
            return None
        return data.removeprefix(OLD_HALF_PREFIX)

    def issue_csrf(self, userid: str, now: float) -> str:
        """Give a token that non-GET requests with a ticket of `userid` must carry."""
        stamp = f"{int(now):08X}"
        return f"{stamp}:{self._csrf_hash(userid, stamp)}"

    def check_csrf(self, token: str, userid: str, now: float) -> bool:
        """Tell whether `token` was issued to `userid` and is not too old."""
        stamp, separator, given = token.partition(":")
        if not separator or not _is_fresh(stamp, now):
            return False
        return hmac.compare_digest(self._csrf_hash(userid, stamp).encode(), given.encode())

    def _assemble(self, data: str, now: float, bound_to: str = "") -> str:
        plain = f"PVE:{_escape(data)}:{int(now):08X}"
        return f"{plain}::{self._signature(plain, bound_to)}"

    def _verify(self, ticket: str, now: float, bound_to: str = "") -> str | None:
        plain, separator, signature = ticket.partition("::")
        parts = plain.split(":")
        if not separator or len(parts) != 3 or parts[0] != "PVE" or not _is_fresh(parts[2], now):
            return None
        if not hmac.compare_digest(self._signature(plain, bound_to).encode(), signature.encode()):
            return None
        return unquote(parts[1])

    def _signature(self, plain: str, bound_to: str) -> str:
        """Sign, in the length of an RSA-2048 signature."""
        blocks = (hmac.digest(self.secret, f"{index}\0{bound_to}\0{plain}".encode(), "sha256") for index in range(8))
        return base64.b64encode(b"".join(blocks)).decode("ascii")

    def _csrf_hash(self, userid: str, stamp: str) -> str:
        digest = hmac.digest(self.secret, f"csrf\0{stamp}:{userid}".encode(), "sha256")
        return base64.b64encode(digest).decode("ascii").rstrip("=")


def _escape(data: str) -> str:
    """Escape what separates a ticket's parts, and nothing else."""
    return "".join(quote(char, safe="") if char in "%:" else char for char in data)


def _is_fresh(stamp: str, now: float) -> bool:
    try:
        age = now - int(stamp, 16)
    except ValueError:
        return False
    return -TOLERANCE < age < LIFETIME
