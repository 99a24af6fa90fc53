"""Refreshing a fleet of known clusters, cold, beside pycurl and proxmoxer doing the same two requests.

Every client runs in a process of its own, so that processor time and memory are its own, and their rounds are
interleaved: on a shared machine only ratios mean much. The simulated fleet shares the machine's cores; with two of
them, wall times are partly the server's.

proxmoxer logs in with the same API tokens, asks the same two questions over one connection, and is measured twice: as
its documentation shows it, with `verify_ssl=False`, where urllib3 reads the system's authorities anew for every
connection; and with each cluster's own authority in a file, which is the least work that it can be given.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pxm_tui.domain.observation import Snapshot
from pxm_tui.proxmox.gateway import HttpProxmoxGateway
from pxm_tui.services.checking import Checker, Outcome
from tests.benchmarks.refresh_ours import records_of
from tests.benchmarks.refresh_peers import THREADS
from tests.benchmarks.refresh_process import Client, Described

Row = tuple[str, str, str, bool]

RTT_MS = 50
FLEET, FEW = 1000, 100
ROUNDS = 3
IDLE = 0.5
"""A tenth of the seconds that pveproxy lets a connection idle."""
PERIODS = (0.9, 0.95, 1.0, 1.05, 1.1)
REFRESHES, AT_ONCE = 180, 20
_SERVE = (
    "import sys; from pxm_tui.simulator import listener, serve; "
    "listener.IDLE = float(sys.argv[1]); sys.exit(serve.main(sys.argv[2:]))"
)


@contextmanager
def fleet_of(count: int, *, latency_ms: float, idle: float = 5.0) -> Iterator[list[Described]]:
    """Serve clusters of one node and ten guests; how each is reached."""
    numbers = ["--clusters", str(count), "--nodes", "1", "--guests", "10", "--latency-ms", str(latency_ms)]
    command = [sys.executable, "-c", _SERVE, str(idle), "--until-stdin-closes", *numbers]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield [json.loads(process.stdout.readline()) for _ in range(count)]
        finally:
            process.stdin.close()
            process.wait(30)


def compare(clusters: list[Described]) -> list[Row]:
    """Everything that is measured against the fleet with its round-trip time."""
    kinds = dict.fromkeys(("ours", "few", "pycurl", "proxmoxer", "proxmoxer, verified"), FLEET) | {"few": FEW}
    clients = {kind: Client("ours" if kind == "few" else kind, clusters[:count]) for kind, count in kinds.items()}
    try:
        for number in range(ROUNDS):
            for kind, client in clients.items():
                if number == 0 or not kind.startswith("proxmoxer"):
                    client.round()
        return [*_own_rows(clients["ours"], clients["few"]), *_peer_rows(clients)]
    finally:
        for client in clients.values():
            client.close()


def _own_rows(ours: Client, few: Client) -> list[Row]:
    title, growth = f"refresh of {FLEET} clusters, {RTT_MS} ms", ours.cpu_ms / few.cpu_ms
    p99, most, rss = ours.middle("p99"), ours.middle("max"), ours.middle("rss")
    lag = f"{p99:.0f} / {most:.0f} ms (machine {ours.middle('machine p99'):.0f} / {ours.middle('machine max'):.0f})"
    failed = sum(found["failed"] for client in (ours, few) for found in client.rounds)
    return [
        (f"{title}: all answered", f"{failed:.0f} failures", "0", not failed),
        (f"{title}: CPU a cluster", f"{ours.cpu_ms:.2f} ms", "<= 2.5 ms", ours.cpu_ms <= 2.5),
        (f"{title}: CPU a cluster, {FEW} = 1", f"{growth:.2f}x", "<= 1.15x", growth <= 1.15),
        (f"{title}: lag of the screens' loop", lag, "<= 8 / 16 ms", p99 <= 8 and most <= 16),
        (f"{title}: memory", f"{rss:.0f} MiB", "<= 110 MB", rss * 1.048576 <= 110),
    ]


def _peer_rows(clients: dict[str, Client]) -> list[Row]:
    title = f"refresh of {FLEET} clusters, {RTT_MS} ms"
    ours, few, curl = clients["ours"], clients["few"], clients["pycurl"]
    ratio = ours.middle("seconds") / curl.middle("seconds")
    measured = f"{ratio:.2f}x ({ours.middle('seconds'):.2f} s)"
    shown, lean = (
        clients[kind].middle("seconds") / ours.middle("seconds") for kind in ("proxmoxer", "proxmoxer, verified")
    )
    threads = f"proxmoxer in {THREADS} threads"
    return [
        (f"{title}: pycurl = 1; {FEW} in {few.middle('seconds'):.2f} s", measured, "<= 1.2x", ratio <= 1.2),
        (f"{title}: CPU of pycurl", f"{curl.cpu_ms:.2f} ms", "none", True),
        (f"{title}: {threads}, as documented = 1", f"{shown:.1f}x faster", ">= 7x faster", shown >= 7),
        (f"{title}: {threads}, an authority each = 1", f"{lean:.1f}x faster", ">= 7x faster", lean >= 7),
        (
            f"first round of {FLEET} clusters, all checks in full",
            f"{ours.ready['seconds']:.1f} s, {1000 * ours.ready['cpu'] / FLEET:.1f} ms CPU each",
            "none",
            not ours.ready["failed"],
        ),
    ]


class Counting(Checker):
    """Counts full checks: one after the first means that a refresh has failed."""

    full = 0

    async def check(self, *args: Any, **kwargs: Any) -> Outcome:
        """As always."""
        self.full += 1
        return await super().check(*args, **kwargs)


async def refresh_around(clusters: list[Described], period: float) -> int:
    """Refresh every `period` seconds; how many failed."""
    records, secrets = await records_of(clusters)
    checker, failed = Counting(secrets, HttpProxmoxGateway(), lambda: datetime.now(UTC), time.monotonic), 0
    for _ in range(1 + REFRESHES // AT_ONCE):
        due = time.monotonic() + period
        outcomes = await asyncio.gather(*(checker.refresh(record, Snapshot(record.id)) for record in records))
        failed += sum(outcome.error is not None for outcome in outcomes)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    return failed + checker.full - len(records)


def around_the_idle_limit() -> list[Row]:
    """Refreshes whose period is near the server's limit for idle connections, both a tenth of what they are."""
    with fleet_of(AT_ONCE, latency_ms=5, idle=IDLE) as clusters:
        failed = [asyncio.run(refresh_around(clusters, IDLE * share)) for share in PERIODS]
    title = f"{REFRESHES} refreshes at each period of {PERIODS[0]} to {PERIODS[-1]} of the idle limit"
    return [(title, f"{sum(failed)} failures", "0", not any(failed))]


def run() -> list[Row]:
    """Measure everything; a row for each goal."""
    with fleet_of(FLEET, latency_ms=RTT_MS) as clusters:
        rows = compare(clusters)
    return [*rows, *around_the_idle_limit()]
