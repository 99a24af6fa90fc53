"""The system's log, where there is one: a datagram that is sent or not, without waiting.

Python's own handler makes sockets that wait when the log is slow, and the audit may not wait for it.
"""

from __future__ import annotations

import os
import socket

SOCKETS = ("/dev/log", "/var/run/syslog")
_PRIORITY = 10 * 8 + 5
"""Facility authpriv, severity notice."""

LARGEST = 8192


def send(text: str, sockets: tuple[str, ...] = SOCKETS) -> bool:
    """Send one line; gives whether a log took it."""
    message = f"<{_PRIORITY}>pxm[{os.getpid()}]: {text}".encode()[:LARGEST]
    for path in sockets:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as found:
                found.setblocking(False)
                found.connect(path)
                found.send(message)
        except OSError:
            continue
        return True
    return False
