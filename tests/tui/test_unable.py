"""What cannot work now is shown so, and a key for it says why in the lowest line; what can is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pxm_tui.domain.cluster import Cluster, LoginMethod, Reason, Status
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.commands import hint
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.footers import detail_footer, home_footer
from pxm_tui.tui.keys import CHECK, HOME, ROTATE
from pxm_tui.tui.screens.deregister import DeregisterDialog
from pxm_tui.tui.screens.edit import EditScreen
from pxm_tui.tui.screens.login import LoginScreen
from pxm_tui.tui.screens.register import RegisterScreen
from pxm_tui.tui.screens.rotate import RotateScreen
from pxm_tui.tui.widgets.frame import keys_content
from tests.fakes import HOSTILE_NAME, Bench, FakeServer, cluster, make_bench
from tests.tui.driving import driven
from tests.tui.fleet import seen_bench
from tests.tui.staging import Stage, until

PROD = cluster("fra-prod-1")
GUARDED = replace(PROD, read_only=True)
SILENT = replace(PROD, status=Status.UNREACHABLE, error=Reason("timeout", "timed out", "No answer."))
UNTRUSTED = replace(PROD, status=Status.UNTRUSTED, error=Reason("changed", "cert changed", "Another certificate."))
MINTED = replace(PROD, login=replace(PROD.login, minted=True))
SEES = {"/": frozenset({"Sys.Audit"})}


def bench_of(which: Cluster, *, read_only: bool = False) -> Bench:
    bench = make_bench([which], servers={"10.20.0.11": FakeServer()}, read_only=read_only)
    bench.services.fleet.load()
    return bench


@pytest.mark.parametrize(
    ("which", "read_only", "reason"),
    [
        (GUARDED, False, "Rotate: not now, it is read-only, so no token can be made or removed."),
        (PROD, True, "Rotate: not now, this run is read-only, so no token can be made or removed."),
        (SILENT, False, "Rotate: not now, it does not answer (timed out)."),
        (UNTRUSTED, False, "Rotate: not now, its certificate is not trusted, so no login is sent."),
    ],
)
@pytest.mark.parametrize("opened", [False, True])
async def test_a_command_that_cannot_work_says_why_and_the_next_key_acts(
    which: Cluster, read_only: bool, reason: str, opened: bool
) -> None:
    async with driven(bench_of(which, read_only=read_only)) as ui:
        if opened:
            await ui.press("enter")
            await ui.shows("Last errors")
        await ui.burst(":rot")
        await ui.shows("rotate   not now: ")
        await ui.burst("\r")
        await ui.until(lambda: reason in " ".join(ui.shown.split()))
        await ui.burst("l")
        await ui.shows("Log of this run")


async def test_the_named_cluster_counts_and_not_the_selected_one() -> None:
    other = cluster("zrh-1", number=2)
    bench = make_bench([GUARDED, other])
    async with driven(bench) as ui:
        await ui.burst(":rotate zrh-1")
        await ui.shows("rotate   replace its token by a new one")
        await ui.burst("\r")
        await ui.shows("Rotate the token of zrh-1")
        bench.clock.advance(1)
        await ui.press("escape")
        await ui.until(lambda: "Rotate the token" not in ui.shown)
        await ui.burst(":rotate fra-prod-1\r")
        await ui.shows("Rotate: not now, it is read-only")


@pytest.mark.parametrize("key", ["enter", "c", "D", "e", "y"])
async def test_without_a_cluster_under_the_cursor_keys_say_so(key: str) -> None:
    async with driven(seen_bench()) as ui:
        await ui.burst("/nowhere\r")
        await ui.shows("No cluster matches")
        assert "Enter (Open)" in ui.lines[-1]
        assert "c (Check)" in ui.lines[-1]
        assert "a Register" in ui.lines[-1]
        await ui.press(key)
        await ui.shows("not now, no cluster is shown here.")
        await ui.press("escape")
        await ui.shows("Enter (Open)")


async def test_on_an_empty_registry_keys_say_so() -> None:
    async with driven(make_bench()) as ui:
        await ui.press("c")
        await ui.shows("Check: not now, no cluster is registered yet.")


async def test_help_lists_what_cannot_work_with_the_reason() -> None:
    async with driven(bench_of(GUARDED), size=(80, 40)) as ui:
        await ui.press("?")
        await ui.shows("Not now   rotate: it is read-only, so no token can be made or removed")
    async with driven(bench_of(PROD), size=(80, 40)) as ui:
        await ui.press("?")
        await ui.shows("Help: Clusters")
        assert "Not now" not in ui.shown
    async with driven(seen_bench(), size=(80, 40)) as ui:
        await ui.burst("/nowhere\r?")
        await ui.shows("(details)")
        assert "no cluster is shown here" in " ".join(ui.shown.split())


async def test_the_reason_fits_a_narrow_screen() -> None:
    async with driven(bench_of(UNTRUSTED), size=(44, 20)) as ui:
        await ui.burst(":rotate\r")
        await ui.shows("Rotate: not now, its certificate is not")
        assert "trusted, so no login is sent." in ui.shown


def test_names_in_the_command_list() -> None:
    unable = {ROTATE.id: "it is read-only"}
    assert hint("r", HOME, unable) == "read-only  refresh  register  reverse  rights  (rotate)"
    assert hint("rot", HOME, unable) == "rotate   not now: it is read-only"
    assert hint("rotate x", HOME, unable) == "rotate   not now: it is read-only"
    assert hint("rot", HOME) == "rotate   replace its token by a new one"


@pytest.mark.parametrize("width", [44, 80, 160])
def test_footers_fit_and_are_faint_beside_their_signs(width: int) -> None:
    unable = {key.id for key in HOME if key.verb}
    for row in (*home_footer(width, unable=unable), detail_footer(width, unable={CHECK.id})):
        content = keys_content(row, 2)
        assert 1 + content.cell_length <= width
        label = f" ({CHECK.label})"
        if label in content.plain:
            at = content.plain.index(label)
            assert any(span.style == "$pxm-faint" for span in content.spans if span.start <= at < span.end)


# Forms


@pytest.mark.parametrize("screen", [LoginScreen, EditScreen])
@pytest.mark.parametrize(
    ("which", "run", "reason"),
    [(GUARDED, False, "it is read-only"), (PROD, True, "this run is read-only"), (PROD, False, "")],
)
async def test_no_token_is_offered_where_none_can_be_made(
    screen: type[LoginScreen], which: Cluster, run: bool, reason: str
) -> None:
    which = replace(which, login=replace(which.login, method=LoginMethod.PASSWORD, token_id=None, user="root@pam"))
    bench = bench_of(which, read_only=run)
    app = Stage(bench, lambda: screen(bench.services, ClusterView(which, Snapshot(which.id))))
    async with app.run_test(size=(80, 40)) as pilot:
        await until(pilot, lambda: "all rights" in app.shown)
        assert app.screen.query_one("#token").disabled is bool(reason)
        assert (f"! {reason}: none is made, the password is kept" in app.shown) is bool(reason)


async def test_a_read_only_run_registers_without_a_token() -> None:
    bench = make_bench(servers={"10.20.0.11": FakeServer(trusted_by_system=True)}, read_only=True)
    server = bench.gateway.servers["10.20.0.11"]
    app = Stage(bench, lambda: RegisterScreen(bench.services))
    async with app.run_test(size=(80, 40)) as pilot:
        await until(pilot, lambda: "this run is read-only: none is made" in app.shown)
        app.screen.query_one("#endpoint", FormInput).focus()
        app.burst("10.20.0.11\t\troot@pam\tright-password\r")
        await until(pilot, lambda: "is registered." in app.shown)
        assert server.token_writes == []


async def test_rotating_with_a_token_that_may_not_wants_the_owner_before_anything_is_sent() -> None:
    bench = bench_of(MINTED)
    view = ClusterView(MINTED, Snapshot(MINTED.id, permissions=SEES))
    app = Stage(bench, lambda: RotateScreen(bench.services, view))
    async with app.run_test(size=(80, 40)) as pilot:
        await until(pilot, lambda: "needed: the stored token may not: User.Modify is missing" in app.shown)
        bench.clock.advance(1)
        await pilot.press("enter")
        await until(pilot, lambda: "It is needed: the stored token may not" in app.shown)
        assert bench.gateway.servers["10.20.0.11"].sessions == 0


@pytest.mark.parametrize("may", [False, True])
async def test_deregistering_says_whether_the_token_can_remove_itself(may: bool) -> None:
    bench = bench_of(MINTED)
    permissions = {"/access": frozenset({"User.Modify"})} if may else SEES
    view = ClusterView(MINTED, Snapshot(MINTED.id, permissions=permissions))
    app = Stage(bench, lambda: DeregisterDialog(bench.services, view))
    async with app.run_test(size=(80, 40)) as pilot:
        await until(pilot, lambda: "the token pxm made, is revoked" in app.shown)
        assert ("empty: the stored token does it" in app.shown) is may
        assert ("empty: the token stays" in app.shown) is not may


async def test_a_hostile_name_is_text_in_a_refusal() -> None:
    which = replace(cluster(HOSTILE_NAME), read_only=True)
    async with driven(bench_of(which)) as ui:
        await ui.burst(f":rotate {HOSTILE_NAME}\r")
        await ui.shows("Rotate: not now, it is read-only")
