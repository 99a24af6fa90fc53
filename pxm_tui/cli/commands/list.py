"""`pxm list`: what was last seen, straight from the registry; nothing is contacted."""

from __future__ import annotations

from pxm_tui.bootstrap import now, open_repository
from pxm_tui.cli import output
from pxm_tui.settings import load_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Print all clusters."""
    return print_list(as_json=arguments.json, data_dir=getattr(arguments, "data_dir", None))


def print_list(*, as_json: bool, data_dir: str | None = None) -> int:
    """Print all clusters; gives the exit status."""
    settings = load_settings({"data_dir": data_dir})
    repository = open_repository(settings)
    if as_json:
        records = repository.read_records()
        output.print_json({"clusters": records, "total": len(records)})
    else:
        from pxm_tui.cli.cluster_text import clusters_table

        clusters = repository.read()
        if clusters:
            output.say(clusters_table(clusters, now()))
        else:
            output.note("no cluster is registered yet. `pxm register --help` says how; `pxm demo` shows a fleet.")
    for text in repository.notices():
        output.note(text)
    return 0
