"""How long nobody has pressed a key, and when that is too long."""

from __future__ import annotations

from datetime import datetime

from textual import events

from pxm_tui.services.ports import Clock, Timer

LOOK_EVERY = 60.0
"""Seconds between two looks at most: a machine that slept is noticed soon after it wakes."""

SIGNS_OF_LIFE = (events.Key, events.Paste, events.MouseDown, events.MouseScrollDown, events.MouseScrollUp)


class Idleness:
    """Measured by the monotonic timer and the clock, whichever is further: the one stands still while a machine sleeps.

    Args:
        limit: seconds that are too long.
        timer: monotonic seconds.
        clock: UTC now.
    """

    def __init__(self, limit: float, timer: Timer, clock: Clock) -> None:
        self._limit = limit
        self._timer = timer
        self._clock = clock
        self._since: tuple[float, datetime] = timer(), clock()

    def touch(self) -> None:
        """Somebody is there."""
        self._since = self._timer(), self._clock()

    @property
    def left(self) -> float:
        """Seconds until it is too long; none where it is."""
        ticked, moment = self._since
        idle = max(self._timer() - ticked, (self._clock() - moment).total_seconds())
        return max(0.0, self._limit - idle)

    @property
    def over(self) -> bool:
        """It is too long."""
        return self.left <= 0.0
