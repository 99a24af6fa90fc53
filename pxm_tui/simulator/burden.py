"""What all guests of a node use together, at any moment, without going through them.

Each guest follows the same three rhythms (`rhythm.py`), a little sooner or later. Waves of one period add up to one
wave of that period, so the sum of any number of guests is a mean and three waves, and their memory a mean and one.
"""

from cmath import exp
from collections.abc import Iterable
from dataclasses import dataclass, field

from pxm_tui.simulator.rhythm import BUSIEST_HOUR, DAILY, DAY, HOUR, HOURLY, MINUTES, RESTLESS, TURN

MEMORY_PERIOD = 6 * HOUR
MEMORY_SWING = 0.12
"""How far the memory of a guest swings, and in how many seconds."""


@dataclass(slots=True)
class Burden:
    """The sum of some guests.

    Attributes:
        mean: processors that they use on average.
        most: processors that they use at most.
        memory: bytes that they use on average.
        waves: what swings around the means: by day, by hour, by the minute, and the memory.
    """

    mean: float = 0.0
    most: float = 0.0
    memory: float = 0.0
    waves: list[complex] = field(default_factory=lambda: [0j, 0j, 0j, 0j])

    def processors(self, now: float) -> float:
        """Give the processors in use at a moment."""
        day, hour, restless, _ = self.waves
        swing = DAILY * (day * _turn(now - BUSIEST_HOUR, DAY)).real
        swing += HOURLY * (hour * _turn(now, HOUR)).imag + RESTLESS * (restless * _turn(now, MINUTES)).imag
        return min(self.most, max(0.0, self.mean + swing))

    def bytes(self, now: float) -> float:
        """Give the memory in use at a moment."""
        return self.memory + MEMORY_SWING * (self.waves[3] * _turn(now, MEMORY_PERIOD)).imag


def _turn(now: float, period: float) -> complex:
    return exp(1j * TURN * (now / period % 1.0))


Part = tuple[float, float, int, float, bool]
"""Of one guest: phase, load, processors, bytes of memory on average, and whether it works or is paused."""


def add_up(parts: Iterable[Part]) -> Burden:
    """Add up guests."""
    burden = Burden()
    for phase, load, cores, memory, works in parts:
        shift = exp(1j * TURN * phase)
        burden.memory += memory
        burden.waves[3] += memory * shift
        if works:
            weight = load * cores
            burden.mean += weight
            burden.most += min(1.0, load * (1 + DAILY + HOURLY + RESTLESS)) * cores
            burden.waves[0] += weight * exp(1j * (phase - 0.5))
            burden.waves[1] += weight * shift
            burden.waves[2] += weight * exp(7j * TURN * phase)
    return burden
