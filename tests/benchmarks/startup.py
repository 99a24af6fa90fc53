"""Start-up: processor time of `pxm --version` and of `pxm list --json` with 100 clusters, beside `python -c pass`.

The same interpreter runs all of them, with its bytecode cached, as an installed program has it. A round runs each
once; the figure is the median over the rounds of the ratio within a round, which a busy machine moves least.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from pathlib import Path

from pxm_tui.storage.tinydb_repository import TinyDbRepository
from tests.storage.samples import make_full_cluster

ROUNDS = 21
CLUSTERS = 100
REPOSITORY = Path(__file__).parent.parent.parent
_START = "import sys; from pxm_tui.cli.main import main; sys.exit(main(sys.argv[1:]))"


def run() -> list[tuple[str, str, str, bool]]:
    """Name, measured, goal, met."""
    with tempfile.TemporaryDirectory(prefix="pxm-bench-") as folder:
        environment = _environment(Path(folder))
        _fill(Path(folder, "data"))
        nothing = [sys.executable, "-c", "pass"]
        commands = {
            "start-up: pxm --version, CPU": ([sys.executable, "-c", _START, "--version"], 2.0),
            f"start-up: pxm list --json, {CLUSTERS} clusters, CPU": (
                [sys.executable, "-c", _START, "list", "--json"],
                4.0,
            ),
        }
        ratios: dict[str, list[float]] = {name: [] for name in commands}
        milliseconds: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(-1, ROUNDS):
            base = _cpu(nothing, environment)
            for name, (command, _) in commands.items():
                took = _cpu(command, environment)
                if number >= 0:  # the first round writes the bytecode
                    ratios[name].append(took / base)
                    milliseconds[name].append(took * 1000)
        return [_row(name, goal, ratios[name], milliseconds[name]) for name, (_, goal) in commands.items()]


def _row(name: str, goal: float, ratios: list[float], milliseconds: list[float]) -> tuple[str, str, str, bool]:
    ratio = statistics.median(ratios)
    measured = f"{ratio:.2f}x ({statistics.median(milliseconds):.0f} ms)"
    return name, measured, f"<= {goal:g}x of pass", ratio <= goal


def _environment(folder: Path) -> dict[str, str]:
    """A plain environment: nothing of the developer's changes what is imported or written."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "PXM_DATA_DIR": str(folder / "data"),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }


def _fill(directory: Path) -> None:
    repository = TinyDbRepository(directory)

    async def save() -> None:
        for number in range(CLUSTERS):
            await repository.save(make_full_cluster(number))

    asyncio.run(save())
    repository.close()


def _cpu(command: list[str], environment: dict[str, str]) -> float:
    """Seconds of processor time that a program took, its own and the system's for it.

    Raises:
        RuntimeError: it failed.
    """
    output = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0o600)
    child = os.posix_spawn(command[0], command, environment, file_actions=[output])
    _, status, usage = os.wait4(child, 0)
    if status != 0:
        raise RuntimeError(f"{command[-1]} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime
