"""Registering clusters, as every face calls it: on the client's loop, journaled and audited."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.steps import StepState
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.means import Means

if TYPE_CHECKING:
    from pxm_tui.formats.rows import ImportRow
    from pxm_tui.services.registration import Registrar, Registration
    from pxm_tui.services.requests import RegistrationRequest

R = TypeVar("R", bound="Registrar")


@dataclass(frozen=True, slots=True)
class ClusterRegistrations:
    """See the module; `ClusterService` says what each of them takes, gives and raises.

    Attributes:
        means: what it works with.
    """

    means: Means

    async def register(
        self,
        request: RegistrationRequest,
        dialog: Dialog,
        *,
        dry_run: bool,
        complete: Callable[[Cluster], Cluster] | None,
        cluster_id: str | None,
    ) -> Registration:
        """Check a cluster live, step by step, and register it."""
        bridged = self.means.bridge(dialog)

        async def work() -> Registration:
            from pxm_tui.services.registration import Registrar

            registrar = self._as(Registrar, cluster_id)
            found = await registrar.register(request, bridged, dry_run=dry_run, complete=complete)
            if found.joined and not dry_run:
                await self._joined(found, request.target)
            elif not dry_run:
                self.means.checker().keep_ticket(found.cluster.id, found.ticket)
                self.means.journal.write(f"registered, {found.cluster.endpoint.url}", cluster=found.cluster.name)
                self._say_doubts(found)
                await self._registered(found.cluster)
            return found

        return await self.means.runner.run(work)

    async def enroll(
        self,
        row: ImportRow,
        complete: Callable[[Cluster], Cluster],
        dialog: Dialog,
        *,
        dry_run: bool,
        cluster_id: str | None,
    ) -> Cluster:
        """Save a cluster whose secret is not at hand."""
        bridged = self.means.bridge(dialog)

        async def work() -> Cluster:
            from pxm_tui.services.enrolling import Enroller

            enroller = self._as(Enroller, cluster_id)
            cluster = await enroller.enroll(row, complete, bridged, dry_run=dry_run)
            if not dry_run:
                self.means.journal.write(
                    f"imported without its secret, {cluster.endpoint.url}", cluster=cluster.name, failure=True
                )
                await self._registered(cluster)
            return cluster

        return await self.means.runner.run(work)

    async def probe(self, endpoint: Endpoint, dialog: Dialog) -> None:
        """Run address, connect and certificate quietly."""
        bridged = self.means.bridge(dialog)

        async def work() -> None:
            from pxm_tui.services.probing import probe

            await probe(self.means.client(), endpoint, bridged, self.means.clock, self.means.timer)

        await self.means.runner.run(work)

    def _as(self, kind: type[R], cluster_id: str | None) -> R:
        """A registrar of this kind. Call it on the runner's loop only."""
        means = self.means
        return kind(
            repository=means.repository,
            secrets=means.secrets,
            gateway=means.client(),
            clock=means.clock,
            timer=means.timer,
            new_id=partial(self._new_id, cluster_id),
            mint=means.mint,
            left_overs=means.left_overs,
            membership=means.membership(),
        )

    def _new_id(self, wanted: str | None) -> str:
        found = wanted or str(uuid.uuid4())
        self.means.own_changes.add(found)
        return found

    async def _joined(self, found: Registration, endpoint: Endpoint) -> None:
        cluster = found.cluster
        if found.vouched is not None:
            await self.means.tell(cluster, endpoint, found.vouched)
        self.means.journal.write(f"{endpoint.url} is an endpoint of it now", cluster=cluster.name)
        await self.means.audit.record("add_endpoint", cluster, endpoint=endpoint.url)

    def _say_doubts(self, found: Registration) -> None:
        """That it may be of a cluster that is registered already: a program that registers sees no steps."""
        for step in found.steps:
            if step.name == "identity" and step.state is StepState.WARNING:
                self.means.journal.write(step.message, cluster=found.cluster.name, failure=True)

    async def _registered(self, cluster: Cluster) -> None:
        await self.means.audit.record(
            "register",
            cluster,
            endpoint=cluster.endpoint.url,
            login=cluster.login.name,
            trust=str(cluster.trust.mode),
            fingerprint=cluster.identity or "",
        )
