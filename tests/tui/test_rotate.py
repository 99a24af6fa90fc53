"""Rotating a token in the dialog."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pxm_tui.domain.cluster import LoginMethod
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.fields import Choice, FormInput
from pxm_tui.tui.screens.rotate import RotateScreen
from tests.fakes import NOW, Bench, FakeServer, cluster, make_bench
from tests.tui.driving import driven
from tests.tui.staging import Stage, until

MADE = "root@pam!pxm-jump1-anna-550e8400"


def bench_of(*, read_only: bool = False, **options: Any) -> Bench:
    record = cluster("muc-10", env="", host="10.20.0.11")
    login = replace(record.login, user="root@pam", token_id=MADE, minted=True, expires_at=NOW + timedelta(days=3))
    server = FakeServer(tokens={MADE: "right-secret"}, grants=[(MADE, ("PVEAuditor",))], **options)
    bench = make_bench([replace(record, login=login)], servers={"10.20.0.11": server}, read_only=read_only)
    bench.services.fleet.load()
    return bench


def stage(bench: Bench) -> Stage:
    record = bench.repository.read()[0]
    return Stage(bench, lambda: RotateScreen(bench.services, ClusterView(record, Snapshot(record.id))))


async def test_a_token_is_rotated_with_its_owners_password_and_code() -> None:
    bench = bench_of(code="123456")
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.screen.query_one("#password", FormInput).value = "right-password"
        await pilot.press("enter")
        await until(pilot, lambda: "send the code" in app.shown)
        await pilot.press(*"123456", "enter")
        await until(pilot, lambda: bool(app.results))
        assert (await bench.repository.list())[0].login.token_id == f"{MADE}-2"
        assert list(bench.gateway.servers["10.20.0.11"].tokens) == [f"{MADE}-2"]


async def test_another_role_may_be_chosen() -> None:
    bench = bench_of()
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.screen.query_one("#role", Choice).choose("operator")
        app.screen.query_one("#password", FormInput).value = "right-password"
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert bench.gateway.servers["10.20.0.11"].grants[-1] == (f"{MADE}-2", ("PVEAuditor", "PxmOperator-1"))


async def test_a_wrong_password_is_explained_and_the_old_token_stays() -> None:
    bench = bench_of()
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.screen.query_one("#password", FormInput).value = "wrong"
        await pilot.press("enter")
        await until(pilot, lambda: "! rejected" in app.shown)
        assert (await bench.repository.list())[0].login.token_id == MADE


async def test_a_password_gives_way_to_its_first_token() -> None:
    record = cluster("muc-10", env="", host="10.20.0.11", method=LoginMethod.PASSWORD)
    bench = make_bench([record], servers={"10.20.0.11": FakeServer()})
    bench.services.fleet.load()
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        assert "Make a token for muc-10" in app.shown
        assert "then the password is forgotten" in app.shown
        assert "as before" not in app.shown
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        (stored,) = await bench.repository.list()
        assert (stored.login.method, stored.login.minted) == (LoginMethod.TOKEN, True)


async def test_what_stops_it_before_any_step_is_said() -> None:
    bench = bench_of(read_only=True)
    app = stage(bench)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.screen.query_one("#password", FormInput).value = "right-password"
        await pilot.press("enter")
        await until(pilot, lambda: "Not allowed to make another token" in app.shown)


async def test_the_command_line_of_the_home_screen_opens_it() -> None:
    async with driven(bench_of()) as app:
        await app.press(*":rotate", "enter")
        await until(app.pilot, lambda: isinstance(app.app.screen, RotateScreen))
        assert "Rotate the token of muc-10" in app.shown
        assert "as before" in app.shown
