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
from pxm_tui.domain.errors import EXIT_STATUS, Code
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.report import check_report, step_rows
from pxm_tui.domain.text import one_line
from pxm_tui.services.bundle import Services
from pxm_tui.services.clusters import CheckReport


def run(arguments: argparse.Namespace) -> int:
    """Check clusters. Raises `NotFoundError` before anything is contacted, `StorageError`."""
    settings = settings_of(arguments)

    async def work(services: Services) -> int:
        clusters = await _chosen(services, arguments.cluster)
        reports = await _check_all(services, clusters, settings.concurrency)
        if arguments.json:
            found = [checked.to_json() for checked in reports]
            output.print_json({"clusters": found, "total": len(found)})
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


async def _check_all(services: Services, clusters: tuple[Cluster, ...], at_once: int) -> list[CheckReport]:
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
