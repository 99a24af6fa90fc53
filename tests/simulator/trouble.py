"""A cluster on the test's own loop, its control API, and a client that sees what becomes of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography import x509

from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.control_api import ControlApi
from pxm_tui.simulator.fleet import Fleet
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.totp import totp
from tests.simulator.api import NOW, sleeper
from tests.simulator.wire import token_header, unverified

IMPATIENT = 0.3
"""Seconds after which the client takes silence for an answer."""


@dataclass
class Lab:
    """A cluster called lab, of three nodes.

    Attributes:
        control: speaks to the control API, with its token.
        clock: moves when told to, and when the fleet waits for something.
        first: the certificate that pve1 served at first.
    """

    fleet: Fleet
    api: ControlApi
    control: httpx.AsyncClient
    client: httpx.AsyncClient
    clock: ManualClock
    first: x509.Certificate | None = None

    @property
    def cluster(self) -> SimulatedCluster:
        return self.fleet.clusters[0]

    async def set(self, fault: str, node: str | None = None, value: object = None) -> Any:
        """Put a fault in force; gives the cluster as the control API describes it."""
        body = {"fault": fault, "node": node, "value": value}
        answer = await self.control.post("/clusters/lab/faults", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def clear(self, fault: str, node: str | None = None) -> Any:
        """End a fault."""
        query = {} if node is None else {"node": node}
        answer = await self.control.delete(f"/clusters/lab/faults/{fault}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path: str, node: str = "pve1", headers: dict[str, str] | None = None) -> httpx.Response:
        """Ask a node, on a connection of its own."""
        url = f"{self.cluster.endpoint_of(node)}/api2/json{path}"
        sent = token_header(self.cluster) if headers is None else headers
        return await self.client.get(url, headers={**sent, "Connection": "close"})

    async def data(self, path: str) -> Any:
        return (await self.get(path)).json()["data"]

    async def post(self, path: str, **fields: str) -> httpx.Response:
        url = f"{self.cluster.endpoint}/api2/json{path}"
        sent = {} if path == "/access/ticket" else token_header(self.cluster)
        return await self.client.post(url, data=fields, headers={**sent, "Connection": "close"})

    async def log_in(self) -> httpx.Response:
        """Log in as root."""
        return await self.post("/access/ticket", username=self.cluster.username, password=self.cluster.password)

    async def log_in_with_code(self) -> httpx.Response:
        """Log in with a second factor that has not been used yet."""
        self.clock.advance(60)
        cluster = self.cluster
        account = {"username": cluster.totp_username, "password": cluster.totp_password}
        code = totp(cluster.totp_secret, self.clock.now)
        if not cluster.state.release.at_least(8):
            return await self.post("/access/ticket", **account, otp=code)
        first = await self.post("/access/ticket", **account)
        challenge = first.json()["data"]["ticket"]
        fields = {"username": cluster.totp_username, "password": f"totp:{code}", "tfa-challenge": challenge}
        return await self.post("/access/ticket", **fields)

    async def connects(self, node: str = "pve1") -> bool:
        """Tell whether TCP comes about in time."""
        parts = urlsplit(self.cluster.endpoint_of(node))
        try:
            async with asyncio.timeout(IMPATIENT):
                _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        except TimeoutError:
            return False
        writer.close()
        return True

    async def leaf(self, node: str = "pve1") -> x509.Certificate:
        """Give the certificate that a node serves."""
        parts = urlsplit(self.cluster.endpoint_of(node))
        _, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=unverified())
        seen: ssl.SSLObject = writer.get_extra_info("ssl_object")
        der = seen.getpeercert(binary_form=True)
        writer.close()
        assert der is not None
        return x509.load_der_x509_certificate(der)


@asynccontextmanager
async def lab(version: str = "9.2") -> AsyncIterator[Lab]:
    """Run the cluster."""
    clock = ManualClock(NOW)
    chosen = (ClusterOptions("lab", version, nodes=3, guests=12), ClusterOptions("other", version, nodes=1, guests=0))
    options = FleetOptions(auth_delay=0, clock=clock, sleep=sleeper(clock), cluster_options=chosen)
    timeout = httpx.Timeout(10, connect=IMPATIENT, read=2)
    async with (
        Fleet(options) as fleet,
        ControlApi(fleet.faults) as api,
        httpx.AsyncClient(base_url=api.url, headers={"Authorization": f"Bearer {api.token}"}) as control,
        httpx.AsyncClient(verify=unverified(), timeout=timeout, trust_env=False) as client,
    ):
        here = Lab(fleet, api, control, client, clock)
        here.first = await here.leaf()
        yield here
