"""Round trips of a registration and of a check, against the simulated fleet with 50 ms of round-trip time.

The phases run in the services' order: a registration reads the realms before it logs in, a check beside it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from statistics import median

from pxm_tui.domain.addresses import parse_endpoint
from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Endpoint, LoginMethod
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.gateway import HttpProxmoxGateway
from pxm_tui.proxmox.session import HttpProxmoxSession
from pxm_tui.services.ports import Credentials

Row = tuple[str, str, str, bool]

RTT_MS = 50
ROUNDS = 11
LIMIT = 1.15


class Target:
    """One simulated cluster, as `--serve` describes it."""

    def __init__(self, line: str) -> None:
        found = json.loads(line)
        self.endpoint: Endpoint = parse_endpoint(found["endpoint"]).endpoint
        self.trust = Trust(TrustMode.CA_FILE, anchor_pem=Path(found["ca_file"]).read_text())
        self.password = Credentials(LoginMethod.PASSWORD, found["username"], Secret(found["password"]))
        user = found["token_id"].partition("!")[0]
        self.token = Credentials(LoginMethod.TOKEN, user, Secret(found["token_secret"]), found["token_id"])


Way = Callable[[HttpProxmoxSession, Target], Coroutine[object, object, None]]


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


async def _secured(session: HttpProxmoxSession, target: Target) -> None:
    await session.resolve()
    await session.connect()
    await session.secure(target.trust)


async def register_with_password(session: HttpProxmoxSession, target: Target) -> None:
    """TCP, TLS, realms, ticket, everything else."""
    await _secured(session, target)
    await session.realms()
    await session.login(target.password, None)
    await asyncio.gather(session.version(), session.observe())


async def register_with_token(session: HttpProxmoxSession, target: Target) -> None:
    """TCP, TLS, realms, everything else."""
    await _secured(session, target)
    await session.realms()
    await session.login(target.token, None)
    await asyncio.gather(session.version(), session.observe())


async def check_with_token(session: HttpProxmoxSession, target: Target) -> None:
    """TCP, TLS, everything."""
    await _secured(session, target)
    await session.login(target.token, None)
    await asyncio.gather(session.realms(), session.version(), session.observe())


async def _measure(target: Target, way: Way) -> float:
    """Median wall time in milliseconds, after one round that imports and warms up."""
    gateway, times = HttpProxmoxGateway(), list[float]()
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        async with aclosing(gateway.open(target.endpoint, target.trust)) as session:
            await way(session, target)
            times.append((time.perf_counter() - began) * 1000)
    return median(times[1:])


WAYS: tuple[tuple[str, Way, int], ...] = (
    ("registration, --ca-file, password", register_with_password, 5),
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
