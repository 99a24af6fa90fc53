"""One connection to the server: bounded in time from its first moment, and with one form for every error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from pxm_tui.api import faults
from pxm_tui.api.limits import Limits

KEEP_ALIVE = 30.0
"""Seconds that a connection may idle between two requests."""
MOST_HEAD = 16384
"""Bytes of one line of a request's head."""

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_quiet = logging.getLogger("pxm_tui.api.library")
_quiet.setLevel(logging.CRITICAL + 1)  # the library logs the lines that it cannot parse, a token may be in them


class Server(web.Server):
    """The library's server, for connections of this kind.

    Args:
        answer: answers every request, whatever it is.
        fail: the answer to what is no HTTP.
        limits: how long things may take.
    """

    def __init__(self, answer: Answer, fail: Callable[[faults.Refusal], web.Response], limits: Limits) -> None:
        super().__init__(answer, request_factory=self._request)
        self._limits = limits
        self.fail = fail

    def __call__(self) -> web.RequestHandler:
        """A new connection."""
        return Connection(self, self._limits.head_seconds)

    def _request(
        self, message: Any, payload: Any, protocol: web.RequestHandler, writer: Any, task: asyncio.Task[None]
    ) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=self._limits.body)


class Connection(web.RequestHandler):
    """See the module. The library would wait for the first request for ever."""

    __slots__ = ("_begin", "_fail")

    def __init__(self, server: Server, head_seconds: float) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=KEEP_ALIVE,
            access_log=None,  # type: ignore[arg-type]  # which is how the library is told to write none
            logger=_quiet,
            max_line_size=MOST_HEAD,
            max_field_size=MOST_HEAD,
            lingering_time=2.0,
            auto_decompress=False,
        )
        self._fail = server.fail
        self._begin = asyncio.get_running_loop().call_later(head_seconds, self.force_close)

    def begun(self) -> None:
        """A request has come."""
        self._begin.cancel()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the connection."""
        self._begin.cancel()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  (it quotes what came)
    ) -> web.StreamResponse:
        """Answer what the library cannot parse, without a word of it."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun") from exc
        said = faults.malformed("This is no HTTP that can be understood.") if status < 500 else faults.defect()
        response = self._fail(said)
        response.force_close()
        return response
