"""Editing a cluster on the screen: the form, the live checks, and that nothing is lost or half saved."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.domain import connection_messages
from pxm_tui.domain.certificate import TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod, Status
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.fields import Choice, FormInput
from pxm_tui.tui.screens.check import CheckDialog
from pxm_tui.tui.screens.edit import EditScreen
from tests.fakes import HOSTILE_NAME, Bench, FakeServer, certificate, cluster, make_bench
from tests.tui.driving import Driven, driven
from tests.tui.fleet import seen_bench
from tests.tui.staging import Stage, until

RECORD = replace(cluster("fra-prod"), labels=(("env", "dr"), ("site", "fra"), ("team", "core")))
OTHER = cluster("ams-backup", number=2, host="10.20.0.99")


def bench_of(record: Cluster = RECORD, **server: Any) -> Bench:
    servers = {host: FakeServer(**server) for host in ("10.20.0.11", "10.20.0.12")}
    bench = make_bench([record, OTHER], servers=servers)
    bench.services.fleet.load()
    return bench


def edit(bench: Bench, record: Cluster = RECORD) -> Stage:
    return Stage(bench, lambda: EditScreen(bench.services, ClusterView(record, Snapshot(record.id))))


def field(app: Stage, name: str) -> FormInput:
    return app.screen.query_one(f"#{name}", FormInput)


async def stored(bench: Bench) -> Cluster:
    found = await bench.repository.find_by_id(RECORD.id)
    assert found is not None
    return found


def select(ui: Driven, name: str) -> None:
    view = next(view for view in ui.home.cluster_views() if view.cluster.name == name)
    ui.home.grid.select(view.cluster.id)


async def test_it_begins_with_what_the_record_has() -> None:
    app = edit(bench_of())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        shown = app.shown
        assert app.focused is field(app, "name")
        assert [field(app, name).value for name in ("name", "labels", "endpoints", "token_id", "fingerprint")] == [
            "fra-prod",
            "site=fra team=core",
            "10.20.0.11",
            "monitor@pve!pxm",
            "",
        ]
        assert app.screen.query_one("#environment", Choice).value == "dr"
        assert "(•) dr" in shown
        assert "nothing is saved unless every check passes" in shown
        assert "DR" in shown.splitlines()[0]


async def test_saving_it_as_it_is_changes_nothing() -> None:
    bench = bench_of()
    app = edit(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert app.results[0].changed == ()
        assert await stored(bench) == RECORD
        assert bench.gateway.servers["10.20.0.11"].sessions == 0


async def test_name_labels_guard_and_environment() -> None:
    bench = bench_of()
    app = edit(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        field(app, "name").value = "서울-1"
        field(app, "labels").value = "site=ams"
        app.screen.query_one("#environment", Choice).choose("prod")
        app.screen.query_one("#guard", Choice).choose("on")
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        found = await stored(bench)
        assert (found.name, found.labels, found.read_only) == ("서울-1", (("env", "prod"), ("site", "ams")), True)
        assert bench.services.fleet.view().clusters[1].cluster.name == "서울-1"


async def test_an_endpoint_is_added_and_comes_first() -> None:
    bench = bench_of()
    app = edit(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        field(app, "endpoints").value = "https://10.20.0.12:8006/#v1 10.20.0.11"
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert (await stored(bench)).endpoints == (Endpoint("10.20.0.12"), Endpoint("10.20.0.11"))


@pytest.mark.parametrize(
    ("name", "value", "words", "focus"),
    [
        ("name", "  ", "is empty", "name"),
        ("labels", "nonsense", "key=value", "labels"),
        ("labels", "env=prod", "The environment is chosen above", "labels"),
        ("endpoints", "", "The last endpoint cannot be removed", "endpoints"),
        ("endpoints", "10.20.0.11 10.20.0", "an IPv4 address has four numbers", "endpoints"),
        ("fingerprint", "AA:BB", "not a SHA-256 fingerprint", "fingerprint"),
        ("token_id", "nonsense", "full token ID", "token_id"),
    ],
)
async def test_a_field_that_is_wrong_is_named_before_anything_is_contacted(
    name: str, value: str, words: str, focus: str
) -> None:
    bench = bench_of()
    app = edit(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        field(app, name).value = value
        await pilot.press("enter")
        await until(pilot, lambda: words in app.shown)
        assert app.focused is field(app, focus)
        assert not app.results
        assert all(server.sessions == 0 for server in bench.gateway.servers.values())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("name", "AMS-Backup", "is registered already"),
        ("endpoints", "10.20.0.11 10.20.0.13", "The name 10.20.0.13 has no address"),
        ("endpoints", "10.20.0.11 10.20.0.12", "does not prove to be of"),
        ("fingerprint", certificate(seed=9).sha256, "shows another certificate than the expected one"),
        ("token_secret", "wrong-secret", "rejected the token"),
    ],
)
async def test_a_check_that_fails_keeps_the_form_and_saves_nothing(name: str, value: str, words: str) -> None:
    bench = bench_of()
    bench.gateway.servers["10.20.0.12"].certificate = certificate(seed=2)
    app = edit(bench)
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        field(app, "labels").value = "site=ams"
        field(app, name).value = value
        await pilot.press("enter")
        await until(pilot, lambda: words in " ".join(app.shown.split()))
        await until(pilot, lambda: app.focused is field(app, name))
        assert "nothing was saved" in app.shown
        assert field(app, name).value == value
        assert field(app, "labels").value == "site=ams"
        assert "wrong-secret" not in app.shown
        assert await stored(bench) == RECORD
        await pilot.press("escape")
        await until(pilot, lambda: bool(app.results))
        assert app.results == [None]


async def test_another_login_with_a_second_factor() -> None:
    bench = bench_of(code="123456")
    app = edit(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.screen.query_one("#method", Choice).choose("password")
        await pilot.pause()
        field(app, "user").value = "root@pam"
        field(app, "password").value = "right-password"
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is field(app, "code"))
        await pilot.press("enter")
        await until(pilot, lambda: "! empty" in app.shown)
        app.burst("123456\r")
        await until(pilot, lambda: bool(app.results))
        login = (await stored(bench)).login
        assert (login.method, login.user, login.minted) == (LoginMethod.TOKEN, "root@pam", True)
        assert app.results[0].changed == ("login",)
        assert bench.gateway.servers["10.20.0.11"].logins == 1


async def test_the_password_is_kept_where_no_token_is_wanted() -> None:
    bench = bench_of()
    app = edit(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.screen.query_one("#method", Choice).choose("password")
        await pilot.pause()
        field(app, "user").value = "root@pam"
        field(app, "password").value = "right-password"
        app.screen.query_one("#token", Choice).choose("all")
        await until(pilot, lambda: "without a second factor" in app.shown)
        app.screen.query_one("#token", Choice).choose("none")
        await until(pilot, lambda: "without a second factor" not in app.shown)
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert (await stored(bench)).login.method is LoginMethod.PASSWORD


async def test_esc_stops_what_runs_and_keeps_what_was_typed() -> None:
    bench = bench_of()
    bench.gateway.servers["10.20.0.12"].gates["connect"] = asyncio.Event()
    app = edit(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        field(app, "endpoints").value = "10.20.0.11 10.20.0.12"
        await pilot.press("enter")
        await until(pilot, lambda: "stop, keeps what you typed" in app.shown)
        await pilot.press("escape")
        await until(pilot, lambda: "stopped, nothing was saved" in app.shown)
        assert field(app, "endpoints").value == "10.20.0.11 10.20.0.12"
        assert not field(app, "endpoints").disabled
        assert await stored(bench) == RECORD


async def test_what_a_colleague_changed_meanwhile_stays() -> None:
    bench = bench_of()
    app = edit(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        await bench.repository.save(replace(RECORD, labels=(("team", "night"),)))
        field(app, "name").value = "eins"
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        found = await stored(bench)
        assert (found.name, found.labels) == ("eins", (("team", "night"),))


async def test_a_hostile_name_is_text() -> None:
    record = replace(RECORD, name=HOSTILE_NAME)
    app = edit(bench_of(record), record)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert HOSTILE_NAME in app.shown.splitlines()[0]


async def test_e_opens_it_at_home_and_on_the_cluster_and_the_command_line_knows_it() -> None:
    async with driven(seen_bench()) as ui:
        select(ui, "ams-backup")
        await ui.press("e")
        await ui.shows("Edit ams-backup")
        await ui.press("escape")
        await ui.press("enter")
        await ui.shows("Last errors")
        await ui.press("e")
        await ui.shows("Edit ams-backup")
        await ui.press("escape", "q")
        await ui.burst(":edit fra-stage\r")
        await ui.shows("Edit fra-stage")


async def test_what_was_changed_is_said_and_shown() -> None:
    async with driven(seen_bench()) as ui:
        select(ui, "ams-backup")
        await ui.press("e")
        await ui.shows("Edit ams-backup")
        await ui.burst("-2\r")
        await ui.shows("ams-backup-2: name changed.")
        assert any("● ams-backup-2" in line for line in ui.lines)


async def test_a_check_that_does_not_reach_it_leads_there() -> None:
    record = replace(RECORD, status=Status.UNREACHABLE)
    bench = bench_of(record, errors={"connect": connection_messages.refused(Endpoint("10.20.0.11"))})
    view = ClusterView(record, Snapshot(record.id))
    app = Stage(bench, lambda: CheckDialog(bench.services, view))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "[ Edit ]" in app.shown)
        app.screen.query_one("#edit").focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, EditScreen))
        assert app.focused is field(app, "endpoints")


async def test_production_wants_its_name_before_it_is_writable() -> None:
    record = replace(RECORD, labels=(("env", "prod"),), read_only=True)
    bench = bench_of(record)
    app = edit(bench, record)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "to go on" not in app.shown
        app.screen.query_one("#guard", Choice).choose("off")
        await until(pilot, lambda: "to go on" in app.shown)
        await pilot.press("enter")
        await until(pilot, lambda: "type its name to make it writable" in app.shown)
        assert (await stored(bench)).read_only
        field(app, "typed").value = "FRA-prod"
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert not (await stored(bench)).read_only


async def test_a_file_of_authorities_is_what_is_trusted_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "company-ca.pem").write_text(certificate(seed=5).pem)
    bench = bench_of()
    app = edit(bench)
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.pause()
        assert "a path here; empty: stays as it is" in app.shown
        field(app, "ca_file").value = "~/company-ca.pem"
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        trust = (await stored(bench)).trust
        assert (trust.mode, trust.anchor_pem) == (TrustMode.CA_FILE, certificate(seed=5).pem)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read: No such file"), ("no certificate", "holds no certificate in PEM form")],
)
async def test_a_file_that_holds_no_authority_is_said_at_its_field(
    tmp_path: Path, content: str | None, words: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    bench = bench_of()
    app = edit(bench)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        field(app, "ca_file").value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: words in " ".join(app.shown.split()))
        assert app.focused is field(app, "ca_file")
        assert await stored(bench) == RECORD
        assert bench.gateway.servers["10.20.0.11"].sessions == 0
