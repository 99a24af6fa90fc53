"""Asks a simulated cluster of the test's own, over TLS, and moves its clock."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.inventory import Guest
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from tests.fleet_fixtures import FleetFactory
from tests.simulator.wire import FORM, Reply, ask, token_header

NOW = 1_795_386_306.0
STRICT = sys.version_info >= (3, 13)
"""From here on Python refuses authorities without keyUsage, as Proxmox VE made them until 2026."""


def verification(authority: Path) -> str | bool:
    """Give what `requests` verifies with: the authority, or nothing where this Python would refuse any older one."""
    return False if STRICT else str(authority)


VERSIONS = ("9.2", "8.4", "7.4", "6.4")


@dataclass
class Api:
    """One cluster, one credential, one clock."""

    cluster: SimulatedCluster
    clock: ManualClock
    headers: dict[str, str]

    def ask(self, method: str, path: str, /, **fields: object) -> Reply:
        """Ask for a path below the format; parameters of a GET or DELETE go into the query."""
        pairs = "&".join(f"{key.replace('_', '-')}={quote(str(value), safe='')}" for key, value in fields.items())
        target = f"/api2/json{quote(path, safe='/:@!')}"
        if method in {"GET", "DELETE"}:
            return ask(self.cluster.endpoint, method, target + (f"?{pairs}" if pairs else ""), self.headers)
        return ask(self.cluster.endpoint, method, target, self.headers | FORM, pairs.encode())

    def get(self, path: str, /, **fields: object) -> Any:
        """Give the data of a GET that must succeed."""
        reply = self.ask("GET", path, **fields)
        assert reply.status == 200, (reply.status, reply.reason)
        return reply.data

    def post(self, path: str, /, **fields: object) -> Any:
        """Give the data of a POST that must succeed."""
        reply = self.ask("POST", path, **fields)
        assert reply.status == 200, (reply.status, reply.reason, reply.body)
        return reply.data

    def wait(self, upid: str, seconds: float = 60.0, step: float = 1.5) -> Any:
        """Let time pass until a task has ended and give its exit status."""
        node = upid.split(":")[1]
        for _ in range(max(1, int(seconds / step))):
            status = self.get(f"/nodes/{node}/tasks/{upid}/status")
            if status["status"] == "stopped":
                return status["exitstatus"]
            self.clock.advance(step)
        raise AssertionError(f"{upid} still runs")

    def log(self, upid: str) -> list[str]:
        """Give the lines of a task's log."""
        return [line["t"] for line in self.get(f"/nodes/{upid.split(':')[1]}/tasks/{upid}/log", limit=1000)]

    def do(self, path: str, /, **fields: object) -> Any:
        """Post something that is a task and give its exit status."""
        return self.wait(self.post(path, **fields))

    def guest(self, vmid: int) -> Guest:
        """Give the state of a guest."""
        guest = self.cluster.state.guest(vmid)
        assert guest is not None
        return guest

    def path(self, vmid: int) -> str:
        """Give the path of a guest."""
        guest = self.guest(vmid)
        return f"/nodes/{guest.node}/{guest.kind}/{vmid}"

    def current(self, vmid: int) -> Any:
        """Give what a guest does now."""
        return self.get(self.path(vmid) + "/status/current")

    def as_user(self, headers: dict[str, str]) -> "Api":
        """Ask as somebody else."""
        return Api(self.cluster, self.clock, headers)


def start_api(
    fresh_fleet: FleetFactory, version: str = "9.2", *, nodes: int = 3, guests: int = 12, seed: int = 1
) -> Api:
    """Start a cluster whose clock moves only when told to."""
    clock = ManualClock(NOW)
    chosen = ClusterOptions("lab", version, nodes=nodes, guests=guests)
    options = FleetOptions(auth_delay=0, clock=clock, sleep=sleeper(clock), seed=seed, cluster_options=(chosen,))
    cluster = fresh_fleet(options=options).clusters[0]
    return Api(cluster, clock, token_header(cluster))


def sleeper(clock: ManualClock) -> Any:
    """Make a sleep that takes no time but the clock's."""

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    return sleep
