"""Stand-ins for tests of services and screens: a scripted gateway, a still clock, an open secret store, a bundle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pxm_tui.domain import certificate_messages, connection_messages, login_messages, messages, token_messages
from pxm_tui.domain.audit import Actor, AuditEntry, AuditVerdict
from pxm_tui.domain.certificate import Certificate, Claims, Trust, TrustMode
from pxm_tui.domain.cluster import (
    Cluster,
    Endpoint,
    Limit,
    Login,
    LoginMethod,
    Reason,
    Status,
)
from pxm_tui.domain.errors import InvalidError, PxmError
from pxm_tui.domain.observation import Guest, Node, Observation, Permissions, Realm, Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.software import NodeSoftware
from pxm_tui.domain.tokens import TokenIntent
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
    CodeSource,
    Credentials,
    SecretStore,
    Ticket,
    VaultMode,
    VaultState,
)
from pxm_tui.services.secret_keeping import SecretsService
from pxm_tui.services.software import SoftwareService
from pxm_tui.services.token_ports import IntentLog
from pxm_tui.services.token_service import TokenService
from pxm_tui.storage.memory_repository import MemoryRepository

T = TypeVar("T")

NOW = datetime(2026, 11, 22, 14, 2, 10, tzinfo=UTC)
HOSTILE_NAME = "[/foo] [red] [@click=app.quit]x[/]"
EVERYTHING = frozenset(
    {
        "Sys.Audit",
        "VM.Audit",
        "Datastore.Audit",
        "Permissions.Modify",
        "Sys.Modify",
        "VM.Allocate",
        "Datastore.Allocate",
    }
)
AUDITOR = frozenset({"Sys.Audit", "VM.Audit", "Datastore.Audit"})
TOP_PATHS = ("/", "/nodes", "/vms", "/storage", "/access", "/pool")


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


def certificate(
    *,
    seed: int = 1,
    names: tuple[str, ...] = ("fra1.example.net", "fra1", "localhost", "10.20.0.11", "127.0.0.1", "::1"),
) -> Certificate:
    """A made-up leaf of a Proxmox VE node; another seed is another certificate and key."""
    sha256 = ":".join(f"{(seed * 37 + index * 29) % 256:02X}" for index in range(32))
    return Certificate(
        sha256=sha256,
        subject="CN=fra1.example.net, O=Proxmox Virtual Environment",
        issuer="CN=Proxmox Virtual Environment, O=PVE Cluster Manager CA",
        names=names,
        not_before=datetime(2025, 3, 2, tzinfo=UTC),
        not_after=datetime(2028, 3, 1, 12, tzinfo=UTC),
        key="RSA 2048",
        public_key_sha256=sha256[::-1],
        pem=f"-----BEGIN CERTIFICATE-----\nmade up {seed}\n-----END CERTIFICATE-----\n",
    )


def observation(
    *,
    name: str = "fra-prod",
    nodes: int = 3,
    offline: Collection[int] = (),
    guests: int = 12,
    running: int = 9,
    version: str = "9.2.11",
    privileges: frozenset[str] = EVERYTHING,
    quorate: bool | None = True,
) -> Observation:
    """What a made-up cluster says of itself."""
    found = tuple(
        Node(
            name=f"{name}{number}",
            state="offline" if number in offline else "online",
            address=f"10.20.0.{10 + number}",
            cpu=None if number in offline else 0.34,
            memory_used=None if number in offline else 160 * 2**30,
            memory_total=256 * 2**30,
            uptime=None if number in offline else 12 * 86400,
            local=number == 1,
        )
        for number in range(1, nodes + 1)
    )
    seen = guests if "VM.Audit" in privileges else 0
    return Observation(
        version=version,
        own_name=name,
        standalone=nodes == 1,
        quorate=quorate,
        nodes=found,
        guests=tuple(Guest(100 + i, f"{name}{i % nodes + 1}", i < running, template=False) for i in range(seen)),
        permissions=dict.fromkeys(TOP_PATHS, privileges),
        rtt_ms=12.0,
    )


@dataclass
class FakeServer:
    """One endpoint of the scripted gateway. Set `errors[phase]` to make a phase fail, `gates[phase]` to hold it."""

    observed: Observation = field(default_factory=observation)
    certificate: Certificate = field(default_factory=certificate)
    trusted_by_system: bool = False
    authority: Certificate | None = None
    node_fingerprints: frozenset[str] = frozenset()
    presented: Certificate | None = None
    node_addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=lambda: {"root@pam": "right-password"})
    tokens: dict[str, str] = field(default_factory=lambda: {"monitor@pve!pxm": "right-secret"})
    code: str | None = None
    realms: tuple[Realm, ...] = (
        Realm("pam", "pam", "Linux PAM standard authentication", default=True),
        Realm("pve", "pve", "Proxmox VE authentication server"),
    )
    errors: dict[str, PxmError] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    roles: dict[str, frozenset[str]] = field(default_factory=lambda: {"PVEAuditor": AUDITOR})
    grants: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    token_writes: list[str] = field(default_factory=list)
    software: dict[str, NodeSoftware | PxmError] = field(default_factory=dict)
    software_asked: list[str] = field(default_factory=list)
    refused_tickets: int = 0
    logins: int = 0
    sessions: int = 0
    checks: int = 0
    refreshes: int = 0

    async def phase(self, name: str) -> None:
        """Hold, fail or pass a phase."""
        if name in self.gates:
            await self.gates[name].wait()
        if name in self.errors:
            raise self.errors[name]


class FakeGateway:
    """A gateway to made-up servers, by host."""

    def __init__(self, servers: Mapping[str, FakeServer] | None = None) -> None:
        self.servers = dict(servers or {})

    def open(
        self, endpoint: Endpoint, trust: Trust | None = None, *, token: bool = False, alone: bool = False
    ) -> FakeSession:
        """A session with the server of that host; an unknown host has no address."""
        return FakeSession(self.servers.get(endpoint.host), endpoint)

    async def read_certificate(self, endpoint: Endpoint) -> Certificate:
        """The one that is shown now."""
        server = self.servers.get(endpoint.host)
        if server is None:
            raise connection_messages.unknown_host(endpoint)
        await server.phase("read_certificate")
        return server.certificate

    def parse_certificate(self, pem: str) -> Certificate:
        """Among those of the made-up servers."""
        for server in self.servers.values():
            if server.certificate.pem == pem:
                return server.certificate
        raise ValueError


class FakeSession:
    """A session with a made-up server."""

    def __init__(self, server: FakeServer | None, endpoint: Endpoint) -> None:
        self._server = server or FakeServer(errors={"resolve": connection_messages.unknown_host(endpoint)})
        self._endpoint = endpoint
        self._server.sessions += 1
        self._token: Credentials | None = None
        self.trust = Trust(TrustMode.SYSTEM)
        self._resumed = False

    async def resolve(self) -> tuple[str, ...]:
        """One address."""
        await self._server.phase("resolve")
        return (self._endpoint.host if self._endpoint.host[0].isdigit() else "10.20.0.11",)

    async def connect(self) -> str:
        """Always the same one."""
        await self._server.phase("connect")
        return "10.20.0.11"

    async def secure(self, trust: Trust) -> Certificate:
        """Compare the trust with the made-up certificate."""
        await self._server.phase("secure")
        shown = self._server.certificate
        vouched = shown.pem in trust.vouched
        if trust.authority is not None and self._signed_by(trust.authority.pem):
            vouched = True
        if vouched:
            self.trust = trust
            return shown
        if trust.mode is TrustMode.SYSTEM and not self._server.trusted_by_system:
            raise certificate_messages.untrusted(self._endpoint, shown)
        if trust.mode is TrustMode.PINNED_LEAF and trust.fingerprint != shown.sha256:
            raise certificate_messages.changed(self._endpoint, "2025-11-03", shown)
        if trust.mode is TrustMode.PINNED_CA and not self._signed_by(trust.anchor_pem):
            raise certificate_messages.changed(self._endpoint, "2025-11-03", shown)
        self.trust = replace(trust, anchor_pem=shown.pem) if trust.mode is TrustMode.PINNED_LEAF else trust
        return shown

    def _signed_by(self, pem: str) -> bool:
        authority = self._server.authority
        return authority is not None and authority.pem == pem

    async def authority(self, leaf: Certificate | None = None) -> Certificate | None:
        """The one that has signed its certificate, or `leaf`."""
        await self._server.phase("authority")
        signed = leaf is None or leaf.sha256 in self._server.node_fingerprints
        return self._server.authority if signed else None

    @property
    def claims(self) -> Claims:
        """What the server was made to present and to list."""
        presented = self._server.presented or self._server.authority
        return Claims(frozenset({presented.sha256} if presented else ()), self._server.node_fingerprints)

    async def node_fingerprints(self) -> frozenset[str]:
        """Those that the server was made with."""
        await self._server.phase("node_fingerprints")
        return self._server.node_fingerprints

    async def node_addresses(self) -> Mapping[str, tuple[str, ...]]:
        """Those that the server was made with."""
        await self._server.phase("node_addresses")
        return self._server.node_addresses

    async def realms(self) -> tuple[Realm, ...]:
        """The server's realms."""
        await self._server.phase("realms")
        return self._server.realms

    async def login(self, credentials: Credentials, code: CodeSource | None) -> Ticket | None:
        """Compare with what the server knows."""
        self._server.logins += 1
        await self._server.phase("login")
        if credentials.method is LoginMethod.TOKEN:
            self._token = credentials
            return None
        if self._server.passwords.get(credentials.user) != credentials.secret.reveal():
            raise login_messages.credentials(self._endpoint, credentials.user, "authentication failure")
        if self._server.code is not None:
            given = await code(("totp", "recovery")) if code else None
            if given is None:
                raise login_messages.second_factor_needed(credentials.user, ("totp",))
            if given.reveal() != self._server.code:
                raise login_messages.second_factor_wrong(self._endpoint, credentials.user)
        return Ticket(credentials.user, Secret("PVE:ticket"), Secret("csrf"), 1000.0)

    async def resume(self, ticket: Ticket) -> Ticket:
        """Every ticket is good."""
        await self._server.phase("resume")
        self._resumed = True
        return ticket

    async def version(self) -> str:
        """Proves a token, too."""
        await self._server.phase("version")
        self._prove()
        return self._server.observed.version

    def _prove(self) -> None:
        if self._resumed and self._server.refused_tickets:
            self._server.refused_tickets -= 1
            raise login_messages.credentials(self._endpoint, "root@pam", "No ticket")
        if self._token is not None:
            name = self._token.token_id or ""
            if self._server.tokens.get(name) != self._token.secret.reveal():
                raise login_messages.token(self._endpoint, name, "token 'pxm' access expired")

    async def observe(self) -> Observation:
        """What the server says."""
        await self._server.phase("observe")
        self._server.checks += 1
        return self._server.observed

    async def refresh(self) -> Observation:
        """What the server says, without what a refresh does not ask for."""
        await self._server.phase("refresh")
        self._prove()
        self._server.refreshes += 1
        return replace(self._server.observed, version="", permissions={})

    async def software(self, node: str) -> NodeSoftware:
        """What the server was made with; else the same for all nodes."""
        await self._server.phase("software")
        self._prove()
        self._server.software_asked.append(node)
        found = self._server.software.get(node, NodeSoftware(node, "9.2.11", "6.17.2-1-pve"))
        if isinstance(found, PxmError):
            raise found
        return found

    def tokens(self) -> FakeOffice:
        """The server's tokens."""
        return FakeOffice(self._server, self._endpoint)

    async def aclose(self) -> None:
        """Nothing is open."""


class FakeOffice:
    """The tokens of a made-up server; each write is remembered, and can be held or made to fail by its name."""

    def __init__(self, server: FakeServer, endpoint: Endpoint) -> None:
        self._server = server
        self._endpoint = endpoint

    async def _write(self, what: str) -> None:
        self._server.token_writes.append(what)
        await self._server.phase(what.split(maxsplit=1)[0])

    async def roles(self) -> Mapping[str, frozenset[str]]:
        """The server's roles."""
        await self._server.phase("roles")
        return dict(self._server.roles)

    async def create_role(self, name: str, privileges: frozenset[str]) -> None:
        """Add one."""
        await self._write(f"create_role {name}")
        self._server.roles.setdefault(name, privileges)

    async def mint(self, user: str, name: str, *, separated: bool, expires_at: datetime, comment: str) -> Secret:
        """Add one; its name must be new. Fails after it was made, as a lost answer does."""
        if f"{user}!{name}" in self._server.tokens:
            raise token_messages.token_exists(self._endpoint, f"{user}!{name}")
        self._server.tokens[f"{user}!{name}"] = "minted-secret"
        await self._write(f"mint {user}!{name} {'separated' if separated else 'plain'}")
        return Secret("minted-secret")

    async def grant(self, token_id: str, roles: tuple[str, ...]) -> None:
        """Remember it."""
        await self._write(f"grant {token_id}")
        self._server.grants.append((token_id, roles))

    async def revoke(self, user: str, name: str) -> bool:
        """Remove one."""
        await self._write(f"revoke {user}!{name}")
        return self._server.tokens.pop(f"{user}!{name}", None) is not None

    async def names(self, user: str) -> tuple[str, ...]:
        """Those of a user."""
        return tuple(name.partition("!")[2] for name in self._server.tokens if name.startswith(f"{user}!"))

    async def rights_of(self, token_id: str, secret: Secret) -> Permissions:
        """What was granted; with a plain token all that the account has."""
        await self._server.phase("rights_of")
        if self._server.tokens.get(token_id) != secret.reveal():
            raise login_messages.token(self._endpoint, token_id, "no such token")
        granted = [roles for name, roles in self._server.grants if name == token_id]
        if f"mint {token_id} plain" in self._server.token_writes:
            return self._server.observed.permissions
        held = frozenset[str]().union(*(self._server.roles[role] for roles in granted for role in roles))
        return dict.fromkeys(TOP_PATHS, held) if held else {}


class FakeIntents:
    """An intent log in memory; what is in `ended` is of runs that have ended."""

    def __init__(self, ended: Collection[TokenIntent] = ()) -> None:
        self.held: list[TokenIntent] = []
        self.ended = list(ended)

    async def add(self, intent: TokenIntent) -> None:
        """Hold it."""
        self.held.append(intent)

    async def clear(self, intent: TokenIntent) -> None:
        """Forget it."""
        self.held = [known for known in self.held if known != intent]
        self.ended = [known for known in self.ended if known != intent]

    async def left_over(self) -> tuple[TokenIntent, ...]:
        """Those of runs that have ended."""
        return tuple(self.ended)


def make_mint(intents: IntentLog, journal: Journal, clock: Clock, guard: Guard | None = None) -> Mint:
    """What tokens are made with on the machine `jump1` by `anna`; they last a year less 30 days."""
    audit = Audit(FakeAuditLog(), ANNA, clock, journal)
    guard = guard or Guard(MemoryRepository(), audit, journal, clock)
    return Mint(intents, journal, clock, lambda _below: 30, "jump1", "anna", guard, audit)


class FakeSecrets:
    """A secret store in memory, open unless a passphrase is set; `asks` is False where that comes from a file."""

    def __init__(self, passphrase: str | None = None, *, exists: bool = True, asks: bool = True) -> None:
        self.kept: dict[tuple[str, str], Secret] = {}
        self.swept: list[tuple[tuple[Cluster, ...], datetime]] = []
        self._passphrase = passphrase
        mode = VaultMode.PASSPHRASE if exists else None
        self._state = VaultState(mode, open=passphrase is None, exists=exists, asks=asks)

    async def state(self) -> VaultState:
        """As it is."""
        return self._state

    def notices(self) -> tuple[str, ...]:
        """Nothing happens to memory."""
        return ()

    async def unlock(self, passphrase: Secret) -> None:
        """Compare, or choose."""
        if self._state.exists and passphrase.reveal() != self._passphrase:
            raise InvalidError("passphrase", "This is not the passphrase.", field="passphrase")
        self._state = VaultState(VaultMode.PASSPHRASE, open=True, exists=True, asks=True)

    async def choose_ask(self) -> None:
        """In memory."""
        self._state = VaultState(VaultMode.ASK, open=True, exists=False)

    def is_open(self) -> bool:
        """As it is."""
        return self._state.open

    async def lock(self) -> None:
        """Close it."""
        self._state = replace(self._state, open=False)

    async def reopen(self) -> VaultState:
        """Open, unless it takes a passphrase."""
        if self._passphrase is None:
            self._state = replace(self._state, open=True)
        return self._state

    async def change(self, mode: VaultMode, passphrase: Secret | None, current: Secret | None) -> None:
        """Compare, then hand over."""
        if self._passphrase is not None and (current is None or current.reveal() != self._passphrase):
            raise InvalidError("passphrase", "This is not the passphrase of the secret store.", field="current")
        self._passphrase = None if passphrase is None else passphrase.reveal()
        exists = mode is not VaultMode.ASK
        asks = mode is VaultMode.PASSPHRASE
        self._state = VaultState(mode, open=True, exists=exists, asks=asks, secrets=len(self.kept))

    def of(self, cluster: Cluster) -> str | None:
        """What the record's login finds."""
        found = self.kept.get((cluster.id, cluster.login.secret_kind))
        return None if found is None else found.reveal()

    def by_method(self) -> dict[str, str]:
        """All secrets, by the method of their logins."""
        return {kind.partition(" ")[0]: secret.reveal() for (_, kind), secret in self.kept.items()}

    async def put(self, cluster_id: str, login: Login, secret: Secret) -> None:
        """Keep it."""
        self.kept[cluster_id, login.secret_kind] = secret

    async def get(self, cluster_id: str, login: Login) -> Secret | None:
        """Give it."""
        if not self._state.open:
            raise messages.secrets_locked()
        return self.kept.get((cluster_id, login.secret_kind))

    async def delete(self, cluster_id: str, login: Login | None = None) -> None:
        """Forget it."""
        kind = None if login is None else login.secret_kind
        self.kept = {
            key: value for key, value in self.kept.items() if key[0] != cluster_id or kind not in {None, key[1]}
        }

    async def sweep(self, records: Callable[[], Iterable[Cluster]], older_than: datetime) -> int:
        """Nothing is old; that it was asked for is remembered."""
        self.swept.append((tuple(records()), older_than))
        return 0


class FakeCache:
    """A cache in memory."""

    def __init__(self, snapshots: Mapping[str, Snapshot] | None = None) -> None:
        self.kept = dict(snapshots or {})

    def read(self) -> dict[str, Snapshot]:
        """What was written."""
        return dict(self.kept)

    async def write(self, snapshots: Mapping[str, Snapshot]) -> None:
        """Replace it."""
        self.kept = dict(snapshots)


class FakeAuditLog:
    """An audit in memory. Set `error` to make it fail, `verdict` to say what is found."""

    def __init__(self) -> None:
        self.kept: list[AuditEntry] = []
        self.error: PxmError | None = None
        self.verdict: AuditVerdict | None = None

    async def append(self, entry: AuditEntry) -> None:
        """Keep it."""
        if self.error is not None:
            raise self.error
        self.kept.append(replace(entry, number=len(self.kept) + 1))

    def read(self, last: int | None = None) -> tuple[AuditEntry, ...]:
        """What was kept."""
        if self.error is not None:
            raise self.error
        return tuple(self.kept)

    def verify(self) -> AuditVerdict:
        """Memory does not change by itself."""
        return self.verdict or AuditVerdict(len(self.kept))


ANNA = Actor("anna", "jump1", "pts/3", "10.1.2.3")


class FakePreferences:
    """Preferences in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """What was remembered."""
        return dict(self.kept)

    def write(self, values: Mapping[str, Any]) -> None:
        """Remember."""
        self.kept = dict(values)


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


def cluster(
    name: str,
    *,
    number: int = 1,
    host: str = "10.20.0.11",
    env: str = "prod",
    status: Status = Status.HEALTHY,
    error: Reason | None = None,
    version: str = "9.2.11",
    nodes: tuple[int, int] = (3, 3),
    guests: tuple[int, int] | None = (41, 41),
    seen_seconds_ago: float = 5,
    method: LoginMethod = LoginMethod.TOKEN,
    limits: tuple[Limit, ...] = (),
    trusted: Certificate | None = None,
) -> Cluster:
    """A registered cluster."""
    shown = trusted or certificate()
    token = method is LoginMethod.TOKEN
    labels = (("env", env),) if env else ()
    found = Cluster(
        id=f"550e8400-e29b-41d4-a716-4466554{number:05d}",
        name=name,
        endpoints=(Endpoint(host),),
        login=Login(method, "monitor@pve" if token else "root@pam", "monitor@pve!pxm" if token else None),
        trust=Trust(TrustMode.PINNED_LEAF, shown.sha256, shown.pem, None, shown, NOW - timedelta(days=30)),
        created_at=NOW - timedelta(days=30),
        updated_at=NOW - timedelta(days=1),
        labels=labels,
        own_name=name,
        status=status,
        error=error,
        proxmox_version=version,
        node_count=nodes[1],
        nodes_online=nodes[0],
        quorate=True,
        guests_running=guests[0] if guests else None,
        guests_total=guests[1] if guests else None,
        limits=limits,
        last_seen_at=NOW - timedelta(seconds=seen_seconds_ago),
    )
    return found


def reason(error: PxmError, short: str, *, minutes_ago: float = 10, step: str = "connect") -> Reason:
    """Why a made-up cluster is not healthy."""
    since = NOW - timedelta(minutes=minutes_ago)
    return Reason(error.cause, short, error.message, error.probably, error.do, since, step)


def sketch_fleet() -> tuple[Cluster, ...]:
    """Clusters in every state, one of them with a name that is markup."""
    dead = Endpoint("10.40.0.11")
    edge = Endpoint("10.30.0.11")
    lab = Endpoint("lab1.example.net")
    return (
        cluster("ams-backup", number=1, host="ams-b1.example.net"),
        cluster("ams-prod-1", number=2, host="ams1.example.net", nodes=(5, 5), guests=(118, 140)),
        cluster(
            "ber-edge-1",
            number=3,
            host=edge.host,
            status=Status.UNTRUSTED,
            error=reason(
                certificate_messages.changed(edge, "2025-11-03", certificate(seed=9)),
                "cert changed",
                minutes_ago=52,
                step="certificate",
            ),
            guests=(22, 24),
            seen_seconds_ago=52 * 60,
        ),
        cluster(
            "dr-ams",
            number=4,
            host=dead.host,
            env="dr",
            status=Status.UNREACHABLE,
            error=reason(connection_messages.timeout(dead, 5), "timed out", minutes_ago=238),
            version="7.4-16",
            nodes=(2, 2),
            guests=(61, 88),
            seen_seconds_ago=238 * 60,
        ),
        cluster("fra-prod-2", number=5, host="fra6.example.net", guests=(88, 96)),
        cluster("fra-prod-10", number=6, host="fra21.example.net", guests=(40, 41), version="9.1.4"),
        cluster(
            "fra-stage",
            number=7,
            host="fra31.example.net",
            env="staging",
            guests=None,
            limits=(Limit("VM.Audit", "/vms"),),
            version="8.4.5",
        ),
        cluster(
            "lab-old",
            number=8,
            host=lab.host,
            env="lab",
            status=Status.UNAUTHORIZED,
            error=reason(
                login_messages.token(lab, "monitor@pve!pxm", "token 'pxm' access expired"),
                "token expired",
                minutes_ago=120,
                step="login",
            ),
            version="8.1.4",
            nodes=(1, 1),
            guests=(9, 12),
            seen_seconds_ago=2 * 3600,
        ),
        cluster("kunde-alpenverein-hosting-1", number=9, host="2001:db8:0:17::a", guests=(17, 19), version="8.4.5"),
        cluster(
            "서울-1",
            number=10,
            host="10.70.0.11",
            status=Status.DEGRADED,
            error=Reason(
                "node_offline",
                "seoul-c offline",
                "Node seoul-c is offline; the other 2 of 3 have quorum.",
                since=NOW - timedelta(minutes=64),
            ),
            nodes=(2, 3),
            guests=(40, 52),
        ),
        cluster(HOSTILE_NAME, number=11, host="10.80.0.11", env=""),
    )
