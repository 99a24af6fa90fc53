"""Health, metrics, the OpenAPI document and its page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pxm_tui.api import models
from pxm_tui.api.docs import page
from pxm_tui.api.handlers import Handlers
from pxm_tui.api.openapi import FAILURES, document
from pxm_tui.api.routes import ROUTES
from pxm_tui.domain import connection_messages
from pxm_tui.domain.cluster import Endpoint, Status
from pxm_tui.domain.errors import Code, StorageError
from pxm_tui.domain.steps import StepState
from tests.api.serving import CLUSTERS, bench, serving
from tests.fakes import FakeSecrets, FakeServer, cluster

PROD = cluster("fra-prod-1")


async def test_a_stranger_is_told_whether_it_works_and_no_more(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("GET", "/health", role=None)
        assert (done.status_code, done.json()) == (200, {"live": True, "ready": True})
        known = await running.ask("GET", "/health")
        assert known.json() == {"live": True, "ready": True, "repository": "ok", "secret_store": "ok"}


async def test_a_locked_secret_store_is_not_ready(tmp_path: Path) -> None:
    async with serving(bench(secrets=FakeSecrets("a passphrase")), tmp_path) as running:
        done = await running.ask("GET", "/health", role=None)
        assert (done.status_code, done.json()) == (507, {"live": True, "ready": False})
        assert any("PXM_VAULT_PASSPHRASE_FILE" in text for text in running.said)
        assert "locked" in (await running.ask("GET", "/health")).json()["secret_store"]
        assert (await running.ask("GET", "/health?live=true", role=None)).status_code == 200


async def test_a_registry_that_cannot_be_read_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise StorageError("storage_unusable", "Cannot read it.")

    async with serving(bench(), tmp_path) as running:
        monkeypatch.setattr(running.bench.repository, "list", broken)
        done = await running.ask("GET", "/health")
        assert (done.status_code, done.json()["repository"]) == (507, "Cannot read it.")


# Metrics


async def figures(tmp_path: Path, *clusters: Any, server: FakeServer | None = None, check: bool = True) -> Any:
    async with serving(bench(server, clusters=clusters), tmp_path) as running:
        for found in clusters if check else ():
            await running.ask("POST", f"{CLUSTERS}/{found.id}/check")
        running.bench.clock.advance(60)
        done = await running.ask("GET", "/metrics")
    assert done.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = [sample for family in text_string_to_metric_families(done.text) for sample in family.samples]
    return {(sample.name, *sorted(sample.labels.values())): sample.value for sample in samples}


async def test_a_healthy_cluster_in_figures(tmp_path: Path) -> None:
    found = await figures(tmp_path, PROD)
    one = (PROD.id, "fra-prod-1")
    assert found["pxm_cluster_up", *one] == 1
    assert found["pxm_cluster_nodes", *one] == found["pxm_cluster_nodes_online", *one] == 3
    assert (found["pxm_cluster_guests", *one], found["pxm_cluster_guests_running", *one]) == (12, 9)
    assert found["pxm_cluster_quorate", *one] == 1
    assert found["pxm_cluster_certificate_expiry_timestamp_seconds", *one] == 1835524800
    assert found["pxm_cluster_latency_seconds", *one] > 0
    assert found["pxm_cluster_data_age_seconds", *one] == 60
    assert (found["pxm_cluster_checks_total", *one], found["pxm_cluster_check_errors_total", *one]) == (1, 0)
    assert found["pxm_clusters", "healthy"] == 1
    assert found["pxm_http_requests_total", "/api/v1/clusters/{id}/check", "200", "POST"] == 1
    assert found["pxm_http_request_duration_seconds_count", "/api/v1/clusters/{id}/check", "POST"] == 1
    assert found["pxm_http_requests_in_flight",] == 1


async def test_a_dead_cluster_in_figures(tmp_path: Path) -> None:
    server = FakeServer(errors={"connect": connection_messages.refused(Endpoint("10.20.0.11"))})
    found = await figures(tmp_path, PROD, server=server)
    one = (PROD.id, "fra-prod-1")
    assert found["pxm_cluster_up", *one] == 0
    assert found["pxm_cluster_check_errors_total", *one] == 1
    assert found["pxm_cluster_data_age_seconds", *one] == 65
    assert found["pxm_clusters", "unreachable"] == 1


async def test_what_is_not_known_has_no_figure(tmp_path: Path) -> None:
    unseen = cluster("new", status=Status.UNKNOWN, guests=None)
    found = await figures(tmp_path, unseen, check=False)
    names = {key[0] for key in found if "new" in key}
    assert not names & {"pxm_cluster_up", "pxm_cluster_guests", "pxm_cluster_token_expiry_timestamp_seconds"}


async def test_names_cannot_break_out_of_a_label(tmp_path: Path) -> None:
    hostile = cluster('x"} 1\nevil{a="\\')
    found = await figures(tmp_path, hostile)
    assert found["pxm_cluster_up", *sorted((hostile.id, hostile.name))] == 1
    assert not [key for key in found if key[0].startswith("evil")]


# The document


def test_every_route_is_documented_and_served() -> None:
    spec = document()
    for route in ROUTES:
        operation = spec["paths"][route.path][route.method.lower()]
        assert operation["operationId"] == route.name
        assert set(operation["responses"]) == {str(status) for status in (*route.replies, *route.failures)}
        assert bool(operation["security"]) is bool(route.role)
        assert hasattr(Handlers, route.name)
    assert set(FAILURES) >= {status for route in ROUTES for status in route.failures}


def test_every_reference_leads_somewhere() -> None:
    spec = document()
    for name in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', httpx.Response(200, json=spec).text):
        assert name in spec["components"]["schemas"]
    assert "default" not in spec["paths"][CLUSTERS]["get"]["parameters"][3]["schema"]


def test_the_words_of_the_models_are_those_of_the_domain() -> None:
    assert set(get_args(models.StatusWord)) == set(Status)
    assert set(get_args(models.CodeWord)) == set(Code)
    assert set(get_args(models.Step.model_fields["state"].annotation)) == set(StepState)


class Links(HTMLParser):
    """What a page loads and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.targets: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.targets += [found[name] or "" for name in ("href", "src") if name in found]
        self.names.add(found.get("id") or "")


async def test_the_page_needs_no_network_and_no_script(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("GET", "/docs", role=None)
    assert done.content == page()
    assert "default-src 'none'" in done.headers["Content-Security-Policy"]
    assert "script" not in done.headers["Content-Security-Policy"]
    links = Links()
    links.feed(done.text)
    assert not {"script", "link", "img", "iframe"} & set(links.tags)
    for target in links.targets:
        assert target == "openapi.json" or target.removeprefix("#") in links.names
    for route in ROUTES:
        assert f"<code>{route.path}</code>" in done.text
