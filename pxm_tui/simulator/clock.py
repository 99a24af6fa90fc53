"""Time as the simulated fleet sees it, and numbers that follow from the fleet's seed."""

import random
from collections.abc import Awaitable, Callable

Clock = Callable[[], float]
"""Gives the time in seconds since 1970, UTC."""

Sleep = Callable[[float], Awaitable[object]]
"""Waits for a number of seconds."""


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Give the time in seconds since 1970, UTC."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.now += seconds


class ShiftedClock:
    """A clock that is wrong by some seconds.

    Args:
        clock: the right one.

    Attributes:
        shift: seconds by which it is ahead.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.shift = 0.0

    def __call__(self) -> float:
        """Give the time in seconds since 1970, UTC, as it believes."""
        return self._clock() + self.shift


def seeded(*parts: object) -> random.Random:
    """Make a random number generator that depends on nothing but `parts`."""
    return random.Random("/".join(str(part) for part in parts))  # noqa: S311  (a simulation, no secrets)


def seeded_bytes(length: int, *parts: object) -> bytes:
    """Give `length` bytes that depend on nothing but `parts`."""
    return seeded(*parts).randbytes(length)
