"""`pxm completion`: the completion script of a shell, made from the commands and options."""

from __future__ import annotations

import argparse

from pxm_tui.cli import output
from pxm_tui.cli.completion import SCRIPTS
from pxm_tui.cli.grammar import COMPLETION_NAMES
from pxm_tui.domain.text import one_line


def run(arguments: argparse.Namespace) -> int:
    """Print the script; for the scripts themselves also the names of the registered clusters."""
    if arguments.shell == COMPLETION_NAMES:
        from pxm_tui.bootstrap import open_repository
        from pxm_tui.settings import load_settings

        clusters = open_repository(load_settings({"data_dir": getattr(arguments, "data_dir", None)})).read()
        output.say("\n".join(one_line(cluster.name) for cluster in clusters))
        return 0
    output.say(SCRIPTS[arguments.shell]().rstrip("\n"))
    return 0
