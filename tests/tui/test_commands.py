"""The `:` command line."""

from __future__ import annotations

import pytest

from pxm_tui.tui.commands import complete, hint, understand
from pxm_tui.tui.keys import CHECK, COMMAND, DEREGISTER, HOME, LOG, OPEN, PROBLEMS, QUIT_COMMAND, REGISTER, Key

CLUSTERS = ["fra-prod-1", "fra-prod-2", "서울-1"]


@pytest.mark.parametrize(
    ("typed", "key", "argument"),
    [
        ("check", CHECK, ""),
        (":check fra-prod-1", CHECK, "fra-prod-1"),
        ("che fra", CHECK, "fra"),
        ("add", REGISTER, ""),
        ("rm 서울-1", DEREGISTER, "서울-1"),
        ("delete x", DEREGISTER, "x"),
        ("q", QUIT_COMMAND, ""),
        ("LOG", LOG, ""),
        ("prob", PROBLEMS, ""),
        ("open [/foo] [red] [@click=app.quit]x[/]", OPEN, "[/foo] [red] [@click=app.quit]x[/]"),
    ],
)
def test_understands(typed: str, key: Key, argument: str) -> None:
    command = understand(typed, HOME)

    assert command is not None
    assert command.key is key
    assert command.argument == argument


@pytest.mark.parametrize("typed", ["", "re", "nonsense", "checks"])
def test_does_not_guess(typed: str) -> None:
    assert understand(typed, HOME) is None


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("che", "check "),
        ("re", "re"),
        ("reg", "register "),
        ("check f", "check fra-prod-"),
        ("check 서", "check 서울-1"),
        ("check x", "check x"),
        ("log f", "log f"),
        ("zzz", "zzz"),
    ],
)
def test_completes_as_far_as_there_is_one_way(typed: str, completed: str) -> None:
    assert complete(typed, HOME, CLUSTERS) == completed


def test_every_action_has_a_name_and_no_two_share_one() -> None:
    names = [name for key in HOME for name in (*key.names, *key.hidden_names)]

    assert len(names) == len(set(names))
    moves = {"app.back", "app.interrupt", "app.quit", COMMAND.id}
    assert all(key.names for key in HOME if key.id not in moves)


def test_hidden_names_are_never_shown() -> None:
    hidden = {name for key in HOME for name in key.hidden_names}
    shown = " ".join(hint(text, HOME) for text in ("", "r", "d", "de", "a", "n"))

    assert not hidden & set(shown.split())


def test_hints() -> None:
    assert hint("chec", HOME) == "check   step-by-step check of this cluster"
    assert hint("re", HOME) == "read-only  refresh  register  reverse"
    assert hint("nonsense", HOME) == "no such command"
    assert hint("rm", HOME) == "deregister   deregister this cluster; asks first"
