"""One-time codes from a clock (RFC 6238) and recovery keys."""

import base64
import hashlib
import hmac
import struct
from random import Random

STEP = 30
"""Seconds that one code is valid for."""


def hotp(key: bytes, counter: int, *, digits: int = 6, algorithm: str = "sha1") -> str:
    """Compute the code of one counter (RFC 4226)."""
    digest = hmac.new(key, struct.pack(">Q", counter), getattr(hashlib, algorithm)).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack_from(">I", digest, offset)[0] & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"


def totp(secret: str, now: float, *, digits: int = 6) -> str:
    """Compute the code of a base32 `secret` at the time `now`, in seconds since 1970."""
    return hotp(base64.b32decode(secret), int(now) // STEP, digits=digits)


def matching_counter(secret: str, code: str, now: float) -> int | None:
    """Find the time step that `code` belongs to: the present one or a neighbour, as Proxmox accepts them.

    Returns:
        The counter of the step, or None where the code is of none of them.
    """
    present = int(now) // STEP
    key = base64.b32decode(secret)
    for counter in (present, max(0, present - 1), present + 1):
        if hmac.compare_digest(hotp(key, counter).encode(), code.encode()):
            return counter
    return None


def make_secret(numbers: Random) -> str:
    """Make a base32 secret of 160 bits."""
    return base64.b32encode(numbers.randbytes(20)).decode("ascii")


def make_recovery_keys(numbers: Random, count: int = 10) -> dict[int, str]:
    """Make recovery keys as Proxmox does: four groups of four hexadecimal digits, numbered from 0."""
    keys = {}
    for index in range(count):
        digits = numbers.randbytes(8).hex()
        keys[index] = "-".join(digits[start : start + 4] for start in range(0, 16, 4))
    return keys
