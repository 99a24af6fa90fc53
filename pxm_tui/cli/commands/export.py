"""`pxm export`: the registry as a file for `pxm import`, without secrets; nothing is contacted."""

from __future__ import annotations

import argparse

from pxm_tui.bootstrap import open_repository
from pxm_tui.cli import output
from pxm_tui.services.exporting import export
from pxm_tui.settings import load_settings


def run(arguments: argparse.Namespace) -> int:
    """Print the file. Raises `StorageError`."""
    repository = open_repository(load_settings({"data_dir": getattr(arguments, "data_dir", None)}))
    text = export(repository.read(), arguments.format or "json")
    output.put(text.encode())
    for notice in repository.notices():
        output.note(notice)
    return 0
