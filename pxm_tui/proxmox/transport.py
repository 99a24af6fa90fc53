"""The connections of one session behind httpx's transport interface.

One HTTP/1.1 connection a request, each verified before it gets here, kept for less than the 5 s after which pveproxy
closes it (pve-http-server, AnyEvent.pm: keep-alive timeout). httpcore's pool cannot be handed open connections, and
its cost grows with the square of their number; the connection itself is httpcore's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import httpcore
import httpx

from pxm_tui.domain.errors import PxmError
from pxm_tui.proxmox.streams import TlsStream
from pxm_tui.services.ports import Timer

KEPT_SECONDS = 4.0
"""pveproxy closes after 5 s without a request; a request that is on its way then is lost."""

SECONDS = "pxm_seconds"
"""Extension of a response: from the request to the head of the answer, on a connection that was open."""

OpenConnection = Callable[[], Awaitable[TlsStream]]


@dataclass(slots=True)
class _Connection:
    """An open connection, and since when it has been idle."""

    stream: TlsStream
    http: httpcore.AsyncHTTP11Connection
    idle_since: float


class SessionTransport(httpx.AsyncBaseTransport):
    """Sends each request over a connection of its own, taken from the idle ones, the spare ones, or opened now.

    Args:
        open_connection: opens and verifies one; its errors go through to the caller of httpx.
        origin: where all requests go.
        timer: monotonic seconds.
    """

    def __init__(self, open_connection: OpenConnection, origin: httpcore.Origin, timer: Timer) -> None:
        self._open = open_connection
        self._origin = origin
        self._timer = timer
        self._idle: list[_Connection] = []
        self._spare: set[asyncio.Task[None]] = set()
        self._waiting = 0

    def add(self, stream: TlsStream) -> None:
        """Take over a verified connection."""
        http = httpcore.AsyncHTTP11Connection(self._origin, stream)
        self._idle.append(_Connection(stream, http, self._timer()))

    def open_spare(self, number: int) -> None:
        """Begin to open `number` more connections; those that fail are missed by nobody."""
        for _ in range(number):
            task = asyncio.create_task(self._add_spare(), name="open a spare connection")
            self._spare.add(task)
            task.add_done_callback(self._spare.discard)

    async def _add_spare(self) -> None:
        with suppress(PxmError):
            self.add(await self._open())

    async def drop(self) -> None:
        """Close every idle connection and end every opening."""
        opening = tuple(self._spare)
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        while self._idle:
            self._idle.pop().stream.close()

    async def aclose(self) -> None:
        """As `drop`; a connection in use closes with its answer."""
        await self.drop()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`; a GET once more where a connection from before turns out to be closed."""
        if (connection := await self._take()) is not None:
            try:
                return await self._send(connection, request)
            except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
                if request.method != "GET":
                    raise
        self.add(await self._open())
        return await self._send(self._idle.pop(), request)

    async def _take(self) -> _Connection | None:
        """An open connection from before, or a spare one that is about to be open and that nobody waits for yet."""
        while True:
            while self._idle:
                connection = self._idle.pop()
                if self._timer() - connection.idle_since < KEPT_SECONDS and not connection.stream.is_over():
                    return connection
                connection.stream.close()
            if len(self._spare) <= self._waiting:
                return None
            self._waiting += 1
            try:
                await asyncio.wait(self._spare, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._waiting -= 1

    async def _send(self, connection: _Connection, request: httpx.Request) -> httpx.Response:
        began = self._timer()
        try:
            answer = await connection.http.handle_async_request(self._translated(request))
        except BaseException:
            connection.stream.close()  # httpcore does not where it is cancelled before it has begun
            raise
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer, lambda: self._give_back(connection), connection.stream.close),
            extensions={**answer.extensions, SECONDS: self._timer() - began},
        )

    def _translated(self, request: httpx.Request) -> httpcore.Request:
        return httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=self._origin.scheme,
                host=self._origin.host,
                port=self._origin.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )

    def _give_back(self, connection: _Connection) -> None:
        if connection.http.is_idle():
            connection.idle_since = self._timer()
            self._idle.append(connection)
        else:
            connection.stream.close()


class _Body(httpx.AsyncByteStream):
    """The body of an answer; closing it gives the connection back.

    Where reading or closing is cancelled, and perhaps cancelled again while httpcore tidies up, the connection is
    closed here.
    """

    def __init__(self, answer: httpcore.Response, give_back: Callable[[], None], close: Callable[[], None]) -> None:
        self._answer = answer
        self._give_back = give_back
        self._close = close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._answer.aiter_stream():
                yield chunk
        except BaseException:
            self._close()
            raise

    async def aclose(self) -> None:
        try:
            await self._answer.aclose()
        except BaseException:
            self._close()
            raise
        self._give_back()
