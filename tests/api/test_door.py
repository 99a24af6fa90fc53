"""Who is let in, and what is refused at the door: tokens, roles, limits, and what is no request."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.api.limits import Buckets, Limits
from pxm_tui.api.routes import ROUTES
from pxm_tui.domain import connection_messages
from pxm_tui.domain.access import Role
from pxm_tui.domain.cluster import Endpoint
from tests.api.serving import BODY, CLUSTERS, UNLIMITED, bench, serving
from tests.fakes import FakeServer, StillClock, cluster

PROD = cluster("fra-prod-1")
ONE = f"{CLUSTERS}/{PROD.id}"
MAY = [
    ("GET", CLUSTERS, Role.VIEWER),
    ("GET", ONE, Role.VIEWER),
    ("GET", "/metrics", Role.VIEWER),
    ("POST", f"{ONE}/check", Role.OPERATOR),
    ("POST", CLUSTERS, Role.ADMIN),
    ("PATCH", ONE, Role.ADMIN),
    ("DELETE", ONE, Role.ADMIN),
]


@pytest.mark.parametrize(("method", "path", "needed"), MAY)
async def test_each_call_takes_its_role(tmp_path: Path, method: str, path: str, needed: Role) -> None:
    async with serving(bench(clusters=[PROD]), tmp_path) as running:
        stranger = await running.ask(method, path, role=None)
        assert stranger.status_code == 401
        assert stranger.headers["WWW-Authenticate"].startswith("Bearer")
        assert stranger.json()["error"]["code"] == "login_failed"
        for role in Role:
            done = await running.ask(method, path, role=role, json=BODY if path == CLUSTERS else None)
            assert (done.status_code == 403) is not role.includes(needed), role


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/docs"])
async def test_what_is_open_needs_no_token(tmp_path: Path, path: str) -> None:
    async with serving(bench(), tmp_path) as running:
        assert (await running.ask("GET", path, role=None)).status_code == 200
        assert (await running.ask("GET", path, headers={"Authorization": "Bearer wrong"}, role=None)).status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic YTpi", "Bearer wrong", "Bearer pxm_" + "A" * 43, "Bearer \xe9", "token"]
)
async def test_nobody_else_is_let_in(tmp_path: Path, header: str) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("GET", CLUSTERS, role=None, headers={"Authorization": header.encode("latin-1")})  # type: ignore[dict-item]
    assert done.status_code == 401


async def test_without_any_token_it_starts_and_says_how_one_is_made(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path, roles=False) as running:
        done = await running.ask("GET", CLUSTERS, role=None)
        assert done.status_code == 401
        assert "pxm serve token add" in done.json()["error"]["hint"]
        assert any("pxm serve token add" in text for text in running.said)


async def test_a_token_is_worthless_once_revoked_or_expired(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path) as running:
        secret = running.access.add("short", Role.VIEWER, days=1)[1].reveal()
        headers = {"Authorization": f"bearer {secret}"}
        assert (await running.ask("GET", CLUSTERS, role=None, headers=headers)).status_code == 200
        running.bench.clock.advance(timedelta(days=1).total_seconds())
        assert (await running.ask("GET", CLUSTERS, role=None, headers=headers)).status_code == 401
        running.access.revoke("viewer")
        assert (await running.ask("GET", CLUSTERS, role=Role.VIEWER)).status_code == 401


# What is no request


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b'"text"', {}, 400),
        (b'{"name": "\xff"}', {}, 400),
        (b'{"name": "\\ud800"}', {}, 400),
        (b"[" * 60000, {}, 400),
        (b"x" * 65537, {}, 413),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"Content-Type": "application/json; charset=utf-16"}, 415),
        (b"{}", {"Content-Type": ""}, 415),
        (b"{}", {"Content-Encoding": "gzip"}, 415),
    ],
)
async def test_what_is_no_request(tmp_path: Path, content: bytes, headers: dict[str, str], status: int) -> None:
    async with serving(bench(), tmp_path) as running:
        sent = {"Content-Type": "application/json", **headers}
        done = await running.ask("POST", CLUSTERS, content=content, headers=sent)
    assert (done.status_code, done.json()["error"]["code"]) == (status, "invalid")


async def test_a_body_of_unknown_length_is_bounded_too(tmp_path: Path) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b" " * 4096

    async with serving(bench(), tmp_path) as running:
        done = await running.ask("POST", CLUSTERS, content=endless(), headers={"Content-Type": "application/json"})
    assert done.status_code == 413


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/clusters/", f"{ONE}/", f"{ONE}/check/x", "/docs/"])
async def test_a_path_that_is_not_there(tmp_path: Path, path: str) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("GET", path)
    assert (done.status_code, done.json()["error"]["code"]) == (404, "not_found")


async def test_a_method_that_a_path_does_not_take(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path) as running:
        for path in sorted({route.path for route in ROUTES}):
            allowed = {route.method for route in ROUTES if route.path == path}
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - allowed:
                done = await running.ask(method, path)
                assert (done.status_code, done.headers["Allow"]) == (405, ", ".join(sorted(allowed)))


async def test_head_is_get_without_a_body(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("HEAD", CLUSTERS)
        assert (done.status_code, done.content) == (200, b"")


async def raw(url: str, data: bytes) -> bytes:
    """What a server answers to bytes, until it closes."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/9.9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer se\x00cret\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: secret" + b"x" * 20000 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_without_a_word_of_it(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(bench(), tmp_path) as running:
        head, _, body = (await raw(running.url, data)).partition(b"\r\n\r\n")
    assert b" 400 " in head.splitlines()[0]
    assert json.loads(body)["error"]["cause"] == "malformed"
    assert b"aiohttp" not in head
    assert "secret" not in caplog.text
    assert b"cret" not in body


async def test_who_says_nothing_is_hung_up_on(tmp_path: Path) -> None:
    limits = Limits(head_seconds=0.05)
    async with serving(bench(), tmp_path, limits=limits) as running:
        assert await raw(running.url, b"") == b""
        assert await raw(running.url, b"GET / HTTP/1.1\r\nHost:") == b""


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    limits = Limits(head_seconds=0.5)
    async with serving(bench(), tmp_path, limits=limits) as running:
        head = f"POST {CLUSTERS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {running.tokens[Role.ADMIN]}\r\n"
        said = await raw(running.url, f"{head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{{".encode())
    assert said.startswith(b"HTTP/1.1 408 ")


# How much, how long


async def test_a_call_that_takes_too_long_is_stopped_and_leaves_nothing(tmp_path: Path) -> None:
    server = FakeServer(gates={"login": asyncio.Event()})
    async with serving(bench(server), tmp_path, limits=Limits(live_seconds=0.05)) as running:
        done = await running.ask("POST", CLUSTERS, json=BODY)
        assert (done.status_code, done.json()["error"]["cause"]) == (504, "timeout")
        assert await running.bench.services.clusters.list() == ()
        assert running.bench.secrets.kept == {}


async def test_strangers_are_slowed_down_and_who_has_a_token_is_not(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path, limits=Limits(strangers=0.5)) as running:
        answers = [await running.ask("GET", CLUSTERS, role=None) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert answers[2].headers["Retry-After"] == "2"
        assert (await running.ask("GET", CLUSTERS)).status_code == 200
        running.bench.clock.advance(2)
        assert (await running.ask("GET", CLUSTERS, role=None)).status_code == 401


async def test_calls_to_clusters_are_limited_by_token(tmp_path: Path) -> None:
    async with serving(bench(clusters=[PROD]), tmp_path, limits=Limits(live=0.5, requests=0.5)) as running:
        statuses = [(await running.ask("POST", f"{ONE}/check")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert (await running.ask("POST", f"{ONE}/check", role=Role.OPERATOR)).status_code == 200
        assert [(await running.ask("GET", CLUSTERS)).status_code for _ in range(3)] == [200, 200, 429]


async def arrived(server: FakeServer, sessions: int) -> None:
    """Wait until the made-up server has so many sessions."""
    while server.sessions < sessions:  # noqa: ASYNC110  (a stand-in without an event)
        await asyncio.sleep(0)


async def test_only_so_many_talk_to_clusters_at_once(tmp_path: Path) -> None:
    gate = asyncio.Event()
    server = FakeServer(gates={"connect": gate})
    limits = Limits(live=1e6, at_once=2)
    async with serving(bench(server, clusters=[PROD]), tmp_path, limits=limits) as running:
        first = [asyncio.create_task(running.ask("POST", f"{ONE}/check")) for _ in range(2)]
        await arrived(server, 2)
        assert (await running.ask("POST", f"{ONE}/check")).status_code == 429
        gate.set()
        assert [(await task).status_code for task in first] == [200, 200]
        assert (await running.ask("POST", f"{ONE}/check")).status_code == 200


def test_a_bucket_forgets_who_has_long_been_silent() -> None:
    clock = StillClock()
    buckets = Buckets(1, clock.timer)
    for number in range(20_000):
        assert buckets.take(str(number)) == 0
    assert len(buckets._levels) == 10_000


async def test_behind_a_proxy_strangers_are_told_apart(tmp_path: Path) -> None:
    from pxm_tui.api.listening import Place

    place, limits = Place(port=0, behind_proxy=True), Limits(strangers=0.25)
    async with serving(bench(), tmp_path, limits=limits, place=place) as running:
        for sender, status in (("192.0.2.1", 401), ("192.0.2.1", 429), ("192.0.2.2", 401)):
            headers = {"X-Forwarded-For": f"203.0.113.9, {sender}"}
            assert (await running.ask("GET", CLUSTERS, role=None, headers=headers)).status_code == status


# Every answer


async def test_a_defect_is_told_as_one_and_its_words_stay_out_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    words = "a password that was typed"

    async def broken() -> None:
        raise RuntimeError(words)

    async with serving(bench(), tmp_path) as running:
        monkeypatch.setattr(running.bench.repository, "list", broken)
        done = await running.ask("GET", CLUSTERS)
    assert (done.status_code, done.json()["error"]["code"]) == (500, "internal")
    assert "unexpected RuntimeError" in caplog.text
    assert "test_door.py" in caplog.text
    assert words not in caplog.text + done.text


@pytest.mark.parametrize("path", [CLUSTERS, "/health", "/nothing", "/docs"])
async def test_every_answer_says_little_of_the_server_and_nothing_to_other_sites(tmp_path: Path, path: str) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("GET", path, headers={"Origin": "https://example.com"})
    assert done.headers["Server"] == "pxm"
    assert done.headers["Cache-Control"] == "no-store"
    assert done.headers["X-Content-Type-Options"] == "nosniff"
    assert not [name for name in done.headers if name.lower().startswith("access-control")]


async def test_an_unreachable_cluster_does_not_delay_a_list(tmp_path: Path) -> None:
    server = FakeServer(gates={"connect": asyncio.Event()})
    async with serving(bench(server, clusters=[PROD]), tmp_path, limits=UNLIMITED) as running:
        check = asyncio.create_task(running.ask("POST", f"{ONE}/check"))
        await arrived(server, 1)
        assert (await running.ask("GET", CLUSTERS)).status_code == 200
        server.errors["connect"] = connection_messages.refused(Endpoint("10.20.0.11"))
        server.gates["connect"].set()
        assert (await check).json()["cluster"]["status"] == "unreachable"


def test_a_read_that_comes_a_little_too_soon_is_held_back_and_not_refused() -> None:
    clock = StillClock()
    buckets = Buckets(4, clock.timer)
    assert [buckets.take("a", patience=1) for _ in range(20)] == [0] * 16 + [0.25, 0.5, 0.75, 1]
    assert buckets.take("a", patience=1) == 1.25
    clock.advance(0.25)
    assert buckets.take("a", patience=1) == 1
    assert buckets.take("b") == 0
