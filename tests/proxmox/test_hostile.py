"""Hostile and broken servers: every one gives a typed error; none a hang, a crash or a task left behind."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from contextlib import aclosing

import pytest

from pxm_tui.domain.errors import PxmError, UnreachableError
from pxm_tui.proxmox.timeouts import Timeouts
from tests.proxmox.servers import (
    CA_FILE,
    REALMS,
    HostileServer,
    Line,
    Talk,
    answering,
    gateway,
    http,
    nothing_left_behind,
    secured,
)

LIMIT = 64 * 1024


async def failure_of(talk: Talk, timeouts: Timeouts | None = None) -> PxmError:
    """What reading the realms from such a server raises."""
    async with HostileServer(talk) as server:
        with nothing_left_behind():
            opened = gateway(timeouts or Timeouts(2, 2, 2, 2), body_limit=LIMIT).open(server.endpoint)
            async with aclosing(opened) as session:
                await secured(session)
                with pytest.raises(UnreachableError) as caught:
                    await session.realms()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\n"
GZIP = b"Content-Encoding: gzip\r\n"


def packed(body: bytes) -> bytes:
    """An answer with this body behind `Content-Encoding: gzip`."""
    return HEAD + GZIP + b"Content-Length: %d\r\n\r\n" % len(body) + body


BROKEN = {
    "garbage": (b"\x00\xff" * 500, "is not HTTP"),
    "another protocol": (b"220 mail.example.net ESMTP\r\n", "ended before it began"),
    "closed after the handshake": (b"", "ended before it began"),
    "head cut off": (b"HTTP/1.1 200 OK\r\nContent-Ty", "ended before it began"),
    "endless header": (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000, "is not HTTP"),
    "body cut off": (HEAD + b"Content-Length: 999\r\n\r\n" + REALMS, f"ended in the middle ({len(REALMS)} of 999 b"),
    "chunks cut off": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", "ended in the middle"),
    "chunks of nonsense": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{", "ended in the middle"),
    "impossible length": (HEAD + b"Content-Length: -5\r\n\r\n", "is not HTTP"),
    "two lengths": (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", "is not HTTP"),
    "body too large": (http(b" " * (LIMIT + 1)), "is larger than 64 KiB"),
    "bomb": (packed(gzip.compress(b" " * 50_000_000)), "is larger than 64 KiB"),
    "gzip cut off": (packed(gzip.compress(REALMS)[:-9]), "ended in the middle"),
    "gzip that is none": (packed(REALMS), "cannot be unpacked"),
    "unknown packing": (HEAD + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", "is packed in a way"),
    "packed twice": (HEAD + b"Content-Encoding: gzip, gzip\r\nContent-Length: 2\r\n\r\n{}", "is packed in a way"),
    "deep": (http(b'{"data":' + b"[" * 30_000 + b"]" * 30_000 + b"}"), "is not what Proxmox VE says there"),
    "not JSON": (http(b"{data:"), "is not what Proxmox VE says there"),
    "no UTF-8": (http(b'{"data":[{"realm":"\xff\xfe"}]}'), "is not what Proxmox VE says there"),
    "a list": (http(b"[1,2]"), "is not what Proxmox VE says there"),
    "a number": (http(b'{"data":7}'), "is not what Proxmox VE says there"),
}


@pytest.mark.parametrize(("answer", "words"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_answer_is_a_bad_answer(answer: bytes, words: str) -> None:
    error = await failure_of(answering(answer))
    assert error.cause == "bad_answer"
    assert words in error.message


async def test_more_parts_than_any_cluster_has_are_not_read() -> None:
    many = http(b'{"data":[' + b"[]," * 200_000 + b"[]]}")
    async with HostileServer(answering(many)) as server, aclosing(gateway().open(server.endpoint)) as session:
        await secured(session)
        with pytest.raises(UnreachableError, match="too many parts"):
            await session.realms()


OTHERS = {
    "login page": (http(b"<html>Login</html>", kind="text/html"), "text/html"),
    "no kind": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "of no known kind"),
    "redirect": (http(b"", "302 Found", "Location: https://other.example/"), "redirects to https://other.example/"),
    "unauthorized": (http(b"", "401 No ticket"), "401 No ticket"),
    "not found": (http(b"<h1>nginx</h1>", "404 Not Found", kind="text/html"), "404 Not Found"),
    "proxy without a server": (
        b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n",
        "502 Bad Gateway",
    ),
    "Backup Server": (http(b'{"data":[{"realm":"pam"},{"realm":"pbs"}]}'), "pam, pbs"),
    "no realms": (http(b'{"data":null}'), "none"),
}


@pytest.mark.parametrize(("answer", "words"), OTHERS.values(), ids=OTHERS.keys())
async def test_another_server_is_not_proxmox(answer: bytes, words: str) -> None:
    error = await failure_of(answering(answer))
    assert error.cause == "not_proxmox"
    assert words in error.message


async def test_a_redirect_is_not_followed() -> None:
    async def forbidden(line: Line) -> None:
        raise AssertionError

    async with HostileServer(forbidden) as target:
        moved = http(b"", "301 Moved Permanently", f"Location: {target.endpoint.url}/")
        await failure_of(answering(moved))
        assert target.connections == 0


async def test_proxmox_that_fails_says_so_itself() -> None:
    text = "RPCEnvironment init request failed: Unable to load access control list: Connection refused"
    error = await failure_of(answering(http(b"", f"500 {text}")))
    assert error.cause == "bad_answer"
    assert text in error.message


async def drip(line: Line) -> None:
    """One header line after the other, without end."""
    await line.request()
    await line.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await line.send(b"X-More: and more\r\n")
        await asyncio.sleep(0.02)


async def drip_body(line: Line) -> None:
    """A body of which a byte comes now and then."""
    await line.request()
    await line.send(HEAD + b"Content-Length: 60000\r\n\r\n")
    while True:
        await line.send(b" ")
        await asyncio.sleep(0.02)


async def silence(line: Line) -> None:
    """Take the request, and nothing more."""
    await line.request()
    await line.reader.read()


async def flood(line: Line) -> None:
    """A body that never ends."""
    await line.request()
    await line.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        await line.send(b"10000\r\n" + b" " * 65536 + b"\r\n")


@pytest.mark.parametrize("talk", [drip, drip_body])
async def test_an_answer_that_drips_ends_at_the_limit_of_the_whole(talk: Talk) -> None:
    error = await failure_of(talk, Timeouts(2, 2, first_byte=2, answer=0.15))
    assert error.cause == "timeout"
    assert "within 0.15 s" in error.message


async def test_silence_ends_at_the_limit_of_the_first_byte() -> None:
    error = await failure_of(silence, Timeouts(2, 2, first_byte=0.05, answer=2))
    assert error.cause == "timeout"
    assert "took the connection, then did not answer within 0.05 s" in error.message
    assert "is off" not in error.probably


async def test_a_flood_is_cut_at_the_size_limit() -> None:
    error = await failure_of(flood)
    assert "is larger than 64 KiB" in error.message


async def test_an_endless_run_of_empty_gzip_blocks_is_cut_too() -> None:
    head = gzip.compress(b"")[:10]
    empty_block = b"\x00\x00\x00\xff\xff"

    async def talk(line: Line) -> None:
        await line.request()
        await line.send(HEAD + GZIP + b"\r\n" + head)
        while True:
            await line.send(empty_block * 1000)

    assert zlib.decompressobj(31).decompress(head + empty_block * 10) == b""
    error = await failure_of(talk)
    assert "is larger than 64 KiB" in error.message


async def test_cancelling_leaves_nothing_behind() -> None:
    asked = asyncio.Event()

    async def never(line: Line) -> None:
        await line.request()
        asked.set()
        await line.reader.read()

    async with HostileServer(never) as server:
        with nothing_left_behind():
            session = gateway().open(server.endpoint, CA_FILE)
            await secured(session)
            reading = asyncio.create_task(session.realms())
            await asked.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await session.aclose()
