"""Round trips of a registration and of a check through the services, at 50 ms of round-trip time.

The fleet is a process of its own; registry and secrets are in memory, so that what is measured is the conversation.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from pxm_tui.domain.observation import Snapshot
from pxm_tui.proxmox.gateway import HttpProxmoxGateway
from pxm_tui.proxmox.loop import InlineRunner
from pxm_tui.services.audit import Audit
from pxm_tui.services.clusters import ClusterService
from pxm_tui.services.dialog import Silent
from pxm_tui.services.journal import Journal
from pxm_tui.services.means import Means
from pxm_tui.services.requests import RegistrationRequest, build_request
from pxm_tui.storage.memory_repository import MemoryRepository
from tests.fakes import ANNA, FakeAuditLog, FakeIntents, FakeSecrets, make_mint

Row = tuple[str, str, str, bool]

RTT_MS = 50
ROUNDS = 11
LIMIT = 1.15


class Target:
    """One simulated cluster, as `--serve` describes it: what to register it with."""

    def __init__(self, line: str) -> None:
        found = json.loads(line)
        known = {"endpoint": found["endpoint"], "trust_ca": Path(found["ca_file"]).read_text()}
        self.password = build_request(**known, user=found["username"], password=found["password"], mint_token=False)
        self.token = build_request(**known, token_id=found["token_id"], token_secret=found["token_secret"])


def now() -> datetime:
    """UTC."""
    return datetime.now(UTC)


def make_service() -> ClusterService:
    """The real service and client over a registry in memory."""
    gateway, journal = HttpProxmoxGateway(), Journal(now)
    means = Means(
        repository=MemoryRepository(),
        secrets=FakeSecrets(),
        gateway=lambda: gateway,
        runner=InlineRunner(),
        clock=now,
        timer=time.monotonic,
        journal=journal,
        audit=Audit(FakeAuditLog(), ANNA, now, journal),
        mint=make_mint(FakeIntents(), journal, now),
    )
    return ClusterService(means)


Way = Callable[[ClusterService, Target], Coroutine[object, object, float]]


@contextmanager
def serving() -> Iterator[Target]:
    """A fleet of one cluster in a process of its own."""
    command = [sys.executable, "-m", "pxm_tui.simulator", "--clusters", "1", "--latency-ms", str(RTT_MS)]
    with subprocess.Popen(
        [*command, "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Target(process.stdout.readline())
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)


async def _register(service: ClusterService, request: RegistrationRequest) -> float:
    began = time.perf_counter()
    registration = await service.register(request, Silent())
    took = time.perf_counter() - began
    await service.deregister(registration.cluster.id)
    return took


async def register_with_password(service: ClusterService, target: Target) -> float:
    """TCP, TLS, realms, ticket, everything else."""
    return await _register(service, target.password)


async def register_and_make_a_token(service: ClusterService, target: Target) -> float:
    """As with a password, then the token, its rights, and a read with it."""
    return await _register(service, target.password.model_copy(update={"mint_token": True}))


async def register_with_token(service: ClusterService, target: Target) -> float:
    """TCP, TLS, realms, everything else."""
    return await _register(service, target.token)


async def check_with_token(service: ClusterService, target: Target) -> float:
    """TCP, TLS, everything."""
    registered = await service.register(target.token, Silent())
    began = time.perf_counter()
    report = await service.check(registered.cluster.id, Snapshot(registered.cluster.id), Silent())
    took = time.perf_counter() - began
    assert report.error is None
    await service.deregister(registered.cluster.id)
    return took


async def _measure(target: Target, way: Way) -> float:
    """Median wall time in milliseconds, after one round that imports and warms up."""
    service = make_service()
    times = [1000 * await way(service, target) for _ in range(ROUNDS + 1)]
    return median(times[1:])


WAYS: tuple[tuple[str, Way, int], ...] = (
    ("registration, --ca-file, password", register_with_password, 5),
    ("registration, --ca-file, password, a token is made of it", register_and_make_a_token, 8),
    ("registration, --ca-file, token", register_with_token, 4),
    ("check of a known cluster, token", check_with_token, 3),
)


def run() -> list[Row]:
    """Each way of talking to a cluster, and how near it comes to its round trips."""
    rows: list[Row] = []
    with serving() as target:
        for name, way, round_trips in WAYS:
            measured = asyncio.run(_measure(target, way))
            ratio = measured / (round_trips * RTT_MS)
            rows.append(
                (
                    f"{name}, {RTT_MS} ms",
                    f"{measured:.0f} ms, {ratio:.2f} x {round_trips} RTT",
                    f"<= {LIMIT:.2f} x",
                    ratio <= LIMIT,
                )
            )
    return rows
