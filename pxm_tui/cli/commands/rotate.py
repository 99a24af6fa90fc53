"""`pxm rotate`: another token for each of the named clusters, one after the other."""

from __future__ import annotations

import argparse

from pxm_tui.cli import output
from pxm_tui.cli.dialog import TerminalDialog
from pxm_tui.cli.login_options import Given, check_login_options, key_of, secrets_from_stdin
from pxm_tui.cli.session import run_with_services, settings_of
from pxm_tui.cli.terminal import Terminal
from pxm_tui.domain.cluster import Cluster, LoginMethod
from pxm_tui.domain.errors import EXIT_STATUS, Code, InvalidError, PxmError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.report import step_rows
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import LOGIN_STEPS, Step, StepState
from pxm_tui.domain.text import one_line
from pxm_tui.domain.tokens import TokenRole
from pxm_tui.services.bundle import Services
from pxm_tui.services.judge import REFUSALS
from pxm_tui.services.owners import Key
from pxm_tui.services.ports import Credentials
from pxm_tui.services.rotating import Rotation


def run(arguments: argparse.Namespace) -> int:
    """Rotate tokens. Raises `NotFoundError` before anything is contacted, `InvalidError`, `StorageError`."""
    check_login_options(arguments, needed=False)
    if arguments.all == bool(arguments.cluster):
        raise InvalidError("usage", "Nothing says which clusters.", do="Give their names, or --all, not both.")
    given = secrets_from_stdin(arguments)

    async def work(services: Services) -> int:
        terminal = Terminal.present()
        clusters = await _chosen(services, arguments.cluster)
        if not clusters and not arguments.json:
            output.note("no cluster logs in with a token that pxm has made; there is nothing to rotate.")
        found = await _rotate_all(services, clusters, arguments, given, terminal)
        if arguments.json:
            output.print_json({"clusters": [rotation.to_json() for rotation in found], "total": len(found)})
        else:
            for rotation in found:
                _say(rotation)
        return _exit_status(found)

    return run_with_services(settings_of(arguments), work)


async def _chosen(services: Services, names: list[str]) -> tuple[Cluster, ...]:
    """The named clusters, each once; without a name those whose token pxm made."""
    if not names:
        return tuple(cluster for cluster in await services.clusters.list() if cluster.login.minted)
    found = [await services.clusters.get(name) for name in names]
    return tuple({cluster.id: cluster for cluster in found}.values())


async def _rotate_all(
    services: Services,
    clusters: tuple[Cluster, ...],
    arguments: argparse.Namespace,
    given: Given,
    terminal: Terminal | None,
) -> list[Rotation]:
    """One after the other: a code is asked for at most once at a time, and a mistake is seen after the first."""
    key = await key_of(arguments, given, terminal)
    role = TokenRole(arguments.token_role) if arguments.token_role else None
    found: list[Rotation] = []
    rejected: PxmError | None = None
    for cluster in clusters:
        if rejected is not None:
            found.append(_not_tried(cluster, rejected))
            continue
        dialog = TerminalDialog(terminal, where=cluster.name if len(clusters) > 1 else "", may_choose=False)
        before = Snapshot(cluster.id)
        done = await services.tokens.rotate(cluster.id, before, dialog, key=key, role=role)
        if key is None and terminal is not None and done.error is not None and _wants_owner(done):
            owner = await _owner(cluster, terminal)
            if owner is not None:
                done = await services.tokens.rotate(cluster.id, before, dialog, key=owner, role=role)
        found.append(done)
        if key is not None and done.error is not None and done.error.cause in REFUSALS:
            rejected = done.error
    return found


def _not_tried(cluster: Cluster, error: PxmError) -> Rotation:
    """The same login would be rejected here as well, and each try counts for fail2ban."""
    steps = tuple(Step(name, StepState.SKIPPED) for name in LOGIN_STEPS)
    return Rotation(cluster, Snapshot(cluster.id), None, (), steps, error)


def _wants_owner(done: Rotation) -> bool:
    return done.error is not None and done.error.cause in {"missing_privileges", "token"}


async def _owner(cluster: Cluster, terminal: Terminal) -> Key | None:
    """The login of the token's owner, typed; None where nothing was."""
    user = cluster.login.user
    typed = await terminal.ask(
        f"Password for {one_line(user)} on {one_line(cluster.name)}, who owns the token: ", hidden=True
    )
    return Key(Credentials(LoginMethod.PASSWORD, user, Secret(typed))) if typed else None


def _say(done: Rotation) -> None:
    name = one_line(done.cluster.name)
    if done.error is not None:
        output.say(f"{name}: not rotated")
        output.say("\n".join(f"  {row}" for row in step_rows(done.steps)))
        output.fail(done.error, as_json=False)
        return
    output.say(f"{name}: logs in as {one_line(done.cluster.login.name)} now.")
    for step in done.steps:
        if step.state is StepState.WARNING:
            output.note(f"note: {one_line(step.message, 1000)} {one_line(step.hint, 1000)}".rstrip())
    for line in done.cleanup:
        output.say(f"  Left on the cluster; to remove it, on any node:  {one_line(line)}")


def _exit_status(found: list[Rotation]) -> int:
    """0 without a failure, the status that all failures share, else 10."""
    failures = {done.error.exit_status for done in found if done.error is not None}
    if len(failures) > 1:
        return EXIT_STATUS[Code.PARTIAL_FAILURE]
    return failures.pop() if failures else 0
