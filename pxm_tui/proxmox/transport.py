"""The connections of one session behind httpx's transport interface.

One HTTP/1.1 connection a request, each verified before it gets here, kept for less than the 5 s after which pveproxy
closes it (pve-http-server, AnyEvent.pm: keep-alive timeout). httpcore's pool cannot be handed open connections, and
its cost grows with the square of their number.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext, suppress

import httpx

from pxm_tui.domain.errors import PxmError
from pxm_tui.proxmox.http1 import HttpConnection
from pxm_tui.proxmox.streams import TlsStream
from pxm_tui.services.ports import Timer

KEPT_SECONDS = 4.0
"""pveproxy closes after 5 s without a request; a request that is on its way then is lost."""

SECONDS = "pxm_seconds"
"""Extension of a response: from the request to the head of the answer, on a connection that was open."""

OpenConnection = Callable[[], Awaitable[TlsStream]]


class SessionTransport(httpx.AsyncBaseTransport):
    """Sends each request over a connection of its own, taken from the idle ones, the spare ones, or opened now.

    Args:
        open_connection: opens and verifies one; its errors go through to the caller of httpx.
        timer: monotonic seconds.
        alone: requests share one connection.

    Attributes:
        turn: to be held from before a request until its answer is read. Where they share a connection, requests
            wait for each other in it, in the order in which they came, and their time limits do not run.
    """

    def __init__(self, open_connection: OpenConnection, timer: Timer, *, alone: bool = False) -> None:
        self._open = open_connection
        self._timer = timer
        self._idle: list[HttpConnection] = []
        self._spare: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self.turn = asyncio.Lock() if alone else nullcontext()

    def add(self, stream: TlsStream) -> None:
        """Take over a verified connection."""
        self._idle.append(HttpConnection(stream, self._timer()))

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
        if opening := tuple(self._spare):
            for task in opening:
                task.cancel()
            await asyncio.gather(*opening, return_exceptions=True)
        while self._idle:
            self._idle.pop().close()

    async def aclose(self) -> None:
        """As `drop`; a connection in use closes with its answer."""
        await self.drop()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`; a GET once more where a connection from before turns out to be closed."""
        if (connection := await self._take()) is not None:
            try:
                return await self._send(connection, request)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if request.method != "GET":
                    raise
        self.add(await self._open())
        return await self._send(self._idle.pop(), request)

    async def _take(self) -> HttpConnection | None:
        """An open connection from before, or a spare one that is about to be open and that nobody waits for yet."""
        while True:
            while self._idle:
                connection = self._idle.pop()
                if self._timer() - connection.idle_since < KEPT_SECONDS and not connection.is_over():
                    return connection
                connection.close()
            if len(self._spare) <= self._waiting:
                return None
            self._waiting += 1
            try:
                await asyncio.wait(self._spare, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._waiting -= 1

    async def _send(self, connection: HttpConnection, request: httpx.Request) -> httpx.Response:
        began = self._timer()
        try:
            head = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=_Body(connection.body(request), lambda: self._give_back(connection), connection.close),
            extensions={"reason_phrase": head.reason, SECONDS: self._timer() - began},
        )

    def _give_back(self, connection: HttpConnection) -> None:
        if connection.turn():
            connection.idle_since = self._timer()
            self._idle.append(connection)
        else:
            connection.close()


class _Body(httpx.AsyncByteStream):
    """The body of an answer; closing it gives the connection back. Where reading is broken off, it is closed."""

    def __init__(self, pieces: AsyncIterator[bytes], give_back: Callable[[], None], close: Callable[[], None]) -> None:
        self._pieces = pieces
        self._give_back = give_back
        self._close = close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._pieces:
                yield piece
        except BaseException:
            self._close()
            raise

    async def aclose(self) -> None:
        self._give_back()
