"""Figures that move: each is a function of time, so nothing has to run in the background."""

import math
from functools import lru_cache
from math import cos, sin

from pxm_tui.simulator.inventory import Guest, Node, Storage

REFRESH = 10
"""Seconds between two rounds of pvestatd, which feeds `/cluster/resources` and `/nodes`."""

Figures = dict[str, object]

DAY, HOUR, MINUTES = 86400.0, 3600.0, 97.0
"""Periods of the rhythm that everything follows, in seconds."""
DAILY, HOURLY, RESTLESS = 0.45, 0.25, 0.15
"""How far each of them swings; together less than one, so that nothing ever runs backwards."""
_TURN = 2 * math.pi
MOST_MEMORY = 0.97
"""The share of a node's memory that is in use at most: its kernel always keeps some free."""
BUSIEST_HOUR = 14 * HOUR
"""When in the day (UTC) most guests have most to do; each one an hour or two sooner or later."""


def sampled(now: float) -> float:
    """Give the time of the last round of pvestatd before `now`."""
    return now - now % REFRESH


def wave(mean: float, phase: float, now: float) -> float:
    """Let a share between 0 and 1 swing around its mean, slowly and a little quickly as well."""
    slow = math.sin(2 * math.pi * (now / 3600 + phase))
    quick = math.sin(2 * math.pi * (now / 97 + phase * 7))
    return min(1.0, max(0.0, mean * (1 + 0.35 * slow + 0.15 * quick)))


def node_processor(node: Node, now: float) -> float:
    """Give the share of a node's processors that is busy: more by day than by night."""
    day = math.cos(_TURN * (now - BUSIEST_HOUR) / DAY + (node.phase - 0.5) / 2)
    return wave((0.12 + 0.3 * node.phase) * (1 + 0.3 * day), node.phase, now)


def node_rates(node: Node, now: float) -> dict[str, float]:
    """Give what goes over a node's network (bytes per second), in step with its processors."""
    busy = node_processor(node, now) * node.cores
    return {"netin": 410_000 * busy, "netout": 290_000 * busy}


def node_figures(node: Node, now: float) -> Figures:
    """Give a node's figures as `/nodes` and `/cluster/resources` have them (bytes, seconds)."""
    return {
        "cpu": node_processor(node, now),
        "mem": int(node.memory * min(MOST_MEMORY, wave(0.35 + 0.4 * node.phase, node.phase + 0.3, now / 8))),
        "disk": int(node.disk * (0.08 + 0.1 * node.phase)),
        "uptime": int(now - node.started_at),
    }


def guest_activity(guest: Guest, now: float) -> float:
    """Give the share of its processors that a running guest uses, 0 to 1; all else that it does follows it."""
    return _activity_and_work(guest, now)[0]


def guest_work(guest: Guest, now: float) -> float:
    """Integrate a guest's activity, relative to its mean, over time: grows by about 1 a second, always."""
    return _activity_and_work(guest, now)[1]


def _activity_and_work(guest: Guest, now: float) -> tuple[float, float]:
    """Give a guest's activity at a moment, and the integral of it until then relative to its mean."""
    phase = guest.phase
    shift = phase * _TURN
    day, hour, moment, _ = _angles(now)
    day += phase - 0.5
    hour += shift
    moment += 7 * shift
    swing = DAILY * cos(day) + HOURLY * sin(hour) + RESTLESS * sin(moment)
    lead = DAILY * DAY * sin(day) - HOURLY * HOUR * cos(hour) - RESTLESS * MINUTES * cos(moment)
    activity = guest.load * (1 + swing)
    return activity if activity < 1 else 1.0, now + lead / _TURN


@lru_cache(64)
def _angles(now: float) -> tuple[float, float, float, float]:
    """Give how far the rhythms of a day, an hour, a minute or two, and six hours have come, for all guests at once."""
    return _TURN * (now - BUSIEST_HOUR) / DAY, _TURN * now / HOUR, _TURN * now / MINUTES, _TURN * now / (6 * HOUR)


def guest_progress(guest: Guest, now: float) -> tuple[float, float]:
    """Give a guest's activity and the work that it has done since its start, in seconds; a paused one does none."""
    if guest.started_at is None:
        return 0.0, 0.0
    if guest.work_at_start is None or guest.work_at_start[0] != guest.started_at:
        guest.work_at_start = (guest.started_at, guest_work(guest, guest.started_at))
    quiet = guest.quiet_since
    activity, work = _activity_and_work(guest, now if quiet is None or now < quiet else quiet)
    done = work - guest.work_at_start[1] - guest.missed
    return activity if quiet is None else 0.0, done if done > 0 else 0.0


def guest_rates(guest: Guest, now: float) -> dict[str, float]:
    """Give what a running guest moves at a moment (bytes per second), in step with its processor."""
    pace = guest_activity(guest, now) / guest.load if guest.load else 0.0
    return {name: rate * pace for name, rate in _mean_rates(guest).items()}


def _mean_rates(guest: Guest) -> dict[str, int]:
    rate = mean_rate(guest)
    return {"netin": rate, "netout": rate // 2, "diskread": rate // 3, "diskwrite": rate // 4}


def mean_rate(guest: Guest) -> int:
    """Give the bytes per second that a guest receives on average; what else it moves is in proportion."""
    return int(2000 + 180_000 * guest.load)


def guest_memory(guest: Guest, now: float) -> int:
    """Give the bytes of memory that a running guest uses."""
    phase = guest.phase
    return int(guest.memory * (0.3 + 0.5 * phase) * (1 + 0.12 * sin(_angles(now)[3] + phase * _TURN)))


def guest_figures(guest: Guest, now: float) -> Figures:
    """Give a guest's figures as `/cluster/resources` has them (bytes, counters since its start, seconds)."""
    if guest.started_at is None:
        names = ("cpu", "mem", "disk", "uptime", "netin", "netout", "diskread", "diskwrite")
        return dict.fromkeys(names, 0)
    activity, done = guest_progress(guest, now)
    figures: Figures = {
        "cpu": activity,
        "mem": guest_memory(guest, now),
        "disk": guest_disk(guest),
        "uptime": max(0, int(now - guest.started_at)),
    }
    for name, rate in _mean_rates(guest).items():
        figures[name] = int(rate * done)
    return figures


def guest_disk(guest: Guest) -> int:
    """Give the bytes of its root file system that a running container uses; nobody knows them of a machine."""
    return int(guest.disk * (0.2 + 0.5 * guest.phase)) if guest.kind == "lxc" else 0


def storage_used(storage: Storage, node: Node, now: float) -> int:
    """Give the used bytes of a storage; a shared one reads the same on every node."""
    if storage.name in node.full:
        return storage.size
    phase = 0.5 if storage.shared else node.phase
    return int(storage.size * wave(storage.fill, phase, now / 500))


def load_average(node: Node, now: float) -> list[str]:
    """Give the three load averages, as strings as Proxmox does."""
    return [f"{wave(0.12 + 0.3 * node.phase, node.phase, now / span) * node.cores:.2f}" for span in (1, 5, 15)]
