"""The options that say where to and how to log in, and the secrets that belong to them."""

from __future__ import annotations

import argparse
from typing import Any

from pxm_tui.cli import output
from pxm_tui.cli.secrets_in import ask_secret, read_line
from pxm_tui.cli.terminal import Terminal, has_terminal
from pxm_tui.domain.addresses import parse_endpoint, parse_token
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.text import one_line
from pxm_tui.services.owners import Key

LOGIN_OPTIONS = ("--user", "--password-stdin", "--token-id", "--token-secret-stdin", "--otp-stdin")

Given = tuple[Secret | None, Secret | None]
"""The secret and the code, as far as they came on stdin."""


def endpoint_of(typed: str) -> Endpoint:
    """The endpoint; how it was understood is said. Raises `InvalidError`."""
    parsed = parse_endpoint(typed)
    for text in parsed.notes:
        output.note(f"note: {one_line(text)}.")
    return parsed.endpoint


def secrets_from_stdin(arguments: argparse.Namespace) -> Given:
    """Secret and code, as far as they come on stdin; read before the event loop, so that Ctrl-C works meanwhile."""
    if has_terminal() or not (arguments.password_stdin or arguments.token_secret_stdin):
        return None, None
    secret = read_line("password" if arguments.password_stdin else "token_secret")
    return secret, read_line("code") if arguments.otp_stdin else None


def check_login_options(arguments: argparse.Namespace, *, needed: bool = True) -> None:
    """Raise `InvalidError` where they contradict each other, or nothing says how to log in and that is `needed`."""
    token = arguments.token_id or arguments.token_secret_stdin
    if token and (arguments.user or arguments.password_stdin):
        raise _usage("A password login and a token cannot both be used.", "Give --user, or --token-id.")
    if token and arguments.otp_stdin:
        raise _usage("A token needs no second factor.", "Leave out --otp-stdin.")
    if not token and not arguments.user and (needed or arguments.password_stdin):
        raise _usage("Nothing says how to log in.", "Give --user USER@REALM, or --token-id USER@REALM!NAME.")
    if arguments.otp_stdin and not arguments.password_stdin:
        raise _usage("The code is the second line of stdin, after the password.", "Give --password-stdin as well.")


def _usage(message: str, do: str) -> InvalidError:
    return InvalidError("usage", message, do=do)


async def login_fields(arguments: argparse.Namespace, given: Given, terminal: Terminal | None) -> dict[str, Any]:
    """The fields of the request that say who logs in, the secrets among them."""
    secret, code = given
    if arguments.token_id or arguments.token_secret_stdin:
        what = f"Secret of the token {arguments.token_id or ''}".rstrip()
        asked = secret or await ask_secret(terminal, field="token_secret", what=what, option="--token-secret-stdin")
        return _token_fields(arguments.token_id, asked)
    what = f"Password for {arguments.user}"
    password = secret or await ask_secret(terminal, field="password", what=what, option="--password-stdin")
    return {
        "user": arguments.user,
        "password": password.reveal(),
        "code": code.reveal().strip() if code else None,
    }


def _token_fields(token_id: str | None, secret: Secret) -> dict[str, Any]:
    """A token's id and secret; the whole `user@realm!name=secret` is understood in the secret's place."""
    pasted = parse_token(secret.reveal())
    if pasted is None:
        return {"token_id": token_id or "", "token_secret": secret.reveal().strip()}
    if token_id not in {None, pasted.token_id}:
        raise InvalidError("token_id", "--token-id and the token on stdin are of two tokens.", field="token_id")
    return {"token_id": pasted.token_id, "token_secret": pasted.secret.reveal()}


async def key_of(arguments: argparse.Namespace, given: Given, terminal: Terminal | None) -> Key | None:
    """The login that the options name; None where they name none. Raises `InvalidError`."""
    from pxm_tui.services.requests import build_request

    if not (arguments.user or arguments.token_id or arguments.token_secret_stdin):
        return None
    request = build_request(endpoint="login", **await login_fields(arguments, given, terminal))
    return Key(request.credentials(), Secret(request.code.get_secret_value()) if request.code else None)
