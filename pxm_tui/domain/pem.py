"""Certificates as bytes and in PEM, as far as telling them apart needs it."""

from __future__ import annotations

import binascii
import hashlib
import re
from functools import lru_cache

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----")


def split(pem: str) -> tuple[str, ...]:
    """The certificates in a text, without what stands between them."""
    return tuple(found[0] for found in _BLOCK.finditer(pem))


def fingerprint(data: bytes) -> str:
    """SHA-256 of a certificate's or key's bytes, as upper-case hex pairs joined by colons."""
    return hashlib.sha256(data).digest().hex(":").upper()


@lru_cache(1024)
def fingerprint_of(pem: str) -> str | None:
    """The fingerprint of the first certificate in a text; None where it has none."""
    found = _BLOCK.search(pem)
    if found is None:
        return None
    try:
        der = binascii.a2b_base64(found[1])
    except binascii.Error:
        return None
    return fingerprint(der)


def fingerprints(pems: tuple[str, ...]) -> frozenset[str]:
    """Those of several certificates."""
    return frozenset(found for pem in pems if (found := fingerprint_of(pem)) is not None)
