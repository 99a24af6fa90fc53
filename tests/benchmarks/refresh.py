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
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from pxm_tui.domain.addresses import parse_endpoint
from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.gateway import HttpProxmoxGateway
from pxm_tui.proxmox.loop import ClientLoop
from pxm_tui.services.audit import Audit
from pxm_tui.services.checking import Checker, Outcome
from pxm_tui.services.fleet import FleetService
from pxm_tui.services.journal import Journal
from pxm_tui.services.means import Means
from pxm_tui.services.polling import PollingPolicy
from pxm_tui.storage.memory_repository import MemoryRepository
from pxm_tui.tui import garbage
from tests.benchmarks.memory import mebibytes
from tests.fakes import ANNA, FakeAuditLog, FakeCache, FakeIntents, FakeSecrets, make_mint

Row = tuple[str, str, str, bool]
Figures = dict[str, float]
Described = dict[str, Any]

RTT_MS = 50
FLEET, FEW = 1000, 100
CONCURRENCY, THREADS = 100, 20
ROUNDS = 3
PATHS = ("/api2/json/cluster/resources", "/api2/json/cluster/status")
TICK = 0.005
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


def spread(lags: list[float]) -> Figures:
    """What is said of lags, in milliseconds."""
    ordered = sorted(lags)
    return {"p99": ordered[int(len(ordered) * 0.99)], "max": ordered[-1]}


class Client:
    """A client in a process of its own, which refreshes all its clusters once a round."""

    def __init__(self, kind: str, clusters: list[Described]) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.refresh", kind]
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


# Our own client


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
            secrets.kept[record.id, LoginMethod.TOKEN] = secret
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


# The others


def serve_others(clusters: list[Described], work: Callable[[list[Described]], None]) -> None:
    """Refresh once for each line of stdin."""
    tell({})
    while sys.stdin.readline():
        cpu, began = time.process_time(), time.perf_counter()
        work(clusters)
        taken = time.perf_counter() - began
        tell({"seconds": taken, "cpu": time.process_time() - cpu, "rss": mebibytes(os.getpid())})


def with_pycurl(clusters: list[Described]) -> None:
    """Both requests of each cluster on one new connection, so many clusters at once."""
    import pycurl  # type: ignore[import-not-found,import-untyped,unused-ignore]

    multi, waiting, busy = pycurl.CurlMulti(), iter(clusters), 0
    multi.setopt(pycurl.M_MAXCONNECTS, 2 * CONCURRENCY)
    steps: dict[Any, list[str]] = {}

    def begin() -> int:
        described = next(waiting, None)
        if described is None:
            return 0
        handle = pycurl.Curl()
        handle.setopt(pycurl.CAINFO, described["ca_file"])
        handle.setopt(pycurl.ACCEPT_ENCODING, "gzip")
        handle.setopt(pycurl.SSL_SESSIONID_CACHE, 0)
        handle.setopt(pycurl.WRITEFUNCTION, lambda _: None)
        login = f"Authorization: PVEAPIToken={described['token_id']}={described['token_secret']}"
        handle.setopt(pycurl.HTTPHEADER, [login])
        steps[handle] = [described["endpoint"].rstrip("/") + path for path in reversed(PATHS)]
        handle.setopt(pycurl.URL, steps[handle].pop())
        multi.add_handle(handle)
        return 1

    for _ in range(CONCURRENCY):
        busy += begin()
    while busy:
        multi.select(1.0)
        multi.perform()
        _, done, failed = multi.info_read()
        assert not failed, failed
        for handle in done:
            assert handle.getinfo(pycurl.RESPONSE_CODE) == 200
            multi.remove_handle(handle)
            if steps[handle]:
                handle.setopt(pycurl.URL, steps[handle].pop())
                multi.add_handle(handle)
            else:
                handle.close()
                busy += begin() - 1
    multi.close()


def with_proxmoxer(clusters: list[Described], *, verified: bool) -> None:
    """Both requests of each cluster, in threads."""
    import warnings

    from proxmoxer import ProxmoxAPI  # type: ignore[import-untyped,unused-ignore]

    def refresh(described: Described) -> None:
        place, (user, _, name) = urlsplit(described["endpoint"]), described["token_id"].partition("!")
        client = ProxmoxAPI(
            place.hostname,
            port=place.port,
            user=user,
            token_name=name,
            token_value=described["token_secret"],
            verify_ssl=described["ca_file"] if verified else False,
        )
        assert client.cluster.resources.get()
        assert client.cluster.status.get()

    warnings.simplefilter("ignore")
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(refresh, clusters))


def tell(figures: Figures) -> None:
    """One line to the benchmark."""
    sys.stdout.write(f"{json.dumps(figures)}\n")
    sys.stdout.flush()


# The rows


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


def main(kind: str) -> None:
    """Be one of the clients."""
    clusters = json.loads(sys.stdin.readline())
    if kind == "ours":
        asyncio.run(serve_ours(clusters))
    else:
        proxmoxer = partial(with_proxmoxer, verified=kind != "proxmoxer")
        serve_others(clusters, with_pycurl if kind == "pycurl" else proxmoxer)


if __name__ == "__main__":
    main(sys.argv[1])
