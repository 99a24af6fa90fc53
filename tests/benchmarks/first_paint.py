"""The first paint of the table with 1000 stored clusters, beside that of the smallest Textual app, on a terminal."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from pxm_tui.storage.tinydb_repository import TinyDbRepository
from tests.fakes import cluster
from tests.tui.terminal import TerminalProgram

CLUSTERS = 1000
ROUNDS = 13
GOAL = 1.10
SIZE = (120, 40)
MARKER = "c-0"
"""On the screen as soon as the first row is."""

SMALLEST = f"""
from textual.app import App
from textual.widgets import Static

class Smallest(App):
    def compose(self):
        yield Static({MARKER!r})

Smallest().run()
"""

Row = tuple[str, str, str, bool]


def run() -> list[Row]:
    """Measure; one row: the ratio of the medians."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        asyncio.run(store(directory / "data"))
        smallest = directory / "smallest.py"
        smallest.write_text(SMALLEST)
        table = ["-m", "pxm_tui", "--data-dir", str(directory / "data"), "--refresh", "off"]
        times = compare({"smallest": [str(smallest)], "table": table}, ROUNDS)
    ratio = times["table"] / times["smallest"]
    measured = f"{times['table'] * 1000:.0f} / {times['smallest'] * 1000:.0f} ms = {ratio:.2f}x"
    return [(f"first paint, {CLUSTERS} clusters / smallest app", measured, f"<= {GOAL:.2f}x", ratio <= GOAL)]


async def store(directory: Path) -> None:
    """Register the clusters, as the program stores them."""
    repository = TinyDbRepository(directory)
    try:
        for number in range(CLUSTERS):
            await repository.save(cluster(f"c-{number}", number=number, host=f"10.0.{number // 250}.{number % 250}"))
    finally:
        repository.close()


def compare(programs: Mapping[str, Sequence[str]], rounds: int) -> dict[str, float]:
    """Median seconds until each program's first row is on the screen, in interleaved rounds; the first warms up."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds + 1):
        for name, arguments in programs.items():
            times[name].append(seconds_until_painted(arguments))
    return {name: median(found[1:]) for name, found in times.items()}


def seconds_until_painted(arguments: Sequence[str]) -> float:
    """From the start of the program until its marker has been written."""
    begun = time.perf_counter()
    with TerminalProgram(arguments, size=SIZE, environment={"PYTHONDONTWRITEBYTECODE": None}) as program:
        program.wait_for(MARKER)
        return time.perf_counter() - begun


if __name__ == "__main__":
    for name, measured, goal, _ in run():
        sys.stdout.write(f"{name}  {measured}  goal {goal}\n")
