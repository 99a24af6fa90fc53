"""The passphrase of the vault."""

from __future__ import annotations

from pxm_tui.domain.secret import Secret
from pxm_tui.services.dialog import PassphraseQuestion
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.screens.passphrase import PassphraseDialog
from tests.fakes import Bench, make_bench
from tests.tui.staging import Stage, until


def stage(bench: Bench, *, new: bool, wrong: bool = False) -> Stage:
    return Stage(bench, lambda: PassphraseDialog(PassphraseQuestion(new=new, wrong=wrong), bench.services))


async def test_a_known_passphrase_is_typed_once() -> None:
    bench = make_bench()
    app = stage(bench, new=False)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.burst("open sesame\r")
        await until(pilot, lambda: bool(app.results))
        assert app.results == [Secret("open sesame")]
        assert "open sesame" not in app.shown


async def test_a_wrong_one_is_said_to_be_wrong() -> None:
    bench = make_bench()
    app = stage(bench, new=False, wrong=True)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "That was not the passphrase." in app.shown


async def test_keys_typed_ahead_do_not_choose_one() -> None:
    bench = make_bench()
    app = stage(bench, new=True)
    async with app.run_test() as pilot:
        app.burst("typed for something else\t\r\r")
        await pilot.pause()
        assert app.screen.query_one("#first", FormInput).value == ""
        assert app.results == []


async def test_a_new_one_is_typed_twice() -> None:
    bench = make_bench()
    app = stage(bench, new=True)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.burst("\r")
        await until(pilot, lambda: "The passphrase is missing." in app.shown)
        app.burst("short\r")
        await until(pilot, lambda: "At least 8 characters." in app.shown)
        app.burst("er than that\tnot the same\r")
        await until(pilot, lambda: "The two are not the same." in app.shown)
        assert app.focused is not None
        assert app.focused.id == "again"
        app.screen.query_one("#again", FormInput).value = "shorter than that"
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert app.results == [Secret("shorter than that")]


async def test_declining_keeps_secrets_in_memory() -> None:
    bench = make_bench()
    app = stage(bench, new=True)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        assert "Keep secrets in memory" in app.shown
        await pilot.click("#decline")
        assert app.results == [None]


async def test_the_button_opens_as_enter_does() -> None:
    bench = make_bench()
    app = stage(bench, new=False)
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        app.screen.query_one("#first", FormInput).value = "x"
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: bool(app.results))
        assert app.results == [Secret("x")]
