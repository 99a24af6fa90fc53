"""Untrusted text, widths and cutting."""

import shlex

import pytest

from pxm_tui.domain.text import (
    cell_width,
    cut_end,
    cut_middle,
    fold,
    fold_accents,
    for_shell,
    has_control,
    natural_key,
    one_line,
    pad,
)


def test_control_characters_become_spaces() -> None:
    assert one_line("a\x1b[31mb\r\nc\u202ed\x9b0m") == "a [31mb c d 0m"
    assert one_line("x" * 400, 10) == "xxxxxxxxx…"


@pytest.mark.parametrize("sign", ["\u061c", "\u00ad", "\u180e", "\u2060", "\u206a", "\ufff9", "\udcff", "\U000e0041"])
def test_what_nobody_sees_what_turns_the_rest_and_what_cannot_be_written_is_none_of_it(sign: str) -> None:
    assert has_control(f"a{sign}b")
    assert one_line(f"a{sign}b") == "a b"


@pytest.mark.parametrize("text", ["root@pam", "a'$(touch x)`id`@pve", "-x; id", "a b"])
def test_a_shell_takes_nothing_in_it_for_a_command(text: str) -> None:
    assert shlex.split(f"echo {for_shell(text)}", comments=True) == ["echo", text]


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("서울", 4), ("e\u0301", 1), ("…", 1), ("", 0)])
def test_cell_width(text: str, width: int) -> None:
    assert cell_width(text) == width


@pytest.mark.parametrize("text", ["kunde-alpenverein-hosting-1", "서울서울서울서울서울서울", "short", "a"])
@pytest.mark.parametrize("width", [1, 2, 5, 16])
def test_cutting_never_exceeds_its_width(text: str, width: int) -> None:
    assert cell_width(cut_middle(text, width)) <= width
    assert cell_width(cut_end(text, width)) <= width


def test_the_end_stays() -> None:
    assert cut_middle("kunde-alpenverein-hosting-1", 16) == "kunde-al…sting-1"


def test_padding_counts_cells() -> None:
    assert pad("서울", 6) == "서울  "
    assert pad("7", 3, right=True) == "  7"


def test_natural_order() -> None:
    names = ["fra-prod-10", "fra-prod-2", "Ams", "fra-prod-2b", "10", "9"]
    assert sorted(names, key=natural_key) == ["9", "10", "Ams", "fra-prod-2", "fra-prod-2b", "fra-prod-10"]


def test_folding() -> None:
    assert fold("STRASSE") == fold("straße")
    assert fold("Cafe\u0301") == fold("CAFÉ")
    assert fold_accents("Zürich") == "zurich"
