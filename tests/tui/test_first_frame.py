"""The first frame, drawn by hand, is the frame that the home screen draws after it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pxm_tui.tui.early import painter
from pxm_tui.tui.first_frame import FirstFrame
from pxm_tui.tui.glyphs import ASCII, UNICODE, Glyphs
from pxm_tui.tui.home import HomeChoices
from pxm_tui.tui.options import UiOptions
from pxm_tui.tui.ordering import SortOrder
from tests.fakes import NOW, Bench, cluster, make_bench
from tests.tui.driving import driven
from tests.tui.fleet import seen_bench


def _frame(bench: Bench, size: tuple[int, int], glyphs: Glyphs = UNICODE) -> list[str]:
    services = bench.services
    choices = HomeChoices.from_preferences(services.preferences.read())
    view = services.fleet.load()
    lines = FirstFrame(view, choices, glyphs, NOW, services.period, *size).lines()
    return ["".join(text for text, _ in line).rstrip() for line in lines]


@pytest.mark.parametrize("size", [(44, 20), (60, 24), (80, 24), (100, 30), (160, 45), (220, 50)])
async def test_every_size(size: tuple[int, int]) -> None:
    first = _frame(seen_bench(), size)
    async with driven(seen_bench(), size=size) as ui:
        assert ui.lines == first


async def test_more_clusters_than_lines() -> None:
    fleet = tuple(cluster(f"c-{number}", number=number) for number in range(50))
    first = _frame(make_bench(fleet), (80, 24))
    async with driven(make_bench(fleet)) as ui:
        assert ui.lines == first
    assert first[20].endswith(" by name, 1–18 of 50 ─")


async def test_ascii() -> None:
    first = _frame(seen_bench(), (80, 24), ASCII)
    async with driven(seen_bench(), options=UiOptions(ascii=True)) as ui:
        assert ui.lines == first


@pytest.mark.parametrize(
    "choices",
    [
        HomeChoices(SortOrder("seen", reverse=True)),
        HomeChoices(problems_only=True),
        HomeChoices(words="fra"),
        HomeChoices(words="nowhere"),
    ],
)
async def test_what_was_chosen_in_the_last_run(choices: HomeChoices) -> None:
    bench = seen_bench()
    bench.preferences.kept = {"clusters": choices.to_preferences()}
    first = _frame(bench, (80, 24))
    async with driven(bench) as ui:
        assert ui.lines == first


def test_is_drawn_without_textual() -> None:
    code = (
        "import sys, pxm_tui.tui.start, pxm_tui.tui.early, pxm_tui.tui.first_frame;"
        "sys.exit(any(name in sys.modules for name in ('textual', 'pydantic', 'httpx', 'tinydb', 'cryptography')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("plain", "no_color", "environment", "sequence"),
    [
        (False, False, {"COLORTERM": "truecolor"}, "\x1b[1;38;2;111;195;223m"),
        (False, False, {}, "\x1b[1;38;5;80m"),
        (True, False, {}, "\x1b[1;36m"),
        (True, True, {}, "\x1b[1m"),
    ],
)
def test_colours_as_the_terminal_has_them(
    plain: bool, no_color: bool, environment: dict[str, str], sequence: str
) -> None:
    assert painter(plain=plain, no_color=no_color, environment=environment)("bold $pxm-key") == sequence
