"""What the fakes begin with: certificates, observations, clusters."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from pxm_tui.domain import certificate_messages, connection_messages, login_messages
from pxm_tui.domain.audit import Actor
from pxm_tui.domain.certificate import Certificate, Trust, TrustMode
from pxm_tui.domain.cluster import (
    Cluster,
    Endpoint,
    Limit,
    Login,
    LoginMethod,
    Reason,
    Status,
)
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.observation import Guest, Node, Observation

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


ANNA = Actor("anna", "jump1", "pts/3", "10.1.2.3")


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
