"""Words about times."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pxm_tui.domain.times import left_words
from tests.fakes import NOW


@pytest.mark.parametrize(
    ("left", "words"),
    [(timedelta(days=729, hours=3), ", 729 days left"), (timedelta(days=1), ", 1 day left"), (-timedelta(hours=1), "")],
)
def test_what_has_ended_is_not_counted(left: timedelta, words: str) -> None:
    assert left_words(NOW + left, NOW) == words
