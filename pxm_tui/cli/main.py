"""The entry point of `pxm`, with a short way for what needs nothing."""

from __future__ import annotations

import sys

from pxm_tui import __version__


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments without the program's name; by default the process's own.

    Returns:
        The exit status.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if arguments in (["--version"], ["-V"]):
        try:
            sys.stdout.write(f"pxm {__version__}\n")
            sys.stdout.flush()
        except OSError as error:
            from pxm_tui.cli.run import output_lost

            return output_lost(error)
        return 0
    from pxm_tui.cli.run import run

    return run(arguments)
