"""Make the pictures of the README from the demo fleet: python -m tests.screenshots [DIRECTORY].

Clock, round-trip times, addresses and certificates are frozen, so that the same screens give the same bytes.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from textual.pilot import Pilot

from pxm_tui.bootstrap import build_services, open_gateway
from pxm_tui.domain.certificate import Certificate, Claims, Trust
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.observation import Observation, Realm, Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.software import NodeSoftware
from pxm_tui.proxmox.loop import InlineRunner
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import Silent
from pxm_tui.services.ports import CodeSource, Credentials, ProxmoxGateway, ProxmoxSession, Ticket
from pxm_tui.services.requests import build_request
from pxm_tui.services.token_ports import TokenOffice
from pxm_tui.settings import Settings, load_settings
from pxm_tui.simulator.addresses import FIRST_OCTET, OCTETS
from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.presets import demo_fleet_options
from pxm_tui.simulator.thread import FleetThread
from pxm_tui.tui.app import PxmApp

DIRECTORY = Path(__file__).parent.parent / "screenshots"
NOW = datetime(2026, 11, 22, 14, 2, tzinfo=UTC)
SIZE = (80, 24)
SEED = 20261122
"""Its own, so that no other fleet of the tests claims the same addresses."""
RTT_MS = 12.0
SECONDS = {"resolve": 0.0, "connect": 0.012, "secure": 0.031, "realms": 0.014, "login": 0.026, "rest": 0.013}
ENVIRONMENTS = ("prod", "staging", "dr")
MORE = (
    ("prod", ClusterOptions("ams-prod-1", "9.2", nodes=5, guests=60)),
    ("prod", ClusterOptions("ber-edge-1", "8.4", nodes=3, guests=24)),
    ("dr", ClusterOptions("dr-ams", "7.4", nodes=2, guests=30)),
    ("prod", ClusterOptions("fra-prod-2", "9.2", nodes=5, guests=48)),
    ("prod", ClusterOptions("fra-prod-10", "9.2", nodes=3, guests=20)),
    ("prod", ClusterOptions("kunde-alpenverein-hosting-1", "8.4", nodes=3, guests=19)),
    ("lab", ClusterOptions("lab-old", "6.4", nodes=1, guests=12, standalone=True)),
    ("prod", ClusterOptions("muc-1", "9.2", nodes=12, guests=140)),
    ("test", ClusterOptions("서울-1", "8.4", nodes=3, guests=16)),
)
"""Beside the demo's clusters, so that the table looks like a fleet: label `env`, and the cluster."""


class FrozenTimer:
    """Monotonic seconds that pass only where a phase says so; for what goes on side by side, for each by itself."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._own: ContextVar[float | None] = ContextVar("own", default=None)

    def __call__(self) -> float:
        """The seconds."""
        own = self._own.get()
        return self.now if own is None else own

    def advance(self, seconds: float, *, alone: bool = False) -> None:
        """Let time pass, for this task `alone` or for all."""
        if alone:
            self._own.set(self() + seconds)
        else:
            self.now += seconds


class FrozenSession:
    """A real session whose phases seem to take always the same time."""

    def __init__(self, inner: ProxmoxSession, timer: FrozenTimer, *, alone: bool) -> None:
        self._inner = inner
        self._timer = timer
        self._alone = alone

    def _pass(self, phase: str) -> None:
        self._timer.advance(SECONDS.get(phase, SECONDS["rest"]), alone=self._alone)

    async def resolve(self) -> tuple[str, ...]:
        """As the real one."""
        self._pass("resolve")
        return await self._inner.resolve()

    async def connect(self) -> str:
        """As the real one."""
        self._pass("connect")
        return await self._inner.connect()

    async def secure(self, trust: Trust) -> Certificate:
        """As the real one."""
        self._pass("secure")
        return await self._inner.secure(trust)

    @property
    def trust(self) -> Trust:
        """As the real one."""
        return self._inner.trust

    async def authority(self, leaf: Certificate | None = None) -> Certificate | None:
        """As the real one."""
        return await self._inner.authority(leaf)

    @property
    def claims(self) -> Claims:
        """As the real one."""
        return self._inner.claims

    async def node_fingerprints(self) -> frozenset[str]:
        """As the real one."""
        return await self._inner.node_fingerprints()

    async def node_addresses(self) -> Mapping[str, tuple[str, ...]]:
        """As the real one."""
        return await self._inner.node_addresses()

    async def realms(self) -> tuple[Realm, ...]:
        """As the real one, in alphabetical order."""
        self._pass("realms")
        return tuple(sorted(await self._inner.realms(), key=lambda realm: realm.name))

    async def login(self, credentials: Credentials, code: CodeSource | None) -> Ticket | None:
        """As the real one; a rejection is held back for 3 s by Proxmox VE."""
        self._pass("login")
        try:
            return await self._inner.login(credentials, code)
        except Exception:
            self._timer.advance(3.0)
            raise

    async def resume(self, ticket: Ticket) -> Ticket:
        """As the real one."""
        return await self._inner.resume(ticket)

    async def version(self) -> str:
        """As the real one."""
        self._pass("rest")
        return await self._inner.version()

    async def observe(self) -> Observation:
        """As the real one, with the frozen round-trip time."""
        self._pass("rest")
        return replace(await self._inner.observe(), rtt_ms=RTT_MS)

    async def refresh(self) -> Observation:
        """As the real one, with the frozen round-trip time."""
        self._pass("rest")
        return replace(await self._inner.refresh(), rtt_ms=RTT_MS)

    def tokens(self) -> TokenOffice:
        """As the real one."""
        return self._inner.tokens()

    async def software(self, node: str) -> NodeSoftware:
        """As the real one."""
        return await self._inner.software(node)

    async def aclose(self) -> None:
        """As the real one."""
        await self._inner.aclose()


class FrozenGateway:
    """Gives frozen sessions."""

    def __init__(self, inner: ProxmoxGateway, timer: FrozenTimer) -> None:
        self._inner = inner
        self._timer = timer

    def open(
        self, endpoint: Endpoint, trust: Trust | None = None, *, token: bool = False, alone: bool = False
    ) -> FrozenSession:
        """A session with `endpoint`."""
        return FrozenSession(self._inner.open(endpoint, trust, token=token, alone=alone), self._timer, alone=alone)

    async def read_certificate(self, endpoint: Endpoint) -> Certificate:
        """As the real one."""
        return await self._inner.read_certificate(endpoint)

    def parse_certificate(self, pem: str) -> Certificate:
        """As the real one."""
        return self._inner.parse_certificate(pem)


def make_services(settings: Settings) -> Services:
    """The program's own services, frozen."""
    timer = FrozenTimer()
    return replace(
        build_services(
            settings,
            InlineRunner(),
            passphrase=Secret("made for the pictures"),
            clock=lambda: NOW,
            timer=timer,
            gateway=lambda found: FrozenGateway(open_gateway(found), timer),
        ),
        machine="jump1",
        period=None,
    )


async def register_all(services: Services, clusters: list[tuple[str, SimulatedCluster]]) -> None:
    """As `pxm demo` does it; then trouble comes to some, and all are checked."""
    registered = [await register(services, cluster, environment) for environment, cluster in clusters]
    make_trouble({cluster.name: cluster for _, cluster in clusters})
    for cluster, snapshot in registered:
        report = await services.clusters.check(cluster.id, snapshot, Silent())
        await services.fleet.adopt(report.cluster, report.snapshot, failed=report.error is not None)


async def register(services: Services, cluster: SimulatedCluster, environment: str) -> tuple[Cluster, Snapshot]:
    """Register one cluster with its API token."""
    request = build_request(
        endpoint=cluster.endpoint,
        name=cluster.name,
        token_id=cluster.token_id,
        token_secret=cluster.token_secret,
        fingerprint=cluster.fingerprint,
        labels=(("env", environment), ("site", cluster.name.partition("-")[0])),
    )
    found = await services.clusters.register(request, Silent())
    if cluster.name == "dr-site":  # the one that is opened; of the others one endpoint is enough
        await services.clusters.edits.take_endpoints(found.cluster, found.snapshot.nodes)
    return found.cluster, found.snapshot


def make_trouble(clusters: Mapping[str, SimulatedCluster]) -> None:
    """One changes its authority, one is down, one lets its token expire."""
    clusters["ber-edge-1"].replace_authority()
    clusters["dr-ams"].stop_listening()
    clusters["lab-old"].expire_token(clusters["lab-old"].token_id)


class Camera:
    """Takes pictures of one app.

    Args:
        pilot: presses keys.
        directory: where the pictures go.
    """

    def __init__(self, pilot: Pilot[None], directory: Path) -> None:
        self.pilot = pilot
        self.directory = directory

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the screen to show something."""
        for _ in range(500):
            if condition():
                return
            await self.pilot.pause(0.01)
        raise TimeoutError("the screen never showed it")

    def text(self) -> str:
        """What the screen shows."""
        lines = self.pilot.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in lines)

    async def shows(self, words: str) -> None:
        """Wait until the screen shows `words`."""
        await self.until(lambda: words in self.text())
        await self.pilot.pause()

    def take(self, name: str) -> None:
        """Save a picture."""
        self.pilot.app.save_screenshot(f"{name}.svg", path=str(self.directory))


async def take_all(camera: Camera, fourth: SimulatedCluster) -> None:
    """Go through the screens."""
    press = camera.pilot.press
    await camera.shows("fra-prod")
    await press("j", "j", "j", "j")
    await camera.shows("pve3")
    camera.take("clusters")
    await press("enter")
    await camera.shows("Software")
    camera.take("cluster")
    await press("escape", "k", "c")
    await camera.shows("discovery")
    await camera.shows("Close")
    camera.take("check")
    await press("escape", "a")
    await camera.shows("Endpoint")
    await type_login(camera, fourth, "not-the-password")
    await camera.shows("Certificate not trusted yet")
    camera.take("certificate")
    camera.pilot.app.services.timer.advance(1)  # type: ignore[attr-defined]
    await press("tab", "enter")
    await camera.shows("Probably")
    camera.take("register")


async def type_login(camera: Camera, fourth: SimulatedCluster, password: str) -> None:
    """Fill the form and send it."""
    address = fourth.endpoint.removeprefix("https://").removesuffix(":8006")
    await camera.pilot.press(*address, "tab")
    await camera.shows("you decide before")  # the quiet look has ended, so that it takes no time from the steps
    await camera.pilot.press("tab", *"root@pam", "tab", *password, "enter")


def wait_for_addresses() -> None:
    """Let another run on this machine end first: it has the addresses that are in the pictures."""
    octet = FIRST_OCTET + SEED % OCTETS
    while True:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim, suppress(OSError):
            claim.bind(f"\0pxm-simulator-127.{octet}-0")
            return
        time.sleep(0.1)


async def main(directory: Path) -> None:
    """Make all pictures."""
    options = demo_fleet_options(FleetOptions(seed=SEED, clock=ManualClock(NOW.timestamp()), auth_delay=0))
    options = replace(options, cluster_options=(*options.cluster_options, *(cluster for _, cluster in MORE)))
    with FleetThread(options) as fleet, tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"data_dir": Path(folder), "refresh": None}, {})
        three, fourth, more = fleet.clusters[:3], fleet.clusters[3], fleet.clusters[4:]
        environments = (*ENVIRONMENTS, *(environment for environment, _ in MORE))
        services = make_services(settings._replace(refresh=None))
        try:
            await register_all(services, list(zip(environments, [*three, *more], strict=True)))
            app = PxmApp(services)
            async with app.run_test(size=SIZE) as pilot:
                await take_all(Camera(pilot, directory), fourth)
        finally:
            services.close()


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    for name in ("NO_COLOR", "TEXTUAL_THEME"):
        os.environ.pop(name, None)
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else DIRECTORY
    chosen.mkdir(parents=True, exist_ok=True)
    wait_for_addresses()
    numbers = random.Random(SEED)
    with mock.patch.object(uuid, "uuid4", side_effect=lambda: uuid.UUID(int=numbers.getrandbits(128), version=4)):
        asyncio.run(main(chosen))
