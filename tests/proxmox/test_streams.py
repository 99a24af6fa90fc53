"""TLS streams when the connection under them goes wrong."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from pxm_tui.proxmox.streams import TlsStream
from pxm_tui.proxmox.tls import context_for
from tests.proxmox.servers import CA_FILE, HostileServer, Line, Talk, record_everything


@asynccontextmanager
async def stream_to(talk: Talk) -> AsyncIterator[TlsStream]:
    """A stream after its handshake."""
    async with HostileServer(talk) as server:
        sock = socket.create_connection((server.endpoint.host, server.endpoint.port))
        sock.setblocking(False)
        stream = TlsStream(sock, context_for(CA_FILE), server.endpoint.host)
        try:
            await stream.handshake()
            yield stream
        finally:
            stream.close()


def raw_socket(line: Line) -> socket.socket:
    """The server's end, below TLS."""
    found = line.writer.get_extra_info("socket")
    return socket.socket(fileno=socket.dup(found.fileno()))


async def reset(line: Line) -> None:
    """End without a good-bye of TCP."""
    with raw_socket(line) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.writer.transport.abort()


async def break_tls(line: Line) -> None:
    """A record that nobody encrypted."""
    with raw_socket(line) as sock:
        sock.send(b"\x17\x03\x03\x00\x05hello")
    await line.reader.read()


async def say_good_bye(line: Line) -> None:
    """Close as TLS wants it."""


async def test_an_end_is_an_end() -> None:
    async with stream_to(say_good_bye) as stream:
        assert await stream.read(100, timeout=2) == b""
        assert stream.is_over()


@pytest.mark.parametrize("talk", [reset, break_tls])
async def test_a_broken_connection_is_a_read_error(talk: Talk) -> None:
    async with stream_to(talk) as stream:
        with pytest.raises(httpx.ReadError):
            await stream.read(100, timeout=2)
        assert stream.is_over()


@pytest.mark.parametrize("talk", [reset, break_tls])
async def test_an_idle_connection_that_breaks_is_over(talk: Talk) -> None:
    broken = asyncio.Event()

    async def then_tell(line: Line) -> None:
        asyncio.get_running_loop().call_soon(broken.set)
        await talk(line)

    async with stream_to(then_tell) as stream:
        await broken.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        assert stream.is_over()
        assert stream.is_over()


async def test_an_idle_connection_is_not_over() -> None:
    async with stream_to(record_everything) as stream:
        for _ in range(3):
            await asyncio.sleep(0)
            assert not stream.is_over()


async def test_a_server_that_never_stops_is_over() -> None:
    buffered = asyncio.Event()

    async def flood(line: Line) -> None:
        line.writer.write(b"x" * 1_000_000)
        buffered.set()
        await line.writer.drain()

    async with stream_to(flood) as stream:
        await buffered.wait()
        assert stream.is_over()


async def test_a_closed_stream_neither_reads_nor_writes() -> None:
    async with stream_to(record_everything) as stream:
        stream.close()
        assert stream.is_over()
        with pytest.raises(httpx.ReadError):
            await stream.read(1, timeout=2)
        with pytest.raises(httpx.WriteError):
            await stream.write(b"x", timeout=2)


async def test_reading_and_writing_end_at_their_limits() -> None:
    async def deaf(line: Line) -> None:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with stream_to(deaf) as stream:
        with pytest.raises(httpx.ReadTimeout):
            await stream.read(1, timeout=0.02)
        with pytest.raises(httpx.WriteTimeout):
            await stream.write(b"x" * 20_000_000, timeout=0.05)
