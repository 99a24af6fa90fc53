"""A registered cluster: the record that is kept, and how a check changes it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.times import iso


class Status(StrEnum):
    """How a cluster is. The words on the screen and in JSON."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNREACHABLE = "unreachable"
    UNAUTHORIZED = "unauthorized"
    UNTRUSTED = "untrusted"
    UNKNOWN = "unknown"


NEEDS_A_PERSON = frozenset({Status.UNAUTHORIZED, Status.UNTRUSTED})
"""Statuses in which no credential is sent until a person acts."""


class LoginMethod(StrEnum):
    """How pxm logs in."""

    TOKEN = "token"  # noqa: S105
    PASSWORD = "password"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One URL of a cluster. `host` is without brackets; an IPv6 address is in its short form."""

    host: str
    port: int = 8006

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """`https://host:port`."""
        return f"https://{self.authority}"


@dataclass(frozen=True, slots=True)
class Login:
    """Who pxm logs in as. The secret is in the secret store, never here.

    Attributes:
        method: token or password.
        user: `user@realm`.
        token_id: `user@realm!name` for a token.
        refused: Proxmox VE has refused the stored credential; it is not used again until it is changed or a
            person tries it.
        changed_at: when the login was last changed, UTC; a check of an older login does not mark a newer one.
        minted: pxm made the token, so pxm revokes it.
        expires_at: when a token that pxm made ends, UTC; None where that is unknown, or where it never does.
        secret_id: which secret of the cluster in the secret store is this login's; None where it has none, or one that
            was kept before secrets had ids.
    """

    method: LoginMethod
    user: str
    token_id: str | None = None
    refused: bool = False
    changed_at: datetime | None = None
    minted: bool = False
    expires_at: datetime | None = None
    secret_id: str | None = None

    @property
    def name(self) -> str:
        """The token's full id, or the user."""
        return self.token_id or self.user

    @property
    def secret_kind(self) -> str:
        """The name of its secret among those of the cluster: method, id and account; the method alone without an id."""
        return str(self.method) if self.secret_id is None else f"{self.method} {self.secret_id} {self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Limit:
    """A privilege that the login lacks, and the path on which it is missing."""

    privilege: str
    path: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a cluster is not simply healthy.

    Attributes:
        cause: the stable word, such as `timeout`, `changed`, `node_offline`.
        short: words for the status cell, such as `timed out`, `pve3 offline`.
        message: what happened.
        probably: the likely reason, or empty.
        do: what to do, or empty.
        since: when it began, UTC.
        step: the step at which it stopped, if it is a failure.
    """

    cause: str
    short: str
    message: str
    probably: str = ""
    do: str = ""
    since: datetime | None = None
    step: str | None = None

    @property
    def hint(self) -> str:
        """The likely reason and the next step, together."""
        return " ".join(part for part in (self.probably, self.do) if part)

    def to_json(self) -> dict[str, Any]:
        """The record's `error`."""
        return {
            "cause": self.cause,
            "message": self.message,
            "hint": self.hint,
            "since": iso(self.since) if self.since else None,
        }


@dataclass(frozen=True, slots=True)
class Cluster:
    """The record of one registered cluster. Times are UTC, to the second; None is "not known, or not allowed to see".

    Attributes:
        id: UUID4.
        own_name: what the cluster calls itself (a standalone node: the node's name).
        guests_running: running guests that the login may see, templates not counted.
        guests_total: None where no guest may be seen.
        limits: what the login may not see.
        error: why the status is what it is; None when healthy or never checked.
        read_only: the guard: no action of pxm may change anything on the cluster.
    """

    id: str
    name: str
    endpoints: tuple[Endpoint, ...]
    login: Login
    trust: Trust
    created_at: datetime
    updated_at: datetime
    labels: tuple[tuple[str, str], ...] = ()
    own_name: str | None = None
    status: Status = Status.UNKNOWN
    error: Reason | None = None
    proxmox_version: str | None = None
    node_count: int | None = None
    nodes_online: int | None = None
    quorate: bool | None = None
    guests_running: int | None = None
    guests_total: int | None = None
    limits: tuple[Limit, ...] = ()
    last_seen_at: datetime | None = None
    read_only: bool = False

    @property
    def identity(self) -> str | None:
        """What makes it this cluster: SHA-256 of its own CA where that is proven, else of its leaf."""
        return self.trust.ca_fingerprint or self.trust.fingerprint

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint as registered."""
        return self.endpoints[0]

    @property
    def environment(self) -> str:
        """The label `env`, or an empty string."""
        return dict(self.labels).get("env", "")

    @property
    def short_id(self) -> str:
        """The first eight characters of the id."""
        return self.id[:8]

    @property
    def guests_partial(self) -> bool:
        """Only some guests may be seen, so the counts are lower bounds."""
        return self.guests_total is not None and any(limit.path == "/vms" for limit in self.limits)

    def basis(self) -> Hashable:
        """What a check depends on; a result of another basis says nothing about this record."""
        return (
            self.endpoints,
            self.login.method,
            self.login.name,
            self.login.changed_at,
            self.login.secret_id,
            self.trust.mode,
            self.trust.anchor_pem,
            self.trust.ca_fingerprint,
            self.trust.vouched,
        )

    def to_json(self) -> dict[str, Any]:
        """The record as all faces print it; it never holds a secret."""
        return {
            "id": self.id,
            "name": self.name,
            "api_endpoint": self.endpoint.url,
            "status": str(self.status),
            "proxmox_version": self.proxmox_version,
            "node_count": self.node_count,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "endpoints": [{"url": endpoint.url} for endpoint in self.endpoints],
            "login": _login_json(self.login),
            "labels": dict(self.labels),
            "trust": {
                "mode": str(self.trust.mode),
                "fingerprint": self.trust.fingerprint,
                "ca_fingerprint": self.trust.ca_fingerprint,
            },
            "last_seen_at": iso(self.last_seen_at) if self.last_seen_at else None,
            "nodes_online": self.nodes_online,
            "quorate": self.quorate,
            "guests_running": self.guests_running,
            "guests_total": self.guests_total,
            "limits": [{"privilege": limit.privilege, "path": limit.path} for limit in self.limits],
            "error": self.error.to_json() if self.error else None,
            "guard": {"read_only": self.read_only},
        }


def _login_json(login: Login) -> dict[str, Any]:
    """Of a token also who made it and when it ends, as far as that is known."""
    found: dict[str, Any] = {"method": str(login.method), "user": login.user}
    if login.token_id is not None:
        found |= {
            "token_id": login.token_id,
            "minted": login.minted,
            "expires_at": iso(login.expires_at) if login.expires_at else None,
        }
    return found


@dataclass(frozen=True, slots=True)
class Facts:
    """What a cluster that answered said of itself, as far as the record keeps it."""

    proxmox_version: str
    node_count: int
    nodes_online: int
    quorate: bool | None
    guests_running: int | None
    guests_total: int | None
    limits: tuple[Limit, ...]
    own_name: str | None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of one check, to be saved with others in one write.

    Attributes:
        cluster_id: whose.
        basis: `Cluster.basis()` of the record that was checked.
        at: when, UTC.
        status: what the cluster is now.
        error: why, where it is not healthy.
        facts: what it said, or None where nobody answered.
        refused: the credential was refused (True) or accepted (False); None where it was not tried.
        trust: the trust with what the check has learned: a renewed leaf, leaves that the cluster vouched for, its
            authority; None where it is as it was.
    """

    cluster_id: str
    basis: Hashable = field(repr=False)
    at: datetime
    status: Status
    error: Reason | None = None
    facts: Facts | None = None
    refused: bool | None = None
    trust: Trust | None = None


def after(earlier: CheckResult | None, later: CheckResult) -> CheckResult:
    """The result of two checks, where the later one already knew what the earlier one had learned of the trust."""
    if earlier is None or earlier.trust is None:
        return later
    return replace(later, basis=earlier.basis, trust=later.trust or earlier.trust)


def apply_check(cluster: Cluster, check: CheckResult) -> Cluster:
    """The record after a check. `updated_at` moves with the status only; last known figures stay.

    A result that was found for another endpoint, login or trust leaves the record as it is.
    """
    if check.cluster_id != cluster.id or check.basis != cluster.basis():
        return cluster
    changes: dict[str, Any] = {"status": check.status, "error": _with_since(cluster, check)}
    if check.status is not cluster.status:
        changes["updated_at"] = check.at
    if check.refused is not None and check.refused is not cluster.login.refused:
        changes["login"] = replace(cluster.login, refused=check.refused)
    if check.trust is not None:
        changes["trust"] = check.trust
    if check.facts is not None:
        changes |= {
            "proxmox_version": check.facts.proxmox_version,
            "node_count": check.facts.node_count,
            "nodes_online": check.facts.nodes_online,
            "quorate": check.facts.quorate,
            "guests_running": check.facts.guests_running,
            "guests_total": check.facts.guests_total,
            "limits": check.facts.limits,
            "own_name": check.facts.own_name or cluster.own_name,
            "last_seen_at": check.at,
        }
    return replace(cluster, **changes)


def _with_since(cluster: Cluster, check: CheckResult) -> Reason | None:
    """The new reason; the same cause under the same status goes on since the first time."""
    if check.error is None:
        return None
    before = cluster.error
    goes_on = before is not None and cluster.status is check.status and before.cause == check.error.cause
    since = before.since if goes_on and before is not None else check.at
    return replace(check.error, since=since)


SHORT_REASONS = {
    "unknown_host": "name unknown",
    "refused": "refused",
    "timeout": "timed out",
    "no_route": "no route",
    "not_tls": "not TLS",
    "closed": "closed",
    "not_proxmox": "not Proxmox VE",
    "too_old": "too old",
    "bad_answer": "bad answer",
    "untrusted": "not trusted",
    "changed": "cert changed",
    "expired": "cert expired",
    "wrong_host": "wrong host",
    "credentials": "login failed",
    "unknown_realm": "login failed",
    "second_factor_needed": "code needed",
    "second_factor_wrong": "code needed",
    "locked": "locked",
    "token": "token invalid",
    "token_expired": "token expired",
    "secret_missing": "secret needed",
    "another_cluster": "of another cluster",
}
"""Words for the status cell, by cause."""

TOKEN_EXPIRED = "It has expired."  # noqa: S105
"""What a token's refusal says where the server has named that reason."""


def reason_of(error: PxmError, step: str | None = None) -> Reason:
    """The reason that an error gives for a cluster's status."""
    short = SHORT_REASONS.get(error.cause, error.cause.replace("_", " "))
    if error.cause == "token" and error.probably == TOKEN_EXPIRED:
        short = SHORT_REASONS["token_expired"]
    return Reason(error.cause, short, error.message, error.probably, error.do, step=step)


def trust_words(trust: Trust) -> str:
    """What is trusted, in a few words."""
    return {
        TrustMode.SYSTEM: "this machine's certificate authorities, with the host name",
        TrustMode.CA_FILE: "the given authority, with the host name",
        TrustMode.PINNED_CA: "this cluster's own authority",
        TrustMode.PINNED_LEAF: "this certificate",
    }[trust.mode]
