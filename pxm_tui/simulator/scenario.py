"""A script of faults with times, played while a fleet runs.

In TOML each fault is an entry; in JSON the same entries are a list, or the list is under `fault`:

    [[fault]]
    at = 10             # seconds after the start
    cluster = "sim-01"
    node = "pve2"       # left out: each node, or the cluster as a whole
    fault = "slow"
    value = 800         # left out: the fault's default
    for = 30            # seconds; left out: to the end
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pxm_tui.simulator.clock import Sleep
from pxm_tui.simulator.fault_board import FaultBoard
from pxm_tui.simulator.faults import FaultError, Value, check_value, find_fault, places
from pxm_tui.simulator.options import ClusterOptions

FIELDS = {"at", "cluster", "node", "fault", "value", "for"}
_ENTRY = re.compile(r"\s*\[\[\s*fault\s*\]\]")


class ScenarioError(ValueError):
    """A scenario cannot be played; the text names the file and the line or entry."""


@dataclass(frozen=True, slots=True)
class Step:
    """A fault is set or ended.

    Attributes:
        at: when, in seconds after the start.
        entry: which entry of the script it is, from 1.
        begins: set the fault; else end it.
    """

    at: float
    entry: int
    begins: bool
    cluster: str
    fault: str
    node: str | None
    value: Value | None


def read_scenario(path: Path, clusters: Sequence[ClusterOptions]) -> list[Step]:
    """Read a script and check every entry against the fleet that it is for.

    Args:
        path: a TOML or, where its name ends so, a JSON file.
        clusters: the fleet's clusters.

    Returns:
        What happens, in its order.

    Raises:
        ScenarioError: it cannot be read or played.
    """
    nodes = {cluster.name: cluster.all_node_names for cluster in clusters}
    steps: list[Step] = []
    entries, lines = _entries(path)
    for number, entry in enumerate(entries, 1):
        try:
            steps += _steps(number, entry, nodes)
        except FaultError as error:
            line = f" (line {lines[number - 1]})" if len(lines) == len(entries) else ""
            raise ScenarioError(f"{path}: entry {number}{line}: {error}") from None
    return sorted(steps, key=lambda step: (step.at, step.begins, step.entry))


async def play(steps: Sequence[Step], board: FaultBoard, sleep: Sleep, complain: Callable[[str], None]) -> None:
    """Set and end faults at their times.

    Args:
        steps: as `read_scenario` gives them.
        board: the fleet's faults.
        sleep: how time passes.
        complain: is told of what is not possible at its time; the script goes on without it.
    """
    now = 0.0
    for step in steps:
        if step.at > now:
            await sleep(step.at - now)
            now = step.at
        try:
            _take(step, board)
        except FaultError as error:
            complain(f"scenario, entry {step.entry}, {step.cluster}: {error}")


def _take(step: Step, board: FaultBoard) -> None:
    """Set or end a fault; one that somebody has ended already is left alone."""
    if step.begins:
        board.set(step.cluster, step.fault, step.node, step.value)
    else:
        board.clear(step.cluster, step.fault, step.node)


def _entries(path: Path) -> tuple[list[object], list[int]]:
    """The entries, and the lines on which they begin, where those can be told."""
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{path}: it is no text in UTF-8") from None
    except ValueError as error:  # both parsers name the line
        raise ScenarioError(f"{path}: {error}") from None
    except RecursionError:
        raise ScenarioError(f"{path}: it is nested too deeply") from None
    found = document.get("fault") if isinstance(document, dict) else document
    if not isinstance(found, list) or (isinstance(document, dict) and set(document) != {"fault"}):
        raise ScenarioError(f"{path}: there is to be a list of [[fault]] and nothing else")
    return found, [number for number, line in enumerate(text.splitlines(), 1) if _ENTRY.match(line)]


def _steps(number: int, entry: object, nodes: dict[str, tuple[str, ...]]) -> Iterator[Step]:
    if not isinstance(entry, dict):
        raise FaultError("it is no table")
    if unknown := sorted(set(entry) - FIELDS):
        raise FaultError(f"unknown: {', '.join(unknown)}; there are {', '.join(sorted(FIELDS))}")
    at, fault = _seconds(entry, "at"), find_fault(_text(entry, "fault"))
    cluster, node = _text(entry, "cluster"), _text(entry, "node") if "node" in entry else None
    if cluster not in nodes:
        raise FaultError(f"there is no cluster '{cluster}'; there are {', '.join(nodes)}")
    places(fault, cluster, nodes[cluster], node)
    value = check_value(fault, entry.get("value"))
    yield Step(at, number, True, cluster, fault.name, node, value)
    if "for" in entry:
        yield Step(at + _seconds(entry, "for"), number, False, cluster, fault.name, node, None)


def _text(entry: dict[str, object], name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise FaultError(f"{name} is missing or no text")
    return value


def _seconds(entry: dict[str, object], name: str) -> float:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise FaultError(f"{name} is missing or no number of seconds")
    return value
