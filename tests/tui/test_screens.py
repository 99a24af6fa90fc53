"""Help and the log, and what all screens have in common."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
from textual.app import App
from textual.message_pump import MessagePump
from textual.widget import Widget

import pxm_tui.tui
from pxm_tui.services.bundle import Places
from pxm_tui.tui.glyphs import UNICODE
from pxm_tui.tui.help_text import help_lines, key_table
from pxm_tui.tui.keys import DETAIL, HOME, LOG_KEYS, MOVES, Key
from tests.fakes import HOSTILE_NAME
from tests.tui.driving import driven
from tests.tui.fleet import seen_bench


async def test_help_of_the_home_screen_fits_and_names_every_key() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("question_mark")
        await ui.shows("Help: Clusters")
        lines = ui.lines

    assert lines[2] == " Move      j k ↓ ↑     line            Clusters  Enter d    details"
    assert lines[5] == "           Esc q       back; q quits at home     r          refresh all now"
    assert " Status    ● healthy    answers, quorate, all nodes online" in lines
    assert lines[21] == " Data ~/.local/share/pxm   Log ~/.local/state/pxm/pxm.log   pxm 0.1.0"
    shown = "\n".join(lines)
    for key in (*MOVES, *HOME):
        if key.shown and key.help and key.group:
            assert key.help in shown


def test_words_that_do_not_fit_go_on_below() -> None:
    words = "a thing that takes many more words than there is room"
    long = Key("demo.long", "L", "long", "L", "Long", words, "Clusters")
    lines = help_lines((*MOVES, long, *HOME), UNICODE, Places("r", "s", "l", "d", "a"), 80, legend=False)

    assert all(len(line) <= 80 for line in lines)
    assert words in " ".join(" ".join(line[39:] for line in lines).split())


async def test_help_of_a_form_is_whole() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("a")
        await ui.shows("Register a cluster")
        await ui.press("f1")
        await ui.shows("Help: Register")

        assert " Form      Tab ↓       next field" in ui.lines
        assert "register, send the code" in ui.shown
        assert "stop; back, text is kept" in ui.shown


async def test_help_opens_by_f1_and_is_searched() -> None:
    async with driven(seen_bench(), size=(80, 14)) as ui:
        await ui.press("f1")
        await ui.shows("Help: Clusters")
        await ui.burst("/tmux\r")
        await ui.shows("Copying under tmux")
        await ui.press("escape")

        await ui.shows("by name")


async def test_help_scrolls_where_it_does_not_fit() -> None:
    async with driven(seen_bench(), size=(44, 20)) as ui:
        await ui.press("question_mark")
        await ui.shows("Help: Clusters")
        await ui.press("G")
        await ui.shows("0.1.0")
        await ui.press("g", "pagedown", "j", "k", "pageup")
        await ui.shows("Move      j k")


async def test_the_log_shows_the_newest_line_in_full_and_copies_it() -> None:
    bench = seen_bench()
    for number in range(40):
        bench.services.journal.write(f"line {number} " + "x" * 100, cluster=HOSTILE_NAME, failure=number % 2 == 0)
    async with driven(bench) as ui:
        await ui.press("l")
        await ui.shows("Log of this run")
        await ui.shows("line 39")
        assert ui.lines[20].endswith("–40 of 40 ─")
        assert ui.lines[21].startswith(f" {HOSTILE_NAME}: line 39")
        bench.services.journal.write("one more")
        ui.home._gathered()
        await ui.shows("one more")
        await ui.press("y")
        await ui.shows("Copied the line: 2026-11-22 14:02:10 UTC")
        await ui.press("q")
        await ui.shows("by name")


async def test_an_empty_log_says_so() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("l")

        await ui.shows("Nothing has happened yet.")


@pytest.mark.parametrize("key", ["l", "question_mark"])
async def test_colon_q_quits_from_anywhere(key: str) -> None:
    async with driven(seen_bench()) as ui:
        await ui.press(key)
        await ui.pilot.pause()
        await ui.burst(":q\r")
        await ui.until(lambda: not ui.app.is_running)

    assert ui.app.return_code == 0


async def test_ctrl_c_twice_quits_from_anywhere() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("question_mark", "l", "question_mark")
        await ui.press("ctrl+c", "ctrl+c")
        await ui.until(lambda: not ui.app.is_running)

    assert ui.app.return_code == 0


def test_the_key_table_has_every_key_that_is_named() -> None:
    table = key_table((("Clusters", (*MOVES, *HOME)), ("One cluster", DETAIL), ("Log", LOG_KEYS)))

    assert ("Clusters", "D", "deregister (asks)") in table
    assert ("Log", "y", "copy the line") in table
    assert all(keys and does for _, keys, does in table)


UNBOUND = {
    *(f"ctrl+{letter}" for letter in "abhjklsqzp"),
    "ctrl+space",
    "ctrl+@",
    "ctrl+backslash",
    "tilde",
    *(f"alt+{digit}" for digit in range(10)),
}


async def test_keys_that_terminals_eat_are_not_bound() -> None:
    async with driven(seen_bench()) as ui:
        bound = {key for _, bindings in ui.app.screen._binding_chain for key in bindings.key_to_bindings}

    assert not bound & UNBOUND


def _own_classes() -> Iterator[type]:
    for module in pkgutil.walk_packages(pxm_tui.tui.__path__, "pxm_tui.tui."):
        for found in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(found) and issubclass(found, MessagePump) and found.__module__ == module.name:
                yield found


WANTED = {"_handle_exception", "_enable_mouse_support", "_disable_mouse_support", "_enable_mouse_pixels", "_on_key"}
"""Private methods of the framework that are replaced on purpose."""


@pytest.mark.parametrize("own", list(_own_classes()), ids=lambda own: own.__name__)
def test_no_private_name_of_the_framework_is_taken_by_accident(own: type) -> None:
    framework = [base for base in own.__mro__[1:] if not base.__module__.startswith("pxm_tui")]
    theirs = {name for base in framework for name, value in vars(base).items() if callable(value)}
    if not issubclass(own, App):
        theirs |= set(vars(Widget()))
    ours = {name for name, value in vars(own).items() if inspect.isfunction(value) or isinstance(value, property)}

    assert {name for name in ours & theirs if name.startswith("_") and not name.startswith("__")} <= WANTED
