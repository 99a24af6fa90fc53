"""`pxm audit`: every change that the program has made, and whether the list is as it was written."""

from __future__ import annotations

import argparse

from pxm_tui.bootstrap import open_audit_log
from pxm_tui.cli import output
from pxm_tui.cli.session import settings_of
from pxm_tui.cli.table import table
from pxm_tui.domain.audit import AuditEntry
from pxm_tui.domain.text import one_line

BROKEN = 1
HEADINGS = ("TIME", "WHO", "CLUSTER", "WHAT")


def run(arguments: argparse.Namespace) -> int:
    """Print the audit, or verify it; gives 1 where it is broken. Raises `StorageError`."""
    log = open_audit_log(settings_of(arguments))
    if arguments.what == "verify":
        verdict = log.verify()
        if arguments.json:
            output.print_json(verdict.to_json())
        else:
            output.say(one_line(verdict.words(), 1000))
        return BROKEN if verdict.broken else 0
    entries = log.read()
    if arguments.json:
        output.print_json({"entries": [entry.to_json() for entry in entries], "total": len(entries)})
    elif entries:
        output.say(table(HEADINGS, [_row(entry) for entry in entries]))
    else:
        output.note("nothing has been audited yet.")
    return 0


def _row(entry: AuditEntry) -> tuple[str, ...]:
    return tuple(one_line(cell, 500) for cell in (entry.at, entry.actor.words(), entry.cluster_name, entry.words()))
