"""Checking many clusters at once: bounded in number and in time, each with a report of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.connection_messages import not_in_time
from pxm_tui.domain.login_messages import refused_before
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.remedies import LOG_IN_AGAIN
from pxm_tui.domain.steps import CHECK_STEPS, Step, StepState
from pxm_tui.domain.text import for_shell
from pxm_tui.services.clusters import ClusterService
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.repairs import CheckReport


class Survey:
    """One check of several clusters.

    Args:
        service: checks one of them.
        clusters: which, in the order of the reports.
        dialog: makes the dialog for a cluster.
        named: a person named them, so a login that was refused is tried once more.
        at_once: how many are checked at the same time.
        seconds: when the whole must be over; None: each cluster's own limits are enough.
        on_report: called with each report as it is known.
    """

    def __init__(
        self,
        service: ClusterService,
        clusters: Sequence[Cluster],
        dialog: Callable[[Cluster], Dialog],
        *,
        named: bool = False,
        at_once: int = 100,
        seconds: float | None = None,
        on_report: Callable[[CheckReport], None] = lambda _: None,
    ) -> None:
        self._service = service
        self._clusters = clusters
        self._dialog = dialog
        self._named = named
        self._bound = asyncio.Semaphore(at_once)
        self._seconds = seconds
        self._on_report = on_report
        self._reports: dict[str, CheckReport] = {}

    def reports(self) -> list[CheckReport]:
        """The reports so far, in the order of the clusters."""
        return [self._reports[cluster.id] for cluster in self._clusters if cluster.id in self._reports]

    def left(self) -> list[Cluster]:
        """The clusters that have no report yet."""
        return [cluster for cluster in self._clusters if cluster.id not in self._reports]

    async def run(self) -> None:
        """Check all. Cancelled, what was found so far is saved and in `reports()`.

        Raises:
            StorageError: the registry or the secret store cannot be used.
        """
        for cluster in self._clusters:
            if cluster.login.refused and not self._named:
                self._take(cluster, held_back(cluster))
        try:
            async with asyncio.timeout(self._seconds), asyncio.TaskGroup() as group:
                for cluster in self.left():
                    group.create_task(self._check(cluster), name=f"check {cluster.id}")
        except TimeoutError:
            for cluster in self.left():
                self._take(cluster, out_of_time(cluster, self._seconds or 0))
        except BaseExceptionGroup as failures:  # of the storage, the same for all
            raise failures.exceptions[0] from None

    async def _check(self, cluster: Cluster) -> None:
        async with self._bound:
            report = await self._service.check(cluster.id, Snapshot(cluster.id), self._dialog(cluster))
        self._take(cluster, report)

    def _take(self, cluster: Cluster, report: CheckReport) -> None:
        self._reports[cluster.id] = report
        self._on_report(report)


def held_back(cluster: Cluster) -> CheckReport:
    """What is said of a cluster whose login was refused.

    Each further try counts for fail2ban, which locks this machine out for everybody. So a check of all does
    not use the stored login again; one that names the cluster does.
    """
    again = f"`pxm check {for_shell(cluster.name)}` tries it once more; with another login {LOG_IN_AGAIN}."
    error = refused_before(cluster, again)
    steps = (
        Step.of_error(name, 0, error) if name == "login" else Step(name, StepState.SKIPPED) for name in CHECK_STEPS
    )
    return CheckReport(cluster, Snapshot(cluster.id), tuple(steps), error)


def out_of_time(cluster: Cluster, seconds: float) -> CheckReport:
    """What is said of a cluster whose check was not over in time. Nothing of it is saved: it may well be up."""
    steps = tuple(Step(name, StepState.SKIPPED) for name in CHECK_STEPS)
    return CheckReport(cluster, Snapshot(cluster.id), steps, not_in_time(cluster.endpoint, seconds))
