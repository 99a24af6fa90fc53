"""The simulated fleet by itself: how fast it is ready, how much memory it takes, how fast it answers."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from pxm_tui.simulator.authentication import Identity
from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.dispatch import Question, dispatch
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.serve import settle
from tests.benchmarks.memory import mebibytes

Row = tuple[str, str, str, bool]

DEMO_GOAL = 2.0
READY_GOAL = 10.0
MEMORY_GOAL = 1024
RESOURCES_GOAL = 50.0
ANSWERS_GOAL = 500.0
FLEET, NODES, GUESTS = 1000, 3, 100
MANY_GUESTS = 10_000
ROUNDS = 5
CONNECTIONS, ANSWERS = 8, 4000


@contextmanager
def serving(*arguments: str, clusters: int) -> Iterator[tuple[list[dict[str, Any]], float, int]]:
    """Serve a fleet in a process of its own; gives its clusters, the seconds until all answer, its pid."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "pxm_tui.simulator", "--until-stdin-closes", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = [json.loads(process.stdout.readline()) for _ in range(clusters)]
        seconds = time.perf_counter() - begun
        try:
            yield ready, seconds, process.pid
        finally:
            process.stdin.close()
            process.wait(30)


def context() -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


async def ask(described: dict[str, Any], paths: list[str], tls: ssl.SSLContext) -> int:
    """Ask one cluster for paths, one connection as long as the server keeps it; gives the bytes that came."""
    place = urlsplit(described["endpoint"])
    token = f"{described['token_id']}={described['token_secret']}"
    head = f"Host: {place.netloc}\r\nAuthorization: PVEAPIToken={token}\r\n\r\n"
    size, reader, writer = 0, None, None
    for path in paths:
        if reader is None or writer is None:
            reader, writer = await asyncio.open_connection(place.hostname, place.port, ssl=tls)
        writer.write(f"GET /api2/json{path} HTTP/1.1\r\n{head}".encode())
        lines = await reader.readuntil(b"\r\n\r\n")
        assert lines.startswith(b"HTTP/1.1 200"), lines
        found = re.search(rb"Content-Length: (\d+)", lines)
        size += len(await reader.readexactly(int(found.group(1)) if found else 0))
        if b"Connection: close" in lines:
            writer.close()
            reader = writer = None
    if writer is not None:
        writer.close()
    return size


async def ask_all(clusters: list[dict[str, Any]], path: str) -> None:
    """Ask every cluster once, a few at a time."""
    tls, waiting = context(), iter(clusters)

    async def work() -> None:
        for described in waiting:
            await ask(described, [path], tls)

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))


def start_of_the_demo() -> Row:
    seconds = []
    for _ in range(ROUNDS):
        with serving("--clusters", "3", clusters=3) as (_, taken, _pid):
            seconds.append(taken)
    taken = median(seconds)
    return ("3 clusters ready, process and all", f"{taken:.2f} s", f"< {DEMO_GOAL:.0f} s", taken < DEMO_GOAL)


def a_large_fleet() -> list[Row]:
    numbers = ("--clusters", str(FLEET), "--nodes", str(NODES), "--guests", str(GUESTS))
    title = f"{FLEET} clusters of {NODES} nodes and {GUESTS} guests"
    with serving(*numbers, clusters=FLEET) as (clusters, seconds, pid):
        idle = mebibytes(pid)
        asyncio.run(ask_all(clusters, "/cluster/resources"))
        busy = mebibytes(pid)
    return [
        (f"{title}: ready", f"{seconds:.1f} s", f"< {READY_GOAL:.0f} s", seconds < READY_GOAL),
        (f"{title}: memory when ready", f"{idle:.0f} MiB", f"< {MEMORY_GOAL} MiB", idle < MEMORY_GOAL),
        (f"{title}: memory after all answered", f"{busy:.0f} MiB", f"< {MEMORY_GOAL} MiB", busy < MEMORY_GOAL),
    ]


def one_large_cluster() -> Row:
    """The processor's time for `cluster/resources` of a cluster that was never asked before."""
    milliseconds = []
    threshold = gc.get_threshold()
    for seed in range(ROUNDS):
        options = ClusterOptions("large", "9.2", nodes=1, guests=MANY_GUESTS, standalone=True)
        cluster = Cluster(options, seed=str(seed), clock=time.time, keys="ec", addresses=["127.0.0.1"])
        assert len(cluster.guests) == MANY_GUESTS  # the guests are the state, not the answer
        node = next(iter(cluster.nodes.values()))
        question = Question("GET", "/cluster/resources", "json", Identity("root@pam"), {})
        settle()
        begun = time.process_time()
        answer = dispatch(cluster, node, question)
        milliseconds.append((time.process_time() - begun) * 1000)
        assert answer.body is not None
        assert answer.body.count(b'"vmid"') == MANY_GUESTS
    gc.unfreeze()
    gc.set_threshold(*threshold)
    taken = median(milliseconds)
    title = f"cluster/resources of {MANY_GUESTS} guests, asked for the first time"
    return (title, f"{taken:.0f} ms CPU", f"<= {RESOURCES_GOAL:.0f} ms", taken <= RESOURCES_GOAL)


def answers_a_second() -> list[Row]:
    rows = []
    with serving("--clusters", str(CONNECTIONS), "--guests", str(GUESTS), clusters=CONNECTIONS) as (clusters, _, _pid):
        for path in ("/version", "/cluster/resources"):
            tls, each = context(), [path] * (ANSWERS // CONNECTIONS)

            async def load(tls: ssl.SSLContext = tls, each: list[str] = each) -> None:
                await asyncio.gather(*(ask(described, each, tls) for described in clusters))

            begun = time.perf_counter()
            asyncio.run(load())
            rate = ANSWERS / (time.perf_counter() - begun)
            title = f"answers of one process, GET {path}"
            rows.append((title, f"{rate:.0f} /s", f">= {ANSWERS_GOAL:.0f} /s", rate >= ANSWERS_GOAL))
    return rows


def run() -> list[Row]:
    return [start_of_the_demo(), *a_large_fleet(), one_large_cluster(), *answers_a_second()]
