"""How the screens that show clusters look; one picture a state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from textual.pilot import Pilot

from pxm_tui.services.bundle import DemoFourth
from pxm_tui.tui.app import PxmApp
from pxm_tui.tui.options import UiOptions
from pxm_tui.tui.screens.clusters import ClustersScreen
from tests.fakes import make_bench
from tests.tui.fleet import seen_bench


class SnapCompare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(self, app: PxmApp, *, terminal_size: tuple[int, int], run_before: Any = None) -> bool:
        """Compare the app's picture with the kept one."""
        ...


def _app(options: UiOptions | None = None) -> PxmApp:
    return PxmApp(seen_bench().services, options)


def _select(name: str, *keys: str) -> Any:
    """Put the cursor on a cluster, then press keys."""

    async def before(pilot: Pilot[None]) -> None:
        await pilot.pause()  # with eager tasks, from Python 3.12 on, this runs before the screen has settled
        home = pilot.app.screen
        assert isinstance(home, ClustersScreen)
        while not home.focused:
            await pilot.pause()
        view = next(view for view in home.cluster_views() if view.cluster.name == name)
        home.grid.select(view.cluster.id)
        await pilot.press(*keys)
        await pilot.pause()

    return before


def test_home_80(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(80, 24), run_before=_select("dr-ams"))


def test_home_160(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(160, 45), run_before=_select("dr-ams"))


def test_home_44(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(44, 20), run_before=_select("서울-1"))


def test_problems_only(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(80, 24), run_before=_select("서울-1", "!"))


def test_filtering(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(80, 24), run_before=_select("dr-ams", "slash", *"fra"))


def test_copying(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(80, 24), run_before=_select("ber-edge-1", "y"))


def test_sorting(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(80, 24), run_before=_select("dr-ams", "s"))


def test_command(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(80, 24), run_before=_select("dr-ams", "colon", *"chec"))


def test_ascii(snap_compare: SnapCompare) -> None:
    app = _app(UiOptions(ascii=True))
    assert snap_compare(app, terminal_size=(80, 24), run_before=_select("dr-ams"))


def test_the_terminals_own_colours(snap_compare: SnapCompare) -> None:
    app = _app(UiOptions(plain_colours=True))
    assert snap_compare(app, terminal_size=(80, 24), run_before=_select("dr-ams"))


def test_no_color(snap_compare: SnapCompare, monkeypatch: Any) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = _app(UiOptions(plain_colours=True))
    assert snap_compare(app, terminal_size=(80, 24), run_before=_select("dr-ams"))


def test_nothing_registered(snap_compare: SnapCompare) -> None:
    assert snap_compare(PxmApp(make_bench().services), terminal_size=(80, 24))


def test_demo(snap_compare: SnapCompare) -> None:
    demo = DemoFourth("127.0.0.4", "root@pam", "demo-fourth")
    assert snap_compare(PxmApp(replace(seen_bench().services, demo=demo)), terminal_size=(80, 24))


def test_detail_healthy(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(80, 24), run_before=_select("ams-prod-1", "enter"))


def test_detail_unreachable(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(80, 24), run_before=_select("dr-ams", "enter"))


def test_detail_degraded_44(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(44, 20), run_before=_select("서울-1", "enter"))


def test_help(snap_compare: SnapCompare) -> None:
    assert snap_compare(_app(), terminal_size=(80, 24), run_before=_select("dr-ams", "question_mark"))


def test_log(snap_compare: SnapCompare) -> None:
    bench = seen_bench()
    bench.services.journal.write("healthy -> unreachable: No answer.", cluster="dr-ams", failure=True)
    bench.services.journal.write("registered, https://10.20.0.11:8006", cluster="fra-prod-2")
    assert snap_compare(PxmApp(bench.services), terminal_size=(80, 24), run_before=_select("dr-ams", "l"))
