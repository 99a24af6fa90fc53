"""Checking a cluster, and repairing what the check found."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input

from pxm_tui.domain import connection_messages, login_messages
from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod, Status
from pxm_tui.domain.observation import Node, Snapshot
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.screens.certificate import CompareDialog
from pxm_tui.tui.screens.check import CheckDialog
from pxm_tui.tui.screens.login import LoginScreen
from pxm_tui.tui.screens.passphrase import PassphraseDialog
from tests.fakes import (
    HOSTILE_NAME,
    Bench,
    FakeSecrets,
    FakeServer,
    certificate,
    cluster,
    make_bench,
    observation,
    sketch_fleet,
)
from tests.tui.staging import Stage, until

HOST = "10.20.0.11"


def bench_of(which: Cluster, **server: Any) -> Bench:
    bench = make_bench([which], servers={which.endpoint.host: FakeServer(**server)})
    bench.services.fleet.load()
    return bench


def check(bench: Bench, which: Cluster, snapshot: Snapshot | None = None) -> Stage:
    view = ClusterView(which, snapshot or Snapshot(which.id))
    return Stage(bench, lambda: CheckDialog(bench.services, view))


def login(bench: Bench, which: Cluster) -> Stage:
    return Stage(bench, lambda: LoginScreen(bench.services, ClusterView(which, Snapshot(which.id))))


def field(app: Stage, name: str) -> FormInput:
    return app.screen.query_one(f"#{name}", FormInput)


def lab_old() -> Cluster:
    return next(one for one in sketch_fleet() if one.name == "lab-old")


async def test_a_healthy_cluster_offers_to_close() -> None:
    which = cluster("fra-prod-1", status=Status.UNKNOWN)
    bench = bench_of(which)
    app = check(bench, which)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "✔ discovery" in app.shown)
        assert "the trusted one, 464 days left" in app.shown
        assert "[ Close ]      [ Copy report ]" in app.shown
        assert app.focused is app.screen.query_one("#close")
        await pilot.press("enter")
        assert app.results == [None]
        (stored,) = await bench.repository.list()
        assert stored.status is Status.HEALTHY
        (view,) = bench.services.fleet.view().clusters
        assert view.asked
        assert view.cluster.status is Status.HEALTHY


async def test_steps_are_shown_while_they_run_and_esc_ends_them() -> None:
    which = cluster("fra-prod-1")
    bench = bench_of(which, gates={"secure": asyncio.Event()})
    app = check(bench, which)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "▸ certificate" in app.shown)
        assert "✔ connect" in app.shown
        assert "Esc stop and close" in app.shown
        await pilot.press("ctrl+y")
        assert app.clipboard == ""
        await pilot.press("escape")
        await until(pilot, lambda: bool(app.results))
        assert not [worker for worker in app.workers if not worker.is_finished]


async def test_an_expired_token_ends_in_logging_in_again() -> None:
    which = lab_old()
    bench = bench_of(which, tokens={"monitor@pve!pxm": "a-new-secret"})
    app = check(bench, which)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "[ Log in again ]" in app.shown)
        assert "It said: token 'pxm' access expired" in app.shown
        assert "│   pveum user token modify monitor@pve pxm --expire $(date -d +1year +%s)" in app.shown
        assert "version, discovery: not run" in app.shown
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, LoginScreen))
        bench.clock.advance(0.6)
        assert app.focused is field(app, "token_secret")
        assert field(app, "token_id").value == "monitor@pve!pxm"
        assert field(app, "token_secret").value == ""
        app.burst("a-new-secret\r")
        await until(pilot, lambda: isinstance(app.screen, CheckDialog))
        await until(pilot, lambda: "✔ discovery" in app.shown)
        (stored,) = await bench.repository.list()
        changed = {"status", "error", "login", "updated_at", "last_seen_at", "proxmox_version", "node_count"}
        changed |= {"nodes_online", "guests_running", "guests_total", "own_name"}
        for name in Cluster.__slots__:
            if name not in changed:
                assert getattr(stored, name) == getattr(which, name)
        assert not stored.login.refused
        assert bench.secrets.of(stored) == "a-new-secret"


async def test_a_changed_certificate_ends_in_comparing() -> None:
    which = next(one for one in sketch_fleet() if one.name == "ber-edge-1")
    bench = bench_of(which, certificate=certificate(seed=9))
    app = check(bench, which)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "[ Compare certificates ]" in app.shown)
        assert bench.gateway.servers[which.endpoint.host].logins == 0
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, CompareDialog))
        bench.clock.advance(0.6)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CheckDialog))
        assert (await bench.repository.list())[0].trust == which.trust
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CompareDialog))
        bench.clock.advance(0.6)
        app.screen.query_one("#expected", Input).value = certificate(seed=9).sha256
        await pilot.pause()
        app.screen.query_one("#trust").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "✔ discovery" in app.shown)
        (stored,) = await bench.repository.list()
        assert stored.trust.fingerprint == certificate(seed=9).sha256
        assert stored.login == replace(which.login, refused=False)


async def test_nothing_to_compare_when_it_does_not_answer_any_more() -> None:
    which = next(one for one in sketch_fleet() if one.name == "ber-edge-1")
    gone = {"read_certificate": connection_messages.timeout(which.endpoint, 5)}
    bench = bench_of(which, certificate=certificate(seed=9), errors=gone)
    app = check(bench, which)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "[ Compare certificates ]" in app.shown)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "No answer from 10.30.0.11:8006 within 5 s." in app.shown)
        assert "[ Try again ]" in app.shown


async def test_what_does_not_answer_can_be_tried_again() -> None:
    which = cluster("dr-ams", host="10.40.0.11", env="dr")
    dead = connection_messages.timeout(Endpoint("10.40.0.11"), 5)
    bench = make_bench([which, cluster("x", number=2)], servers={"10.40.0.11": FakeServer(errors={"connect": dead})})
    bench.services.fleet.load()
    nodes = (Node("dr-ams-1", "online", "10.40.0.11", local=True), Node("dr-ams-2", "online", "10.40.0.12"))
    app = check(bench, which, Snapshot(which.id, nodes=nodes))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "[ Try again ]" in app.shown)
        assert "0 of 1 other clusters answer from here." in app.shown
        assert "dr-ams-2, 10.40.0.12" in app.shown
        bench.gateway.servers["10.40.0.11"].errors = {}
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "✔ discovery" in app.shown)
        assert "[ Try again ]" not in app.shown
        assert "other clusters" not in app.shown


async def test_missing_rights_are_shown_with_the_line_that_grants_them() -> None:
    which = cluster("fra-stage")
    bench = bench_of(which, observed=observation(privileges=frozenset({"Sys.Audit"})))
    app = check(bench, which)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "[ Show missing rights ]" in app.shown)
        assert "pveum" not in app.shown
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "--tokens 'monitor@pve!pxm'" in app.shown)
        assert "--users 'monitor@pve'" in app.shown
        await pilot.press("enter")
        await until(pilot, lambda: "[ Show missing rights ]" in app.shown)


async def test_the_report_is_copied() -> None:
    which = lab_old()
    bench = bench_of(which)
    bench.secrets.kept.clear()
    app = check(bench, which)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "[ Copy report ]" in app.shown)
        await pilot.click("#copy")
        await pilot.pause()
        report = app.clipboard.splitlines()
        assert report[0].endswith("check of lab-old, 2026-11-22 14:02:10 UTC, from jump1")
        assert report[1] == "cluster      lab-old (id 550e8400), Proxmox VE 8.1.4, last seen 12:02 UTC"
        assert any(row.startswith("login        failed ") and "secret_missing" in row for row in report)
        assert report[-1] == "not run      version, discovery"


async def test_a_locked_vault_asks_and_declining_is_no_failure_of_the_cluster() -> None:
    which = cluster("fra-prod-1")
    bench = make_bench([which], servers={HOST: FakeServer()}, secrets=FakeSecrets("open sesame"))
    bench.services.fleet.load()
    app = check(bench, which)
    async with app.run_test() as pilot:
        await until(pilot, lambda: isinstance(app.screen, PassphraseDialog))
        bench.clock.advance(0.6)
        await pilot.press("escape")
        await until(pilot, lambda: "The secret store is locked" in app.shown)
        assert (await bench.repository.list())[0].status is Status.HEALTHY
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, PassphraseDialog))
        bench.clock.advance(0.6)
        app.burst("wrong one\r")
        await until(pilot, lambda: "That was not the passphrase." in app.shown)
        bench.clock.advance(0.6)
        app.burst("open sesame\r")
        await until(pilot, lambda: "✔ discovery" in app.shown)


async def test_a_hostile_name_is_only_a_name() -> None:
    which = cluster(HOSTILE_NAME)
    said = login_messages.token(which.endpoint, "monitor@pve!pxm", "[/foo] `[red]`")
    bench = bench_of(which, errors={"version": said})
    app = check(bench, which)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "It said: [/foo] `[red]`" in app.shown)
        assert f"Check {HOSTILE_NAME}" in app.shown
        await pilot.press("ctrl+y")
        assert HOSTILE_NAME in app.clipboard


@pytest.mark.parametrize("size", [(44, 20), (80, 24), (160, 45)])
async def test_it_ends_with_its_buttons_in_sight(size: tuple[int, int]) -> None:
    which = lab_old()
    bench = bench_of(which, tokens={})
    app = check(bench, which)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "[ Log in again ]" in app.shown and "[ Copy report ]" in app.shown)
        assert "[ Close ]" in app.shown


# Logging in again


async def test_an_empty_secret_tries_the_stored_one() -> None:
    which = lab_old()
    bench = bench_of(which)
    app = login(bench, which)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert app.results[0].cluster.status is Status.HEALTHY
        assert app.results[0].cluster.login.name == "monitor@pve!pxm"


async def test_keys_typed_ahead_do_not_log_in() -> None:
    which = lab_old()
    bench = bench_of(which)
    app = login(bench, which)
    async with app.run_test() as pilot:
        app.burst("\r\t\r")
        await pilot.pause()
        assert bench.gateway.servers[which.endpoint.host].logins == 0


async def test_a_refused_login_changes_nothing_and_goes_to_the_field() -> None:
    which = lab_old()
    bench = bench_of(which)
    app = login(bench, which)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.burst("wrong-secret\r")
        await until(pilot, lambda: "! rejected" in app.shown)
        assert app.focused is field(app, "token_secret")
        assert field(app, "token_secret").value == "wrong-secret"
        assert "wrong-secret" not in app.shown
        assert await bench.repository.list() == (which,)
        await pilot.press("escape")
        await until(pilot, lambda: bool(app.results))
        assert app.results == [None]


async def test_another_way_of_login_and_a_second_factor() -> None:
    which = lab_old()
    bench = bench_of(which, code="123456")
    app = login(bench, which)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.screen.query_one("#method").focus()
        await pilot.press("left")
        field(app, "user").value = "root"
        field(app, "password").value = "right-password"
        await pilot.press("enter")
        await until(pilot, lambda: "The realm is missing." in app.shown)
        field(app, "user").value = "root@pam"
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is field(app, "code"))
        await pilot.press("enter")
        await until(pilot, lambda: "! empty" in app.shown)
        app.burst("12345\r")
        await until(pilot, lambda: "! at least 6 characters" in app.shown)
        field(app, "code").value = ""
        app.burst("999999\r")
        await until(pilot, lambda: "! not accepted" in app.shown)
        assert field(app, "password").value == "right-password"
        app.burst("123456\r")
        await until(pilot, lambda: bool(app.results))
        (stored,) = await bench.repository.list()
        assert (stored.login.method, stored.login.user, stored.login.minted) == (LoginMethod.TOKEN, "root@pam", True)
        assert (stored.name, stored.labels, stored.trust) == (which.name, which.labels, which.trust)


async def test_a_missing_secret_is_said_at_the_field() -> None:
    which = cluster("fra-prod-1", method=LoginMethod.PASSWORD)
    bench = bench_of(which)
    app = login(bench, which)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        field(app, "user").value = "anna@pve"
        await pilot.press("enter")
        await until(pilot, lambda: "The password is missing." in app.shown)
        assert app.focused is field(app, "password")


async def test_esc_stops_logging_in_and_keeps_what_was_typed() -> None:
    which = lab_old()
    bench = bench_of(which, gates={"realms": asyncio.Event()})
    app = login(bench, which)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.burst("something\r")
        await until(pilot, lambda: "▸ proxmox" in app.shown)
        await pilot.press("escape")
        await until(pilot, lambda: "Enter log in" in app.shown)
        assert field(app, "token_secret").value == "something"
        await pilot.press("escape")
        await until(pilot, lambda: bool(app.results))
        assert app.results == [None]


async def test_the_buttons_of_the_login_do_as_the_keys() -> None:
    which = lab_old()
    bench = bench_of(which)
    app = login(bench, which)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.click("#login")
        await until(pilot, lambda: bool(app.results))
        assert app.results[0].error is None


async def test_a_deregistered_cluster_cannot_be_logged_in_to() -> None:
    which = lab_old()
    bench = bench_of(which)
    await bench.repository.delete(which.id)
    app = login(bench, which)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.press("enter")
        await until(pilot, lambda: "No cluster is called" in app.shown)
        await pilot.click("#cancel")
        await until(pilot, lambda: bool(app.results))


async def test_where_pxm_made_the_token_the_password_makes_another_and_an_empty_one_tries_the_stored() -> None:
    which = lab_old()
    which = replace(which, login=replace(which.login, minted=True))
    bench = bench_of(which)
    bench.gateway.servers["lab1.example.net"].passwords["monitor@pve"] = "right-password"
    app = login(bench, which)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        assert app.focused is field(app, "password")
        assert field(app, "user").value == "monitor@pve"
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        (stored,) = await bench.repository.list()
        assert stored.login.token_id == which.login.token_id
        assert not bench.gateway.servers["lab1.example.net"].token_writes
