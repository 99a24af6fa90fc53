"""How secrets are kept: who holds their key, and when it is dropped from memory. All work runs on the client's loop."""

from __future__ import annotations

from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.bridging import to_the_end
from pxm_tui.services.clusters import ClusterService
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.fleet import FleetService
from pxm_tui.services.ports import VaultMode, VaultState

_HELD = {
    VaultMode.KEYRING: "this machine's keyring holds the key of the secret store now",
    VaultMode.PASSPHRASE: "the secret store has another passphrase now",
    VaultMode.ASK: "secrets are in memory only now; the secret store was removed",
}


class SecretsService:
    """See the module.

    Args:
        clusters: whose logins are dropped with the key.
        fleet: asks nobody while the store is locked.
    """

    def __init__(self, clusters: ClusterService, fleet: FleetService) -> None:
        self._clusters = clusters
        self._fleet = fleet
        self._means = clusters.means
        self._secrets = clusters.means.secrets
        self.known: VaultState | None = None
        """The store as it was when it was last looked at."""

    async def state(self) -> VaultState:
        """How the store is; opens it where that needs no person, unless it was locked."""
        self.known = await self._means.runner.run(self._look)
        return self.known

    async def _look(self) -> VaultState:
        try:
            return await self._secrets.state()
        finally:
            self._fleet.pass_on_notices()

    def is_open(self) -> bool:
        """Whether secrets are in reach now; no work."""
        return self._secrets.is_open()

    async def lock(self, why: str) -> None:
        """Drop the key, all secrets and tickets from memory; clusters are asked again once somebody has opened it.

        Args:
            why: for the log, such as `by hand`.
        """

        async def work() -> None:
            await self._fleet.pause()
            self._means.forget_logins()
            await self._secrets.lock()

        await self._means.runner.run(lambda: to_the_end(work))
        self._means.journal.write(f"secret store locked {why}")

    async def unlock(self, dialog: Dialog) -> None:
        """Open the store, asking for its passphrase where it takes one, and go on asking the clusters.

        Raises:
            StorageError: it stays closed.
        """
        await self._clusters.open_vault(dialog)
        self._fleet.dismiss_notices()
        await self._fleet.refresh()
        await self.state()

    async def change(self, mode: VaultMode, passphrase: Secret | None = None, current: Secret | None = None) -> None:
        """Let another holder keep the key; no secret is lost, other programs that have the store open go on.

        Args:
            mode: who shall hold it; `ask` takes the secrets into memory, for this run, and removes the file.
            passphrase: the new one, for `passphrase`.
            current: the one in use, where the state `asks` for one.

        Raises:
            InvalidError: `current` is missing or wrong, or `passphrase` is.
            StorageError: nothing was changed.
        """

        async def work() -> None:
            await self._secrets.change(mode, passphrase, current)

        try:
            await self._means.runner.run(lambda: to_the_end(work))
        except PxmError as error:
            await self._means.audit.record("change_secrets", None, error.cause, holder=str(mode))
            raise
        await self._means.audit.record("change_secrets", None, holder=str(mode))
        await self.state()
        self._means.journal.write(_HELD[mode])
