"""Opens conversations with Proxmox VE."""

from __future__ import annotations

import time
from contextlib import aclosing
from datetime import UTC, datetime

from pxm_tui.domain.certificate import Certificate, Trust
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.proxmox.api import BODY_LIMIT, Api
from pxm_tui.proxmox.certificates import parse_certificate
from pxm_tui.proxmox.connections import SPARE, Connections, Contexts
from pxm_tui.proxmox.session import HttpProxmoxSession
from pxm_tui.proxmox.timeouts import Timeouts
from pxm_tui.services.ports import Clock, Timer


def _now() -> datetime:
    return datetime.now(UTC)


class HttpProxmoxGateway:
    """The `ProxmoxGateway` over HTTPS. Its sessions live on the loop that they are used on.

    Args:
        timeouts: limits of the phases.
        timer: monotonic seconds.
        clock: UTC now, to compare with the server's.
        body_limit: bytes of an unpacked answer.
    """

    def __init__(
        self,
        timeouts: Timeouts | None = None,
        timer: Timer = time.monotonic,
        clock: Clock = _now,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self._timeouts = timeouts or Timeouts()
        self._timer = timer
        self._clock = clock
        self._body_limit = body_limit
        self._contexts = Contexts()

    def open(
        self,
        endpoint: Endpoint,
        trust: Trust | None = None,
        *,
        token: bool = False,
        alone: bool = False,
    ) -> HttpProxmoxSession:
        """A conversation with `endpoint`; no I/O yet.

        With the `trust` known already, spare connections are opened beside the first one, unless it stays `alone`;
        one less for a `token`, which needs no ticket and so keeps the first one.
        """
        spare = 0 if alone else SPARE - 1 if token else SPARE
        connections = Connections(endpoint, trust, self._timeouts, self._timer, self._contexts, spare=spare)
        api = Api(endpoint, connections.transport, self._timeouts, self._body_limit)
        return HttpProxmoxSession(endpoint, connections, api, self._timer, self._clock)

    async def read_certificate(self, endpoint: Endpoint) -> Certificate:
        """The leaf that is shown now, by a handshake after which nothing is sent. Raises `UnreachableError`."""
        async with aclosing(Connections(endpoint, None, self._timeouts, self._timer, self._contexts)) as connections:
            return await connections.read_leaf()

    def parse_certificate(self, pem: str) -> Certificate:
        """The first certificate in `pem`; no I/O. Raises `ValueError` where there is none that can be read."""
        return parse_certificate(pem)
