"""Looking up hosts and opening TCP: each failure is told apart, nothing is left open."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from contextlib import aclosing
from typing import Any

import pytest

from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import InternalError, PxmError, UnreachableError
from pxm_tui.proxmox import dialing
from pxm_tui.proxmox.dialing import Address, open_tcp, resolve
from pxm_tui.proxmox.timeouts import Timeouts
from tests.proxmox.servers import (
    CA_FILE,
    REALMS,
    HostileServer,
    answering,
    gateway,
    http,
    nothing_left_behind,
    record_everything,
    secured,
)

SOON = Timeouts(0.05, 0.05, 0.05, 0.05)
PVE = Endpoint("pve1.lab.test")


def v4(host: str, port: int = 8006) -> Address:
    return Address(socket.AF_INET, (host, port))


def answer_with(monkeypatch: pytest.MonkeyPatch, *hosts: str, port: int = 8006) -> list[str]:
    """Let every look-up give these addresses; the names that were asked for."""
    asked: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in hosts]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


async def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(UnreachableError) as caught:
        await resolve(PVE, SOON)
    assert caught.value.cause == "unknown_host"


async def test_a_name_without_any_usable_address(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch)
    with pytest.raises(UnreachableError, match="has no address"):
        await resolve(PVE, SOON)


async def test_a_slow_look_up_ends_at_its_limit_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def wait(*_: object, **__: object) -> list[Any]:
        answered.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    with nothing_left_behind(), pytest.raises(UnreachableError) as caught:
        await resolve(PVE, SOON)
    assert caught.value.cause == "unknown_host"
    threads = [thread for thread in threading.enumerate() if thread.name == "look-up"]
    assert all(thread.daemon for thread in threads)
    answered.set()
    for thread in threads:
        thread.join(5)


async def test_a_name_is_looked_up_once_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    async with HostileServer(answering(http(REALMS))) as server:
        asked = answer_with(monkeypatch, "127.0.0.1", "127.0.0.1", port=server.endpoint.port)
        named = Endpoint("localhost", server.endpoint.port)
        async with aclosing(gateway().open(named, CA_FILE)) as session:
            assert await session.resolve() == ("127.0.0.1",)
            assert await session.connect() == "127.0.0.1"
            assert await (await secured(session)).realms()
    assert asked == ["localhost"]


async def test_an_ipv6_address_is_spoken_to() -> None:
    try:
        server = HostileServer(answering(http(REALMS)), host="::1")
        await server.__aenter__()
    except OSError:
        pytest.skip("this machine has no IPv6")
    try:
        async with aclosing(gateway().open(server.endpoint)) as session:
            assert await (await secured(session)).realms()
        assert f"Host: [::1]:{server.endpoint.port}\r\n".encode() in server.heard
    finally:
        await server.__aexit__(None, None, None)


async def test_a_closed_port_refuses() -> None:
    async with HostileServer(record_everything) as server:
        endpoint = server.endpoint
    with nothing_left_behind():
        async with aclosing(gateway().open(endpoint, CA_FILE)) as session:
            with pytest.raises(UnreachableError) as caught:
                await session.connect()
    assert caught.value.cause == "refused"


def fail_with(monkeypatch: pytest.MonkeyPatch, **errors: OSError | None) -> None:
    """Let connecting to a host fail; None: it never answers."""
    real = dialing._connect

    async def connect(address: Address) -> socket.socket:
        name = address.host.replace(".", "_")
        if f"h{name}" not in errors:
            return await real(address)
        error = errors[f"h{name}"]
        if error is not None:
            raise error
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(dialing, "_connect", connect)


CAUSES: dict[str, tuple[OSError | None, str]] = {
    "silence": (None, "timeout"),
    "gave up": (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), "timeout"),
    "no network": (OSError(errno.ENETUNREACH, "Network is unreachable"), "no_route"),
    "no host": (OSError(errno.EHOSTUNREACH, "No route to host"), "no_route"),
    "forbidden here": (PermissionError(errno.EPERM, "Operation not permitted"), "no_route"),
    "reset": (ConnectionResetError(errno.ECONNRESET, "reset"), "closed"),
    "no file left": (OSError(errno.EMFILE, "Too many open files"), "internal"),
}


@pytest.mark.parametrize(("error", "cause"), CAUSES.values(), ids=CAUSES.keys())
async def test_what_tcp_says(monkeypatch: pytest.MonkeyPatch, error: OSError | None, cause: str) -> None:
    fail_with(monkeypatch, h10_0_0_11=error)
    with nothing_left_behind(), pytest.raises(PxmError) as caught:
        await open_tcp(PVE, [v4("10.0.0.11")], SOON)
    assert caught.value.cause == cause
    assert isinstance(caught.value, InternalError) == (cause == "internal")


async def test_the_most_telling_of_several_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, h10_0_0_1=OSError(errno.ENETUNREACH, "x"), h10_0_0_2=ConnectionRefusedError())
    with pytest.raises(UnreachableError) as caught:
        await open_tcp(PVE, [v4("10.0.0.1"), v4("10.0.0.2")], SOON)
    assert caught.value.cause == "refused"


@pytest.mark.parametrize("first", [None, ConnectionRefusedError()])
async def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch, first: OSError | None) -> None:
    fail_with(monkeypatch, h10_0_0_1=first)
    monkeypatch.setattr(dialing, "NEXT_ADDRESS_AFTER", 0.01)
    async with HostileServer(record_everything) as server:
        with nothing_left_behind():
            sock = await open_tcp(PVE, [v4("10.0.0.1"), v4("127.0.0.1", server.endpoint.port)], Timeouts())
            assert sock.getpeername()[0] == "127.0.0.1"
            sock.close()


async def test_a_late_first_address_may_still_win(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, real = asyncio.Event(), dialing._connect

    async def connect(address: Address) -> socket.socket:
        if address.host == "10.0.0.2":
            answers.set()
            await asyncio.Event().wait()
        await answers.wait()
        return await real(address)

    monkeypatch.setattr(dialing, "_connect", connect)
    monkeypatch.setattr(dialing, "NEXT_ADDRESS_AFTER", 0.01)
    async with HostileServer(record_everything) as server:
        with nothing_left_behind():
            sock = await open_tcp(PVE, [v4("127.0.0.1", server.endpoint.port), v4("10.0.0.2")], Timeouts())
            sock.close()


async def test_cancelling_closes_what_is_being_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, h10_0_0_1=None)
    with nothing_left_behind():
        opening = asyncio.create_task(open_tcp(PVE, [v4("10.0.0.1")], Timeouts()))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening


async def test_a_host_that_tls_cannot_name() -> None:
    async with HostileServer(record_everything) as server:
        sock = await open_tcp(server.endpoint, [v4("127.0.0.1", server.endpoint.port)], Timeouts())
        unnamed = Endpoint(".bad", server.endpoint.port)
        from pxm_tui.proxmox.tls import context_for

        with pytest.raises(UnreachableError) as caught:
            await dialing.open_tls(unnamed, sock, context_for(CA_FILE), Timeouts())
    assert caught.value.cause == "unknown_host"
