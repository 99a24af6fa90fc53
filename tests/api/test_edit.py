"""PATCH: name, labels, endpoints and guard; never trust or login."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pxm_tui.client import AsyncPxmClient, EditRequest, EndpointBody, GuardBody
from pxm_tui.domain import connection_messages
from pxm_tui.domain.access import Role
from pxm_tui.domain.cluster import Endpoint
from tests.api.serving import CLUSTERS, bench, serving
from tests.fakes import FakeServer, certificate, cluster, make_bench

PROD = cluster("fra-prod-1", number=1)
OTHER = cluster("fra-prod-2", number=2)
ONE = f"{CLUSTERS}/{PROD.id}"


async def test_what_is_in_the_body_changes_and_nothing_else(tmp_path: Path) -> None:
    async with serving(bench(clusters=[PROD]), tmp_path) as running:
        before = (await running.ask("GET", ONE)).json()
        done = await running.ask("PATCH", ONE, json={"name": "fra-1", "labels": {"site": "fra"}})
        assert done.status_code == 200
        changed = {"name": "fra-1", "labels": {"env": "prod", "site": "fra"}, "updated_at": "2026-11-22T14:02:10Z"}
        assert done.json() == {**before, **changed}
        assert (await running.ask("GET", ONE)).json() == done.json()


async def test_null_takes_a_label_away(tmp_path: Path) -> None:
    async with serving(bench(clusters=[PROD]), tmp_path) as running:
        done = await running.ask("PATCH", ONE, json={"labels": {"env": None, "nothing": None}})
        assert (done.status_code, done.json()["labels"]) == (200, {})


async def test_nothing_to_change_changes_nothing(tmp_path: Path) -> None:
    async with serving(bench(clusters=[PROD]), tmp_path) as running:
        before = (await running.ask("GET", ONE)).json()
        for body in ({}, {"name": None, "labels": None}, {"name": "fra-prod-1"}):
            done = await running.ask("PATCH", ONE, json=body)
            assert (done.status_code, done.json()) == (200, before)
        assert running.bench.audit.kept == []


async def test_the_guard(tmp_path: Path) -> None:
    async with serving(bench(clusters=[PROD]), tmp_path) as running:
        for value in (True, False):
            done = await running.ask("PATCH", ONE, json={"guard": {"read_only": value}})
            assert (done.status_code, done.json()["guard"]) == (200, {"read_only": value})
        assert [entry.action for entry in running.bench.audit.kept] == ["edit", "edit"]
        assert dict(running.bench.audit.kept[0].facts)["api_token"] == "admin"


@pytest.mark.parametrize(
    "body",
    [
        {"fingerprint": "AB" * 32},
        {"ca": "pem"},
        {"trust": {"mode": "system"}},
        {"username": "root@pam", "password": "hunter2"},
        {"token_secret": "hunter2"},
        {"name": "renamed", "fingerprint": "AB" * 32},
    ],
)
async def test_trust_and_login_are_not_changed_here(tmp_path: Path, body: dict[str, Any]) -> None:
    async with serving(bench(clusters=[PROD]), tmp_path) as running:
        done = await running.ask("PATCH", ONE, json=body)
        assert (done.status_code, done.json()["error"]["code"]) == (422, "invalid")
        assert "cannot be changed here" in done.json()["error"]["message"]
        assert "pxm edit" in done.json()["error"]["hint"]
        assert "hunter2" not in done.text
        assert await running.bench.repository.list() == (PROD,)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"labels": {"a b": "x"}}, "labels"),
        ({"labels": {"site": ""}}, "labels"),
        ({"endpoints": []}, "endpoints"),
        ({"endpoints": [{"url": "a b"}]}, "endpoints"),
        ({"endpoints": ["pve1"]}, "endpoints.0"),
        ({"guard": {}}, "guard.read_only"),
        ({"guard": {"read_only": "yes"}}, "guard.read_only"),
        ({"status": "healthy"}, "status"),
    ],
)
async def test_a_field_that_is_not_valid_is_named(tmp_path: Path, body: dict[str, Any], field: str) -> None:
    async with serving(bench(clusters=[PROD]), tmp_path) as running:
        done = await running.ask("PATCH", ONE, json=body)
        assert (done.status_code, done.json()["error"]["field"]) == (422, field)
        assert await running.bench.repository.list() == (PROD,)


async def test_a_name_that_is_taken(tmp_path: Path) -> None:
    async with serving(bench(clusters=[PROD, OTHER]), tmp_path) as running:
        done = await running.ask("PATCH", ONE, json={"name": "FRA-PROD-2"})
        assert (done.status_code, done.json()["error"]["field"]) == (409, "name")


async def test_an_endpoint_has_to_prove_that_it_is_of_the_cluster(tmp_path: Path) -> None:
    strange, dead = FakeServer(certificate=certificate(seed=9)), FakeServer()
    dead.errors["connect"] = connection_messages.refused(Endpoint("10.20.0.14"))
    servers = {"10.20.0.11": FakeServer(), "10.20.0.12": FakeServer(), "10.20.0.13": strange, "10.20.0.14": dead}
    async with serving(make_bench([PROD], servers=servers), tmp_path) as running:
        first = {"url": "https://10.20.0.11:8006"}
        done = await running.ask("PATCH", ONE, json={"endpoints": [first, {"url": "10.20.0.12"}]})
        assert done.status_code == 200
        assert [each["url"] for each in done.json()["endpoints"]] == [first["url"], "https://10.20.0.12:8006"]
        for host, status in (("10.20.0.13", 422), ("10.20.0.14", 504)):
            refused = await running.ask("PATCH", ONE, json={"endpoints": [first, {"url": host}]})
            assert refused.status_code == status
            assert "endpoints" in [step["name"] for step in refused.json()["steps"] if step["state"] == "failed"]
        assert (await running.ask("GET", ONE)).json()["endpoints"] == done.json()["endpoints"]


async def test_from_python(tmp_path: Path) -> None:
    changes = EditRequest(
        name="fra-1",
        labels={"env": None},
        endpoints=[EndpointBody(url="10.20.0.11")],
        guard=GuardBody(read_only=True),
    )
    async with serving(bench(clusters=[PROD]), tmp_path) as running:
        client = AsyncPxmClient(running.url, running.tokens[Role.ADMIN])
        done = await client.edit(PROD.id, changes)
        await client.close()
    assert (done.name, done.labels, done.guard.read_only) == ("fra-1", {}, True)
