"""A program that kills its children with `kill -9` while a login is changed, and says what the next programs find.

`python -m tests.storage.crashing_logins DIRECTORY` prints one JSON line a trial. It stands alone because forking is
only safe where no other thread runs.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from itertools import count
from pathlib import Path

from pxm_tui.domain.cluster import Cluster
from tests.fakes import StillClock
from tests.storage.faults import kill_here, run_until_killed
from tests.storage.logins import FLOWS, Process, UnsyncedSteps, make_servers, prepare, what_is_left


async def change_until_killed(directory: Path, clock: StillClock, before: Cluster, flow: str, step: int) -> None:
    """Change the login; the process dies before operation number `step`, if there is one."""

    def kill(_name: str, number: int) -> None:
        if number == step:
            kill_here()

    await FLOWS[flow](Process(directory, make_servers(), clock, UnsyncedSteps(before=kill)), before)


def one_trial(directory: Path, flow: str, step: int) -> dict[str, object]:
    """Let a child be killed, and look at what it left as the next programs would."""
    clock = StillClock()
    before = asyncio.run(prepare(directory, clock, None if step % 3 else "5e1f00000000beef"))
    _, signal = run_until_killed(lambda _pipe: change_until_killed(directory, clock, before, flow, step))
    left = asyncio.run(what_is_left(directory, clock))
    return {"flow": flow, "step": step, "signal": signal, "whole": left.is_whole(), **asdict(left)}


def main() -> None:
    """Run the trials."""
    for number, flow in enumerate(FLOWS):
        for step in count():
            trial = one_trial(Path(sys.argv[1]) / f"{number}-{step}", flow, step)
            sys.stdout.write(json.dumps(trial) + "\n")
            if trial["signal"] is None:
                break


if __name__ == "__main__":
    main()
