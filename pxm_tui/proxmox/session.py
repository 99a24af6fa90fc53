"""One conversation with one endpoint: from its address to what it knows of its cluster."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from pxm_tui.domain import messages
from pxm_tui.domain.certificate import Certificate, Trust
from pxm_tui.domain.cluster import Endpoint, LoginMethod
from pxm_tui.domain.errors import NotPermittedError
from pxm_tui.domain.observation import Guest, Node, Observation, Realm
from pxm_tui.proxmox.answers import (
    Data,
    NodeEntry,
    PermissionEntries,
    RealmEntry,
    ResourceEntry,
    StatusEntry,
    VersionEntry,
    describe,
    is_json,
    read,
)
from pxm_tui.proxmox.api import Answer, Api
from pxm_tui.proxmox.complaints import OK, error_of, not_proxmox
from pxm_tui.proxmox.connections import Connections
from pxm_tui.proxmox.login import PasswordLogin, is_due, is_over, sendable
from pxm_tui.services.ports import Clock, CodeSource, Credentials, Ticket, Timer

D = TypeVar("D")

_VERSION = re.compile(r"(\d+)\.(\d+)")
_OLDEST = (6, 4)
_EVERY_SERVER_HAS = {"pam", "pve"}


class HttpProxmoxSession:
    """A conversation, its phases in the order of `ProxmoxSession`.

    Args:
        endpoint: with whom.
        connections: leads there.
        api: sends over them.
        timer: monotonic seconds.
        clock: UTC now.
    """

    def __init__(self, endpoint: Endpoint, connections: Connections, api: Api, timer: Timer, clock: Clock) -> None:
        self._endpoint = endpoint
        self._connections = connections
        self._api = api
        self._timer = timer
        self._password_login = PasswordLogin(api, endpoint, timer, clock)
        self._credentials: Credentials | None = None

    async def resolve(self) -> tuple[str, ...]:
        """Look up the host; its addresses. Raises `UnreachableError(unknown_host)`."""
        return await self._connections.resolve()

    async def connect(self) -> str:
        """Open TCP; the address that answered. Raises `UnreachableError(refused|timeout|no_route)`."""
        return await self._connections.connect()

    async def secure(self, trust: Trust) -> Certificate:
        """TLS, verified against `trust`; the certificate that was shown. Errors as in `ProxmoxSession`."""
        return await self._connections.secure(trust)
