"""Secrets on their way in: lines of stdin, or hidden answers on a terminal. Never an argument."""

from __future__ import annotations

import sys

from pxm_tui.cli.terminal import Terminal
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.text import one_line

LONGEST_LINE = 65536


async def ask_secret(terminal: Terminal | None, *, field: str, what: str, option: str) -> Secret:
    """A password or token secret from a person.

    Args:
        terminal: where somebody can be asked; None where nobody can.
        field: the request's field, for errors.
        what: such as `Password for root@pam`.
        option: the option that reads it from stdin.

    Raises:
        InvalidError: it is empty, or there is nobody to ask.
    """
    if terminal is None:
        raise InvalidError(
            field,
            f"{one_line(what)} was not given, and there is no terminal to ask on.",
            do=f"Give it on stdin with {option}.",
            field=field,
        )
    typed = await terminal.ask(f"{one_line(what)}: ", hidden=True)
    if not typed:
        raise InvalidError(field, f"{one_line(what)} is empty.", field=field)
    return Secret(typed)


def read_line(field: str) -> Secret:
    """The next line of stdin, without its end.

    Raises:
        InvalidError: there is none, it is empty, too long, or not text.
    """
    line = sys.stdin.readline(LONGEST_LINE) if sys.stdin is not None else ""
    complete = len(line) < LONGEST_LINE
    typed = line.rstrip("\r\n")
    if not typed:
        raise InvalidError(
            field,
            f"stdin has no line for {field}.",
            do="One line each: the password or the token's secret first, then the code.",
            field=field,
        )
    if not complete or not typed.isprintable():
        raise InvalidError(field, f"The line of stdin for {field} is too long, or no text.", field=field)
    return Secret(typed)
