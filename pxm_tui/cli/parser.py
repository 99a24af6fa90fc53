"""The grammar of the command line. No option takes a secret, and no message repeats what could be one."""

from __future__ import annotations

import argparse
import re

from pxm_tui import __version__
from pxm_tui.cli.grammar import COMMANDS, GLOBAL, OPTIONS, SECRET_OPTIONS
from pxm_tui.domain.errors import InvalidError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from pxm_tui.cli.grammar import Command

_OPTION_NAME = re.compile(r"--[a-z][a-z-]{0,24}(?=$|=)|-[A-Za-z](?=$)")
_REPEATED = re.compile(r"ignored explicit argument .*", re.DOTALL)
USAGE = "usage"
HELP_WIDTH = 79


class HelpShownError(Exception):
    """Help was printed, there is nothing left to do."""


class Parser(argparse.ArgumentParser):
    """Raises instead of ending the program; abbreviations are off, so that `--password` is no `--password-stdin`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **options)

    def error(self, message: str) -> NoReturn:
        """Raise `InvalidError`; argparse's words, without the value of an option that takes none."""
        harmless = _REPEATED.sub("takes no value", message)
        raise wrong_usage(self.prog, f"{harmless[:1].upper()}{harmless[1:].rstrip('.')}.")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:  # noqa: ARG002
        """Raise `HelpShownError`: argparse ends this way only after help and version."""
        raise HelpShownError


class _Formatter(argparse.HelpFormatter):
    """Help for 80 columns, in paragraphs; an indented one is kept as it is.

    The width is fixed because asking for the terminal's imports compression libraries, at every start.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=HELP_WIDTH, max_help_position=28)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.split("\n\n")
        return "\n\n".join(
            part if part[:1] == " " else super(_Formatter, self)._fill_text(part, width, indent) for part in paragraphs
        )


def parse(argv: list[str]) -> argparse.Namespace | None:
    """Understand the arguments; None where they asked for help or the version, which has been printed.

    Raises:
        InvalidError: cause `usage`.
    """
    parser = build_parser(argv)
    _refuse_secrets(argv)
    try:
        arguments, rest = parser.parse_known_args(argv)
    except HelpShownError:
        return None
    if arguments.command == "demo" and arguments.serve:
        arguments.fleet = rest
    elif rest:
        lacking = " without --serve" if arguments.command == "demo" else ""
        raise wrong_usage(_program(arguments), f"{leftover(rest).removesuffix('.')}{lacking}.")
    return arguments


def build_parser(argv: list[str]) -> argparse.ArgumentParser:
    """The parser of the whole command line; where `argv` names commands, of these only, which takes less time."""
    parser = Parser(
        prog="pxm",
        usage="pxm [OPTION…] | pxm COMMAND [OPTION…]",
        description="Many Proxmox VE clusters on one terminal. Without a command the terminal UI opens.",
        epilog="pxm COMMAND --help says more. Exit status: 0 done, 2 wrong usage, 3 no such cluster, 4 registered "
        "already, 5 login failed, 6 certificate not trusted, 7 unreachable, 8 not permitted, 9 data directory or "
        "secret store unusable, 10 some of several failed.",
    )
    parser.add_argument("-V", "--version", action="version", version=f"pxm {__version__}")
    for name in GLOBAL:
        _add(parser, name)
    commands = parser.add_subparsers(prog="pxm", dest="command", metavar="COMMAND", title="commands")
    named = [command for command in COMMANDS if command[0] in argv]
    for command in named or COMMANDS:
        _add_command(commands, command)
    return parser


def _add_command(commands: argparse._SubParsersAction[Any], command: Command) -> None:
    name, usage, summary, more, arguments = command
    parser = commands.add_parser(
        name, prog=f"pxm {name}", usage=usage, help=summary, description=f"{summary} {more}".strip()
    )
    for argument in arguments:
        _add(parser, argument)
    if name != "demo" and "--data-dir" not in arguments:
        _add(parser, "--data-dir")
    if not {"--read-only", "GUARD"} & set(arguments):
        _add(parser, "--read-only")


def _add(parser: argparse.ArgumentParser, name: str) -> None:
    options: dict[str, Any] = dict(OPTIONS[name])
    if name in GLOBAL:
        options["default"] = argparse.SUPPRESS  # a command's parser must not undo what stood before the command
    parser.add_argument(options.pop("name", name), **options)


def _program(arguments: argparse.Namespace) -> str:
    return f"pxm {arguments.command}" if arguments.command else "pxm"


def _refuse_secrets(argv: list[str]) -> None:
    """Say how a secret is given, to who tried it as an argument; what was typed is not repeated."""
    for word in argv:
        if word == "--":
            return
        instead = SECRET_OPTIONS.get(word.partition("=")[0])
        if instead:
            raise InvalidError(
                USAGE,
                f"{word.partition('=')[0]} does not exist: a secret on the command line is seen by everybody on this "
                "machine and stays in the shell's history.",
                do=f"{instead} What was typed now should be changed.",
            )


def leftover(rest: list[str]) -> str:
    """What is wrong with arguments that nobody took; only names of options are repeated."""
    unknown = [found.group() for word in rest if (found := _OPTION_NAME.match(word))]
    if unknown:
        return f"Unknown option {', '.join(unknown)}."
    return f"{len(rest)} argument{'s' if len(rest) > 1 else ''} too many."


def wrong_usage(program: str, message: str) -> InvalidError:
    """The error for a command line that cannot be understood."""
    return InvalidError(USAGE, message, do=f"`{program} --help` shows how it is used.")
