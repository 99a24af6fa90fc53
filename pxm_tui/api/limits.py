"""How much one caller may ask, and how long anything may take."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from pxm_tui.services.ports import Timer

_CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server puts up with.

    Attributes:
        requests: calls a second by one token, reads of what is known already.
        live: calls a second by one token that talk to a cluster.
        strangers: calls a second by one address without a valid token.
        at_once: calls that talk to clusters at the same time, of all callers together.
        body: bytes of a request's body.
        head_seconds: for the first request of a connection to come, and for a request's body.
        read_seconds: for a call that reads what is known.
        live_seconds: for a call that talks to a cluster.
        drain_seconds: for what runs to end, once the server is told to.
    """

    requests: float = 5000.0
    live: float = 5.0
    strangers: float = 10.0
    at_once: int = 64
    body: int = 65536
    head_seconds: float = 10.0
    read_seconds: float = 30.0
    live_seconds: float = 120.0
    drain_seconds: float = 30.0


class Buckets:
    """A bucket of calls for each caller, filled at a rate.

    Args:
        rate: calls a second in the long run; four seconds' worth may come at once.
        timer: monotonic seconds.
    """

    def __init__(self, rate: float, timer: Timer) -> None:
        self._rate = rate
        self._most = max(1.0, 4 * rate)
        self._timer = timer
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, patience: float = 0.0) -> float:
        """Seconds until the call may go on; where that is more than `patience`, it may not, and nothing is taken."""
        now = self._timer()
        level, at = self._levels.pop(caller, (self._most, now))
        level = min(self._most, level + (now - at) * self._rate)
        wait = max(0.0, (1 - level) / self._rate)
        self._levels[caller] = (level - 1 if wait <= patience else level, now)
        if len(self._levels) > _CALLERS:
            self._levels.popitem(last=False)
        return wait
