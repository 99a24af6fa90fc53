"""`pxm` without a command: the terminal UI."""

from __future__ import annotations

import argparse

from pxm_tui.cli.session import forbid_core_dumps
from pxm_tui.cli.ui_terminal import need_terminal, ui_settings


def run(arguments: argparse.Namespace) -> int:
    """Open the terminal UI; gives its exit status. Raises `InvalidError` without a terminal."""
    need_terminal("Use a command: pxm list, pxm check --json.")
    settings = ui_settings(arguments, data_dir=getattr(arguments, "data_dir", None))
    forbid_core_dumps()
    from pxm_tui.bootstrap import run_tui

    return run_tui(settings)
