"""The doorway for untrusted text."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from pxm_tui.tui.text import content, fit, lines, safe, wrap
from tests.fakes import HOSTILE_NAME

NASTY = [HOSTILE_NAME, "a\x1b[31mb", "a\u202eb", "tab\there", "서울-1", "é" * 40, "👩‍👩‍👧 family", "\x00\x07"]


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("width", [0, 1, 2, 7, 16, 60])
@pytest.mark.parametrize("middle", [True, False])
def test_fits_exactly(text: str, width: int, middle: bool) -> None:
    for right in (True, False):
        found = fit(text, width, right=right, middle=middle)

        assert cell_len(found) == width
        assert found.isprintable()


def test_is_never_markup() -> None:
    found = content(HOSTILE_NAME, "bold")

    assert found.plain == HOSTILE_NAME
    assert len(found.spans) == 1
    assert content(HOSTILE_NAME).spans == []


def test_control_characters_are_harmless() -> None:
    assert "\x1b" not in safe("a\x1b]0;title\x07b")
    assert lines("one\ttwo\n\x1b[2Jthree").plain == "one two\n [2Jthree".replace("\n ", "\n")


@pytest.mark.parametrize("width", [8, 20, 30])
def test_wraps_at_spaces_and_marks_what_is_left_out(width: int) -> None:
    text = "one two three four five six seven eight nine ten eleven twelve"
    rows = wrap(text, width, 2)

    assert len(rows) == 2
    assert all(cell_len(row) <= width for row in rows)
    assert rows[-1].endswith("…")
    assert wrap(text, 100, 2) == [text]


def test_breaks_words_longer_than_a_line() -> None:
    assert wrap("x" * 25, 10, 5) == ["x" * 10, "x" * 10, "x" * 5]
