"""Figures that move: each is a function of time, so nothing has to run in the background."""

import math

from pxm_tui.simulator.inventory import Guest, Node, Storage

REFRESH = 10
"""Seconds between two rounds of pvestatd, which feeds `/cluster/resources` and `/nodes`."""

Figures = dict[str, object]


def sampled(now: float) -> float:
    """Give the time of the last round of pvestatd before `now`."""
    return now - now % REFRESH


def wave(mean: float, phase: float, now: float) -> float:
    """Let a share between 0 and 1 swing around its mean, slowly and a little quickly as well."""
    slow = math.sin(2 * math.pi * (now / 3600 + phase))
    quick = math.sin(2 * math.pi * (now / 97 + phase * 7))
    return min(1.0, max(0.0, mean * (1 + 0.35 * slow + 0.15 * quick)))


def node_processor(node: Node, now: float) -> float:
    """Give the share of a node's processors that is busy."""
    return wave(0.12 + 0.3 * node.phase, node.phase, now)


def node_figures(node: Node, now: float) -> Figures:
    """Give a node's figures as `/nodes` and `/cluster/resources` have them (bytes, seconds)."""
    return {
        "cpu": node_processor(node, now),
        "mem": int(node.memory * wave(0.35 + 0.4 * node.phase, node.phase + 0.3, now / 8)),
        "disk": int(node.disk * (0.08 + 0.1 * node.phase)),
        "uptime": int(now - node.started_at),
    }


def guest_figures(guest: Guest, now: float) -> Figures:
    """Give a guest's figures as `/cluster/resources` has them (bytes, counters since its start, seconds)."""
    if guest.started_at is None:
        names = ("cpu", "mem", "disk", "uptime", "netin", "netout", "diskread", "diskwrite")
        return dict.fromkeys(names, 0)
    uptime = max(0, int(now - guest.started_at))
    paused = guest.status == "paused"
    rate = int(2000 + 180_000 * guest.load)
    return {
        "cpu": 0 if paused else wave(guest.load, guest.phase, now),
        "mem": int(guest.memory * wave(0.3 + 0.5 * guest.phase, guest.phase, now / 6)),
        "disk": int(guest.disk * (0.2 + 0.5 * guest.phase)) if guest.kind == "lxc" else 0,
        "uptime": uptime,
        "netin": uptime * rate,
        "netout": uptime * rate // 2,
        "diskread": uptime * rate // 3,
        "diskwrite": uptime * rate // 4,
    }


def storage_used(storage: Storage, node: Node, now: float) -> int:
    """Give the used bytes of a storage; a shared one reads the same on every node."""
    phase = 0.5 if storage.shared else node.phase
    return int(storage.size * wave(storage.fill, phase, now / 500))


def load_average(node: Node, now: float) -> list[str]:
    """Give the three load averages, as strings as Proxmox does."""
    return [f"{wave(0.12 + 0.3 * node.phase, node.phase, now / span) * node.cores:.2f}" for span in (1, 5, 15)]
