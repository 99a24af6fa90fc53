"""Clusters over the REST API: registered, listed, shown, checked, deregistered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.api import models
from pxm_tui.domain import certificate_messages, connection_messages, login_messages
from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Endpoint, LoginMethod, Status
from pxm_tui.domain.errors import PxmError, StorageError
from tests.api.serving import BODY, CLUSTERS, bench, serving
from tests.fakes import FakeSecrets, FakeServer, certificate, cluster, make_bench

HERE = Endpoint("10.20.0.11")
PROD = cluster("fra-prod-1", number=1)
OLD = cluster("fra-prod-2", number=2, env="", status=Status.UNREACHABLE, method=LoginMethod.PASSWORD)
TEN = cluster("fra-prod-10", number=3, env="test")


async def test_registering_gives_the_record_and_its_place(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("POST", CLUSTERS, json={**BODY, "labels": {"env": "prod", "site": "fra"}})
        assert done.status_code == 201
        record = done.json()
        assert record == (await running.bench.services.clusters.get("prod-cluster")).to_json()
        assert (record["name"], record["status"], record["node_count"]) == ("prod-cluster", "healthy", 3)
        assert record["labels"] == {"env": "prod", "site": "fra"}
        shown = await running.ask("GET", done.headers["Location"])
        assert (shown.status_code, shown.json()) == (200, record)


async def test_registering_with_a_token(tmp_path: Path) -> None:
    login = {"token_id": "monitor@pve!pxm", "token_secret": "right-secret"}
    body = {**{name: value for name, value in BODY.items() if name not in {"username", "password"}}, **login}
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("POST", CLUSTERS, json=body)
    assert done.status_code == 201
    assert done.json()["login"]["token_id"] == "monitor@pve!pxm"


async def test_a_second_factor_is_given_along(tmp_path: Path) -> None:
    async with serving(bench(FakeServer(code="123456")), tmp_path) as running:
        without = await running.ask("POST", CLUSTERS, json=BODY)
        assert (without.status_code, without.json()["error"]["cause"]) == (422, "second_factor_needed")
        assert without.json()["error"]["field"] == "otp"
        done = await running.ask("POST", CLUSTERS, json={**BODY, "otp": "123456"})
        assert done.status_code == 201


async def test_a_dry_run_gives_the_steps_and_saves_nothing(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("POST", f"{CLUSTERS}?dry_run=true", json=BODY)
        assert done.status_code == 200
        assert {step["state"] for step in done.json()["steps"]} == {"ok"}
        assert await running.bench.services.clusters.list() == ()
        assert running.bench.secrets.kept == {}


async def test_a_dry_run_that_fails_says_how_far_it_came(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("POST", f"{CLUSTERS}?dry_run=true", json={**BODY, "password": "wrong"})
    assert done.status_code == 422
    assert [step["name"] for step in done.json()["steps"] if step["state"] == "failed"] == ["login"]


@pytest.mark.parametrize(
    ("phase", "error", "status"),
    [
        ("resolve", connection_messages.unknown_host(HERE), 504),
        ("connect", connection_messages.refused(HERE), 504),
        ("connect", connection_messages.timeout(HERE, 5), 504),
        ("connect", connection_messages.no_route(HERE, "10.20.0.11"), 504),
        ("secure", connection_messages.not_tls(HERE), 502),
        ("secure", connection_messages.closed(HERE), 504),
        ("secure", certificate_messages.expired(HERE, certificate()), 422),
        ("secure", certificate_messages.wrong_host(HERE, certificate()), 422),
        ("realms", connection_messages.not_proxmox(HERE, "nginx"), 502),
        ("login", login_messages.locked("root@pam"), 422),
        ("login", connection_messages.bad_answer(HERE, "is no JSON"), 502),
        ("version", connection_messages.too_old(HERE, "5.4"), 504),
        ("observe", login_messages.missing_privilege("nodes", "Sys.Audit", "/"), 422),
    ],
)
async def test_what_a_cluster_does_wrong_has_its_status(
    tmp_path: Path, phase: str, error: PxmError, status: int
) -> None:
    async with serving(bench(FakeServer(errors={phase: error})), tmp_path) as running:
        done = await running.ask("POST", CLUSTERS, json=BODY)
        assert done.status_code == status
        assert (done.json()["error"]["code"], done.json()["error"]["cause"]) == (error.code, error.cause)
        assert await running.bench.services.clusters.list() == ()


async def test_an_untrusted_certificate_is_shown_to_be_compared(tmp_path: Path) -> None:
    body = {name: value for name, value in BODY.items() if name != "fingerprint"}
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("POST", CLUSTERS, json=body)
        assert done.status_code == 422
        error = done.json()["error"]
        assert (error["code"], error["cause"]) == ("certificate_untrusted", "untrusted")
        again = await running.ask("POST", CLUSTERS, json={**body, "fingerprint": error["certificate"]["sha256"]})
        assert again.status_code == 201


async def test_a_refused_login_is_no_401_of_ours(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("POST", CLUSTERS, json={**BODY, "password": "not-the-one"})
    assert done.status_code == 422
    assert done.json()["error"] | {"message": "", "hint": ""} == {
        "code": "login_failed", "cause": "credentials", "message": "", "hint": "", "field": "password",
    }  # fmt: skip
    assert "not-the-one" not in done.text


async def test_a_name_that_is_taken(tmp_path: Path) -> None:
    async with serving(bench(clusters=[PROD]), tmp_path) as running:
        done = await running.ask("POST", CLUSTERS, json={**BODY, "name": "FRA-PROD-1"})
    assert done.status_code == 409
    assert (done.json()["error"]["code"], done.json()["error"]["field"]) == ("already_registered", "name")


async def test_secrets_that_nobody_can_unlock_are_never_held_in_memory_only(tmp_path: Path) -> None:
    for secrets in (FakeSecrets("a passphrase"), FakeSecrets("a passphrase", exists=False)):
        async with serving(bench(secrets=secrets), tmp_path / str(id(secrets))) as running:
            done = await running.ask("POST", CLUSTERS, json=BODY)
            assert (done.status_code, done.json()["error"]["code"]) == (507, "storage_unusable")
            assert "PXM_VAULT_PASSPHRASE_FILE" in done.json()["error"]["hint"]
            assert secrets.kept == {}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"api_endpoint": "a b"}, "api_endpoint"),
        ({"api_endpoint": None}, "api_endpoint"),
        ({"username": ""}, "username"),
        ({"username": "a b"}, "username"),
        ({"password": None}, "password"),
        ({"password": 5}, "password"),
        ({"token_id": "nonsense", "token_secret": "x"}, "token_id"),
        ({"fingerprint": "xx"}, "fingerprint"),
        ({"ca": "pem"}, "fingerprint"),
        ({"labels": {"": "x"}}, "labels"),
        ({"labels": ["env"]}, "labels"),
        ({"mint_token": "yes"}, "mint_token"),
        ({"name": "a\nb"}, "name"),
        ({"passwort": "right-password"}, "passwort"),
    ],
)
async def test_a_field_that_is_not_valid_is_named(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("POST", CLUSTERS, json={**BODY, **changes})
    assert (done.status_code, done.json()["error"]["code"]) == (422, "invalid")
    assert done.json()["error"]["field"] == field
    assert "right-password" not in done.text


async def test_no_answer_and_no_log_holds_a_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    secrets = {"password": "hunter2-password", "otp": "987654", "token_secret": "hunter2-secret"}
    answers = []
    async with serving(bench(FakeServer(passwords={"root@pam": "hunter2-password"})), tmp_path) as running:
        for body in (
            {**BODY, "password": secrets["password"]},
            {**BODY, **secrets},
            {**BODY, "token_id": "monitor@pve!pxm", "token_secret": secrets["token_secret"]},
            {**BODY, "password": [secrets["password"]]},
        ):
            answers.append(await running.ask("POST", CLUSTERS, json=body))
        answers.append(await running.ask("GET", CLUSTERS))
        said = "".join(f"{answer.headers}{answer.text}" for answer in answers) + caplog.text
        assert answers[0].status_code == 201
        for secret in (*secrets.values(), *running.tokens.values()):
            assert secret not in said


# Lists


async def listed(query: str, tmp_path: Path) -> list[str]:
    async with serving(bench(clusters=[PROD, OLD, TEN]), tmp_path) as running:
        done = await running.ask("GET", f"{CLUSTERS}{query}")
        assert done.status_code == 200
        assert done.json()["next_cursor"] is None
        assert done.json()["total"] == len(done.json()["clusters"])
        return [record["name"] for record in done.json()["clusters"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["fra-prod-1", "fra-prod-2", "fra-prod-10"]),
        ("?sort=-name", ["fra-prod-10", "fra-prod-2", "fra-prod-1"]),
        ("?sort=status", ["fra-prod-1", "fra-prod-10", "fra-prod-2"]),
        ("?status=unreachable", ["fra-prod-2"]),
        ("?status=unreachable&status=healthy&label=env", ["fra-prod-1", "fra-prod-10"]),
        ("?label=env%3Dprod", ["fra-prod-1"]),
        ("?label=env%3Dprod&label=site", []),
        ("?status=unknown", []),
    ],
)
async def test_lists_are_filtered_and_sorted(tmp_path: Path, query: str, names: list[str]) -> None:
    assert await listed(query, tmp_path) == names


@pytest.mark.parametrize("sort", ["name", "-name", "status", "-last_seen_at", "created_at"])
async def test_pages_show_every_cluster_once_though_one_goes_meanwhile(tmp_path: Path, sort: str) -> None:
    async with serving(bench(clusters=[PROD, OLD, TEN]), tmp_path) as running:
        first = (await running.ask("GET", f"{CLUSTERS}?limit=1&sort={sort}")).json()
        assert (first["total"], len(first["clusters"])) == (3, 1)
        await running.bench.repository.delete(first["clusters"][0]["id"])
        seen, cursor = [], first["next_cursor"]
        while cursor:
            page = await running.ask("GET", CLUSTERS, params={"limit": 1, "sort": sort, "cursor": cursor})
            seen += [record["name"] for record in page.json()["clusters"]]
            cursor = page.json()["next_cursor"]
    assert len(seen) == 2
    assert {first["clusters"][0]["name"], *seen} == {"fra-prod-1", "fra-prod-2", "fra-prod-10"}


@pytest.mark.parametrize(
    "query",
    [
        "cursor=",
        "cursor=%C3%A9",
        "cursor=e30",
        "cursor=WyJzdGF0dXMiLCJhIiwiYiIsImMiXQ",
        "limit=0",
        "limit=1001",
        "limit=1.0",
        "limit=",
        "limit=1&limit=2",
        "sort=size",
        "status=well",
        "unknown=1",
    ],
)
async def test_a_parameter_that_is_not_valid_is_named(tmp_path: Path, query: str) -> None:
    async with serving(bench(), tmp_path) as running:
        done = await running.ask("GET", f"{CLUSTERS}?{query}")
    assert (done.status_code, done.json()["error"]["code"]) == (422, "invalid")
    assert done.json()["error"]["field"] == query.partition("=")[0]


async def test_a_mistyped_dry_run_registers_nothing(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path) as running:
        for query in ("dryrun=true", "dry_run=yes", "dry_run=1", "dry_run="):
            assert (await running.ask("POST", f"{CLUSTERS}?{query}", json=BODY)).status_code == 422
        assert await running.bench.services.clusters.list() == ()


# One cluster


async def test_only_the_whole_id_is_a_cluster(tmp_path: Path) -> None:
    imposter = cluster(PROD.id.replace("550e", "550f"), number=7)
    async with serving(bench(clusters=[PROD, imposter]), tmp_path) as running:
        for wrong in ("fra-prod-1", PROD.id[:8], imposter.name, "nothing", "%2e%2e", "a%2Fb"):
            for method in ("GET", "DELETE"):
                done = await running.ask(method, f"{CLUSTERS}/{wrong}")
                assert (done.status_code, done.json()["error"]["code"]) == (404, "not_found"), wrong
        assert len(await running.bench.services.clusters.list()) == 2


async def test_a_check_gives_steps_and_record(tmp_path: Path) -> None:
    async with serving(bench(clusters=[PROD]), tmp_path) as running:
        done = await running.ask("POST", f"{CLUSTERS}/{PROD.id}/check")
        assert done.status_code == 200
        assert {step["state"] for step in done.json()["steps"]} == {"ok"}
        assert done.json()["cluster"]["status"] == "healthy"
        views = running.bench.services.fleet.view().clusters
        assert (views[0].checks, views[0].failures) == (1, 0)


async def test_a_check_of_a_dead_cluster_is_no_failure_of_the_call(tmp_path: Path) -> None:
    server = FakeServer(errors={"connect": connection_messages.refused(HERE)})
    async with serving(bench(server, clusters=[PROD]), tmp_path) as running:
        done = await running.ask("POST", f"{CLUSTERS}/{PROD.id}/check")
        assert done.status_code == 200
        assert (done.json()["cluster"]["status"], done.json()["cluster"]["error"]["cause"]) == (
            "unreachable",
            "refused",
        )


async def test_a_login_that_was_refused_is_sent_again_on_request_only(tmp_path: Path) -> None:
    server = FakeServer(tokens={})
    async with serving(bench(server, clusters=[PROD]), tmp_path) as running:
        refused = await running.ask("POST", f"{CLUSTERS}/{PROD.id}/check")
        assert refused.json()["cluster"]["status"] == "unauthorized"
        held = await running.ask("POST", f"{CLUSTERS}/{PROD.id}/check")
        assert held.status_code == 200
        assert held.json()["cluster"]["status"] == "unauthorized"
        assert server.logins == 1
        await running.ask("POST", f"{CLUSTERS}/{PROD.id}/check?retry=true")
        assert server.logins == 2


async def test_deregistering_reports_what_is_left(tmp_path: Path) -> None:
    async with serving(bench(clusters=[PROD, OLD]), tmp_path) as running:
        with_token = await running.ask("DELETE", f"{CLUSTERS}/{PROD.id}")
        assert with_token.status_code == 200
        assert with_token.json()["cleanup"] == ["pveum user token remove monitor@pve pxm"]
        nothing_left = await running.ask("DELETE", f"{CLUSTERS}/{OLD.id}")
        assert (nothing_left.status_code, nothing_left.content) == (204, b"")
        assert await running.bench.services.clusters.list() == ()
        assert (await running.ask("DELETE", f"{CLUSTERS}/{OLD.id}")).status_code == 404


async def test_a_token_that_may_not_revoke_itself_is_named(tmp_path: Path) -> None:
    server = FakeServer()
    async with serving(bench(server), tmp_path) as running:
        for query, tries in (("", 1), ("?keep_token=true", 0)):
            record = (await running.ask("POST", CLUSTERS, json=BODY)).json()
            assert record["login"]["minted"] is True
            before = server.sessions
            done = await running.ask("DELETE", f"{CLUSTERS}/{record['id']}{query}")
            assert (done.status_code, done.json()["revoked"], len(done.json()["cleanup"])) == (200, False, 1)
            assert server.sessions == before + tries


async def test_a_password_that_was_kept_leaves_nothing(tmp_path: Path) -> None:
    async with serving(bench(), tmp_path) as running:
        record = (await running.ask("POST", CLUSTERS, json={**BODY, "mint_token": False})).json()
        assert record["login"] == {"method": "password", "user": "root@pam"}
        assert (await running.ask("DELETE", f"{CLUSTERS}/{record['id']}")).status_code == 204


async def test_a_token_of_a_dead_cluster_is_named_for_later(tmp_path: Path) -> None:
    server = FakeServer()
    async with serving(bench(server), tmp_path) as running:
        record = (await running.ask("POST", CLUSTERS, json=BODY)).json()
        server.errors["connect"] = connection_messages.refused(HERE)
        done = await running.ask("DELETE", f"{CLUSTERS}/{record['id']}")
        assert (done.status_code, done.json()["revoked"]) == (200, False)
        assert done.json()["cleanup"][0].startswith("pveum user token remove root@pam pxm-")


async def test_what_storage_cannot_do_is_507(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise StorageError("storage_unusable", "No space left.")

    async with serving(bench(clusters=[PROD]), tmp_path) as running:
        monkeypatch.setattr(running.bench.repository, "list", broken)
        for method, path in (("GET", CLUSTERS), ("GET", f"{CLUSTERS}/{PROD.id}"), ("DELETE", f"{CLUSTERS}/{PROD.id}")):
            done = await running.ask(method, path)
            assert (done.status_code, done.json()["error"]["code"]) == (507, "storage_unusable")


async def test_the_audit_says_whose_token_changed_what(tmp_path: Path) -> None:
    async with serving(bench(clusters=[OLD]), tmp_path) as running:
        await running.ask("POST", CLUSTERS, json={**BODY, "separate": True})
        await running.ask("DELETE", f"{CLUSTERS}/{OLD.id}")
        entries = running.bench.audit.kept
    assert [entry.action for entry in entries] == ["make_token", "register", "deregister"]
    for entry in entries:
        assert dict(entry.facts)["api_token"] == "admin"
        assert dict(entry.facts)["address"] == "127.0.0.1"


def keys(value: Any) -> Any:
    """The shape of a JSON value: its names, all the way down."""
    return {name: keys(below) for name, below in value.items()} if isinstance(value, dict) else None


def test_the_model_has_every_field_of_a_record_and_no_other() -> None:
    for record in (PROD, OLD):
        document = record.to_json()
        again = json.loads(models.Cluster.model_validate(document).model_dump_json(exclude_unset=True))
        assert keys(again) == keys(document)
        assert again == document
        assert set(models.Cluster.model_fields) == set(document)


@pytest.mark.parametrize("down", [False, True])
async def test_a_node_of_a_known_cluster_that_has_a_certificate_of_its_own(tmp_path: Path, down: bool) -> None:
    """Nobody is there to ask: 409. Where the known one cannot be asked it is registered, and the log says so."""
    authority, leaf, there = certificate(seed=50), certificate(seed=2), Endpoint("10.20.0.12")
    trust = Trust(TrustMode.PINNED_CA, leaf.sha256, authority.pem, authority, leaf)
    listed = frozenset({certificate().sha256, leaf.sha256})
    first = FakeServer(certificate=leaf, authority=authority, node_fingerprints=listed)
    if down:
        first.errors["connect"] = connection_messages.refused(there)
    node = FakeServer(presented=authority, node_fingerprints=listed)
    known = replace(cluster("known", number=4, host=there.host), trust=trust)
    found = make_bench([known], servers={there.host: first, HERE.host: node})
    async with serving(found, tmp_path) as running:
        done = await running.ask("POST", CLUSTERS, json=BODY)
        if not down:
            assert (done.status_code, done.json()["error"]["code"]) == (409, "already_registered")
            assert "pxm edit known --add-endpoint https://10.20.0.11:8006" in done.json()["error"]["hint"]
            tried = await running.ask("POST", f"{CLUSTERS}?dry_run=true", json=BODY)
            assert tried.status_code == 409
            assert await found.repository.list() == (known,)
            return
        assert done.status_code == 201
        journal = [entry.text for entry in found.services.journal.entries() if entry.failure]
        assert 'It says that it is of "known", which could not be asked (refused)' in journal[0]
        assert await found.repository.find_by_id(known.id) == known
