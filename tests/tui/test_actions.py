"""What the home screen starts: the form, checks, deregistering, and the question for the passphrase."""

from __future__ import annotations

from pxm_tui.tui.screens.check import CheckDialog
from pxm_tui.tui.screens.deregister import DeregisterDialog
from pxm_tui.tui.screens.passphrase import PassphraseDialog
from pxm_tui.tui.screens.register import RegisterScreen
from tests.fakes import FakeSecrets, FakeServer, cluster, make_bench
from tests.tui.driving import Driven, driven
from tests.tui.fleet import seen_bench


async def test_a_opens_the_form_and_what_was_typed_is_there_again() -> None:
    async with driven(seen_bench()) as ui:
        await ui.burst("a10.99.0.1")
        await ui.until(lambda: isinstance(ui.app.screen, RegisterScreen) and "10.99.0.1" in ui.shown)
        await ui.press("escape")
        await ui.shows("by name")
        await ui.press("a")

        await ui.until(lambda: isinstance(ui.app.screen, RegisterScreen) and "10.99.0.1" in ui.shown)


async def test_add_is_understood() -> None:
    async with driven(seen_bench()) as ui:
        await ui.burst(":add\r")

        await ui.until(lambda: isinstance(ui.app.screen, RegisterScreen))


async def test_c_checks_the_selected_cluster_and_the_row_shows_what_was_found() -> None:
    one = cluster("a", host="a.lab", guests=(1, 2))
    bench = make_bench((one,), servers={"a.lab": FakeServer()})
    bench.gateway.servers["a.lab"].certificate = one.trust.certificate  # type: ignore[assignment]
    async with driven(bench) as ui:
        await ui.press("c")
        await ui.until(lambda: isinstance(ui.app.screen, CheckDialog))
        await ui.shows("discovery")
        await ui.until(lambda: "9/12" in "\n".join(_home_lines(ui)))

        assert bench.repository.read()[0].guests_total == 12


def _home_lines(ui: Driven) -> list[str]:
    return [str(view.cluster.guests_running) + "/" + str(view.cluster.guests_total) for view in ui.home.cluster_views()]


async def test_check_by_name_takes_another_row_than_the_selected_one() -> None:
    async with driven(seen_bench()) as ui:
        await ui.burst(":check lab-old\r")

        await ui.shows("Check lab-old")


async def test_deregistering_takes_the_row_away_and_says_so() -> None:
    bench = make_bench((cluster("a", number=1, env=""), cluster("b", number=2, env="")))
    async with driven(bench) as ui:
        await ui.press("j", "D")
        await ui.until(lambda: isinstance(ui.app.screen, DeregisterDialog))
        await ui.shows("Deregister b")
        bench.clock.advance(1)
        await ui.press("tab", "enter")
        await ui.shows("b is deregistered. Its token is left on the cluster")

        assert [one.name for one in bench.repository.read()] == ["a"]
        assert "1 of 1" in ui.shown


async def test_no_burst_deregisters() -> None:
    bench = make_bench((cluster("a", number=1, env=""),))
    async with driven(bench) as ui:
        await ui.burst("D\t\r\r\ry")
        await ui.pilot.pause()

        assert [one.name for one in bench.repository.read()] == ["a"]


async def test_a_locked_vault_is_asked_for_once_the_screen_is_free() -> None:
    bench = make_bench((cluster("a"),), secrets=FakeSecrets("open sesame"))
    async with driven(bench) as ui:
        await ui.until(lambda: isinstance(ui.app.screen, PassphraseDialog))
        bench.clock.advance(1)
        await ui.press("escape")
        await ui.until(lambda: ui.app.screen is ui.home)
        await ui.shows("The secret store is locked")

        await ui.press("r")
        await ui.until(lambda: isinstance(ui.app.screen, PassphraseDialog))
        bench.clock.advance(1)
        await ui.burst("open sesame\r")
        await ui.until(lambda: ui.app.screen is ui.home)
        await ui.until(lambda: "The secret store is locked" not in ui.shown)

        assert (await bench.secrets.state()).open


async def test_the_question_never_comes_over_a_field() -> None:
    bench = make_bench((cluster("a"),), secrets=FakeSecrets("open sesame"))
    async with driven(bench) as ui:
        await ui.until(lambda: isinstance(ui.app.screen, PassphraseDialog))
        bench.clock.advance(1)
        await ui.press("escape")
        await ui.until(lambda: ui.app.screen is ui.home)
        await ui.burst("r/abc")
        await ui.shows('"abc", 0 of 1')
        assert ui.app.screen is ui.home
        await ui.press("escape")
        await ui.until(lambda: isinstance(ui.app.screen, PassphraseDialog))
