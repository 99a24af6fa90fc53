"""200 clients for 30 seconds on the list of 100 clusters: errors, times and CPU of the server.

Server and clients are processes of their own, on one machine: what the clients take is not there for the server.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from pxm_tui.storage.tinydb_repository import TinyDbRepository
from tests.api.process import Place, serving
from tests.fakes import cluster

Row = tuple[str, str, str, bool]

CLIENTS = 200
CLUSTERS = 100
SECONDS = float(os.environ.get("PXM_BENCHMARK_SECONDS", "30"))
SLOWEST_MS = 500.0


def run() -> list[Row]:
    """The rows of the report."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        asyncio.run(_fill(place))
        token = place.token("viewer")
        with serving(place, "--refresh", "off") as server:
            before = _cpu_seconds(server.process.pid)
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.rest_api", server.url, str(SECONDS)],
                input=token,
                capture_output=True,
                text=True,
                check=True,
            )
            cpu = _cpu_seconds(server.process.pid) - before
    count, errors, middle, p99, most, seconds = map(float, done.stdout.split())
    name = f"GET /clusters, {CLUSTERS} clusters, {CLIENTS} clients, {seconds:.0f} s"
    slow = f"{p99:.0f} ms, median {middle:.0f}, max {most:.0f}"
    busy = f"{cpu / seconds:.0%}, {1e6 * cpu / count:.0f} us each"
    return [
        (f"{name}, errors", f"{errors:.0f} of {count:.0f}", "0", errors == 0),
        (f"{name}, p99", slow, f"<= {SLOWEST_MS:.0f} ms", p99 <= SLOWEST_MS),
        (f"{name}, rate", f"{count / seconds:.0f} / s", "as it is", True),
        (f"{name}, CPU of the server", busy, "<= 100%", cpu <= seconds),
    ]


async def _fill(place: Place) -> None:
    """A registry of clusters that nobody needs to be asked."""
    place.data.mkdir(mode=0o700)
    repository = TinyDbRepository(place.data)
    for number in range(CLUSTERS):
        record = cluster(f"fra-prod-{number}", number=number)
        await repository.save(replace(record, trust=replace(record.trust, certificate=None)))
    repository.close()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# The clients


class Client(asyncio.Protocol):
    """Asks again as soon as it is answered; as light as it can be, so that it is the server that is measured."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self._rest = b""
        self._wanted = 0
        self._asked_at = 0.0
        self.times: list[float] = []
        self.errors = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._asked_at = time.perf_counter()
        if self._asked_at >= self._until:
            self._transport.close()
        else:
            self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Wait for the whole answer."""
        self._rest += data
        if not self._wanted:
            head, separator, _ = self._rest.partition(b"\r\n\r\n")
            if not separator:
                return
            self.errors += not head.startswith(b"HTTP/1.1 200 ")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            self._wanted = len(head) + 4 + int(length)
        if len(self._rest) >= self._wanted:
            self.times.append(time.perf_counter() - self._asked_at)
            self._rest, self._wanted = b"", 0
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Over; before its time that is an error."""
        self.errors += exc is not None or self._asked_at < self._until
        self.ended.set_result(None)


async def _load(url: str, token: str, seconds: float) -> None:
    host, port = url.removeprefix("http://").split(":")
    request = f"GET /api/v1/clusters HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    clients = [Client(request, began + seconds) for _ in range(CLIENTS)]
    for client in clients:
        await loop.create_connection(lambda found=client: found, host, int(port))  # type: ignore[misc]
    await asyncio.gather(*(client.ended for client in clients))
    took = time.perf_counter() - began
    times = sorted(1000 * each for client in clients for each in client.times)
    middle, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    errors = sum(client.errors for client in clients)
    sys.stdout.write(f"{len(times)} {errors} {middle} {p99} {times[-1]} {took}\n")


if __name__ == "__main__":
    asyncio.run(_load(sys.argv[1], sys.stdin.read().strip(), float(sys.argv[2])))
