"""Websockets as pve-http-server speaks them (AnyEvent.pm, websocket_proxy): no extensions, no fragments, no farewell.

The library's own websockets offer compression, put fragments together and say good-bye; this server does none
of it, so the frames are taken apart here, on the connection that the library has handed over.
"""

import asyncio
import base64
import hashlib

from aiohttp import web

from pxm_tui.simulator.answers import Session

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LARGEST_FRAME = 128 * 1024
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FINAL, RESERVED, MASKED = 0x80, 0x70, 0x80


class FrameError(Exception):
    """A frame that the server does not take; the connection ends."""


class FrameReader:
    """Takes frames out of a stream of bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take more bytes and give the frames that are whole: opcode and content.

        Raises:
            FrameError: a frame is too long, not masked, a fragment, or uses an extension.
        """
        self._buffer += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        if not first & FINAL or first & RESERVED or not first & 0x0F:
            raise FrameError("fragments and extensions are not supported")
        if not second & MASKED:
            raise FrameError("frames of a client must be masked")
        short = second & 0x7F
        extended = {126: 2, 127: 8}.get(short, 0)
        start = 2 + extended
        if len(buffer) < start + 4:
            return None
        length = int.from_bytes(buffer[2:start], "big") if extended else short
        if length > LARGEST_FRAME:
            raise FrameError("the frame is too long")
        if len(buffer) < start + 4 + length:
            return None
        mask, content = buffer[start : start + 4], buffer[start + 4 : start + 4 + length]
        del buffer[: start + 4 + length]
        return first & 0x0F, unmask(bytes(content), bytes(mask))


def unmask(content: bytes, mask: bytes) -> bytes:
    """Lay a mask over the content of a frame, or take it off."""
    repeated = (mask * (len(content) // 4 + 1))[: len(content)]
    return (int.from_bytes(content, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(content), "big")


def frame(opcode: int, content: bytes) -> bytes:
    """Write one frame as a server does, without a mask."""
    length = len(content)
    if length < 126:
        return bytes((FINAL | opcode, length)) + content
    if length < 65536:
        return bytes((FINAL | opcode, 126)) + length.to_bytes(2, "big") + content
    return bytes((FINAL | opcode, 127)) + length.to_bytes(8, "big") + content


def accept_key(key: str) -> str:
    """Answer the key of a handshake (RFC 6455)."""
    digest = hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def wants_websocket(request: web.BaseRequest) -> bool:
    """Tell whether a request asks to switch to the websocket protocol."""
    upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
    return upgrade and "upgrade" in request.headers.get("Connection", "").lower()


class _Link:
    """Joins a connection and a session: what comes goes to the session, what it sends goes out."""

    def __init__(self, transport: asyncio.Transport, session: Session) -> None:
        self._transport = transport
        self._session = session
        self._reader = FrameReader()
        self.over = asyncio.Event()

    # What the library calls

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take what the client sent."""
        try:
            for opcode, content in self._reader.feed(data):
                self._take(opcode, content)
        except FrameError:
            self.end()
        return False, b""

    def feed_eof(self) -> None:
        """Take note that the client is gone."""
        self.over.set()

    # What the session calls

    def send(self, data: bytes) -> None:
        """Send one binary frame."""
        if not self.over.is_set():
            self._transport.write(frame(BINARY, data))

    def end(self) -> None:
        """Close the connection, without a word."""
        self.over.set()

    def _take(self, opcode: int, content: bytes) -> None:
        if self.over.is_set():
            return
        if opcode in {TEXT, BINARY}:
            self._session.receive(content)
        elif opcode == PING:
            self._transport.write(frame(PONG, content))
        elif opcode == CLOSE:
            self.end()


async def serve_websocket(request: web.BaseRequest, session: Session) -> None:
    """Switch a connection to the websocket protocol and serve `session` until one of both ends."""
    transport = request.transport
    if transport is None:
        return
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: upgrade"]
    lines.append(f"Sec-WebSocket-Accept: {accept_key(request.headers.get('Sec-WebSocket-Key', ''))}")
    protocol = request.headers.get("Sec-WebSocket-Protocol")
    if protocol is not None:
        lines.append(f"Sec-WebSocket-Protocol: {protocol}")
    transport.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    link = _Link(transport, session)
    session.connect(link)
    try:
        request.protocol.set_parser(link)  # type: ignore[arg-type]  # it is fed like the library's own
        await link.over.wait()
    finally:
        session.close()
        transport.close()
