"""What can be chosen about a simulated fleet."""

import asyncio
import time
from dataclasses import dataclass

from pxm_tui.simulator.clock import Clock, Sleep
from pxm_tui.simulator.releases import RELEASES

KEYS = ("ec", "rsa")
MIXED = "mixed"
"""Every release in turn, newest first."""


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """One simulated cluster.

    Attributes:
        name: the cluster's own name; of a standalone node it is the node's name.
        version: `6.4`, `7.4`, `8.4` or `9.2`.
        nodes: how many nodes.
        guests: how many guests in all.
        standalone: a single node without a cluster configuration; needs `nodes=1`.
        node_names: names of the nodes, by default pve1, pve2, …
        password: password of root@pam; by default it follows from the seed.
        offline: names of nodes that are down from the start.
        outdated: names of nodes on which the last update has not been installed.
        hostile: give guests, users and realms texts that try to break whoever shows them.
    """

    name: str
    version: str = "9.2"
    nodes: int = 3
    guests: int = 12
    standalone: bool = False
    node_names: tuple[str, ...] = ()
    password: str | None = None
    offline: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    hostile: bool = False

    def __post_init__(self) -> None:
        if self.version not in RELEASES:
            raise ValueError(f"no such release: {self.version}; there are {', '.join(RELEASES)}")
        if self.nodes < 1 or self.guests < 0:
            raise ValueError("a cluster has one node or more and no negative number of guests")
        if self.standalone and self.nodes != 1:
            raise ValueError("a standalone node is alone")

    @property
    def all_node_names(self) -> tuple[str, ...]:
        """The names of the nodes, chosen or not."""
        default = (self.name,) if self.standalone else tuple(f"pve{n + 1}" for n in range(self.nodes))
        return self.node_names or default


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """A simulated fleet.

    Attributes:
        clusters: how many clusters, where `cluster_options` does not list them.
        nodes: nodes of each cluster; one makes it a standalone node.
        guests: guests of each cluster.
        latency_ms: simulated round-trip time in milliseconds: two of it at the set-up of a connection, one
            for each answer.
        seed: what names, numbers, keys and secrets follow from.
        pve: release of all clusters, or `mixed`.
        keys: `ec` (P-256) or `rsa` (Proxmox's own sizes; the certificates take seconds to make).
        auth_delay: seconds that a 401 is held back.
        clock: the fleet's time.
        sleep: how delays pass.
        cluster_options: the clusters one by one; takes the place of the first four fields.
        port: the port to try first.
    """

    clusters: int = 3
    nodes: int = 3
    guests: int = 12
    latency_ms: float = 0
    seed: int = 1
    pve: str = MIXED
    keys: str = "ec"
    auth_delay: float = 3.0
    clock: Clock = time.time
    sleep: Sleep = asyncio.sleep
    cluster_options: tuple[ClusterOptions, ...] = ()
    port: int = 8006

    def __post_init__(self) -> None:
        if self.clusters < 1:
            raise ValueError("a fleet has one cluster or more")
        if self.latency_ms < 0 or self.auth_delay < 0:
            raise ValueError("a delay is no negative number")
        if self.keys not in KEYS:
            raise ValueError(f"no such kind of keys: {self.keys}; there are {', '.join(KEYS)}")

    def each_cluster(self) -> tuple[ClusterOptions, ...]:
        """Give the options of every cluster of the fleet."""
        if self.cluster_options:
            return self.cluster_options
        newest_first = list(reversed(RELEASES))
        width = max(2, len(str(self.clusters)))
        return tuple(
            ClusterOptions(
                name=f"sim-{index + 1:0{width}d}",
                version=newest_first[index % len(newest_first)] if self.pve == MIXED else self.pve,
                nodes=self.nodes,
                guests=self.guests,
                standalone=self.nodes == 1,
            )
            for index in range(self.clusters)
        )
