"""Filtering by words."""

from __future__ import annotations

import pytest

from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.filtering import Finder, limited, problems
from tests.tui.fleet import seen_bench


@pytest.fixture
def views() -> tuple[ClusterView, ...]:
    return seen_bench().services.fleet.load().clusters


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("fra", ["fra-prod-2", "fra-prod-10", "fra-stage"]),
        ("FRA 10", ["fra-prod-10"]),
        ("fra env=prod", ["fra-prod-2", "fra-prod-10"]),
        ("fra !prod", ["fra-stage"]),
        ("fra !env=prod !8.4", []),
        ("timed out", ["dr-ams"]),
        ("expired", ["lab-old"]),
        ("10.30.0.11", ["ber-edge-1"]),
        ("서울", ["서울-1"]),
        ("8.4.5", ["fra-stage", "kunde-alpenverein-hosting-1"]),
        ("limited", ["fra-stage"]),
        ("[red]", ["[/foo] [red] [@click=app.quit]x[/]"]),
        ("nowhere", []),
    ],
)
def test_every_word_must_be_found(views: tuple[ClusterView, ...], words: str, names: list[str]) -> None:
    assert [view.cluster.name for view in Finder().find(views, words)] == names


@pytest.mark.parametrize("words", ["", "  ", "!"])
def test_no_words_find_everything(views: tuple[ClusterView, ...], words: str) -> None:
    assert Finder().find(views, words) == list(views)


def test_accents_do_not_matter(views: tuple[ClusterView, ...]) -> None:
    assert Finder().find(views, "Ámś-báckup") == Finder().find(views, "ams-backup")


def test_problems_and_limited_rights(views: tuple[ClusterView, ...]) -> None:
    assert {view.cluster.name for view in problems(views)} == {"ber-edge-1", "dr-ams", "lab-old", "서울-1"}
    assert [view.cluster.name for view in limited(views)] == ["fra-stage"]
