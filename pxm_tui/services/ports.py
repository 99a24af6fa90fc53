"""What the services need from the outside: the ports that adapters implement.

Adapters raise the errors of `pxm_tui.domain.errors`, with the wording of `pxm_tui.domain.messages`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pxm_tui.domain.certificate import Certificate, Claims, Trust
from pxm_tui.domain.cluster import CheckResult, Cluster, Endpoint, Login, LoginMethod
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.observation import Observation, Realm, Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.services.token_ports import TokenOffice

if TYPE_CHECKING:
    from pxm_tui.domain.software import NodeSoftware

T = TypeVar("T")

Clock = Callable[[], datetime]
"""The time now, UTC."""

Timer = Callable[[], float]
"""A monotonic time, seconds."""


Refusal = Callable[[Cluster], PxmError | None]
"""What a record that is there says against another one that is to be saved."""


class Runner(Protocol):
    """Runs the services' work on the loop that the Proxmox client lives on."""

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work()` there and give its result. Cancelling the caller cancels the work and waits for its end."""
        ...

    def here(self, function: Callable[..., None]) -> Callable[..., None]:
        """Wrap `function` so that, called on the work's loop, it runs on the caller's loop, in order."""
        ...

    def ask(self, question: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        """Wrap an asynchronous `question` so that, awaited on the work's loop, it runs on the caller's loop."""
        ...


class ClusterRepository(Protocol):
    """The registry of clusters. One writer thread a process; safe beside other processes.

    Every method may raise `StorageError`.
    """

    def read(self) -> tuple[Cluster, ...]:
        """All clusters as they are on disk now, sorted by name, without a loop: for start-up and the command line."""
        ...

    def stamp(self) -> object:
        """Something that differs when another process has changed the registry; cheap, no parsing."""
        ...

    def lost_before(self) -> datetime | None:
        """Records saved before this may be missing: a file was damaged, or there is none. None: nothing is missing."""
        ...

    def notices(self) -> tuple[str, ...]:
        """What a person should be told since the last call: a damaged file, permissions that were too wide."""
        ...

    async def save(self, cluster: Cluster, refuse: Refusal | None = None) -> None:
        """Insert the record, or replace the one with the same id.

        Args:
            cluster: the record.
            refuse: asked of each record, that with the same id too, under the write lock; an error that it gives is
                raised.

        Raises:
            AlreadyRegisteredError: another record has this name (checked under the write lock, without regard to
                case and Unicode form), or is refused.
        """
        ...

    async def update(self, cluster_id: str, change: Callable[[Cluster], Cluster]) -> Cluster | None:
        """Apply `change` to the record as it is on disk, under the write lock; the new record, or None."""
        ...

    async def find_by_id(self, cluster_id: str) -> Cluster | None:
        """The record, or None."""
        ...

    async def find_by_name(self, name: str) -> Cluster | None:
        """The record of that name, without regard to case and Unicode form, or None."""
        ...

    async def list(self) -> tuple[Cluster, ...]:
        """All records, sorted by name in natural order."""
        ...

    async def delete(self, cluster_id: str) -> bool:
        """Remove the record; False when there was none."""
        ...

    async def exists(self, cluster_id: str) -> bool:
        """Whether there is such a record."""
        ...

    async def save_checks(self, checks: Sequence[CheckResult]) -> tuple[Cluster, ...]:
        """Apply many checks in one write, each to the record as it is on disk (`domain.cluster.apply_check`).

        Checks of records that no longer exist are dropped. Gives all records after the write.
        """
        ...


class VaultMode(StrEnum):
    """Who holds the key of the vault."""

    KEYRING = "keyring"
    PASSPHRASE = "passphrase"  # noqa: S105
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class VaultState:
    """How the secret store is.

    Attributes:
        mode: who holds the key; None where a person has yet to choose between passphrase and ask.
        open: secrets can be read and written now.
        exists: the vault file is there.
        asks: opening it takes a passphrase from a person, rather than a keyring or a file.
        secrets: how many it holds.
        remembers: minutes for which the kernel keeps a key that a person gave, for this login session; 0: not at all.
    """

    mode: VaultMode | None
    open: bool
    exists: bool
    asks: bool = field(default=False, compare=False)
    secrets: int = field(default=0, compare=False)
    remembers: int = field(default=0, compare=False)


class SecretStore(Protocol):
    """Keeps the secrets of clusters' logins, each under `Login.secret_kind`. May raise `StorageError(secret_store)`."""

    async def state(self) -> VaultState:
        """How it is; opens it where that needs no person (keyring, passphrase file)."""
        ...

    def notices(self) -> tuple[str, ...]:
        """What a person should be told since the last call."""
        ...

    async def unlock(self, passphrase: Secret) -> None:
        """Open the vault, or make it if there is none, with a passphrase.

        Raises:
            InvalidError: cause `passphrase`: it is not the right one.
        """
        ...

    async def choose_ask(self) -> None:
        """Keep secrets in memory only, for this run."""
        ...

    def is_open(self) -> bool:
        """Whether secrets can be read now; asks nobody and does no work."""
        ...

    async def lock(self) -> None:
        """Drop the key, whatever else remembers it for the session, and secrets that are in memory only.

        Until `reopen` or `unlock` nothing opens it, a keyring or passphrase file neither.
        """
        ...

    async def reopen(self) -> VaultState:
        """End a lock; opens where that needs no person."""
        ...

    async def change(self, mode: VaultMode, passphrase: Secret | None, current: Secret | None) -> None:
        """Let another holder keep the key; every secret stays, and so do other processes that have it open.

        Args:
            mode: who shall hold it; `ask` takes the secrets into memory and removes the file.
            passphrase: the new one, for `passphrase`.
            current: the one in use, where the state `asks` for one.

        Raises:
            InvalidError: cause `passphrase`: `current` is missing or not the right one.
            StorageError: nothing was changed.
        """
        ...

    async def put(self, cluster_id: str, login: Login, secret: Secret) -> None:
        """Keep the secret of a login, beside those of other logins of the cluster; kept for good when this returns."""
        ...

    async def get(self, cluster_id: str, login: Login) -> Secret | None:
        """The secret of this login and no other, or None where there is none."""
        ...

    async def delete(self, cluster_id: str, login: Login | None = None) -> None:
        """Erase all secrets of a cluster, or that of one login. Works on a locked vault, too."""
        ...

    async def sweep(
        self,
        records: Callable[[], Iterable[Cluster]],
        older_than: datetime,
        lost_before: Callable[[], datetime | None] = lambda: None,
    ) -> int:
        """Erase the secrets that are of no record's login; gives how many. Works on a locked vault, too.

        Args:
            records: gives the registry as it is; called while nobody else can write secrets, on any thread.
            older_than: what was put later stays: its record may be just about to be saved.
            lost_before: as of the registry, asked after `records`: what was put up to then stays.
        """
        ...


class SnapshotCache(Protocol):
    """The last known state beyond the registry. Losing it loses nothing but the view before the first answer."""

    def read(self) -> dict[str, Snapshot]:
        """By cluster id; empty where there is none or it cannot be read."""
        ...

    async def write(self, snapshots: Mapping[str, Snapshot]) -> None:
        """Replace the cache."""
        ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is sent to log in.

    Attributes:
        method: password or token.
        user: `user@realm`.
        secret: the password, or the token's secret.
        token_id: `user@realm!name` for a token.
    """

    method: LoginMethod
    user: str
    secret: Secret
    token_id: str | None = None

    @property
    def name(self) -> str:
        """The token's full id, or the user."""
        return self.token_id or self.user


@dataclass(frozen=True, slots=True)
class Ticket:
    """A login that the server granted; in memory only.

    Attributes:
        user: `user@realm`.
        ticket: the cookie's value.
        csrf: the token for writes.
        issued: when, by the monotonic timer, seconds.
    """

    user: str
    ticket: Secret
    csrf: Secret
    issued: float


CodeSource = Callable[[tuple[str, ...]], Awaitable[Secret | None]]
"""Asked for a second factor, with the kinds that the server takes (`totp`, `recovery`, `webauthn`, …)."""


class ProxmoxSession(Protocol):
    """One conversation with one endpoint, its phases in this order. Nothing is sent before `secure` has passed."""

    async def resolve(self) -> tuple[str, ...]:
        """Look up the host; its addresses. Raises `UnreachableError(unknown_host)`."""
        ...

    async def connect(self) -> str:
        """Open TCP; the address that answered. Raises `UnreachableError(refused|timeout|no_route)`."""
        ...

    async def secure(self, trust: Trust) -> Certificate:
        """TLS, verified against `trust`; the certificate that was shown.

        A `pinned_leaf` without `anchor_pem` accepts the leaf that has `fingerprint`. May be called again with another
        trust after it failed: it then connects anew.

        Raises:
            CertificateError: `untrusted`, `changed` (a pin that does not match), `expired`, `wrong_host`; with the
                certificate.
            UnreachableError: `not_tls`, `closed`, `timeout`.
        """
        ...

    async def realms(self) -> tuple[Realm, ...]:
        """`GET /access/domains`. Raises `UnreachableError(not_proxmox)`."""
        ...

    async def login(self, credentials: Credentials, code: CodeSource | None) -> Ticket | None:
        """Log in; a ticket for a password, None for a token (which is used from here on, and proven by any call).

        Raises:
            LoginError: `credentials`, `second_factor_needed`, `second_factor_wrong`, `locked`, `token`.
        """
        ...

    async def resume(self, ticket: Ticket) -> Ticket:
        """Use a ticket from before, renewed if it is near its end. Raises `LoginError(credentials)` if it is over."""
        ...

    async def version(self) -> str:
        """`GET /version`, such as `9.2.11`. Raises `UnreachableError(too_old)` and, for tokens, `LoginError(token)`."""
        ...

    async def observe(self) -> Observation:
        """Nodes, status, permissions and guests, side by side."""
        ...

    @property
    def trust(self) -> Trust:
        """What the last `secure` verified against, with its anchor."""
        ...

    async def authority(self, leaf: Certificate | None = None) -> Certificate | None:
        """The cluster's own authority, where it has provably signed `leaf`, or the one of this conversation; else None.

        Raises:
            PxmError: it cannot be read.
        """
        ...

    @property
    def claims(self) -> Claims:
        """What the server has said of its cluster's certificates in this conversation: `observe` and `authority`."""
        ...

    async def node_fingerprints(self) -> frozenset[str]:
        """SHA-256 of the certificate of each node, as the cluster knows them. Raises `PxmError`."""
        ...

    async def node_addresses(self) -> Mapping[str, tuple[str, ...]]:
        """The addresses of each node by its name, as the cluster's configuration has them, the best first.

        Raises:
            PxmError: they cannot be read; a standalone node has none.
        """
        ...

    async def refresh(self) -> Observation:
        """Guests, nodes and status, one after the other on one connection; version and permissions are left empty."""
        ...

    async def software(self, node: str) -> NodeSoftware:
        """`GET /nodes/{node}/apt/versions`: what a node runs. Raises `PxmError`."""
        ...

    def tokens(self) -> TokenOffice:
        """The cluster's API tokens, for who is logged in."""
        ...

    async def aclose(self) -> None:
        """Close every connection and end every task."""
        ...


class ProxmoxGateway(Protocol):
    """Opens conversations with Proxmox VE."""

    def open(
        self, endpoint: Endpoint, trust: Trust | None = None, *, token: bool = False, alone: bool = False
    ) -> ProxmoxSession:
        """A conversation with `endpoint`; no I/O yet.

        With the `trust` known already, spare connections for the parallel reads are opened beside the first one;
        `token` says that no ticket will be fetched first, `alone` that reads follow each other on the first.
        """
        ...

    async def read_certificate(self, endpoint: Endpoint) -> Certificate:
        """The leaf that is shown now, by a handshake after which nothing is sent. Raises `UnreachableError`."""
        ...

    def parse_certificate(self, pem: str) -> Certificate:
        """The first certificate in `pem`; no I/O. Raises `ValueError` where there is none that can be read."""
        ...
