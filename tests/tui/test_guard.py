"""Read-only clusters and runs on the screens, and the dialog that turns the guard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.bundle import DemoFourth
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.screens.check import CheckDialog
from pxm_tui.tui.screens.deregister import DeregisterDialog
from pxm_tui.tui.screens.edit import EditScreen
from pxm_tui.tui.screens.guard import GuardDialog
from pxm_tui.tui.screens.login import LoginScreen
from tests.fakes import Bench, FakeServer, cluster, make_bench
from tests.tui.driving import driven
from tests.tui.staging import Stage, until

PROD = cluster("fra-prod-1")
GUARDED = replace(PROD, read_only=True)


def bench_of(*clusters: object, read_only: bool = False) -> Bench:
    bench = make_bench([*clusters], servers={"10.20.0.11": FakeServer()}, read_only=read_only)  # type: ignore[list-item]
    bench.services.fleet.load()
    return bench


def stage(bench: Bench, which: object) -> Stage:
    view = ClusterView(which, Snapshot(PROD.id))  # type: ignore[arg-type]
    return Stage(bench, lambda: GuardDialog(bench.services, view))


async def test_a_cluster_is_made_read_only_without_typing_its_name() -> None:
    async with driven(bench_of(PROD), size=(160, 45)) as ui:
        await ui.burst(":read-only\r")
        await ui.shows("Make fra-prod-1 read-only")
        ui.bench.clock.advance(0.6)
        await ui.press("tab", "enter")
        await ui.shows("fra-prod-1 is read-only now.")
        await ui.shows(" PROD RO ")
        await ui.shows("Read-only: pxm changes nothing on it.")


async def test_production_becomes_writable_by_its_name_only() -> None:
    bench = bench_of(GUARDED)
    app = stage(bench, GUARDED)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        turn = app.screen.query_one("#turn")
        assert turn.disabled
        app.screen.query_one("#typed", FormInput).focus()
        app.burst("fra-prod-1\r")
        await until(pilot, lambda: app.focused is turn)
        assert app.results == []
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert not (await bench.services.clusters.get(PROD.id)).read_only


@pytest.mark.parametrize("burst", ["\t\r", "fra-prod-1\t\r", "y\r", "\r\r"])
async def test_no_burst_makes_it_writable(burst: str) -> None:
    bench = bench_of(GUARDED)
    app = stage(bench, GUARDED)
    async with app.run_test() as pilot:
        app.burst(burst)
        await pilot.pause()
        assert (await bench.services.clusters.get(PROD.id)).read_only


async def test_what_prevents_it_is_said() -> None:
    bench = bench_of(PROD)
    app = stage(bench, PROD)
    async with app.run_test() as pilot:
        await pilot.pause()
        await bench.repository.delete(PROD.id)
        bench.clock.advance(0.6)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "No cluster is called" in app.shown)
        await pilot.press("escape")
        assert app.results == [None]


@pytest.mark.parametrize("dialog", [CheckDialog, DeregisterDialog, GuardDialog, LoginScreen])
@pytest.mark.parametrize("whole_run", [False, True])
async def test_every_dialog_has_environment_and_ro(dialog: type[CheckDialog], whole_run: bool) -> None:
    which = PROD if whole_run else GUARDED
    bench = bench_of(which, read_only=whole_run)
    app = Stage(bench, lambda: dialog(bench.services, ClusterView(which, Snapshot(which.id))))
    async with app.run_test() as pilot:
        await pilot.pause()
        top = next(line for line in app.shown.splitlines() if "┌" in line)
        assert " PROD RO ─" in top


@pytest.mark.parametrize("whole_run", [False, True])
async def test_the_edit_form_has_the_tags(whole_run: bool) -> None:
    which = PROD if whole_run else GUARDED
    bench = bench_of(which, read_only=whole_run)
    app = Stage(bench, lambda: EditScreen(bench.services, ClusterView(which, Snapshot(which.id))))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "PROD RO   nothing is saved" in app.shown.splitlines()[0]


async def test_a_writable_cluster_has_no_ro() -> None:
    bench = bench_of(PROD)
    app = Stage(bench, lambda: DeregisterDialog(bench.services, ClusterView(PROD, Snapshot(PROD.id))))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert " PROD ─" in app.shown


async def test_the_detail_screen_has_the_tags() -> None:
    async with driven(bench_of(GUARDED)) as ui:
        await ui.press("enter")
        await ui.shows("Clusters › fra-prod-1")
        assert "PROD RO   now" in ui.lines[0]


RUNS = [(True, False, "pxm RO "), (True, True, "pxm DEMO RO "), (False, True, "pxm DEMO ")]


@pytest.mark.parametrize("keys", ["", "\r", "?", "l", ":audit\r", "a"])
@pytest.mark.parametrize(("read_only", "demo", "program"), RUNS)
async def test_every_title_says_what_is_special_about_the_run(
    keys: str, read_only: bool, demo: bool, program: str
) -> None:
    bench = bench_of(PROD, read_only=read_only)
    if demo:
        fourth = DemoFourth("127.0.0.4", "root@pam", "demo-fourth")
        bench = replace(bench, services=replace(bench.services, demo=fourth))
    async with driven(bench) as ui:
        await ui.burst(keys)
        await ui.until(lambda: ui.lines[0].startswith(f" {program}") and (not keys or "Clusters 1" not in ui.lines[0]))
