"""Deregistering a cluster."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pxm_tui.domain import messages
from pxm_tui.domain.cluster import Cluster, LoginMethod, Status
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.deregistration import Deregistration
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.screens.deregister import DeregisterDialog
from tests.fakes import HOSTILE_NAME, NOW, Bench, FakeServer, cluster, make_bench, sketch_fleet
from tests.tui.driving import driven
from tests.tui.fleet import seen_bench
from tests.tui.staging import Stage, until

COMMAND = "pveum user token remove monitor@pve pxm"


def stage(bench: Bench, which: Cluster) -> Stage:
    return Stage(bench, lambda: DeregisterDialog(bench.services, ClusterView(which, Snapshot(which.id))))


def named(name: str) -> Cluster:
    return next(one for one in sketch_fleet() if one.name == name)


def bench_of(*clusters: Cluster) -> Bench:
    bench = make_bench(clusters)
    bench.services.fleet.load()
    return bench


async def test_a_cluster_is_deregistered() -> None:
    gone, stays = cluster("muc-10", env="test"), cluster("muc-2", number=2)
    bench = bench_of(gone, stays)
    app = stage(bench, gone)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "muc-10, Proxmox VE 9.2.11, 3 nodes, 41 guests" in app.shown
        assert COMMAND in app.shown
        bench.clock.advance(0.6)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(app.results))
        assert app.results == [Deregistration(gone, None, (COMMAND,))]
        assert await bench.repository.list() == (stays,)
        assert [key for key, _ in bench.secrets.kept] == [stays.id]
        assert [view.cluster.name for view in bench.services.fleet.view().clusters] == ["muc-2"]


@pytest.mark.parametrize("name", ["muc-10", HOSTILE_NAME])
@pytest.mark.parametrize("burst", ["\t\r", "\r\r", "muc-10\t\r", "y\r", "\t\t\r\r\r"])
async def test_no_burst_deregisters(name: str, burst: str) -> None:
    gone = cluster(name, env="lab")
    bench = bench_of(gone)
    app = stage(bench, gone)
    async with app.run_test() as pilot:
        app.burst(burst)
        await pilot.pause()
        assert app.results == []
        assert await bench.repository.list() == (gone,)


async def test_production_wants_the_name_typed() -> None:
    gone = cluster("fra-prod-1")
    bench = bench_of(gone)
    app = stage(bench, gone)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        typed = app.screen.query_one("#typed", FormInput)
        button = app.screen.query_one("#deregister")
        assert button.disabled
        assert "(off until it matches)" in app.shown
        typed.focus()
        app.burst("fra-prod-\r")
        await pilot.pause()
        assert button.disabled
        app.burst("1\r")
        await until(pilot, lambda: app.focused is button)
        assert "(off until it matches)" not in app.shown
        assert app.results == []
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert await bench.repository.list() == ()


async def test_a_name_in_another_script_may_be_replaced_by_the_id() -> None:
    gone = named("서울-1")
    bench = bench_of(gone)
    app = stage(bench, gone)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "Type the name, or 550e8400, to go on:" in app.shown
        typed = app.screen.query_one("#typed", FormInput)
        for text, off in (("550e840", True), ("550e8400", False), ("서울", True), ("서울-1", False)):
            typed.value = text
            await pilot.pause()
            assert app.screen.query_one("#deregister").disabled is off


async def test_the_id_does_not_stand_for_a_name_that_can_be_typed() -> None:
    gone = cluster("fra-prod-1")
    bench = bench_of(gone)
    app = stage(bench, gone)
    async with app.run_test() as pilot:
        app.screen.query_one("#typed", FormInput).value = gone.short_id
        await pilot.pause()
        assert app.screen.query_one("#deregister").disabled


async def test_a_dead_cluster_says_what_is_left_for_later() -> None:
    bench = bench_of(named("dr-ams"))
    app = stage(bench, named("dr-ams"))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "dr-ams, unreachable for 3 h (timed out), 2 nodes, 88 guests" in app.shown
        assert "when the cluster is back" in app.shown
        assert "(kept in the log too: l)" in app.shown
        bench.clock.advance(0.6)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: bool(app.results))
        assert COMMAND in bench.services.journal.entries()[-1].text


async def test_a_password_login_leaves_nothing_there() -> None:
    gone = cluster("muc-10", env="", method=LoginMethod.PASSWORD)
    bench = bench_of(gone)
    app = stage(bench, gone)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "its stored password" in app.shown
        assert "pxm logged in as root@pam" in app.shown
        assert "pveum" not in app.shown
        bench.clock.advance(0.6)
        await pilot.press("ctrl+y")
        assert app.clipboard == ""


async def test_cancel_changes_nothing() -> None:
    gone = cluster("muc-10", env="")
    bench = bench_of(gone)
    app = stage(bench, gone)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.press("enter")
        assert app.results == [None]
        assert await bench.repository.list() == (gone,)


async def test_the_command_is_copied() -> None:
    bench = bench_of(cluster("muc-10"))
    app = stage(bench, cluster("muc-10"))
    async with app.run_test(notifications=True) as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.press("ctrl+y")
        assert app.clipboard == COMMAND


async def test_what_prevents_it_is_said_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = cluster("muc-10", env="")
    bench = bench_of(gone)

    async def locked(_: Any) -> bool:
        raise messages.storage_unusable("~/.local/share/pxm", "another pxm (pid 4711) is writing")

    monkeypatch.setattr(bench.repository, "delete", locked)
    app = stage(bench, gone)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "another pxm (pid 4711)" in app.shown)
        assert app.focused is app.screen.query_one("#cancel")
        await pilot.press("escape")
        assert app.results == [None]


@pytest.mark.parametrize("size", [(44, 20), (80, 24), (160, 45)])
@pytest.mark.parametrize("name", ["kunde-alpenverein-hosting-1", "서울-1", HOSTILE_NAME])
async def test_every_name_fits(name: str, size: tuple[int, int]) -> None:
    bench = bench_of(named(name))
    app = stage(bench, named(name))
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        rows = app.shown.splitlines()
        assert len(rows) <= size[1]
        assert any(row.strip().startswith("┌ Deregister") and row.endswith("┐") for row in rows)


async def test_the_rows_below_move_up_on_the_screen() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("j", "D")
        await ui.shows("Deregister ")
        ui.bench.clock.advance(0.6)
        await ui.press("tab")
        name = ui.home.cluster_views()[1].cluster.name
        await ui.burst(name)
        await ui.press("tab", "tab", "enter")
        await ui.shows("10 of 10")

        names = [view.cluster.name for view in ui.home.cluster_views()]
        shown = [line for line in ui.lines[2:13] if line.strip()]
        assert len(shown) == len(names) == 10


# A token that pxm made

MADE = "root@pam!pxm-jump1-anna-550e8400"


def minted(**changes: Any) -> Cluster:
    found = cluster("muc-10", env="", host="10.20.0.11", **changes)
    login = replace(found.login, user="root@pam", token_id=MADE, minted=True, expires_at=NOW + timedelta(days=314))
    return replace(found, login=login)


def made_bench(record: Cluster, **options: Any) -> Bench:
    server = FakeServer(tokens={MADE: "right-secret"}, **options)
    bench = make_bench([record], servers={"10.20.0.11": server})
    bench.services.fleet.load()
    return bench


async def test_with_the_password_of_its_owner_the_token_is_revoked() -> None:
    record = minted()
    bench = made_bench(record)
    app = stage(bench, record)
    async with app.run_test() as pilot:
        await pilot.pause()
        words = " ".join(app.shown.replace("│", " ").split())
        assert f"{MADE}, the token pxm made, is revoked if you give the password of root@pam." in words
        assert "2027-10-02" in app.shown
        bench.clock.advance(0.6)
        app.screen.query_one("#owner-password", FormInput).value = "right-password"
        app.screen.query_one("#deregister").focus()
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert app.results == [Deregistration(record, True, ())]
        assert MADE not in bench.gateway.servers["10.20.0.11"].tokens


async def test_without_it_the_token_stays_and_its_line_is_in_the_log() -> None:
    record = minted()
    bench = made_bench(record)
    app = stage(bench, record)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.screen.query_one("#deregister").focus()
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert app.results[0].revoked is False
        assert any("pveum user token remove root@pam" in entry.text for entry in bench.services.journal.entries())


async def test_a_wrong_password_changes_nothing_and_a_code_is_asked_for() -> None:
    record = minted()
    bench = made_bench(record, code="123456")
    app = stage(bench, record)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.screen.query_one("#owner-password", FormInput).value = "wrong"
        app.screen.query_one("#deregister").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "rejected the login of root@pam" in app.shown)
        assert len(await bench.repository.list()) == 1
        app.screen.query_one("#owner-password", FormInput).value = "right-password"
        app.screen.query_one("#deregister").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "send the code" in app.shown)
        await pilot.press("escape")
        await until(pilot, lambda: "send the code" not in app.shown)
        assert len(await bench.repository.list()) == 1
        app.screen.query_one("#deregister").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "send the code" in app.shown)
        await pilot.press(*"123456", "enter")
        await until(pilot, lambda: bool(app.results))
        assert app.results[0].revoked is True


async def test_a_dead_cluster_says_until_when_its_token_is_good() -> None:
    record = minted(status=Status.UNREACHABLE)
    app = stage(made_bench(record), record)
    async with app.run_test() as pilot:
        await pilot.pause()
        words = " ".join(app.shown.replace("│", " ").split())
        assert "nothing can be done now. The token stays valid there until it expires on 2027-10-02" in words
        assert "(kept in the log too: l)" in app.shown


async def test_a_guarded_cluster_keeps_its_token() -> None:
    record = replace(minted(), read_only=True)
    app = stage(made_bench(record), record)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "read-only" in app.shown
        assert not app.screen.query("#owner-password")
