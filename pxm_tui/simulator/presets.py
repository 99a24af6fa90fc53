"""Fleets that are ready to be shown."""

from dataclasses import replace

from pxm_tui.simulator.options import ClusterOptions, FleetOptions

TO_REGISTER = "demo-fourth"
"""Name and password of the cluster that the demo leaves to its visitor."""


def demo_fleet_options(base: FleetOptions | None = None) -> FleetOptions:
    """Give the demo's fleet: three clusters, one of them in trouble, and a fourth to register."""
    clusters = (
        ClusterOptions("fra-prod", "9.2", nodes=3, guests=24),
        ClusterOptions("ams-stage", "8.4", nodes=3, guests=14, outdated=("pve3",)),
        ClusterOptions("dr-site", "7.4", nodes=3, guests=12, offline=("pve3",)),
        ClusterOptions(TO_REGISTER, "9.2", nodes=2, guests=10, password=TO_REGISTER),
    )
    return replace(base or FleetOptions(), cluster_options=clusters)
