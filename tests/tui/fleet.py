"""The fleet of the UI tests, with what was last seen of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.observation import ErrorEntry, Node, Snapshot
from tests.fakes import NOW, Bench, make_bench, sketch_fleet

GIB = 2**30


def node(name: str, address: str, *, state: str = "online", guests: int = 4, local: bool = False) -> Node:
    """A made-up node."""
    dark = state != "online"
    return Node(
        name,
        state,
        address,
        None if dark else 0.34,
        None if dark else 156 * GIB,
        256 * GIB,
        None if dark else 12 * 86400,
        guests,
        local,
    )


def snapshots(clusters: tuple[Cluster, ...]) -> dict[str, Snapshot]:
    """What was last seen of every cluster."""
    return {cluster.id: _snapshot(cluster, number) for number, cluster in enumerate(clusters)}


def _snapshot(cluster: Cluster, number: int) -> Snapshot:
    count = cluster.node_count or 0
    nodes = tuple(node(f"{cluster.name[:6]}-{i}", f"10.9.{number}.{10 + i}", local=i == 1) for i in range(1, count + 1))
    found = Snapshot(
        cluster.id,
        taken_at=NOW,
        nodes=nodes,
        rtts_ms=(12.0, 9.0, 14.0),
        rights="sees nodes, guests, tasks; may not act (PVEAuditor)",
        certificate_not_after=NOW + timedelta(days=465, hours=1),
    )
    if cluster.name == "서울-1":
        names = ("seoul-a", "seoul-b", "seoul-c")
        states = ("online", "online", "offline")
        nodes = tuple(
            node(name, f"10.70.0.{11 + i}", state=state, guests=12, local=i == 0)
            for i, (name, state) in enumerate(zip(names, states, strict=True))
        )
        return replace(found, nodes=nodes)
    if cluster.name == "dr-ams":
        nodes = (node("dr-ams-1", "10.40.0.11", local=True), node("dr-ams-2", "10.40.0.12"))
        first = NOW - timedelta(minutes=238)
        errors = (
            ErrorEntry("connect", "timed out", first, NOW - timedelta(minutes=3, seconds=30), 57),
            ErrorEntry("connect", "timed out", NOW - timedelta(hours=16), NOW - timedelta(hours=15), 3),
        )
        return replace(found, nodes=nodes, errors=errors)
    return found


def seen_bench(period: float | None = None) -> Bench:
    """The sketches' fleet, as last seen."""
    clusters = sketch_fleet()
    return make_bench(clusters, snapshots=snapshots(clusters), period=period)
