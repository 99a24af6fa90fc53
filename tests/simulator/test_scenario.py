"""Scenarios: what is read, what is refused, and when what happens."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.fault_board import FaultBoard
from pxm_tui.simulator.faults import Value
from pxm_tui.simulator.fleet import Fleet
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.scenario import ScenarioError, play, read_scenario
from pxm_tui.simulator.serve import serve
from tests.simulator.api import NOW

CLUSTERS = (ClusterOptions("lab", nodes=2, guests=0), ClusterOptions("alone", nodes=1, guests=0, standalone=True))

SCRIPT = """
[[fault]]
at = 30
cluster = "alone"
fault = "no-quorum"

[[fault]]
at = 5
cluster = "lab"
node = "pve2"
fault = "slow"
value = 800
for = 20

[[fault]]
at = 25
cluster = "lab"
node = "pve2"
fault = "server-error"
value = 503
for = 0.5
"""


def written(tmp_path: Path, text: str, name: str = "script.toml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


class Journal:
    """Time that passes at once, and what was in force whenever somebody waited."""

    def __init__(self, board: FaultBoard) -> None:
        self.clock = ManualClock(0)
        self.seen: list[tuple[float, list[tuple[str, str, str | None, Value | None]]]] = []
        self.complaints: list[str] = []
        self._board = board

    def note(self) -> None:
        active = [
            (name, entry.fault.name, entry.node, entry.value)
            for name in ("lab", "alone")
            for entry in self._board.active(name)
        ]
        self.seen.append((self.clock.now, active))

    async def sleep(self, seconds: float) -> None:
        self.note()
        self.clock.advance(seconds)


async def played(path: Path) -> Journal:
    async with Fleet(FleetOptions(clock=ManualClock(NOW), cluster_options=CLUSTERS)) as fleet:
        journal = Journal(fleet.faults)
        await play(read_scenario(path, CLUSTERS), fleet.faults, journal.sleep, journal.complaints.append)
        journal.note()
    return journal


async def test_faults_come_and_go_at_their_times(tmp_path: Path) -> None:
    journal = await played(written(tmp_path, SCRIPT))
    assert journal.seen == [
        (0, []),
        (5, [("lab", "slow", "pve2", 800)]),
        (25, [("lab", "server-error", "pve2", 503)]),
        (25.5, []),
        (30, [("alone", "no-quorum", None, None)]),
    ]
    assert journal.complaints == []


@pytest.mark.parametrize("listed", [True, False])
async def test_json_says_the_same(tmp_path: Path, listed: bool) -> None:
    entries = [{"at": 1, "cluster": "lab", "fault": "down"}]
    text = json.dumps(entries if listed else {"fault": entries})
    journal = await played(written(tmp_path, text, "script.json"))
    assert journal.seen[-1] == (1, [("lab", "down", "pve1", None), ("lab", "down", "pve2", None)])


async def test_what_is_not_possible_then_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    entries = [
        {"at": 0, "cluster": "lab", "fault": "login-disabled", "value": "me@pam"},
        {"at": 1, "cluster": "lab", "fault": "hang", "node": "pve1"},
    ]
    journal = await played(written(tmp_path, json.dumps(entries), "script.json"))
    assert journal.complaints == [journal.complaints[0]]
    assert journal.complaints[0].startswith("scenario, entry 1, lab: lab has no 'me@pam'")
    assert journal.seen[-1] == (1, [("lab", "hang", "pve1", None)])


GOOD = {"at": 1, "cluster": "lab", "fault": "slow"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"at": -1}, "at is missing or no number of seconds"),
        ({"at": "soon"}, "at is missing"),
        ({"at": None}, "at is missing"),
        ({"at": True}, "at is missing"),
        ({"at": float("nan")}, "at is missing"),
        ({"for": "long"}, "for is missing or no number"),
        ({"cluster": "nobody"}, "there is no cluster 'nobody'; there are lab, alone"),
        ({"cluster": 3}, "cluster is missing or no text"),
        ({"node": "pve9"}, "lab has no node 'pve9'; it has pve1, pve2"),
        ({"fault": "dwn"}, "there is no fault 'dwn'; there are down,"),
        ({"value": -3}, "the value is a number from 0 to 600000: milliseconds"),
        ({"when": 3}, "unknown: when; there are at, cluster, fault, for, node, value"),
        ({"fault": "no-quorum", "node": "pve1"}, "a fault of a whole cluster"),
    ],
)
def test_mistakes_are_named_with_their_entry(tmp_path: Path, entry: dict[str, object], said: str) -> None:
    path = written(tmp_path, json.dumps([GOOD, {**GOOD, **entry}]), "script.json")
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path, CLUSTERS)
    assert str(caught.value).startswith(f"{path}: entry 2: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("script.toml", "[[fault]]\nat = 1\ncluster = lab\n", "line 3"),
        ("script.json", '[{"at": 1},\n{"at" 1}]', "line 2"),
        ("script.toml", "[fault]\nat = 1\n", "a list of [[fault]] and nothing else"),
        ("script.toml", "seed = 3\n[[fault]]\n", "a list of [[fault]] and nothing else"),
        ("script.json", "3", "a list of [[fault]] and nothing else"),
        ("script.json", "[3]", "entry 1: it is no table"),
        pytest.param("script.json", "[" * 100_000, "nested too deeply", id="deep json"),
        pytest.param("script.toml", "fault = " + "[" * 100_000, "nested too deeply", id="deep toml"),
        pytest.param("script.toml", f"{SCRIPT}\n[[fault]]\nat = 1\n", "entry 4 (line 23): fault is mis", id="line"),
    ],
)
def test_what_is_no_script_is_said_with_its_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = written(tmp_path, text, name)
    with pytest.raises(ScenarioError) as caught:
        read_scenario(path, CLUSTERS)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"nothing\.toml: No such file"):
        read_scenario(tmp_path / "nothing.toml", CLUSTERS)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match=r"binary\.toml: it is no text in UTF-8"):
        read_scenario(tmp_path / "binary.toml", CLUSTERS)


async def test_a_scenario_is_played_while_serving(tmp_path: Path) -> None:
    out, stop, waited = io.StringIO(), asyncio.Event(), list[float]()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            stop.set()
            await asyncio.Event().wait()

    steps = read_scenario(written(tmp_path, SCRIPT), CLUSTERS)
    await serve(FleetOptions(cluster_options=CLUSTERS, sleep=sleep), out, stop, steps)
    assert waited == [5, 20]
    assert list(json.loads(out.getvalue().splitlines()[-1])) == ["control_url", "control_token"]
