"""How long each phase of a conversation may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds.

    Attributes:
        connect: looking up the host; and again opening TCP.
        tls: the handshake.
        first_byte: between two pieces of an answer, so also until its first byte. Proxmox VE holds a 401 for 3 s.
        answer: a whole request with its answer, however steadily it drips.
    """

    connect: float = 5.0
    tls: float = 5.0
    first_byte: float = 10.0
    answer: float = 30.0
