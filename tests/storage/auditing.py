"""A program that writes the audit: until it is killed inside a write, or as one of two at once.

`python -m tests.storage.auditing crash DIRECTORY TRIALS` kills a child at each step of a write, again and again on one
directory, and prints one JSON line a trial. `python -m tests.storage.auditing write DIRECTORY COUNT` begins when told
to on standard input.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from pxm_tui.domain.audit import Actor, AuditEntry
from pxm_tui.storage.audit_log import FileAuditLog
from tests.storage.faults import WatchedPrimitives, kill_here, run_until_killed

STEPS_OF_A_TRIAL = 18


def make_entry(number: int, action: str = "register") -> AuditEntry:
    """An entry whose facts say which it is."""
    actor = Actor("anna", "jump1", "pts/3", "10.1.2.3", "")
    return AuditEntry(
        "2026-11-22T14:02:10Z", actor, action, "done", f"c{number}", f"prod-{number}", "", (("n", number),)
    )


async def write_until_killed(directory: Path, acknowledge: int, trial: int) -> None:
    """Write entries, telling `acknowledge` of each that is done; end in a `kill -9`.

    Even trials die before the chosen operation, odd ones after it; most write only some bytes at a time.
    """
    step = trial // 2 % STEPS_OF_A_TRIAL

    def kill(name: str, number: int) -> None:
        if number == step:
            os.write(acknowledge, f"{name}\n".encode())
            kill_here()

    small = (None, 7, 100, 1)[trial % 4] if trial % 5 else None
    primitives = WatchedPrimitives(**{"after" if trial % 2 else "before": kill}, largest_write=small)
    log = FileAuditLog(directory, file_bytes=6000, files_kept=1000, primitives=primitives)
    for number in range(100):
        await log.append(make_entry(trial * 1000 + number))
        os.write(acknowledge, f"{trial * 1000 + number}\n".encode())


def one_trial(directory: Path, trial: int) -> dict[str, object]:
    """Let a child be killed, and say what it was told had been written."""
    written, signal = run_until_killed(lambda pipe: write_until_killed(directory, pipe, trial))
    *told, killed_at = written.decode().split()
    verdict = FileAuditLog(directory, file_bytes=6000, files_kept=1000).verify()
    return {
        "signal": signal,
        "told": [int(number) for number in told],
        "killed_at": killed_at,
        "broken": verdict.broken.words() if verdict.broken else None,
    }


async def write(directory: Path, count: int) -> None:
    """Write so many entries."""
    log = FileAuditLog(directory, file_bytes=6000, files_kept=1000)
    for number in range(count):
        await log.append(make_entry(os.getpid() * 1000 + number))
    log.close()


def main() -> None:
    """Crash, or write."""
    directory, count = Path(sys.argv[2]), int(sys.argv[3])
    if sys.argv[1] == "crash":
        for trial in range(count):
            sys.stdout.write(json.dumps(one_trial(directory, trial)) + "\n")
    else:
        sys.stdin.readline()
        asyncio.run(write(directory, count))


if __name__ == "__main__":
    main()
