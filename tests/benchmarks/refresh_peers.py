"""The other clients in the benchmark of refreshes: pycurl and proxmoxer, asking the same two questions."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.memory import mebibytes
from tests.benchmarks.refresh_process import CONCURRENCY, Described, tell

THREADS = 20
PATHS = ("/api2/json/cluster/resources", "/api2/json/cluster/status")


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
