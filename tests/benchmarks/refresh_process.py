"""A client of the benchmark in a process of its own, and the other end: what it is told, and what it tells."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from functools import partial
from statistics import median
from typing import Any

Figures = dict[str, float]
Described = dict[str, Any]

TICK = 0.005
CONCURRENCY = 100
"""Clusters that our client and pycurl ask at the same time."""


def spread(lags: list[float]) -> Figures:
    """What is said of lags, in milliseconds."""
    ordered = sorted(lags)
    return {"p99": ordered[int(len(ordered) * 0.99)], "max": ordered[-1]}


class Client:
    """A client in a process of its own, which refreshes all its clusters once a round."""

    def __init__(self, kind: str, clusters: list[Described]) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.refresh_process", kind]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._clusters = len(clusters)
        self._say(json.dumps(clusters))
        self.ready = self._hear()
        self.rounds: list[Figures] = []

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _hear(self) -> Figures:
        assert self._process.stdout is not None
        found: Figures = json.loads(self._process.stdout.readline())
        return found

    def round(self) -> None:
        """Refresh all; how late this process wakes up meanwhile, which has nothing to do, is the machine's own lag."""
        self._say("go")
        lags, over = [0.0], threading.Event()

        def tick() -> None:
            while not over.is_set():
                began = time.perf_counter()
                time.sleep(TICK)
                lags.append(1000 * (time.perf_counter() - began - TICK))

        ticking = threading.Thread(target=tick)
        ticking.start()
        found = self._hear()
        over.set()
        ticking.join()
        self.rounds.append(found | {f"machine {name}": value for name, value in spread(lags).items()})

    def middle(self, name: str) -> float:
        """The median of a figure."""
        return median(found[name] for found in self.rounds)

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor time for a cluster."""
        return 1000 * self.middle("cpu") / self._clusters

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


def tell(figures: Figures) -> None:
    """One line to the benchmark."""
    sys.stdout.write(f"{json.dumps(figures)}\n")
    sys.stdout.flush()


def main(kind: str) -> None:
    """Be one of the clients."""
    clusters = json.loads(sys.stdin.readline())
    if kind == "ours":
        from tests.benchmarks.refresh_ours import serve_ours

        asyncio.run(serve_ours(clusters))
    else:
        from tests.benchmarks.refresh_peers import serve_others, with_proxmoxer, with_pycurl

        proxmoxer = partial(with_proxmoxer, verified=kind != "proxmoxer")
        serve_others(clusters, with_pycurl if kind == "pycurl" else proxmoxer)


if __name__ == "__main__":
    main(sys.argv[1])
