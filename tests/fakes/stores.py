"""What the services keep things in, in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pxm_tui.domain import messages
from pxm_tui.domain.audit import AuditEntry, AuditVerdict
from pxm_tui.domain.cluster import (
    Cluster,
    Login,
)
from pxm_tui.domain.errors import InvalidError, PxmError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.tokens import TokenIntent
from pxm_tui.services.ports import (
    VaultMode,
    VaultState,
)


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

    async def sweep(
        self,
        records: Callable[[], Iterable[Cluster]],
        older_than: datetime,
        lost_before: Callable[[], datetime | None] = lambda: None,
    ) -> int:
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
