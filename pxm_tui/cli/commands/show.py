"""`pxm show`: one record as it was last seen; nothing is contacted."""

from __future__ import annotations

import argparse

from pxm_tui.bootstrap import now, open_cache, open_repository
from pxm_tui.cli import output
from pxm_tui.cli.cluster_text import cluster_record
from pxm_tui.services.finding import find
from pxm_tui.settings import load_settings


def run(arguments: argparse.Namespace) -> int:
    """Print one cluster. Raises `NotFoundError`."""
    settings = load_settings({"data_dir": getattr(arguments, "data_dir", None)})
    repository = open_repository(settings)
    cluster = find(repository.read(), arguments.cluster)
    if arguments.json:
        output.print_json(cluster.to_json())
    else:
        snapshot = open_cache(settings).read().get(cluster.id)
        output.say(cluster_record(cluster, now(), snapshot))
    for text in repository.notices():
        output.note(text)
    return 0
