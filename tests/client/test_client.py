"""The typed client: every call, both ways, against the real server."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from pxm_tui.api.routes import ROUTES
from pxm_tui.client import AsyncPxmClient, Cluster, PxmApiError, PxmClient, RegisterRequest
from pxm_tui.client.calls import Call, list_clusters
from pxm_tui.domain.access import Role
from tests.api.serving import BODY, bench, serving
from tests.fakes import Bench, cluster

PROD = cluster("fra-prod-1")
OLD = cluster("fra-prod-2", number=2)
REQUEST = RegisterRequest.model_validate(BODY)


@asynccontextmanager
async def connected(found: Bench, directory: Path) -> AsyncIterator[AsyncPxmClient]:
    """A client with a token that may everything."""
    async with serving(found, directory) as running, AsyncPxmClient(running.url, running.tokens[Role.ADMIN]) as client:
        yield client


async def test_every_call(tmp_path: Path) -> None:
    async with connected(bench(), tmp_path) as client:
        assert {step.state for step in (await client.dry_run(REQUEST)).steps} == {"ok"}
        record = await client.register(REQUEST)
        assert isinstance(record, Cluster)
        assert record.name == "prod-cluster"
        assert (await client.list()).clusters == [record]
        assert (await client.list(status=["unknown"], label=["env=prod"], sort="-name", limit=5)).total == 0
        assert await client.get(record.id) == record
        assert (await client.check(record.id)).cluster.status == "healthy"
        assert (await client.health()).ready is True
        assert "pxm_cluster_up" in await client.metrics()
        assert (await client.openapi())["openapi"].startswith("3.1")
        left = await client.deregister(record.id, keep_token=True)
        assert left is None or left.cleanup
        with pytest.raises(PxmApiError) as raised:
            await client.get(record.id)
    assert (raised.value.status, raised.value.fault.code) == (404, "not_found")


async def test_pages(tmp_path: Path) -> None:
    async with connected(bench(clusters=[PROD, OLD]), tmp_path) as client:
        first = await client.list(limit=1)
        second = await client.list(limit=1, cursor=first.next_cursor)
    assert [page.clusters[0].name for page in (first, second)] == ["fra-prod-1", "fra-prod-2"]
    assert second.next_cursor is None


async def test_without_asyncio(tmp_path: Path) -> None:
    async with serving(bench(clusters=[PROD]), tmp_path) as running:

        def use() -> list[str]:
            with PxmClient(running.url, running.tokens[Role.VIEWER]) as client:
                with pytest.raises(PxmApiError, match="403"):
                    client.register(REQUEST)
                return [found.name for found in client.list().clusters]

        assert await asyncio.to_thread(use) == ["fra-prod-1"]


async def test_an_error_says_what_the_server_said_and_how_far_it_came(tmp_path: Path) -> None:
    async with connected(bench(), tmp_path) as client:
        with pytest.raises(PxmApiError) as raised:
            await client.register(REQUEST.model_copy(update={"password": SecretStr("not-the-one")}))
    error = raised.value
    assert (error.status, error.fault.cause, error.fault.field) == (422, "credentials", "password")
    assert [step.name for step in error.steps if step.state == "failed"] == ["login"]
    assert "not-the-one" not in str(error) + repr(error)


async def test_what_is_not_the_api_is_said(tmp_path: Path) -> None:
    call = list_clusters()
    with pytest.raises(PxmApiError, match="bad_answer"):
        call.result(httpx.Response(502, text="<html>nginx</html>"))


def test_both_clients_have_a_method_for_every_route() -> None:
    for route in ROUTES:
        if route.name != "docs":
            assert hasattr(PxmClient, route.name)
            assert hasattr(AsyncPxmClient, route.name)


def test_a_method_says_what_it_does() -> None:
    client = PxmClient()
    assert "live now" in (client.check.__doc__ or "")
    assert inspect.getdoc(client.list)
    client.close()


@pytest.mark.parametrize("url", ["http://pxm.example.com", "http://10.0.0.1:8080", "ftp://localhost"])
def test_a_token_is_not_sent_in_clear_to_another_machine(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        PxmClient(url, "pxm_secret")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost", "https://pxm.test"])
def test_where_it_may_be_sent(url: str) -> None:
    PxmClient(url, "pxm_secret").close()


def test_what_is_sent_shows_no_secret() -> None:
    call: Call[Any] = Call(ROUTES[0], lambda _: None, body={"password": "hunter2"})
    assert "hunter2" not in repr(call) + repr(REQUEST)
    assert "right-password" not in repr(REQUEST) + str(REQUEST)


async def test_proxies_of_the_environment_do_not_see_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with (
        serving(bench(), tmp_path) as running,
        AsyncPxmClient(running.url, running.tokens[Role.VIEWER]) as client,
    ):
        assert (await client.list()).total == 0
