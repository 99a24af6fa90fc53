"""`pxm register`: the request from arguments, stdin and prompts; the outcome as record, steps or error."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pxm_tui.cli import output
from pxm_tui.cli.ca_file import read_ca
from pxm_tui.cli.dialog import TerminalDialog
from pxm_tui.cli.secrets_in import ask_secret, read_line
from pxm_tui.cli.session import run_with_services, settings_of
from pxm_tui.cli.terminal import Terminal, has_terminal
from pxm_tui.domain.addresses import check_name, parse_endpoint, parse_label, parse_token
from pxm_tui.domain.describe import summary
from pxm_tui.domain.errors import InvalidError, PxmError
from pxm_tui.domain.report import step_rows
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.domain.text import one_line
from pxm_tui.services.bundle import Services
from pxm_tui.services.ports import VaultMode
from pxm_tui.services.registration import Registration, RegistrationFailedError
from pxm_tui.services.requests import RegistrationRequest, build_request


def run(arguments: argparse.Namespace) -> int:
    """Register a cluster. Raises `PxmError` where it fails."""
    _check_login_options(arguments)
    fields = {
        "name": check_name(arguments.name) if arguments.name.strip() else "",
        "endpoint": _endpoint(arguments.endpoint),
        "fingerprint": arguments.fingerprint,
        "trust_ca": read_ca(Path(arguments.ca_file)) if arguments.ca_file is not None else None,
        "labels": tuple(parse_label(text) for text in arguments.label or ()),
        "mint_token": not arguments.no_token,
        "token_role": arguments.token_role,
    }
    given = _from_stdin(arguments)

    async def work(services: Services) -> int:
        terminal = Terminal.present()
        request = build_request(**fields, **await _login_fields(arguments, given, terminal))
        return await _register(services, request, terminal, arguments)

    return run_with_services(settings_of(arguments), work)


def _endpoint(typed: str) -> str:
    """The endpoint; how it was understood is said. Raises `InvalidError`."""
    parsed = parse_endpoint(typed)
    for text in parsed.notes:
        output.note(f"note: {one_line(text)}.")
    return parsed.endpoint.url


def _from_stdin(arguments: argparse.Namespace) -> tuple[Secret | None, Secret | None]:
    """Secret and code, as far as they come on stdin; read before the event loop, so that Ctrl-C works meanwhile."""
    if has_terminal() or not (arguments.password_stdin or arguments.token_secret_stdin):
        return None, None
    secret = read_line("password" if arguments.password_stdin else "token_secret")
    return secret, read_line("code") if arguments.otp_stdin else None


async def _register(
    services: Services, request: RegistrationRequest, terminal: Terminal | None, arguments: argparse.Namespace
) -> int:
    dialog = TerminalDialog(terminal)
    try:
        found = await services.clusters.register(request, dialog, dry_run=arguments.dry_run)
    except RegistrationFailedError as failure:
        if not arguments.dry_run:
            raise failure.error from None
        return _dry_run_failed(failure.steps, failure.error, as_json=arguments.json)
    if arguments.dry_run:
        _print_steps(found.steps, as_json=arguments.json)
    else:
        await _registered(services, found, as_json=arguments.json)
    return 0


async def _registered(services: Services, found: Registration, *, as_json: bool) -> None:
    if as_json:
        output.print_json(found.cluster.to_json())
    else:
        output.say(f"Registered {one_line(found.cluster.name)}: {one_line(summary(found.cluster))}")
        _print_warnings(found.steps)
    if (await services.clusters.vault()).mode is VaultMode.ASK:
        output.note("note: no secret store is in use, so the secret is forgotten now; the next check needs it again.")


def _print_warnings(steps: tuple[Step, ...]) -> None:
    for step in steps:
        if step.state is StepState.WARNING:
            output.note(f"note: {one_line(step.message, 1000)} {one_line(step.hint, 1000)}".rstrip())


def _dry_run_failed(steps: tuple[Step, ...], error: PxmError, *, as_json: bool) -> int:
    if as_json:
        output.print_json({"steps": [step.to_json() for step in steps], "error": error.to_json()})
        return error.exit_status
    output.say("\n".join(step_rows(steps)))
    return output.fail(error, as_json=False)


def _print_steps(steps: tuple[Step, ...], *, as_json: bool) -> None:
    if as_json:
        output.print_json({"steps": [step.to_json() for step in steps]})
    else:
        output.say("\n".join(step_rows(steps)))
        output.say("Nothing was saved.")
        _print_warnings(steps)


def _check_login_options(arguments: argparse.Namespace) -> None:
    token = arguments.token_id or arguments.token_secret_stdin
    if token and (arguments.user or arguments.password_stdin):
        raise _usage("A password login and a token cannot both be used.", "Give --user, or --token-id.")
    if token and arguments.otp_stdin:
        raise _usage("A token needs no second factor.", "Leave out --otp-stdin.")
    if not token and not arguments.user:
        raise _usage("Nothing says how to log in.", "Give --user USER@REALM, or --token-id USER@REALM!NAME.")
    if arguments.otp_stdin and not arguments.password_stdin:
        raise _usage("The code is the second line of stdin, after the password.", "Give --password-stdin as well.")


def _usage(message: str, do: str) -> InvalidError:
    return InvalidError("usage", message, do=do)


async def _login_fields(
    arguments: argparse.Namespace, given: tuple[Secret | None, Secret | None], terminal: Terminal | None
) -> dict[str, Any]:
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
