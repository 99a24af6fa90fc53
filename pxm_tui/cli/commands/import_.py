"""`pxm import`: many clusters from a file, side by side, a verdict for each."""

from __future__ import annotations

import argparse
import asyncio

from pxm_tui.cli import output
from pxm_tui.cli.dialog import OneAtATime, TerminalDialog
from pxm_tui.cli.import_file import read_import
from pxm_tui.cli.progress import Progress
from pxm_tui.cli.session import run_with_services, settings_of
from pxm_tui.cli.table import table
from pxm_tui.cli.terminal import Terminal
from pxm_tui.domain.cluster import SHORT_REASONS
from pxm_tui.domain.errors import EXIT_STATUS, CertificateError, Code, InvalidError, PxmError
from pxm_tui.domain.text import one_line
from pxm_tui.domain.tokens import TokenRole
from pxm_tui.formats.rows import ImportRow
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.importing import AT_ONCE, GOOD, Importer, RowResult, Verdict
from pxm_tui.services.ports import VaultMode
from pxm_tui.settings import Settings

HEADINGS = ("NAME", "ENDPOINT", "VERDICT", "WHAT")


def run(arguments: argparse.Namespace) -> int:
    """Import a file. Raises `InvalidError` where it cannot be understood, `StorageError`."""
    settings = settings_of(arguments)
    found = read_import(arguments.file, arguments.format)
    for text in found.notes:
        output.note(f"note: {text}")

    async def work(services: Services) -> int:
        return await _import(services, settings, found.rows, arguments)

    return run_with_services(settings, work)


async def _import(
    services: Services, settings: Settings, rows: tuple[ImportRow, ...], arguments: argparse.Namespace
) -> int:
    progress = Progress.present(len(rows))
    terminal = Terminal.present()
    if terminal is not None:
        terminal.before = progress.wipe
    one = asyncio.Lock()

    def dialog(row: ImportRow) -> Dialog:
        return OneAtATime(TerminalDialog(terminal, where=row.name if len(rows) > 1 else ""), one)

    importer = Importer(
        services.clusters,
        rows,
        dialog,
        dry_run=arguments.dry_run,
        mint=not arguments.no_token,
        role=TokenRole(arguments.token_role or TokenRole.AUDITOR),
        at_once=min(AT_ONCE, settings.concurrency),
        on_result=lambda result: progress.step(result.name, failed=result.verdict not in GOOD),
    )
    try:
        await importer.run()
    except asyncio.CancelledError:
        progress.wipe()
        _print(importer.results(), arguments)
        raise
    progress.wipe()
    results = importer.results()
    _print(results, arguments)
    if not arguments.dry_run and (await services.clusters.vault()).mode is VaultMode.ASK:
        output.note("note: no secret store is in use, so the secrets are forgotten now.")
    return 0 if all(result.verdict in GOOD for result in results) else EXIT_STATUS[Code.PARTIAL_FAILURE]


def _print(results: tuple[RowResult, ...], arguments: argparse.Namespace) -> None:
    if arguments.json:
        output.print_json({"rows": [result.to_json() for result in results], "total": len(results)})
    else:
        output.say(table(HEADINGS, [_row(result) for result in results]))
        for result in results:
            _explain(result)
        if arguments.dry_run:
            output.say("Nothing was saved.")
    left = [one_line(result.name or result.row.place, 64) for result in results if result.verdict is Verdict.NOT_RUN]
    if not arguments.json and any(isinstance(result.error, CertificateError) for result in results):
        output.note("to trust a certificate put its fingerprint into the row, or run the import on a terminal.")
    waiting = sum(result.verdict is Verdict.UNAUTHORIZED for result in results)
    if waiting and not arguments.json:
        these = "1 row has" if waiting == 1 else f"{waiting} rows have"
        output.note(f"{these} no secret in the file. To log in: `pxm`, then on each of them c, Log in again.")
    if left:
        output.note(f"not done: {', '.join(left)}. The same command goes on with them.")


def _row(result: RowResult) -> tuple[str, ...]:
    row = result.row
    what = _short(result.error) if result.error is not None else "; ".join(result.notes)
    cells = (result.name or row.place, row.endpoints[0].url if row.endpoints else "", result.verdict.words, what)
    return tuple(one_line(cell) for cell in cells)


def _short(error: PxmError) -> str:
    if isinstance(error, InvalidError):
        return f"invalid: {error.field or error.cause}"
    return SHORT_REASONS.get(error.cause, error.cause.replace("_", " "))


def _explain(result: RowResult) -> None:
    """What a table has no room for: place, field, cause and remedy of a failure, on stderr."""
    error = result.error
    if error is None or result.verdict in {Verdict.NOT_RUN, Verdict.UNAUTHORIZED}:
        return
    where = ", ".join(part for part in (result.row.place, error.field or "") if part)
    first, *more = output.error_lines(error)
    output.note("\n".join((f"{one_line(where, 100)}: {first.removeprefix('pxm: ')}", *more)))
