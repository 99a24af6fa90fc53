"""Our own client in the benchmark of refreshes: the whole service over a registry in memory."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import UTC, datetime

from pxm_tui.domain.addresses import parse_endpoint
from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.gateway import HttpProxmoxGateway
from pxm_tui.proxmox.loop import ClientLoop
from pxm_tui.services.audit import Audit
from pxm_tui.services.fleet import FleetService
from pxm_tui.services.journal import Journal
from pxm_tui.services.means import Means
from pxm_tui.services.polling import PollingPolicy
from pxm_tui.storage.memory_repository import MemoryRepository
from pxm_tui.tui import garbage
from tests.benchmarks.memory import mebibytes
from tests.benchmarks.refresh_process import CONCURRENCY, TICK, Described, Figures, spread, tell
from tests.fakes import ANNA, FakeAuditLog, FakeCache, FakeIntents, FakeSecrets, make_mint


async def record_of(described: Described, number: int, gateway: HttpProxmoxGateway) -> tuple[Cluster, Secret]:
    """The record that a registration would have made, its leaf pinned, and the token's secret."""
    endpoint: Endpoint = parse_endpoint(described["endpoint"]).endpoint
    shown = await gateway.read_certificate(endpoint)
    user, _, _ = described["token_id"].partition("!")
    then = datetime.now(UTC).replace(microsecond=0)
    record = Cluster(
        id=f"550e8400-e29b-41d4-a716-4466554{number:05d}",
        name=described["name"],
        endpoints=(endpoint,),
        login=Login(LoginMethod.TOKEN, user, described["token_id"]),
        trust=Trust(TrustMode.PINNED_LEAF, shown.sha256, shown.pem, certificate=shown, trusted_at=then),
        created_at=then,
        updated_at=then,
    )
    return record, Secret(described["token_secret"])


async def records_of(clusters: list[Described]) -> tuple[list[Cluster], FakeSecrets]:
    """As `record_of`, of all."""
    gateway, secrets, records = HttpProxmoxGateway(), FakeSecrets(), []
    for start in range(0, len(clusters), CONCURRENCY):
        some = enumerate(clusters[start : start + CONCURRENCY], start)
        for record, secret in await asyncio.gather(*(record_of(found, number, gateway) for number, found in some)):
            records.append(record)
            secrets.kept[record.id, record.login.secret_kind] = secret
    return records, secrets


def service_of(runner: ClientLoop, records: list[Cluster], secrets: FakeSecrets) -> FleetService:
    """The fleet as the program has it, but for the files."""

    def clock() -> datetime:
        return datetime.now(UTC)

    repository, journal = MemoryRepository(records), Journal(clock)
    means = Means(
        repository=repository,
        secrets=secrets,
        gateway=HttpProxmoxGateway,
        runner=runner,
        clock=clock,
        timer=time.monotonic,
        journal=journal,
        audit=Audit(FakeAuditLog(), ANNA, clock, journal),
        mint=make_mint(FakeIntents(), journal, clock),
    )
    return FleetService(means, FakeCache(), PollingPolicy(None, CONCURRENCY))


class Ticker:
    """Asks for a moment of its loop every 5 ms; how much later than asked it comes is the loop's lag."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self._task = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK)
            self.lags.append(1000 * (time.perf_counter() - began - TICK))

    def stop(self) -> None:
        """Stop asking."""
        self._task.cancel()


async def refresh_all(fleet: FleetService) -> Figures:
    """One refresh of everybody, as the key `r` begins it."""
    before = {found.cluster.id: found.snapshot for found in fleet.view().clusters}
    ticker, cpu, began = Ticker(), time.process_time(), time.perf_counter()
    await fleet.refresh()
    while left := sum(before[found.cluster.id] is found.snapshot for found in fleet.view().clusters):  # noqa: ASYNC110
        # As the home screen, which looks ten times a second; at the end oftener, to see when that is.
        await asyncio.sleep(0.1 if left > CONCURRENCY else 2 * TICK)
    taken, cpu = time.perf_counter() - began, time.process_time() - cpu
    ticker.stop()
    failed = sum(found.tries > 0 for found in fleet.view().clusters)
    return {"seconds": taken, "cpu": cpu, "rss": mebibytes(os.getpid()), "failed": failed, **spread(ticker.lags)}


async def serve_ours(clusters: list[Described]) -> None:
    """Check everybody in full, then refresh once for each line of stdin."""
    garbage.hold_off()
    records, secrets = await records_of(clusters)
    with ClientLoop() as runner:
        fleet = service_of(runner, records, secrets)
        fleet.load()
        garbage.begin()  # as the screens do after their first frame
        watch = asyncio.create_task(fleet.watch(lambda: None))
        await asyncio.sleep(0.1)
        tell(await refresh_all(fleet))
        while await asyncio.to_thread(sys.stdin.readline):
            tell(await refresh_all(fleet))
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
