"""A simulated cluster of each release, for the tests that go through all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.thread import FleetThread

RELEASES = ("6.4", "7.4", "8.4", "9.2")


@pytest.fixture(scope="module")
def releases() -> Iterator[FleetThread]:
    """One cluster of each release, with its release for a name."""
    clusters = tuple(ClusterOptions(f"r{release}", release, nodes=2, guests=4) for release in RELEASES)
    with FleetThread(FleetOptions(auth_delay=0, seed=77, cluster_options=clusters)) as running:
        yield running


@pytest.fixture(params=RELEASES)
def cluster(releases: FleetThread, request: pytest.FixtureRequest) -> SimulatedCluster:
    """Each release in turn."""
    return releases.cluster(f"r{request.param}")
