"""What round robin databases remember: figures of the past, computed instead of kept (pve-cluster, RRD.pm)."""

from collections.abc import Callable
from dataclasses import dataclass

from pxm_tui.simulator.inventory import Guest, Node, Storage
from pxm_tui.simulator.metrics import (
    guest_activity,
    guest_memory,
    guest_rates,
    node_figures,
    node_processor,
    node_rates,
    storage_used,
)
from pxm_tui.simulator.releases import Release

Sample = dict[str, float]
Source = Callable[[float], Sample]
"""Gives the figures of a moment; those that there are none of are absent."""

MINUTE, HALF_HOUR, HOUR, DAY, WEEK = 60, 1800, 3600, 86400, 604800
OLD_FRAMES = {"hour": MINUTE, "day": HALF_HOUR, "week": 3 * HOUR, "month": 12 * HOUR, "year": WEEK}
OLD_POINTS = 70
FRAMES = {
    "hour": (MINUTE, 60),
    "day": (MINUTE, 1440),
    "week": (HALF_HOUR, 336),
    "month": (HALF_HOUR, 1440),
    "year": (6 * HOUR, 1440),
    "decade": (WEEK, 570),
}
SAMPLES = 4
"""How many moments stand for a step that is longer than a minute."""
SWAP = 8 * 2**30
REMEMBERED = 400 * DAY
"""How far back there is anything at all."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Steps and number of points of one time frame."""

    step: int
    points: int


def frame_of(name: str, release: Release) -> Frame:
    """Give the steps that a release has for `hour`, `day`, `week`, `month`, `year` and `decade`."""
    if release.at_least(9):
        return Frame(*FRAMES[name])
    return Frame(OLD_FRAMES[name], OLD_POINTS)


def series(source: Source, frame: Frame, now: float, *, highest: bool = False) -> list[dict[str, float]]:
    """Give one entry for each step until `now`: its time and the mean, or the highest, of what was measured."""
    last = int(now) // frame.step * frame.step
    first = last - (frame.points - 1) * frame.step
    combine: Callable[[list[float]], float] = max if highest else _mean
    entries = []
    for begin in range(first, last + 1, frame.step):
        entry: dict[str, float] = {"time": begin}
        count = 1 if frame.step <= MINUTE else SAMPLES
        moments = [begin - frame.step * (index + 0.5) / count for index in range(count)]
        samples = [source(moment) for moment in moments if now - moment < REMEMBERED]
        for name in samples[0] if samples else ():
            values = [sample[name] for sample in samples if name in sample]
            entry[name] = combine(values)
        entries.append(entry)
    return entries


def _mean(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return int(mean) if mean == int(mean) else mean


def node_source(node: Node, release: Release) -> Source:
    """Make the source of a node's figures; it has none of times at which the node was off."""

    def sample(moment: float) -> Sample:
        if not node.was_there(moment):
            return {}
        processor, figures = node_processor(node, moment), node_figures(node, moment)
        used, root = _whole(figures["mem"]), _whole(figures["disk"])
        found: Sample = {
            "loadavg": processor * node.cores,
            "maxcpu": node.cores,
            "cpu": processor,
            "iowait": processor / 50,
            "memtotal": node.memory,
            "memused": used,
            "swaptotal": SWAP,
            "swapused": 0,
            "roottotal": node.disk,
            "rootused": root,
            **node_rates(node, moment),
        }
        if release.at_least(9):
            found |= {"memavailable": node.memory - used, "arcsize": 0}
            found |= _pressure(processor, ("cpusome", "iosome", "iofull", "memorysome", "memoryfull"))
        return found

    return sample


def guest_source(guest: Guest, node: Node, release: Release) -> Source:
    """Make the source of a guest's figures; only its sizes while it stands still, nothing without its node."""

    def sample(moment: float) -> Sample:
        if moment < guest.born or node.was_away(moment):
            return {}
        found: Sample = {"maxcpu": guest.cores, "maxmem": guest.memory, "maxdisk": guest.disk, "disk": 0}
        if not guest.was_running(moment):
            return found
        paused = guest.quiet_since is not None and moment >= guest.quiet_since
        processor = 0.0 if paused else guest_activity(guest, moment)
        memory = guest_memory(guest, moment)
        found |= {"cpu": processor, "mem": memory}
        found |= dict.fromkeys(guest_rates(guest, moment), 0.0) if paused else guest_rates(guest, moment)
        if guest.kind == "lxc":
            found["disk"] = int(guest.disk * (0.2 + 0.5 * guest.phase))
        if release.at_least(9):
            found["memhost"] = memory if guest.kind == "qemu" else 0
            found |= _pressure(processor, ("cpusome", "cpufull", "iosome", "iofull", "memorysome", "memoryfull"))
        return found

    return sample


def _pressure(processor: float, kinds: tuple[str, ...]) -> Sample:
    """Give the share of time in which something had to wait, in percent; only the processor's ever shows."""
    waiting = 100 * max(0.0, processor - 0.6)
    return {f"pressure{kind}": waiting if kind == "cpusome" else 0 for kind in kinds}


def storage_source(storage: Storage, node: Node) -> Source:
    """Make the source of a storage's figures as a node measures them."""

    def sample(moment: float) -> Sample:
        if not node.was_there(moment):
            return {}
        return {"total": storage.size, "used": storage_used(storage, node, moment)}

    return sample


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
