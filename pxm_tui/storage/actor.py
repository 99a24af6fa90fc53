"""Who runs this program, and from where, as far as the machine tells."""

from __future__ import annotations

import os
import pwd
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pxm_tui.domain.audit import Actor
from pxm_tui.domain.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_LOGIN = 2**32 - 1
"""As Linux says that nobody has logged in: a service."""


def present_actor(environment: Mapping[str, str] | None = None) -> Actor:
    """The person or service behind this process.

    Args:
        environment: in place of the process's own.
    """
    env = os.environ if environment is None else environment
    user = _name(os.geteuid())
    login = _login() or env.get("SUDO_USER", "")
    return Actor(
        user=user,
        host=one_line(socket.gethostname(), 255),
        tty=_tty(),
        ssh=one_line(env.get("SSH_CONNECTION", "").partition(" ")[0], 64),
        login=one_line(login, 64) if login != user else "",
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _login() -> str:
    """Who logged in to this machine; stays the same through sudo and su."""
    try:
        uid = int(Path("/proc/self/loginuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return ""
    return "" if uid == NO_LOGIN else _name(uid)


def _tty() -> str:
    for descriptor in (0, 1, 2):
        with suppress(OSError):
            return os.ttyname(descriptor).removeprefix("/dev/")
    return ""
