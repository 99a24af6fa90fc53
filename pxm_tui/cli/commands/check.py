"""`pxm check`: live, all at once, bounded; one checklist a cluster."""

from __future__ import annotations

import argparse
import asyncio

from pxm_tui.cli import output
from pxm_tui.cli.cluster_text import clusters_table
from pxm_tui.cli.dialog import TerminalDialog
from pxm_tui.cli.session import run_with_services, settings_of
from pxm_tui.cli.terminal import Terminal
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import EXIT_STATUS, Code, LoginError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.report import check_report, step_rows
from pxm_tui.domain.steps import CHECK_STEPS, Step, StepState
from pxm_tui.domain.text import one_line
from pxm_tui.services.bundle import Services
from pxm_tui.services.clusters import CheckReport


def run(arguments: argparse.Namespace) -> int:
    """Check clusters. Raises `NotFoundError` before anything is contacted, `StorageError`."""
    settings = settings_of(arguments)

    async def work(services: Services) -> int:
        clusters = await _chosen(services, arguments.cluster)
        held = [] if arguments.cluster else [cluster for cluster in clusters if cluster.login.refused]
        asked = [cluster for cluster in clusters if cluster not in held]
        found = await _check_all(services, asked, settings.concurrency)
        reports = in_order(clusters, [*found, *(held_back(cluster) for cluster in held)])
        if arguments.json:
            output.print_json({"clusters": [report.to_json() for report in reports], "total": len(reports)})
        else:
            _print(services, reports)
        return exit_status(reports)

    return run_with_services(settings, work)


def exit_status(reports: list[CheckReport]) -> int:
    """0 without a failure, the status that all failures share, else 10."""
    failures = {checked.error.exit_status for checked in reports if checked.error is not None}
    if len(failures) > 1:
        return EXIT_STATUS[Code.PARTIAL_FAILURE]
    return failures.pop() if failures else 0


async def _chosen(services: Services, names: list[str]) -> tuple[Cluster, ...]:
    """The named clusters, each once, in the order of their names; all of them where none is named."""
    if not names:
        return await services.clusters.list()
    found = [await services.clusters.get(name) for name in names]
    return tuple({cluster.id: cluster for cluster in found}.values())


def held_back(cluster: Cluster) -> CheckReport:
    """What is said of a cluster whose login was refused.

    Each further try counts for fail2ban, which locks this machine out for everybody. So a check of all does
    not use the stored login again; one that names the cluster does.
    """
    known = cluster.error
    error = LoginError(
        known.cause if known else "credentials",
        known.message if known else "The stored login was refused.",
        probably="It is not tried again by itself: each try counts for fail2ban.",
        do=f"`pxm check {cluster.name}` tries it once more; `pxm`, then c, takes another login.",
    )
    steps = (
        Step.of_error(name, 0, error) if name == "login" else Step(name, StepState.SKIPPED) for name in CHECK_STEPS
    )
    return CheckReport(cluster, Snapshot(cluster.id), tuple(steps), error)


def in_order(clusters: tuple[Cluster, ...], reports: list[CheckReport]) -> list[CheckReport]:
    """The reports in the order of their clusters."""
    by_id = {report.cluster.id: report for report in reports}
    return [by_id[cluster.id] for cluster in clusters]


async def _check_all(services: Services, clusters: list[Cluster], at_once: int) -> list[CheckReport]:
    if not clusters:
        return []
    terminal = Terminal.present()
    await services.clusters.open_vault(TerminalDialog(terminal, may_choose=False))
    bound = asyncio.Semaphore(at_once)

    async def check(cluster: Cluster) -> CheckReport:
        dialog = TerminalDialog(terminal, where=cluster.name if len(clusters) > 1 else "", may_choose=False)
        async with bound:
            return await services.clusters.check(cluster.id, Snapshot(cluster.id), dialog)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(check(cluster), name="check") for cluster in clusters]
    except BaseExceptionGroup as failures:  # of the storage, the same for all
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _print(services: Services, reports: list[CheckReport]) -> None:
    """One report whole; of several the table, then the checklists of those that failed; their errors on stderr."""
    if not reports:
        output.note("no cluster is registered yet. `pxm register --help` says how.")
        return
    if len(reports) > 1:
        output.say(clusters_table(tuple(checked.cluster for checked in reports), services.clock()))
    for checked in reports:
        if len(reports) == 1:
            lines = check_report(
                checked.cluster, checked.snapshot, checked.steps, at=services.clock(), machine=services.machine
            )
            output.say("\n".join(lines))
        elif checked.error is not None:
            output.say("\n".join(("", one_line(checked.cluster.name), *step_rows(checked.steps))))
        if checked.error is not None:
            output.fail(checked.error, as_json=False)
