"""The services on fakes, ready to use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pxm_tui.domain.cluster import (
    Cluster,
    LoginMethod,
)
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.loop import InlineRunner
from pxm_tui.services.audit import Audit
from pxm_tui.services.bundle import Places, Services
from pxm_tui.services.clusters import ClusterService
from pxm_tui.services.fleet import FleetService
from pxm_tui.services.guarding import Guard
from pxm_tui.services.journal import Journal
from pxm_tui.services.means import Means
from pxm_tui.services.minting import Mint
from pxm_tui.services.polling import PollingPolicy
from pxm_tui.services.ports import (
    Clock,
    ClusterRepository,
    SecretStore,
)
from pxm_tui.services.secret_keeping import SecretsService
from pxm_tui.services.software import SoftwareService
from pxm_tui.services.token_ports import IntentLog
from pxm_tui.services.token_service import TokenService
from pxm_tui.storage.memory_repository import MemoryRepository
from tests.fakes.samples import ANNA, NOW
from tests.fakes.server import FakeGateway, FakeServer
from tests.fakes.stores import FakeAuditLog, FakeCache, FakeIntents, FakePreferences, FakeSecrets


class StillClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now
        self.seconds = 1000.0

    def __call__(self) -> datetime:
        """UTC now."""
        return self.now

    def timer(self) -> float:
        """Monotonic seconds."""
        return self.seconds

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds


def make_mint(intents: IntentLog, journal: Journal, clock: Clock, guard: Guard | None = None) -> Mint:
    """What tokens are made with on the machine `jump1` by `anna`; they last a year less 30 days."""
    audit = Audit(FakeAuditLog(), ANNA, clock, journal)
    guard = guard or Guard(MemoryRepository(), audit, journal, clock)
    return Mint(intents, journal, clock, lambda _below: 30, "jump1", "anna", guard, audit)


@dataclass
class Bench:
    """A bundle of services and the stand-ins behind it."""

    services: Services
    clock: StillClock
    gateway: FakeGateway
    repository: MemoryRepository
    secrets: FakeSecrets
    cache: FakeCache
    preferences: FakePreferences
    audit: FakeAuditLog
    intents: FakeIntents


def make_means(
    repository: ClusterRepository,
    secrets: SecretStore,
    gateway: FakeGateway,
    clock: StillClock,
    intents: IntentLog,
    audit_log: FakeAuditLog,
    *,
    read_only: bool = False,
) -> Means:
    """What the services work with, the Proxmox client a made-up one."""
    journal = Journal(clock)
    audit = Audit(audit_log, ANNA, clock, journal)
    guard = Guard(repository, audit, journal, clock, read_only=read_only)
    return Means(
        repository=repository,
        secrets=secrets,
        gateway=lambda: gateway,
        runner=InlineRunner(),
        clock=clock,
        timer=clock.timer,
        journal=journal,
        audit=audit,
        mint=replace(make_mint(intents, journal, clock, guard), audit=audit),
    )


def make_bench(
    clusters: Collection[Cluster] = (),
    *,
    servers: Mapping[str, FakeServer] | None = None,
    snapshots: Mapping[str, Snapshot] | None = None,
    period: float | None = None,
    secrets: FakeSecrets | None = None,
    intents: FakeIntents | None = None,
    read_only: bool = False,
) -> Bench:
    """Services over stand-ins. With `period=None` nothing is asked by itself."""
    clock, gateway, cache = StillClock(), FakeGateway(servers), FakeCache(snapshots)
    repository, store, preferences = MemoryRepository(clusters), secrets or FakeSecrets(), FakePreferences()
    for cluster in clusters:
        known = "right-secret" if cluster.login.method is LoginMethod.TOKEN else "right-password"
        store.kept[cluster.id, cluster.login.secret_kind] = Secret(known)
    pending, audit_log = intents or FakeIntents(), FakeAuditLog()
    means = make_means(repository, store, gateway, clock, pending, audit_log, read_only=read_only)
    service = ClusterService(means)
    fleet = FleetService(means, cache, PollingPolicy(period=period))
    places = Places(
        registry="~/.local/share/pxm/clusters.json",
        secrets="~/.local/share/pxm/secrets.vault",
        log="~/.local/state/pxm/pxm.log",
        data="~/.local/share/pxm",
        audit="~/.local/state/pxm/audit.jsonl",
    )
    services = Services(
        clusters=service,
        tokens=TokenService(means),
        fleet=fleet,
        software=SoftwareService(means),
        secrets=SecretsService(service, fleet),
        journal=means.journal,
        audit=means.audit,
        guard=means.mint.guard,
        preferences=preferences,
        places=places,
        clock=clock,
        timer=clock.timer,
        machine="jump1",
        period=period,
    )
    return Bench(services, clock, gateway, repository, store, cache, preferences, audit_log, pending)
