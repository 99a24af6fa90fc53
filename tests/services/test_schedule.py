"""Whose turn it is."""

from __future__ import annotations

from pxm_tui.services.schedule import Schedule


def schedule(**due: float) -> Schedule:
    made = Schedule()
    for key, at in due.items():
        made.put(key, at)
    return made


def test_the_longest_due_come_first_and_no_more_than_wanted() -> None:
    due = schedule(c=3, a=1, b=2, late=10)
    assert due.take(5, {}, 2) == ["a", "b"]
    assert due.take(5, {"a", "b"}, 2) == ["c"]
    assert due.next_at({"a", "b", "c"}) == 10


def test_nobody_is_taken_twice_or_while_busy() -> None:
    due = schedule(a=1)
    due.put("a", 1)
    assert due.take(5, {}, 9) == ["a"]
    due.put("a", 2)
    assert due.take(5, {"a"}, 9) == []
    due.free("a")
    assert due.take(5, {}, 9) == ["a"]


def test_who_was_taken_is_still_due_when_free_again_unless_put_off_or_dropped() -> None:
    due = schedule(stays=1, later=1, gone=1)
    assert len(due.take(5, {}, 9)) == 3
    due.put("later", 8)
    due.drop("gone")
    for key in ("stays", "later", "gone"):
        due.free(key)
    assert due.take(5, {}, 9) == ["stays"]
    assert (due.at("later"), due.at("gone")) == (8, None)
    assert due.take(9, {"stays"}, 9) == ["later"]


def test_putting_off_for_ever_keeps_no_heap_of_old_times() -> None:
    due = schedule(a=1)
    for at in range(10_000):
        due.put("a", 10_000 - at)
    assert len(due._queue) < 100
    assert due.take(1, {}, 9) == ["a"]


def test_clear_forgets_all() -> None:
    due = schedule(a=1)
    due.clear()
    assert due.next_at({}) is None
    assert due.take(5, {}, 9) == []
