"""`pxm show`: one record as it was last seen; nothing is contacted."""

from __future__ import annotations

import argparse

from pxm_tui.bootstrap import now, open_repository
from pxm_tui.cli import output
from pxm_tui.cli.cluster_text import cluster_record
from pxm_tui.services.finding import find
from pxm_tui.settings import load_settings


def run(arguments: argparse.Namespace) -> int:
    """Print one cluster. Raises `NotFoundError`."""
    repository = open_repository(load_settings({"data_dir": getattr(arguments, "data_dir", None)}))
    cluster = find(repository.read(), arguments.cluster)
    if arguments.json:
        output.print_json(cluster.to_json())
    else:
        output.say(cluster_record(cluster, now()))
    for text in repository.notices():
        output.note(text)
    return 0
