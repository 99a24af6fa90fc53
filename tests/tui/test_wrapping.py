"""Sentences with commands in them, and checklists made of them."""

import pytest

from pxm_tui.domain import login_messages
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.tui.checklist_view import ChecklistShape, checklist_lines, split_said
from pxm_tui.tui.glyphs import ASCII, UNICODE
from pxm_tui.tui.wrapping import fold_command, fold_hard, wrap


def lines(text: str, width: int) -> list[str]:
    return [line.plain for line in wrap(text, width)]


def test_commands_are_set_off_by_two_spaces() -> None:
    assert lines("On a node: `pvecm status`.", 60) == ["On a node:  pvecm status."]
    assert lines("run `pvenode cert info` on it", 60) == ["run  pvenode cert info  on it"]


def test_keys_and_brackets_are_not() -> None:
    assert lines("a code (`c`, Log in again). Then `r`.", 60) == ["a code (c, Log in again). Then r."]
    assert lines("do it (`pvecm status`) now", 60) == ["do it (pvecm status) now"]


def test_commands_stay_whole() -> None:
    assert lines("aaaa bbbb `one two three` cc", 18) == ["aaaa bbbb", "one two three  cc"]


def test_a_command_too_wide_stands_alone() -> None:
    found = wrap("Expired: `pveum user token modify x`. Else ask.", 20)
    assert [(line.plain, line.alone) for line in found] == [
        ("Expired:", False),
        ("pveum user token modify x", True),
        ("Else ask.", False),
    ]


def test_the_first_line_may_be_narrower() -> None:
    assert [line.plain for line in wrap("aa bb cc dd", 8, 5)] == ["aa bb", "cc dd"]


def test_wide_characters_count_twice() -> None:
    assert lines("서울 서울 서울", 9) == ["서울 서울", "서울"]
    assert fold_hard("서울서울", 5) == ["서울", "서울"]


def test_a_command_that_no_line_holds_goes_on_as_a_shell_takes_it() -> None:
    command = "pveum user token modify root@pam pxm-jump1-anna-550e8400 --expire $(date -d +1year +%s)"
    assert fold_command(command, 74) == [
        "pveum user token modify root@pam pxm-jump1-anna-550e8400 --expire \\",
        "$(date -d +1year +%s)",
    ]
    assert fold_command("a b c", 5) == ["a b c"]
    assert fold_command("pxm show 'my own cluster'", 20) == ["pxm show \\", "'my own cluster'"]
    assert fold_command("a 123456789", 8) == ["a \\", "12345678", "9"]
    assert fold_command("it's odd", 6) == ["it's \\", "odd"]


def test_words_of_others_keep_their_backticks() -> None:
    assert [line.plain for line in wrap("it said `x`", 40, commands=False)] == ["it said `x`"]


@pytest.mark.parametrize("text", ["", "`", "``", "a `b", "`a` `b`", "`a``b`"])
@pytest.mark.parametrize("width", [1, 3, 40])
def test_odd_backticks_break_nothing(text: str, width: int) -> None:
    plain = "".join(line.plain for line in wrap(text, width))
    assert plain.replace(" ", "") == text.replace("`", "").replace(" ", "")


def test_what_a_server_said_is_told_apart() -> None:
    error = login_messages.credentials(Endpoint("pve1"), "root@pam", 'no "way"')
    assert split_said(error.message) == ("pve1 rejected the login of root@pam", 'no "way"')
    assert split_said("No answer.") == ("No answer.", "")


STEPS = (
    Step("address", StepState.OK, 1, message="10.0.0.1"),
    Step("connect", StepState.OK, 1200, message="answered"),
    Step.of_error("login", 3041, login_messages.credentials(Endpoint("pve1"), "root@pam", "no")),
    Step("version", StepState.SKIPPED),
    Step("save", StepState.SKIPPED),
)


def test_passed_steps_fold_where_one_failed() -> None:
    shown = [line.plain for line in checklist_lines(STEPS, 78, ChecklistShape(), UNICODE)]
    assert shown[0].startswith("✔ address, connect: passed")
    assert shown[0].endswith("1\u2009201 ms")
    assert shown[1].startswith("✘ login        pve1 rejected the login of root@pam")
    assert shown[2] == "               It said: no"
    assert shown[-1] == "–              version, save: not run"


def test_they_do_not_where_all_are_wanted() -> None:
    shown = [line.plain for line in checklist_lines(STEPS, 78, ChecklistShape(fold=False), UNICODE)]
    assert [row.split()[1] for row in shown[:3]] == ["address", "connect", "login"]


@pytest.mark.parametrize("width", [36, 40, 60, 78, 158])
@pytest.mark.parametrize("fold", [True, False])
def test_no_line_is_too_wide(width: int, fold: bool) -> None:
    token = login_messages.token(Endpoint("pve1"), "monitor@pve!pxm", "expired")
    steps = (
        *STEPS,
        Step.of_error("token", 5, token),
        Step("x", StepState.WARNING, 1, "odd", "well", do="`do this now`"),
    )
    for glyphs in (UNICODE, ASCII):
        for line in checklist_lines(steps, width, ChecklistShape(fold=fold), glyphs):
            assert line.cell_length <= width, line.plain
            assert not glyphs.ascii or line.plain.isascii()
