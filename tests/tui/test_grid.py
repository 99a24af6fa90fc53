"""The grid: rows by key, a cursor that stays, and only changed lines painted."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from textual.app import App, ComposeResult
from textual.events import MouseScrollDown
from textual.pilot import Pilot
from textual.strip import Strip

from pxm_tui.tui.line import Line
from pxm_tui.tui.theme import COLOURS
from pxm_tui.tui.widgets.grid import Grid, Look


@dataclass(frozen=True)
class Item:
    name: str
    figure: int = 0


def _draw(item: Item) -> Line:
    return ((f" {item.name:<8}", ""), (str(item.figure), "good"))


LOOK: Look[Item] = Look((("  NAME    #", "head"),), _draw)


class OneGrid(App[None]):
    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(COLOURS.variables)

    def compose(self) -> ComposeResult:
        yield Grid[Item](lambda item: item.name)


@asynccontextmanager
async def _grid(count: int, size: tuple[int, int] = (40, 11)) -> AsyncIterator[tuple[Grid[Item], Pilot[None]]]:
    app = OneGrid()
    async with app.run_test(size=size) as pilot:
        grid = app.query_one(Grid)
        grid.focus()
        grid.show(_items(count), LOOK)
        await pilot.pause()
        yield grid, pilot


def _items(count: int) -> list[Item]:
    return [Item(f"i-{number}") for number in range(count)]


def _lines(grid: Grid[Item]) -> list[str]:
    return ["".join(segment.text for segment in grid.render_line(y)).rstrip() for y in range(grid.size.height)]


def _painted(grid: Grid[Item]) -> list[int]:
    """Record which lines are drawn from now on."""
    drawn: list[int] = []
    original = grid.render_line

    def render_line(y: int) -> Strip:
        drawn.append(y)
        return original(y)

    grid.render_line = render_line  # type: ignore[method-assign]
    return drawn


async def test_moves_by_line_page_and_to_the_ends() -> None:
    async with _grid(50) as (grid, pilot):
        await pilot.press("j", "down", "k", "up", "j")
        assert grid.cursor_key == "i-1"
        await pilot.press("pagedown")
        assert grid.cursor_key == "i-10"
        assert grid.seen == (2, 11)
        await pilot.press("G")
        assert grid.cursor_key == "i-49"
        assert grid.seen == (41, 50)
        await pilot.press("pageup", "g")
        assert grid.cursor_key == "i-0"
        await pilot.press("k", "end", "j", "home")
        assert grid.seen == (1, 10)


async def test_the_cursor_row_has_a_sign_and_is_reverse() -> None:
    async with _grid(3) as (grid, _):
        lines = _lines(grid)
        segments = list(grid.render_line(1))

        assert lines[0] == "  NAME    #"
        assert lines[1] == "> i-0     0"
        assert lines[2] == "  i-1     0"
        assert all(segment.style is not None and segment.style.reverse for segment in segments)


async def test_the_cursor_stays_on_its_row_and_line_when_rows_come_and_go() -> None:
    async with _grid(50) as (grid, pilot):
        await pilot.press(*["j"] * 20)
        line = _lines(grid).index("> i-20    0")
        grid.show([Item(f"new-{number}") for number in range(7)] + _items(50), LOOK)
        assert grid.cursor_key == "i-20"
        assert _lines(grid).index("> i-20    0") == line
        grid.show(_items(50)[15:], LOOK)
        assert grid.cursor_key == "i-20"


async def test_where_the_row_is_gone_the_cursor_keeps_its_place() -> None:
    async with _grid(5) as (grid, pilot):
        await pilot.press("G")
        grid.show(_items(3), LOOK)
        assert grid.cursor_key == "i-2"
        grid.show([], LOOK, [(("nothing", ""),)])
        assert grid.cursor_key is None
        assert grid.seen == (0, 0)
        assert _lines(grid)[1] == "nothing"


async def test_only_changed_lines_are_painted() -> None:
    async with _grid(8) as (grid, pilot):
        drawn = _painted(grid)
        items = _items(8)
        grid.show(items, LOOK)
        await pilot.pause()
        assert drawn == []
        items = [*items[:3], replace(items[3], figure=7), *items[4:]]
        grid.show(items, LOOK)
        await pilot.pause()

        assert set(drawn) == {4}


async def test_the_wheel_scrolls_and_the_cursor_stays() -> None:
    async with _grid(50) as (grid, pilot):
        await pilot._post_mouse_events([MouseScrollDown], grid)
        await pilot.pause()
        assert grid.seen == (4, 13)
        assert grid.cursor_key == "i-0"
        await pilot.press("j")
        assert grid.cursor_key == "i-1"
        assert grid.seen == (2, 11)


async def test_wide_characters_align() -> None:
    async with _grid(0) as (grid, _):
        grid.show([Item("서울-1"), Item("plain")], Look((), lambda item: ((f" {item.name}", ""),)))
        widths = {grid.render_line(y).cell_length for y in range(4)}

        assert widths == {40}


async def test_a_hundred_thousand_rows_are_usable() -> None:
    """Generous limits: the figures are measured elsewhere; this fails where the cost grows with the rows' drawing."""
    async with _grid(100_000) as (grid, pilot):
        begun = time.process_time()
        await pilot.press("G")
        items = _items(100_000)
        grid.show(items, LOOK)
        assert grid.cursor_key == "i-99999"
        assert time.process_time() - begun < 3.0


async def test_rows_that_change_after_the_styles_were_looked_up_anew_are_painted() -> None:
    async with _grid(5) as (grid, pilot):
        grid.notify_style_update()
        grid.show(_items(3), LOOK)
        await pilot.pause()

        strips = grid.app.screen._compositor.render_strips()
        shown = ["".join(segment.text for segment in strip).split()[:1] for strip in strips]
        assert shown[4:6] == [[], []]
