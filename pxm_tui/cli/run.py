"""Runs one command, and turns whatever ends it into words and an exit status."""

from __future__ import annotations

import os
import sys

from pxm_tui.cli import output
from pxm_tui.domain.errors import PxmError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

_MODULES = {None: "tui", "import": "import_"}
"""Where a command's module is not called as the command is."""

INTERRUPTED = 130
"""As shells report a program that was ended by Ctrl-C."""
BROKEN_PIPE = 141
"""As shells report a program whose reader has gone."""
OUTPUT_LOST = 1
"""As other programs end when a disk is full under their output."""


def run(argv: list[str]) -> int:
    """Run the command line `argv`; gives the exit status."""
    os.umask(0o077)
    _open_what_is_closed()
    as_json = "--json" in argv[: argv.index("--")] if "--" in argv else "--json" in argv
    try:
        status = _guarded(argv, as_json)
        output.flush()
    except (BrokenPipeError, output.OutputLostError) as error:
        return output_lost(error.__cause__ or error)
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _guarded(argv: list[str], as_json: bool) -> int:
    try:
        return _run(argv)
    except PxmError as error:
        return _failed(error, argv, as_json)
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return INTERRUPTED
    except (BrokenPipeError, output.OutputLostError):
        raise
    except Exception as error:  # noqa: BLE001  (a defect; it is written to the log, and said)
        from pxm_tui.cli.defects import report

        return _failed(report(error, argv), argv, as_json)


def _failed(error: PxmError, argv: list[str], as_json: bool) -> int:
    """Say what went wrong; to a monitoring system in its own words."""
    if "--nagios" not in argv:
        return output.fail(error, as_json=as_json)
    from pxm_tui.cli.monitoring import nagios_failure

    status, line = nagios_failure(error)
    output.say(line)
    return status


def _run(argv: list[str]) -> int:
    if argv in (["list"], ["list", "--json"]):
        # Scripts and prompts run this often; the parser would take a third of its time.
        from pxm_tui.cli.commands.list import print_list

        return print_list(as_json=argv[-1] == "--json")
    from pxm_tui.cli.parser import parse

    arguments = parse(argv)
    if arguments is None:
        return 0
    return _command(arguments.command)(arguments)


def _command(name: str | None) -> Callable[[argparse.Namespace], int]:
    """The function of a subcommand; without one it is the terminal UI."""
    import importlib

    module = importlib.import_module(f"pxm_tui.cli.commands.{_MODULES.get(name, name)}")
    found: Callable[[argparse.Namespace], int] = module.run
    return found


def _open_what_is_closed() -> None:
    """Whoever closed stdout or stderr (`>&-`) wants to hear nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def output_lost(error: BaseException) -> int:
    """Standard output cannot be written; gives the exit status. Whoever closed a pipe needs no word of it."""
    _forget_stdout()
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE
    why = (getattr(error, "strerror", None) or type(error).__name__).lower()
    output.note(f"The output cannot be written: {why}. What was asked for may have been done.")
    return OUTPUT_LOST


def _forget_stdout() -> None:
    """Nobody reads any more: keep the interpreter from complaining about it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
