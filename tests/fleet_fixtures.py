"""A simulated fleet for every test that wants one.

`fleet` is shared by the whole session: look, log in, register (which makes tokens), but change nothing else.
`fresh_fleet` makes one to steer.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

import pytest

from pxm_tui.simulator.inventory import HOSTILE_NAME
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.thread import FleetThread

STANDARD_CLUSTERS = (
    ClusterOptions(HOSTILE_NAME, "9.2", nodes=3, guests=12, hostile=True),
    ClusterOptions("alone", "8.4", nodes=1, guests=10, standalone=True),
    ClusterOptions("old-timer", "6.4", nodes=3, guests=10),
)


class FleetFactory(Protocol):
    """Starts a fleet that ends with the test."""

    def __call__(self, *clusters: ClusterOptions, options: FleetOptions | None = None) -> FleetThread:
        """Start a fleet.

        Args:
            clusters: the clusters; without any, those of the shared fleet.
            options: all the rest; without it, refused logins are not held back.
        """
        ...


@pytest.fixture(scope="session")
def fleet() -> Iterator[FleetThread]:
    """Three clusters: a 9.2 of three nodes with a hostile name, a standalone 8.4, a 6.4 of three nodes."""
    with FleetThread(FleetOptions(auth_delay=0, cluster_options=STANDARD_CLUSTERS)) as running:
        yield running


@pytest.fixture
def fresh_fleet() -> Iterator[FleetFactory]:
    """Give a function that starts a fleet of the test's own."""
    with ExitStack() as running:

        def start(*clusters: ClusterOptions, options: FleetOptions | None = None) -> FleetThread:
            chosen = options or FleetOptions(auth_delay=0, cluster_options=clusters or STANDARD_CLUSTERS)
            return running.enter_context(FleetThread(chosen))

        yield start
