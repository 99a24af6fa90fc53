"""A program that kills its children with `kill -9` inside a write, and says what was left of the registry.

`python -m tests.storage.crashing DIRECTORY TRIALS` prints one JSON line a trial. It stands alone because forking is
only safe where no other thread runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from pxm_tui.domain.errors import PxmError
from pxm_tui.storage.tinydb_repository import TinyDbRepository
from tests.storage.faults import WatchedPrimitives, kill_here, run_until_killed
from tests.storage.samples import make_check, make_cluster

STEPS_OF_A_WRITE = 12
ROUNDS = 3


async def change_until_killed(directory: Path, acknowledge: int, trial: int) -> None:
    """Save, check and delete clusters, telling `acknowledge` of every change that was done; end in a `kill -9`.

    Even trials die before the chosen operation, odd ones after it; two of three write only some bytes at a time.
    """
    step = trial // 2 % (STEPS_OF_A_WRITE * ROUNDS)
    small = 700 if trial % 3 else None

    def kill(name: str, number: int) -> None:
        if number == step:
            os.write(acknowledge, json.dumps({"killed_at": name}).encode() + b"\n")
            kill_here()

    primitives = WatchedPrimitives(**{"after" if trial % 2 else "before": kill}, largest_write=small)
    repository = TinyDbRepository(directory, primitives=primitives)
    for number in range(1, 100):
        await repository.save(make_cluster(number))
        os.write(acknowledge, json.dumps({"saved": number}).encode() + b"\n")
        await repository.save_checks([make_check(make_cluster(number))])
        os.write(acknowledge, json.dumps({"checked": number}).encode() + b"\n")
        if number % 3 == 0:
            await repository.delete(make_cluster(number - 1).id)
            os.write(acknowledge, json.dumps({"deleted": number - 1}).encode() + b"\n")


def one_trial(directory: Path, trial: int) -> dict[str, object]:
    """Let a child be killed, and read what it left as the next program would."""
    written, signal = run_until_killed(lambda pipe: change_until_killed(directory, pipe, trial))
    found: dict[str, object] = {"signal": signal, "told": [json.loads(line) for line in written.splitlines()]}
    try:
        repository = TinyDbRepository(directory)
        found["names"] = [cluster.name for cluster in repository.read()]
        found["checked"] = [cluster.name for cluster in repository.read() if cluster.last_seen_at]
        found["notices"] = repository.notices()
        asyncio.run(repository.save(make_cluster(999)))
        repository.close()
        found["left"] = sorted(entry.name for entry in directory.iterdir())
    except PxmError as error:
        found["error"] = error.message
    return found


def main() -> None:
    """Run the trials."""
    base, trials = Path(sys.argv[1]), int(sys.argv[2])
    for trial in range(trials):
        sys.stdout.write(json.dumps(one_trial(base / str(trial), trial)) + "\n")


if __name__ == "__main__":
    main()
