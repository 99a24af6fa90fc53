"""Figures that move: each is a function of time, so nothing has to run in the background."""

import math
from math import sin

from pxm_tui.simulator.burden import MEMORY_PERIOD, MEMORY_SWING, Part
from pxm_tui.simulator.inventory import Guest, Node, Storage
from pxm_tui.simulator.rhythm import BUSIEST_HOUR, DAY, TURN, activity_and_work

REFRESH = 10
"""Seconds between two rounds of pvestatd, which feeds `/cluster/resources` and `/nodes`."""

Figures = dict[str, object]

LEAST_MEMORY, MEMORY_SPREAD = 0.3, 0.5
"""The share of its memory that a guest uses on average, and how much more it is at most."""

SLOW = TURN / MEMORY_PERIOD
"""How fast the use of a guest's memory swings, in radians a second."""
MOST_MEMORY = 0.97
"""The share of a node's memory that is in use at most: its kernel always keeps some free."""


def sampled(now: float) -> float:
    """Give the time of the last round of pvestatd before `now`."""
    return now - now % REFRESH


def wave(mean: float, phase: float, now: float) -> float:
    """Let a share between 0 and 1 swing around its mean, slowly and a little quickly as well."""
    slow = math.sin(2 * math.pi * (now / 3600 + phase))
    quick = math.sin(2 * math.pi * (now / 97 + phase * 7))
    return min(1.0, max(0.0, mean * (1 + 0.35 * slow + 0.15 * quick)))


def node_processor(node: Node, now: float) -> float:
    """Give the share of a node's processors that is busy: with its guests, and a little with itself."""
    day = math.cos(TURN * (now - BUSIEST_HOUR) / DAY + (node.phase - 0.5) / 2)
    own = wave((0.02 + 0.04 * node.phase) * (1 + 0.3 * day), node.phase, now)
    return min(1.0, own + node.burden.processors(now) / node.cores)


def node_memory(node: Node, now: float) -> int:
    """Give the bytes of memory that are in use on a node: by its guests, and by itself."""
    own = wave(0.05 + 0.05 * node.phase, node.phase + 0.3, now / 8)
    return int(min(MOST_MEMORY * node.memory, own * node.memory + node.burden.bytes(now)))


def node_rates(node: Node, now: float) -> dict[str, float]:
    """Give what goes over a node's network (bytes per second), in step with its processors."""
    busy = node_processor(node, now) * node.cores
    return {"netin": 410_000 * busy, "netout": 290_000 * busy}


def node_figures(node: Node, now: float) -> Figures:
    """Give a node's figures as `/nodes` and `/cluster/resources` have them (bytes, seconds)."""
    return {
        "cpu": node_processor(node, now),
        "mem": node_memory(node, now),
        "disk": int(node.disk * (0.08 + 0.1 * node.phase)),
        "uptime": int(now - node.started_at),
    }


def guest_activity(guest: Guest, now: float) -> float:
    """Give the share of its processors that a running guest uses, 0 to 1; all else that it does follows it."""
    return activity_and_work(guest.phase, guest.load, now)[0]


def guest_work(guest: Guest, now: float) -> float:
    """Integrate a guest's activity, relative to its mean, over time: grows by about 1 a second, always."""
    return activity_and_work(guest.phase, guest.load, now)[1]


def guest_rates(guest: Guest, now: float) -> dict[str, float]:
    """Give what a running guest moves at a moment (bytes per second), in step with its processor."""
    pace = guest_activity(guest, now) / guest.load if guest.load else 0.0
    rate = mean_rate(guest)
    rates = {"netin": rate, "netout": rate // 2, "diskread": rate // 3, "diskwrite": rate // 4}
    return {name: rate * pace for name, rate in rates.items()}


def mean_rate(guest: Guest) -> int:
    """Give the bytes per second that a guest receives on average; what else it moves is in proportion."""
    return int(2000 + 180_000 * guest.load)


def guest_memory(guest: Guest, now: float) -> int:
    """Give the bytes of memory that a running guest uses."""
    return guest_sample(guest, now)[1]


def mean_memory(guest: Guest) -> float:
    """Give the bytes of memory that a guest uses on average while it runs."""
    return guest.memory * (LEAST_MEMORY + MEMORY_SPREAD * guest.phase)


def part_of(guest: Guest, *, works: bool) -> Part:
    """Give what a guest adds to the burden of its node while it runs."""
    return guest.phase, guest.load, guest.cores, mean_memory(guest), works


GuestSample = tuple[float, int, int, int, int, int, int, int]
"""Activity, bytes of memory and disk, seconds since the start, and bytes that the four counters have counted since.

A bare tuple: ten thousand are made for one answer.
"""
SAMPLED = ("cpu", "mem", "disk", "uptime", "netin", "netout", "diskread", "diskwrite")
AT_REST: GuestSample = (0, 0, 0, 0, 0, 0, 0, 0)


def guest_sample(guest: Guest, now: float) -> GuestSample:
    """Give a guest's figures in the order of `SAMPLED`; a paused one does no work, nor moves anything."""
    if guest.started_at is None:
        return AT_REST
    quiet, phase = guest.quiet_since, guest.phase
    activity, work = activity_and_work(phase, guest.load, now if quiet is None or now < quiet else quiet)
    done = int(work - guest.work_at_start - guest.missed) if work > guest.work_at_start else 0
    rate, mean = mean_rate(guest), guest.memory * (LEAST_MEMORY + MEMORY_SPREAD * phase)
    return (
        activity if quiet is None else 0.0,
        int(mean * (1 + MEMORY_SWING * sin(now * SLOW + phase * TURN))),
        int(guest.disk * (0.2 + 0.5 * phase)) if guest.kind == "lxc" else 0,  # nobody knows it of a machine
        int(now - guest.started_at) if now > guest.started_at else 0,
        rate * done,
        rate // 2 * done,
        rate // 3 * done,
        rate // 4 * done,
    )


def guest_figures(guest: Guest, now: float) -> Figures:
    """Give a guest's figures as `/cluster/resources` has them (bytes, counters since its start, seconds)."""
    return dict(zip(SAMPLED, guest_sample(guest, now), strict=True))


def storage_used(storage: Storage, node: Node, now: float) -> int:
    """Give the used bytes of a storage; a shared one reads the same on every node."""
    if storage.name in node.full:
        return storage.size
    phase = 0.5 if storage.shared else node.phase
    return int(storage.size * wave(storage.fill, phase, now / 500))


def load_average(node: Node, now: float) -> list[str]:
    """Give the three load averages, as strings as Proxmox does."""
    return [
        f"{node.cores * sum(node_processor(node, now - span * part) for part in (0.0, 20.0, 40.0)) / 3:.2f}"
        for span in (1, 5, 15)
    ]
