"""What happens between processes: `kill -9` inside a write, two programs at once."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from pxm_tui.domain.secret import Secret
from pxm_tui.storage.tinydb_repository import TinyDbRepository
from pxm_tui.storage.vault import SecretVault
from tests.storage.crashing_vault import CHANGES
from tests.storage.crashing_vault import STEPS as STEPS_OF_A_CHANGE
from tests.storage.faults import STEPS
from tests.storage.registering import COUNT
from tests.storage.vaults import TOKEN

ROOT = Path(__file__).parents[2]
TRIALS = 200


def start(module: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def expected_after(told: list[dict[str, Any]]) -> tuple[set[str], set[str], set[str]]:
    """What must be there, what may be there or not (the change that was going on), and what must have been checked."""
    present: set[str] = set()
    checked: set[str] = set()
    for line in told:
        if "saved" in line:
            present.add(f"prod-{line['saved']}")
        if "checked" in line:
            checked.add(f"prod-{line['checked']}")
        if "deleted" in line:
            present.discard(f"prod-{line['deleted']}")
            checked.discard(f"prod-{line['deleted']}")
    begun = max((int(name[5:]) for name in present), default=0)
    return present, {f"prod-{begun + 1}", f"prod-{begun - 1}"}, checked


def test_kill_9_at_any_step_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with start("tests.storage.crashing", tmp_path, TRIALS) as program:
        output, _ = program.communicate()
    trials = [json.loads(line) for line in output.splitlines()]
    killed_at = Counter(trial["told"][-1]["killed_at"] for trial in trials)
    assert set(killed_at) == set(STEPS)
    assert sum(killed_at.values()) == TRIALS
    for trial in trials:
        assert trial["signal"] == signal.SIGKILL
        assert "error" not in trial
        assert trial["notices"] == []
        present, maybe, checked = expected_after(trial["told"])
        names = set(trial["names"])
        assert present - names <= maybe
        assert names - present <= maybe
        assert checked - set(trial["checked"]) <= maybe
        assert not [name for name in trial["left"] if name.endswith(".tmp")]


def run_at_once(directory: Path, *arguments: str) -> list[int]:
    """Two programs on one directory, begun together; what they printed."""
    programs = [start("tests.storage.registering", directory, first, *arguments) for first in (1000, 2000)]
    for program in programs:
        assert program.stdin
        program.stdin.write("go\n")
        program.stdin.flush()
    printed = [int(program.communicate()[0]) for program in programs]
    assert [program.returncode for program in programs] == [0, 0]
    return printed


NUMBERS = [*range(1000, 1000 + COUNT), *range(2000, 2000 + COUNT)]


def test_two_programs_that_register_50_clusters_each_lose_none(tmp_path: Path) -> None:
    refused = run_at_once(tmp_path / "data")
    assert sorted(refused) == [0, 1], "both wanted one name"
    names = [cluster.name for cluster in TinyDbRepository(tmp_path / "data").read()]
    assert sorted(names) == sorted(["both", *(f"prod-{number}" for number in NUMBERS)])


async def test_two_programs_that_keep_50_secrets_each_lose_none(tmp_path: Path) -> None:
    await asyncio.to_thread(run_at_once, tmp_path / "data", "open sesame")
    vault = SecretVault(tmp_path / "data", passphrase=Secret("open sesame"))
    for number in NUMBERS:
        assert await vault.get(f"c{number}", TOKEN) == Secret(f"secret-{number}")
    vault.close()


def test_kill_9_while_the_key_changes_hands_leaves_a_vault_that_opens(tmp_path: Path) -> None:
    count = 2 * STEPS_OF_A_CHANGE * len(CHANGES)
    with start("tests.storage.crashing_vault", tmp_path, count) as program:
        output, _ = program.communicate()
    trials = [json.loads(line) for line in output.splitlines()]
    assert len(trials) == count
    outcomes = Counter(tuple(trial["opened_by"]) for trial in trials if trial["signal"] == signal.SIGKILL)
    assert {len(names) for names in outcomes} == {1}, "always one holder opens it, with every secret in it"
    assert set(outcomes) == {("former",), ("new",), ("keyring",)}
    for trial in trials:
        before, after = trial["change"]
        former, new = ("keyring" if mode == "keyring" else name for mode, name in ((before, "former"), (after, "new")))
        assert trial["opened_by"] in ([former], [new])
        assert trial["copy_opened_by"] in ([former], [new])
        if trial["signal"] is None or trial["opened_by"] == [new]:
            assert trial["copy_opened_by"] == [new], "the former passphrase opens no copy of a vault that was changed"
