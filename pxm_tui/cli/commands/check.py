"""`pxm check`: live, all at once, bounded; a checklist, a line, or a word for a monitoring system."""

from __future__ import annotations

import argparse
import asyncio

from pxm_tui.cli import output
from pxm_tui.cli.cluster_text import clusters_table
from pxm_tui.cli.dialog import TerminalDialog
from pxm_tui.cli.monitoring import line_of, nagios
from pxm_tui.cli.progress import Progress
from pxm_tui.cli.session import run_with_services, settings_of
from pxm_tui.cli.terminal import Terminal
from pxm_tui.cli.watching import watch
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import EXIT_STATUS, Code, InvalidError
from pxm_tui.domain.report import check_report, step_rows
from pxm_tui.domain.text import one_line
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.repairs import CheckReport
from pxm_tui.services.survey import Survey
from pxm_tui.settings import Settings, parse_refresh

NAGIOS_SECONDS = 50.0
"""Those programs wait for a minute."""
LONGEST = 3600.0


def run(arguments: argparse.Namespace) -> int:
    """Check clusters. Raises `NotFoundError` before anything is contacted, `StorageError`, `InvalidError`."""
    _check_options(arguments)
    settings = settings_of(arguments)
    refresh = getattr(arguments, "refresh", None)
    if refresh is not None:
        settings = settings._replace(refresh=parse_refresh(refresh))
    seconds = _seconds(arguments)

    async def work(services: Services) -> int:
        clusters = await _chosen(services, arguments.cluster)
        if clusters or arguments.watch:
            await services.clusters.open_vault(TerminalDialog(_terminal(arguments), may_choose=False))
        if arguments.watch:
            return await watch(services, {cluster.id for cluster in clusters} if arguments.cluster else None)
        return await _check(services, clusters, settings, arguments, seconds)

    return run_with_services(settings, work)


def _check_options(arguments: argparse.Namespace) -> None:
    forms = [name for name in ("json", "lines", "nagios", "watch") if getattr(arguments, name)]
    if len(forms) > 1 and forms != ["json", "watch"]:  # a watch prints nothing but JSON
        raise InvalidError("usage", f"--{forms[0]} and --{forms[1]} cannot both be used.", do="Give one of them.")
    if arguments.watch and arguments.timeout:
        raise InvalidError("usage", "--watch has no end, so --timeout means nothing to it.", do="Leave it out.")


def _seconds(arguments: argparse.Namespace) -> float | None:
    """How long all may take. Raises `InvalidError`."""
    if arguments.timeout is None:
        return NAGIOS_SECONDS if arguments.nagios else None
    try:
        seconds = float(arguments.timeout)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= LONGEST:
        raise InvalidError("usage", f"--timeout is more than 0 and at most {LONGEST:g} seconds.", do="Example: 30.")
    return seconds


def _terminal(arguments: argparse.Namespace) -> Terminal | None:
    """Where a person is asked; a monitoring system is none, whatever it runs under."""
    return None if arguments.nagios else Terminal.present()


async def _check(
    services: Services,
    clusters: tuple[Cluster, ...],
    settings: Settings,
    arguments: argparse.Namespace,
    seconds: float | None,
) -> int:
    terminal, progress = _terminal(arguments), Progress.present(0 if arguments.nagios else len(clusters))
    if terminal is not None:
        terminal.before = progress.wipe

    def dialog(cluster: Cluster) -> Dialog:
        return TerminalDialog(terminal, where=cluster.name if len(clusters) > 1 else "", may_choose=False)

    survey = Survey(
        services.clusters,
        clusters,
        dialog,
        named=bool(arguments.cluster),
        at_once=settings.concurrency,
        seconds=seconds,
        on_report=lambda report: progress.step(report.cluster.name, failed=report.error is not None),
    )
    began = services.timer()
    try:
        await survey.run()
    except asyncio.CancelledError:
        progress.wipe()
        if survey.reports():
            _print(services, survey.reports(), arguments, services.timer() - began)
        output.note(f"not checked: {', '.join(one_line(cluster.name, 64) for cluster in survey.left())}.")
        raise
    progress.wipe()
    await services.fleet.remember(report.snapshot for report in survey.reports() if report.error is None)
    return _print(services, survey.reports(), arguments, services.timer() - began)


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


def _print(services: Services, reports: list[CheckReport], arguments: argparse.Namespace, seconds: float) -> int:
    """Print in the form that was asked for; gives the exit status."""
    if arguments.nagios:
        status, line = nagios(reports, seconds)
        output.say(line)
        return status
    if arguments.json:
        output.print_json({"clusters": [report.to_json() for report in reports], "total": len(reports)})
    elif arguments.lines:
        for report in reports:
            output.say(line_of(report))
    else:
        _print_text(services, reports)
    return exit_status(reports)


def _print_text(services: Services, reports: list[CheckReport]) -> None:
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
