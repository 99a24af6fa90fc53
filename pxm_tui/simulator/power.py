"""Turns nodes off and on again, by the fleet's clock.

What is due happens when somebody looks at the cluster, or when a timer of the loop says so, whichever comes
first: a node that reboots stops listening in time even if nobody asks it anything, and a test that moves its
own clock sees the same as one that waits.
"""

import heapq
import itertools
from collections.abc import Callable

from pxm_tui.simulator.clock import Clock
from pxm_tui.simulator.inventory import Guest, Node

GRACE = 2.0
"""Seconds between the answer and the moment at which the node is gone."""
BOOT = 60.0
"""Seconds until a node that reboots is there again."""

Timer = Callable[[float, Callable[[], None]], object]
"""Calls something after a number of seconds."""
Switch = Callable[[str, bool], None]
"""Lets the node of a name listen, or no more."""


class Power:
    """The power supply of a cluster's nodes."""

    def __init__(self, clock: Clock, guests: Callable[[], list[Guest]]) -> None:
        self._clock = clock
        self._guests = guests
        self._due: list[tuple[float, int, Node, bool]] = []
        self._order = itertools.count()
        self._timer: Timer | None = None
        self._switch: Switch | None = None

    def connect(self, switch: Switch, timer: Timer) -> None:
        """Tell who opens and closes the nodes' ports, and who keeps time."""
        self._switch, self._timer = switch, timer

    def switch_off(self, node: Node, now: float, *, again: bool) -> None:
        """Turn a node off in a moment, and on `again` if that is wanted."""
        self._plan(node, now + GRACE, on=False)
        if again:
            self._plan(node, now + GRACE + BOOT, on=True)

    def catch_up(self) -> None:
        """Let everything happen that is due."""
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            due, _, node, on = heapq.heappop(self._due)
            if on:
                self._boot(node, due)
            else:
                node.offline_since = due
            if self._switch is not None:
                self._switch(node.name, on)

    def _plan(self, node: Node, due: float, *, on: bool) -> None:
        heapq.heappush(self._due, (due, next(self._order), node, on))
        if self._timer is not None:
            self._timer(max(0.0, due - self._clock()), self.catch_up)

    def _boot(self, node: Node, now: float) -> None:
        """Start a node and what ran on it."""
        went = now if node.offline_since is None else node.offline_since
        node.boot(now)
        for guest in self._guests():
            if guest.node == node.name and guest.running:
                was_paused = guest.quiet_since is not None
                guest.switch_off(went)
                if not was_paused:
                    guest.switch_on(now)
