"""`pxm register`: the request from arguments, stdin and prompts; the outcome as record, steps or error."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pxm_tui.cli import output
from pxm_tui.cli.dialog import TerminalDialog
from pxm_tui.cli.login_options import check_login_options, endpoint_of, login_fields, secrets_from_stdin
from pxm_tui.cli.session import run_with_services, settings_of
from pxm_tui.cli.terminal import Terminal
from pxm_tui.domain.addresses import check_name, parse_label
from pxm_tui.domain.describe import summary
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.report import step_rows
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.domain.text import one_line
from pxm_tui.services.bundle import Services
from pxm_tui.services.ca_file import read_ca
from pxm_tui.services.ports import VaultMode
from pxm_tui.services.proposals import Proposal
from pxm_tui.services.registration import Registration, RegistrationFailedError
from pxm_tui.services.requests import RegistrationRequest, build_request


def run(arguments: argparse.Namespace) -> int:
    """Register a cluster. Raises `PxmError` where it fails."""
    check_login_options(arguments)
    fields = {
        "name": check_name(arguments.name) if arguments.name.strip() else "",
        "endpoint": endpoint_of(arguments.endpoint).url,
        "fingerprint": arguments.fingerprint,
        "trust_ca": read_ca(Path(arguments.ca_file)) if arguments.ca_file is not None else None,
        "separate": arguments.separate,
        "labels": tuple(parse_label(text) for text in arguments.label or ()),
        "mint_token": not arguments.no_token,
        "token_role": arguments.token_role or "auditor",
    }
    given = secrets_from_stdin(arguments)

    async def work(services: Services) -> int:
        terminal = Terminal.present()
        request = build_request(**fields, **await login_fields(arguments, given, terminal))
        return await _register(services, request, terminal, arguments)

    return run_with_services(settings_of(arguments), work)


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
    await services.fleet.remember([found.snapshot])
    cluster, proposals = found.cluster, tuple[Proposal, ...]()
    if not found.joined:
        cluster, proposals = await services.clusters.edits.take_endpoints(cluster, found.snapshot.nodes)
    if as_json:
        output.print_json(cluster.to_json())
    else:
        output.say(_what_was_done(found))
        _print_warnings(found.steps)
        _print_proposals(proposals)
    if (await services.clusters.vault()).mode is VaultMode.ASK:
        output.note("note: no secret store is in use, so the secret is forgotten now; the next check needs it again.")


def _what_was_done(found: Registration) -> str:
    name = one_line(found.cluster.name)
    if found.joined:
        login = one_line(found.cluster.login.name)
        return f"Added {found.cluster.endpoints[-1].url} to {name}, which logs in there as {login}, too."
    return f"Registered {name}: {one_line(summary(found.cluster))}"


def _print_proposals(proposals: Sequence[Proposal]) -> None:
    """Each other node: whether it is asked where the registered one does not answer, or why not."""
    for one in proposals:
        kept = "kept" if one.works else "not kept"
        where = f"{one_line(one.node, 64)}, {one.look.endpoint.authority}"
        output.note(f"note: another endpoint, {where}: {one_line(one.words)}; {kept}.")


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
