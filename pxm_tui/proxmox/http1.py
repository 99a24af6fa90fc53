"""HTTP/1.1 over one stream: a request, its answer, the next request. h11 does the protocol.

httpcore's connection does the same with locks and traces that a conversation in turns has no use for; at a thousand
clusters they are a quarter of a refresh's processor time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import h11
import httpx

from pxm_tui.proxmox.streams import CHUNK, TlsStream

MOST_HEAD = 100 * 1024
"""Bytes of an answer's head."""


class HttpConnection:
    """One connection, used in turns.

    Args:
        stream: verified; owned from here on.
        idle_since: when it was opened, by the monotonic timer, seconds; kept up to date by its owner.
    """

    def __init__(self, stream: TlsStream, idle_since: float) -> None:
        self.idle_since = idle_since
        self._stream = stream
        self._state = h11.Connection(h11.CLIENT, MOST_HEAD)

    async def ask(self, request: httpx.Request) -> h11.Response:
        """Send `request`; the head of its answer.

        Raises:
            httpx.TransportError: no answer came, or none that is HTTP.
        """
        limits = request.extensions["timeout"]
        head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
        sent = self._state.send(head) or b""
        if request.content:
            sent += self._state.send(h11.Data(request.content)) or b""
        sent += self._state.send(h11.EndOfMessage()) or b""
        with suppress(httpx.WriteError):  # a server may answer and close before it has read everything
            await self._stream.write(sent, limits["write"])
        while True:
            event = await self._next_event(limits["read"])
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise httpx.RemoteProtocolError("not HTTP")

    async def body(self, request: httpx.Request) -> AsyncIterator[bytes]:
        """The pieces of the answer's body, as they come. Raises `httpx.TransportError` where it breaks off."""
        while True:
            event = await self._next_event(request.extensions["timeout"]["read"])
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return
            else:
                raise httpx.RemoteProtocolError("not HTTP")

    async def _next_event(self, limit: float) -> Any:
        while True:
            try:
                event = self._state.next_event()
                if event is not h11.NEED_DATA:
                    return event
                received = await self._stream.read(CHUNK, limit)
                if not received and self._state.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("disconnected without an answer")
                self._state.receive_data(received)
            except h11.RemoteProtocolError:
                raise httpx.RemoteProtocolError("not HTTP") from None

    def is_over(self) -> bool:
        """Whether the server has closed it meanwhile, or said something unasked."""
        return self._stream.is_over()

    def turn(self) -> bool:
        """Make ready for the next request; False where the answer, or its head, is the last one."""
        if self._state.our_state is h11.DONE and self._state.their_state is h11.DONE:
            self._state.start_next_cycle()
            return True
        return False

    def close(self) -> None:
        """Close at once."""
        self._stream.close()
