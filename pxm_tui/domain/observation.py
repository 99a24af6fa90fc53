"""What a cluster said when it was asked: nodes, guests, rights. The cache keeps the last one, not the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pxm_tui.domain.cluster import Endpoint, Limit

KEPT_RTTS = 5
"""As many round-trip times are kept as a figure is the median of."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node.

    Attributes:
        name: short host name.
        state: `online`, `offline` or `unknown`.
        address: its IP address in the cluster, where it is known.
        cpu: share of all cores in use, 0 to 1; None where it may not be seen or the node is offline.
        memory_used: bytes.
        memory_total: bytes.
        uptime: seconds.
        guests: guests on it that the login may see, templates not counted.
        local: it is the node that answered.
    """

    name: str
    state: str
    address: str | None = None
    cpu: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    uptime: int | None = None
    guests: int | None = None
    local: bool = False


@dataclass(frozen=True, slots=True)
class Realm:
    """An authentication realm: `pam`, `pve`, or a directory."""

    name: str
    kind: str
    comment: str = ""
    default: bool = False

    @property
    def is_openid(self) -> bool:
        """Its users log in through a browser elsewhere, and have no password here."""
        return self.kind == "openid"


@dataclass(frozen=True, slots=True)
class Guest:
    """As much of a guest as counting needs."""

    vmid: int
    node: str
    running: bool
    template: bool


Permissions = Mapping[str, frozenset[str]]
"""Privileges held by path, as `GET /access/permissions` answers for the login itself."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that one check read.

    Attributes:
        version: such as `9.2.11` or `7.4-16`.
        own_name: the cluster's name; for a standalone node the node's.
        standalone: there is no cluster behind the node.
        quorate: None where the login may not see it.
        nodes: by name.
        guests: those that the login may see.
        permissions: what the login may do.
        rtt_ms: round-trip time of the fastest answer, milliseconds.
    """

    version: str
    own_name: str | None
    standalone: bool
    quorate: bool | None
    nodes: tuple[Node, ...]
    guests: tuple[Guest, ...]
    permissions: Permissions
    rtt_ms: float


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """A failure in a cluster's list of last errors; the same one again only counts."""

    step: str
    short: str
    first_at: datetime
    last_at: datetime
    count: int = 1


@dataclass(frozen=True, slots=True)
class EndpointState:
    """How one of several endpoints did when it was last tried.

    Attributes:
        endpoint: which.
        in_use: it is the one that answered last.
        rtt_ms: median of its last round-trip times, milliseconds; None where none was measured.
        error: why it cannot be used, in words for a status; empty where it can.
        since: when it began to fail, UTC.
    """

    endpoint: Endpoint
    in_use: bool = False
    rtt_ms: float | None = None
    error: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The last known state of a cluster beyond its record: what the screens show before anything answers.

    Attributes:
        cluster_id: whose.
        taken_at: when it was read, UTC; None where no check has succeeded yet.
        rtts_ms: the last five round-trip times, oldest first, milliseconds.
        rights: what the login may do, in words.
        certificate_not_after: end of the certificate that was shown, UTC.
        errors: the last failures, newest first.
        endpoints: how each endpoint does, where there are several.
        permissions: what the login may do, as the cluster says it; empty where that was not read yet.
    """

    cluster_id: str
    taken_at: datetime | None = None
    nodes: tuple[Node, ...] = ()
    rtts_ms: tuple[float, ...] = ()
    rights: str = ""
    certificate_not_after: datetime | None = None
    errors: tuple[ErrorEntry, ...] = ()
    endpoints: tuple[EndpointState, ...] = ()
    permissions: Permissions = field(default_factory=dict, hash=False, repr=False)

    @property
    def rtt_ms(self) -> float | None:
        """Median of the last round-trip times, milliseconds."""
        return median(self.rtts_ms)

    @property
    def endpoint_in_use(self) -> Endpoint | None:
        """The endpoint that answered last; None where there is one only, or none answers."""
        return next((state.endpoint for state in self.endpoints if state.in_use), None)


def median(figures: Sequence[float]) -> float | None:
    """The one in the middle; None where there is none."""
    return sorted(figures)[len(figures) // 2] if figures else None


WATCHED = (
    ("Sys.Audit", "/"),
    ("Sys.Audit", "/nodes"),
    ("VM.Audit", "/vms"),
    ("Datastore.Audit", "/storage"),
)
"""What seeing a whole cluster takes (Proxmox VE user manual, privileges)."""


def limits_of(permissions: Permissions) -> tuple[Limit, ...]:
    """The privileges that the login lacks to see everything.

    The answer of Proxmox VE always lists the top-level paths on which something is held.
    """
    return tuple(
        Limit(privilege, path) for privilege, path in WATCHED if privilege not in permissions.get(path, frozenset())
    )


def guest_counts(observed: Observation) -> tuple[int | None, int | None]:
    """Running and all guests, templates not counted; None twice where no guest may be seen."""
    visible = [guest for guest in observed.guests if not guest.template]
    if not visible and not observed.guests and not _may_see_guests(observed.permissions):
        return None, None
    return sum(guest.running for guest in visible), len(visible)


def _may_see_guests(permissions: Permissions) -> bool:
    return any(
        "VM.Audit" in held for path, held in permissions.items() if path == "/" or path.startswith(("/vms", "/pool"))
    )
