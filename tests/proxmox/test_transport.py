"""Connections: which are kept, which are not, what is sent over them and what is repeated."""

from __future__ import annotations

import asyncio
import gzip
import socket
import traceback
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import parse_qs

import pytest

from pxm_tui.domain.cluster import LoginMethod
from pxm_tui.domain.errors import LoginError, UnreachableError
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox import dialing
from pxm_tui.proxmox import gateway as gateway_module
from pxm_tui.proxmox.connections import SPARE
from pxm_tui.proxmox.streams import TlsStream
from pxm_tui.services.ports import Credentials
from tests.proxmox.servers import (
    CA_FILE,
    REALMS,
    HostileServer,
    Line,
    answering,
    gateway,
    http,
    meeting,
    nothing_left_behind,
    secured,
)

PASSWORD = "pa ss=w&o;r+d%ü"
TOKEN = Credentials(LoginMethod.TOKEN, "mon@pve", Secret("0f1e2d3c-aaaa-bbbb-cccc-123456789abc"), "mon@pve!pxm")
TICKET = b'{"data":{"username":"root@pam","ticket":"PVE:root@pam:68D1D5B2::a+/b==","CSRFPreventionToken":"68D1:x/y"}}'
VERSION = b'{"data":{"version":"9.2.11","release":"9.2"}}'


class Timer:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def password_of(user: str = "root@pam") -> Credentials:
    return Credentials(LoginMethod.PASSWORD, user, Secret(PASSWORD))


@pytest.fixture
def no_spare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sessions have their first connection only."""
    monkeypatch.setattr(gateway_module, "SPARE", 0)


async def test_a_connection_is_kept_and_used_again(no_spare: None) -> None:
    async with meeting(answering(*[http(REALMS)] * 3)) as (server, session):
        await secured(session)
        for _ in range(3):
            await session.realms()
        assert server.connections == 1


async def test_after_the_doubled_connection_header_comes_a_new_one(no_spare: None) -> None:
    doubled = http(REALMS, "200 OK", "Connection: close", "Connection: Keep-Alive")
    async with meeting(answering(doubled)) as (server, session):
        await secured(session)
        for number in range(1, 4):
            await session.realms()
            assert server.connections == number


@pytest.mark.parametrize(("idle", "opened"), [(3.9, 1), (4.1, 2)])
async def test_an_idle_connection_is_not_used_after_four_seconds(no_spare: None, idle: float, opened: int) -> None:
    timer = Timer()
    async with (
        HostileServer(answering(*[http(REALMS)] * 2)) as server,
        aclosing(gateway(timer=timer).open(server.endpoint)) as session,
    ):
        await secured(session)
        await session.realms()
        timer.now += idle
        await session.realms()
        assert server.connections == opened


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used(no_spare: None) -> None:
    closed = asyncio.Event()

    async def one_answer(line: Line) -> None:
        await line.request()
        await line.send(http(REALMS))
        line.writer.close()
        closed.set()

    async with meeting(one_answer) as (server, session):
        await secured(session)
        await session.realms()
        await closed.wait()
        ticket = session.login(password_of(), None)
        with pytest.raises(UnreachableError):
            await ticket  # the answer is no ticket, but it came over a new connection
        assert server.connections == 2
        assert server.heard.count(b"POST") == 1


async def test_a_connection_on_which_something_unasked_came_is_not_used(no_spare: None) -> None:
    sent = asyncio.Event()

    async def talkative(line: Line) -> None:
        await line.request()
        await line.send(http(REALMS))
        await asyncio.sleep(0)
        await line.send(http(b'{"data":[{"realm":"evil"}]}'))
        sent.set()
        await line.reader.read()

    async with meeting(talkative) as (server, session):
        await secured(session)
        await session.realms()
        await sent.wait()
        assert {realm.name for realm in await session.realms()} == {"pam", "pve"}
        assert server.connections == 2


async def test_a_get_is_sent_once_more_when_its_kept_connection_breaks(no_spare: None) -> None:
    async def second_breaks(line: Line) -> None:
        await line.request()
        await line.send(http(REALMS))
        await line.request()

    async with meeting(second_breaks) as (server, session):
        await secured(session)
        await session.realms()
        await session.realms()
        assert server.heard.count(b"GET") == 3
        assert server.connections == 2


async def test_a_get_on_a_new_connection_is_not_repeated() -> None:
    async def breaks(line: Line) -> None:
        await line.request()

    async with meeting(breaks) as (server, session):
        await secured(session)
        await session._connections.transport.drop()
        with pytest.raises(UnreachableError, match="ended before it began"):
            await session.realms()
        assert server.heard.count(b"GET") == 1


async def test_a_login_is_never_repeated(no_spare: None) -> None:
    async def second_breaks(line: Line) -> None:
        await line.request()
        await line.send(http(REALMS))
        await line.request()

    async with meeting(second_breaks) as (server, session):
        await secured(session)
        await session.realms()
        with pytest.raises(UnreachableError):
            await session.login(password_of(), None)
        assert server.heard.count(b"POST") == 1


async def test_spare_connections_are_opened_beside_the_first_and_used() -> None:
    all_there, talking = asyncio.Event(), 0

    async def talk(line: Line) -> None:
        nonlocal talking
        await line.request()
        talking += 1
        if talking == SPARE + 1:
            all_there.set()
        await all_there.wait()  # answers only when all have asked at once
        await line.send(http(REALMS))

    async with meeting(talk, early=CA_FILE) as (server, session):
        await secured(session)
        await asyncio.gather(*(session.realms() for _ in range(SPARE + 1)))
        assert server.connections == SPARE + 1


async def test_more_requests_than_connections_open_new_ones() -> None:
    async with meeting(answering(http(REALMS)), early=CA_FILE) as (server, session):
        await secured(session)
        await asyncio.gather(*(session.realms() for _ in range(SPARE + 3)))
        assert server.connections == SPARE + 3


async def test_spare_connections_that_fail_are_missed_by_nobody() -> None:
    first = True

    async def only_one(line: Line) -> None:
        nonlocal first
        if first:
            first = False
            await answering(http(REALMS))(line)

    async with meeting(only_one, early=CA_FILE) as (_, session):
        with nothing_left_behind():
            await secured(session)
            await session._connections.transport.drop()


async def test_cancelling_at_any_moment_closes_every_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[TlsStream] = []

    class Recorded(TlsStream):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            opened.append(self)

    monkeypatch.setattr(dialing, "TlsStream", Recorded)
    answers, finished = answering(*[http(REALMS)] * 2), 0
    async with HostileServer(answers) as server:
        for moment in range(0, 120, 2):
            async with aclosing(gateway().open(server.endpoint)) as session:
                await secured(session)
                await session.realms()
                reading = asyncio.gather(*(session.realms() for _ in range(3)), return_exceptions=True)
                for _ in range(moment):
                    await asyncio.sleep(0)
                finished += reading.done()
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading
            assert all(stream._socket.fileno() == -1 for stream in opened)
    assert 0 < finished < 60


async def test_cancelling_at_any_moment_of_the_opening_closes_every_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[socket.socket] = []
    real = dialing._connect

    async def connect(address: dialing.Address) -> socket.socket:
        opened.append(await real(address))
        return opened[-1]

    monkeypatch.setattr(dialing, "_connect", connect)
    async with HostileServer(answering(http(REALMS))) as server:
        for moment in range(40):
            session = gateway().open(server.endpoint, CA_FILE)
            opening = asyncio.create_task(secured(session))
            for _ in range(moment):
                await asyncio.sleep(0)
            opening.cancel()
            with suppress(asyncio.CancelledError):
                await opening
            await session.aclose()
            assert all(sock.fileno() == -1 for sock in opened)
    assert opened


async def test_a_packed_answer_is_unpacked() -> None:
    packed = gzip.compress(REALMS)
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}"
    )
    async with meeting(answering(head.encode() + b"\r\n\r\n" + packed)) as (_, session):
        await secured(session)
        assert len(await session.realms()) == 2


async def test_what_is_sent_to_find_out_whether_it_is_proxmox() -> None:
    async with meeting(answering(http(REALMS))) as (server, session):
        await secured(session)
        await session.login(TOKEN, None)
        await session.realms()
    lines = server.heard.decode().split("\r\n")
    assert lines[0] == "GET /api2/json/access/domains HTTP/1.1"
    assert f"Host: {server.endpoint.authority}" in lines
    assert "Accept-Encoding: gzip" in lines
    assert not any(line.lower().startswith(("authorization", "cookie", "content-", "transfer-")) for line in lines)


async def test_a_password_goes_as_a_form_with_its_length() -> None:
    async with meeting(answering(http(TICKET))) as (server, session):
        await secured(session)
        ticket = await session.login(password_of("müller@pve"), None)
    assert ticket is not None
    head, _, body = server.heard.decode().partition("\r\n\r\n")
    assert head.startswith("POST /api2/json/access/ticket HTTP/1.1")
    assert f"content-length: {len(body)}" in head.lower()
    assert "content-type: application/x-www-form-urlencoded" in head.lower()
    assert "transfer-encoding" not in head.lower()
    assert parse_qs(body, separator="&") == {"username": ["müller@pve"], "password": [PASSWORD], "new-format": ["1"]}
    assert ";" not in body


async def test_a_ticket_goes_as_a_cookie_and_a_token_as_a_header_never_both(no_spare: None) -> None:
    setting = http(TICKET, "200 OK", "Set-Cookie: PVEAuthCookie=evil; Path=/", "Set-Cookie: other=1")
    async with meeting(answering(setting, *[http(VERSION)] * 3)) as (server, session):
        await secured(session)
        await session.login(password_of(), None)
        await session.version()
        await session.login(TOKEN, None)
        await session.version()
    by_ticket, by_token = server.received[1].decode(), server.received[2].decode()
    assert "Cookie: PVEAuthCookie=PVE%3Aroot%40pam%3A68D1D5B2%3A%3Aa%2B%2Fb%3D%3D\r\n" in by_ticket
    assert "Authorization" not in by_ticket
    assert "CSRF" not in by_ticket
    assert "evil" not in by_ticket + by_token
    assert "other" not in by_ticket + by_token
    assert f"Authorization: PVEAPIToken=mon@pve!pxm={TOKEN.secret.reveal()}\r\n" in by_token
    assert "Cookie" not in by_token


async def test_a_write_carries_the_csrf_token_with_a_ticket_only(no_spare: None) -> None:
    async with meeting(answering(http(TICKET), *[http(VERSION)] * 3)) as (server, session):
        await secured(session)
        await session.login(password_of(), None)
        await session._api.post("access/users", {"userid": "a@pve"})
        await session.login(TOKEN, None)
        await session._api.post("access/users", {"userid": "a@pve"})
    assert b"CSRFPreventionToken: 68D1:x/y\r\n" in server.received[1]
    assert b"CSRF" not in server.received[2]


@pytest.mark.parametrize("secret", ["", "line\r\nX-Evil: 1", "blank here", "ümlaut"])
async def test_a_token_that_no_header_can_hold_is_not_sent(secret: str) -> None:
    async with meeting(answering(http(VERSION))) as (server, session):
        await secured(session)
        with pytest.raises(LoginError) as caught:
            await session.login(Credentials(LoginMethod.TOKEN, "mon@pve", Secret(secret), "mon@pve!pxm"), None)
    assert caught.value.cause == "token"
    assert server.heard == b""


@pytest.mark.parametrize("csrf", ["a\\r\\nX-Evil: 1", "\\u00fc"])
async def test_a_server_cannot_put_headers_into_ours(csrf: str) -> None:
    answer = b'{"data":{"username":"root@pam","ticket":"PVE:x","CSRFPreventionToken":"%s"}}' % csrf.encode()
    async with meeting(answering(http(answer))) as (_, session):
        await secured(session)
        with pytest.raises(UnreachableError, match="is not what Proxmox VE says there"):
            await session.login(password_of(), None)


@pytest.mark.parametrize("answer", [b"", http(b"", "401 authentication failure"), http(b"{"), http(b"", "500 x")])
async def test_no_secret_is_in_an_error_or_its_traceback(answer: bytes) -> None:
    async with meeting(answering(answer)) as (_, session):
        await secured(session)
        with pytest.raises((LoginError, UnreachableError)) as caught:
            await session.login(password_of(), None)
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "log_in" in told
    assert PASSWORD not in told
    assert PASSWORD not in repr(caught.value) + str(caught.value.to_json())


async def test_no_secret_is_in_what_an_object_shows_of_itself() -> None:
    async with meeting(answering(http(TICKET))) as (_, session):
        await secured(session)
        ticket = await session.login(password_of(), None)
        shown = repr([ticket, session._api, vars(session._api), session, vars(session)])
    assert "a+/b==" not in shown
    assert "a%2B" not in shown
    assert "68D1:x/y" not in shown
    assert PASSWORD not in shown
