"""What the services for clusters work with, in one bundle: registry, secrets, log, audit and the Proxmox client."""

from __future__ import annotations

from collections.abc import Callable

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.messages import not_found
from pxm_tui.services.audit import Audit
from pxm_tui.services.bridging import BridgedDialog
from pxm_tui.services.checking import Checker
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.finding import find
from pxm_tui.services.journal import Journal
from pxm_tui.services.leftovers import LeftOvers
from pxm_tui.services.login_saving import sweep
from pxm_tui.services.membership import Membership
from pxm_tui.services.minting import Mint
from pxm_tui.services.owners import Door
from pxm_tui.services.ports import Clock, ClusterRepository, ProxmoxGateway, Runner, SecretStore, Timer
from pxm_tui.services.twins import Twins
from pxm_tui.services.vouching import told_to


class Means:
    """See the module. One for a run: the client and the logins in memory are shared by all who have it.

    Attributes:
        left_overs: tokens that runs which were broken off may have left on clusters.
        twins: says which records turn out to be of one cluster.
        tell: told of each certificate that a cluster has vouched for.
        own_changes: ids that this process registered or deregistered; every other change is another process's.

    Args:
        repository: the registry.
        secrets: the secret store.
        gateway: gives the Proxmox client; called on the runner's loop at the first use, because it is slow to import.
        runner: runs work on the client's loop.
        clock: UTC now.
        timer: monotonic seconds.
        journal: told of every change.
        audit: where the same is written down for good.
        mint: what API tokens are made with.
    """

    def __init__(
        self,
        *,
        repository: ClusterRepository,
        secrets: SecretStore,
        gateway: Callable[[], ProxmoxGateway],
        runner: Runner,
        clock: Clock,
        timer: Timer,
        journal: Journal,
        audit: Audit,
        mint: Mint,
    ) -> None:
        self.repository = repository
        self.secrets = secrets
        self.runner = runner
        self.clock = clock
        self.timer = timer
        self.journal = journal
        self.audit = audit
        self.mint = mint
        self.left_overs = LeftOvers(mint.intents, repository, journal, mint.guard, audit)
        self.twins = Twins(repository, journal)
        self.tell = told_to(journal, audit, self.twins)
        self.own_changes: set[str] = set()
        self._make_gateway = gateway
        self._gateway: ProxmoxGateway | None = None
        self._checker: Checker | None = None

    # On the runner's loop only

    def client(self) -> ProxmoxGateway:
        """The Proxmox client, made at the first call."""
        if self._gateway is None:
            self._gateway = self._make_gateway()
        return self._gateway

    def checker(self) -> Checker:
        """Checks clusters."""
        if self._checker is None:
            tidy = self.left_overs.tidy
            self._checker = Checker(self.secrets, self.client(), self.clock, self.timer, self.tell, tidy)
        return self._checker

    def membership(self) -> Membership:
        """Asks known clusters about nodes with a certificate of their own."""
        return Membership(self.repository, self.secrets, self.client(), self.checker(), self.clock)

    def door(self) -> Door:
        """Opens clusters for their tokens' sake."""
        return Door(self.client(), self.checker(), self.clock, self.left_overs)

    async def sweep(self) -> None:
        """Erase the secrets that no record names; see `services.login_saving`. Raises `StorageError`."""
        await sweep(self.secrets, self.repository, self.clock)

    def forget_logins(self) -> None:
        """Drop every ticket."""
        if self._checker is not None:
            self._checker.forget_tickets()

    def forget(self, cluster_id: str) -> None:
        """Drop what is in memory of a cluster that is gone."""
        if self._checker is not None:
            self._checker.keep_ticket(cluster_id, None)
            self._checker.endpoints.forget(cluster_id)

    # On any loop

    def bridge(self, dialog: Dialog) -> Dialog:
        """The dialog for use on the client's loop."""
        return BridgedDialog(dialog, self.runner)

    async def find(self, name_or_id: str) -> Cluster:
        """The cluster of that name, id, or first eight or more characters of the id.

        Raises:
            NotFoundError: there is none; names that are close are in the message.
        """
        return find(await self.repository.list(), name_or_id)

    async def change(self, cluster: Cluster, change: Callable[[Cluster], Cluster]) -> Cluster:
        """Change the stored record of `cluster`; the record after it.

        Raises:
            NotFoundError: the cluster was deregistered meanwhile.
        """
        stored = await self.repository.update(cluster.id, change)
        if stored is None:
            raise not_found(cluster.name, ())
        return stored
