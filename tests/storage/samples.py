"""Clusters, checks and snapshots to store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pxm_tui.domain.certificate import Certificate, Trust, TrustMode
from pxm_tui.domain.cluster import (
    CheckResult,
    Cluster,
    Endpoint,
    Facts,
    Limit,
    Login,
    LoginMethod,
    Reason,
    Status,
)
from pxm_tui.domain.observation import ErrorEntry, Node, Snapshot

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
PEM = "-----BEGIN CERTIFICATE-----\n" + "MIIBszCCAVmgAwIBAgIUQ2x1c3Rlcg\n" * 24 + "-----END CERTIFICATE-----\n"
CERTIFICATE = Certificate(
    sha256=":".join(["3F"] * 32),
    subject="CN=pve1.lab",
    issuer="CN=Proxmox Virtual Environment",
    names=("pve1.lab", "10.0.0.11"),
    not_before=NOW - timedelta(days=300),
    not_after=NOW + timedelta(days=430),
    key="EC P-256",
    public_key_sha256="ab" * 32,
    pem=PEM,
)
AUTHORITY = replace(
    CERTIFICATE,
    sha256=":".join(["CA"] * 32),
    subject="O=PVE Cluster Manager CA",
    names=(),
    pem=PEM.replace("MII", "CAI"),
)


def make_cluster(number: int = 1, **changes: Any) -> Cluster:
    """A cluster as it is after its registration: id, name and host by `number`."""
    cluster = Cluster(
        id=f"550e8400-e29b-41d4-a716-{number:012d}",
        name=f"prod-{number}",
        endpoints=(Endpoint(f"pve{number}.example.com"),),
        login=Login(LoginMethod.TOKEN, "root@pam", "root@pam!pxm", changed_at=NOW),
        trust=Trust(TrustMode.PINNED_LEAF, CERTIFICATE.sha256, PEM, None, CERTIFICATE, NOW),
        created_at=NOW,
        updated_at=NOW,
        labels=(("env", "prod"), ("site", "fra")),
    )
    return replace(cluster, **changes)


def make_full_cluster(number: int = 1) -> Cluster:
    """A cluster with a value in every field."""
    return make_cluster(
        number,
        endpoints=(Endpoint("2001:db8::1", 443), Endpoint("10.0.0.11")),
        login=Login(LoginMethod.TOKEN, "anna@pve", "anna@pve!pxm", True, NOW, True, NOW + timedelta(days=300)),
        trust=Trust(TrustMode.PINNED_CA, CERTIFICATE.sha256, AUTHORITY.pem, AUTHORITY, CERTIFICATE, NOW, (PEM,)),
        own_name="prod",
        status=Status.DEGRADED,
        error=Reason("node_offline", "pve3 offline", "pve3 is offline.", "Power?", "Look at it.", NOW, "discovery"),
        proxmox_version="9.2.11",
        node_count=3,
        nodes_online=2,
        quorate=True,
        guests_running=104,
        guests_total=131,
        limits=(Limit("VM.Audit", "/vms"),),
        last_seen_at=NOW,
        read_only=True,
    )


def make_check(cluster: Cluster, **changes: Any) -> CheckResult:
    """A check that found the cluster healthy."""
    check = CheckResult(
        cluster_id=cluster.id,
        basis=cluster.basis(),
        at=NOW + timedelta(minutes=5),
        status=Status.HEALTHY,
        facts=Facts("9.2.11", 3, 3, True, 10, 12, (), "prod"),
        refused=False,
    )
    return replace(check, **changes)


def make_snapshot(cluster_id: str = "c1") -> Snapshot:
    """A snapshot with a value in every field."""
    return Snapshot(
        cluster_id,
        NOW,
        (Node("pve1", "online", "10.0.0.11", 0.25, 8, 16, 3600, 12, True), Node("pve2", "offline")),
        (1.5, 2.0),
        "all rights",
        NOW + timedelta(days=90),
        (ErrorEntry("connect", "timed out", NOW, NOW, 3),),
        permissions={"/": frozenset({"Sys.Audit", "VM.Audit"}), "/vms/100": frozenset({"VM.Audit"})},
    )
