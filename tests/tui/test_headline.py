"""The first line of the home screen."""

from __future__ import annotations

import pytest

from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.glyphs import ASCII, UNICODE
from pxm_tui.tui.headline import Headline
from pxm_tui.tui.line import Line, choose_beside, width_of
from tests.fakes import NOW
from tests.tui.fleet import seen_bench


def _plain(line: Line) -> str:
    return "".join(text for text, _ in line)


def _views() -> tuple[ClusterView, ...]:
    return seen_bench().services.fleet.load().clusters


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (43, " pxm 11  ● 7 ▲ 1 × 1 ■ 2             14:02"),
        (60, " pxm  Clusters 11    ● 7   ▲ 1   × 1   ■ 2             14:02"),
        (79, " pxm  Clusters 11    ● 7   ▲ 1 degraded   × 1 unreachable   ■ 2 need you  14:02"),
        (
            159,
            " pxm  Clusters 11    ● 7 healthy   ▲ 1 degraded   × 1 unreachable   ■ 1 untrusted   ■ 1 unauthorized"
            "           31/32 nodes   554+ guests (477+ running)   14:02",
        ),
    ],
)
def test_words_go_before_figures(width: int, line: str) -> None:
    lefts, rights = Headline(_views(), NOW, "pxm", checking=False).variants(width + 1, UNICODE)
    chosen = choose_beside([width_of(one) for one in lefts], [width_of(one) for one in rights], width)
    assert chosen is not None
    found = f" {_plain(lefts[chosen[0]])}{' ' * chosen[2]}{_plain(rights[chosen[1]])}"

    assert " ".join(found.split()) == " ".join(line.split())
    assert len(found) == width


def test_the_demo_says_so() -> None:
    lefts, _ = Headline(_views(), NOW, "pxm DEMO", checking=False).variants(80, UNICODE)

    assert all(_plain(left).startswith("pxm DEMO") for left in lefts)


def test_ascii() -> None:
    lefts, rights = Headline(_views(), NOW, "pxm", checking=False).variants(160, ASCII)

    assert all(_plain(found).isascii() for found in (*lefts, *rights))


def test_while_the_first_answers_come_in() -> None:
    lefts, _ = Headline(_views(), NOW, "pxm", checking=True).variants(80, UNICODE)

    assert _plain(lefts[0]) == "pxm  Clusters 11    as of 14:02, checking: 2 of 11 answered"
