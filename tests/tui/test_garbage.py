"""When the collector runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from pxm_tui.tui import garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    gc.enable()


def test_it_begins_after_the_first_frame_without_what_lives_by_then() -> None:
    garbage.hold_off()
    assert not gc.isenabled()
    kept = [[] for _ in range(100)]  # type: list[list[object]]
    garbage.begin()
    assert gc.isenabled()
    assert gc.get_freeze_count() >= len(kept)
    assert gc.get_threshold()[0] == garbage.YOUNG


def test_where_it_runs_already_it_is_left_as_it_is() -> None:
    threshold = gc.get_threshold()
    garbage.begin()
    assert gc.get_threshold() == threshold
    assert gc.get_freeze_count() == 0
