"""The services for clusters that every face calls: register, list, get, check, repair, edit, deregister.

All work runs on the Proxmox client's loop; callers await it on their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pxm_tui.domain.certificate import Certificate
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.tokens import TokenRole
from pxm_tui.services.deregistration import Deregistrar, Deregistration, is_revocable, write_down
from pxm_tui.services.dialog import Dialog, Silent
from pxm_tui.services.edits import ClusterEdits
from pxm_tui.services.means import Means
from pxm_tui.services.owners import Key
from pxm_tui.services.ports import Credentials, VaultState
from pxm_tui.services.registrations import ClusterRegistrations
from pxm_tui.services.repairs import CheckReport, ClusterRepairs
from pxm_tui.services.secrets import open_vault
from pxm_tui.services.trusting import Comparison

if TYPE_CHECKING:
    from pxm_tui.formats.rows import ImportRow
    from pxm_tui.services.registration import Registration
    from pxm_tui.services.requests import RegistrationRequest


class ClusterService:
    """See the module.

    Attributes:
        edits: changes records by hand.

    Args:
        means: what it works with.
    """

    def __init__(self, means: Means) -> None:
        self.means = means
        self.edits = ClusterEdits(means)
        self._registrations = ClusterRegistrations(means)
        self._repairs = ClusterRepairs(means)

    # Reading the registry

    async def list(self) -> tuple[Cluster, ...]:
        """All clusters, by name in natural order."""
        return await self.means.repository.list()

    async def get(self, name_or_id: str) -> Cluster:
        """The cluster of that name, id, or first eight or more characters of the id.

        Raises:
            NotFoundError: there is none; names that are close are in the message.
        """
        return await self.means.find(name_or_id)

    async def vault(self) -> VaultState:
        """How the secret store is."""
        return await self.means.runner.run(self.means.secrets.state)

    async def open_vault(self, dialog: Dialog) -> None:
        """Open the secret store, asking for its passphrase. Raises `StorageError` when it stays closed."""
        bridged = self.means.bridge(dialog)
        await self.means.runner.run(lambda: open_vault(self.means.secrets, bridged))

    # Registering

    async def register(
        self,
        request: RegistrationRequest,
        dialog: Dialog,
        *,
        dry_run: bool = False,
        complete: Callable[[Cluster], Cluster] | None = None,
        cluster_id: str | None = None,
    ) -> Registration:
        """Check a cluster live, step by step, and register it. Cancelling leaves nothing behind.

        Args:
            request: what is asked for.
            dialog: told of the steps, and asked.
            dry_run: save nothing.
            complete: gives the new record what a request does not say.
            cluster_id: the id of the new record, which no other has; None makes one.

        Raises:
            RegistrationFailedError: with the steps, and the error that stopped it.
        """
        return await self._registrations.register(
            request, dialog, dry_run=dry_run, complete=complete, cluster_id=cluster_id
        )

    async def enroll(
        self,
        row: ImportRow,
        complete: Callable[[Cluster], Cluster],
        dialog: Dialog,
        *,
        dry_run: bool = False,
        cluster_id: str | None = None,
    ) -> Cluster:
        """Save a cluster whose secret is not at hand, as `unauthorized`. Raises `PxmError`; then nothing was saved."""
        return await self._registrations.enroll(row, complete, dialog, dry_run=dry_run, cluster_id=cluster_id)

    async def probe(self, endpoint: Endpoint, dialog: Dialog) -> None:
        """Run address, connect and certificate quietly: no login, no question. Steps are reported, errors swallowed."""
        await self._registrations.probe(endpoint, dialog)

    # Checking and repairing

    async def check(self, cluster_id: str, before: Snapshot, dialog: Dialog) -> CheckReport:
        """Check a registered cluster now, a refused login included, and save what was found."""
        return await self._repairs.check(cluster_id, before, dialog)

    async def log_in_again(
        self,
        cluster_id: str,
        credentials: Credentials | None,
        before: Snapshot,
        dialog: Dialog,
        token: TokenRole | None = TokenRole.AUDITOR,
    ) -> CheckReport:
        """Check with another login; when that goes through, it becomes the cluster's login. Nothing else changes.

        Args:
            cluster_id: which.
            credentials: the new login; None tries the stored one again.
            before: the last snapshot.
            dialog: asked for the second factor.
            token: the role of the token that a password makes, which is forgotten then; None keeps the password.
        """
        return await self._repairs.log_in_again(cluster_id, credentials, before, dialog, token)

    async def trust_again(self, cluster_id: str, shown: Certificate, before: Snapshot, dialog: Dialog) -> CheckReport:
        """Trust the certificate that a person has compared, check it, and look for the authority that has signed it.

        Where it is no longer shown nothing changes; where a later step fails it is trusted all the same.
        """
        return await self._repairs.trust_again(cluster_id, shown, before, dialog)

    async def compare_certificates(self, cluster_id: str) -> Comparison:
        """The trusted certificate and the one shown now, which is read by a handshake that sends nothing.

        Raises:
            UnreachableError: nothing is shown now.
        """
        return await self._repairs.compare_certificates(cluster_id)

    # Deregistering

    async def deregister(
        self, cluster_id: str, *, key: Key | None = None, dialog: Dialog | None = None, keep_token: bool = False
    ) -> Deregistration:
        """Remove the record, then its secrets, and revoke the token that pxm made, with `key` or the stored login.

        Works when the cluster is dead. Raises `NotFoundError`, and `LoginError` where the given login is not taken;
        then nothing was changed.
        """
        means = self.means
        cluster, bridged = await means.find(cluster_id), means.bridge(dialog or Silent())

        async def work() -> Deregistration:
            means.own_changes.add(cluster.id)
            deregistrar = Deregistrar(means.repository, means.secrets, means.mint, means.timer)
            wanted = is_revocable(cluster) and not keep_token
            done = await deregistrar.deregister(cluster, means.door() if wanted else None, key, bridged)
            means.forget(cluster.id)
            return done

        done = await means.runner.run(work)
        await write_down(done, means.journal, means.audit)
        return done
