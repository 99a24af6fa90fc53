"""`pxm deregister`: asks, erases record and secret, and says what is left on the cluster."""

from __future__ import annotations

import argparse

from pxm_tui.cli import output
from pxm_tui.cli.confirming import confirmed
from pxm_tui.cli.dialog import TerminalDialog
from pxm_tui.cli.login_options import check_login_options, key_of, secrets_from_stdin
from pxm_tui.cli.run import INTERRUPTED
from pxm_tui.cli.session import run_with_services, settings_of
from pxm_tui.cli.terminal import Terminal
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.text import one_line
from pxm_tui.services.bundle import Services
from pxm_tui.services.deregistration import Deregistration, cleanup_of, is_revocable


def run(arguments: argparse.Namespace) -> int:
    """Deregister a cluster. Raises `NotFoundError`, `LoginError`, or `InvalidError` where nobody can be asked."""
    check_login_options(arguments, needed=False)
    given = secrets_from_stdin(arguments)

    async def work(services: Services) -> int:
        cluster, terminal = await services.clusters.get(arguments.cluster), Terminal.present()
        revokes = is_revocable(cluster) and not arguments.keep_token
        if not arguments.yes and not await _confirmed(cluster, revokes=revokes):
            output.note("nothing was changed.")
            return INTERRUPTED
        key = await key_of(arguments, given, terminal) if revokes else None
        done = await services.clusters.deregister(
            cluster.id, key=key, dialog=TerminalDialog(terminal, may_choose=False), keep_token=arguments.keep_token
        )
        if arguments.json:
            output.print_json(done.to_json())
        else:
            _say(done)
        if done.problem is not None:
            output.note(f"the token was not revoked: {one_line(done.problem.message, 1000)}")
        return 0

    return run_with_services(settings_of(arguments), work)


def _say(done: Deregistration) -> None:
    output.say(f"Deregistered {one_line(done.cluster.name)}: its record and its secret are erased here.")
    if done.revoked:
        output.say(f"The token {one_line(done.cluster.login.name)} is revoked.")
    for line in done.cleanup:
        output.say(f"Left on the cluster; to remove it, on any node:  {one_line(line)}")


async def _confirmed(cluster: Cluster, *, revokes: bool) -> bool:
    """Say what will happen, and ask."""
    terminal = Terminal.present()
    if terminal is None:
        raise InvalidError("usage", "Deregistering asks first, and there is no terminal to ask on.", do="Give --yes.")
    name = one_line(cluster.name)
    terminal.say(f"{name}, {one_line(cluster.endpoint.url)}")
    terminal.say("  On this machine   the record, its trust and its stored secret are erased.")
    terminal.say("                    The secret cannot be brought back.")
    if revokes:
        terminal.say(f"  On the cluster    the token {one_line(cluster.login.name)},")
        terminal.say("                    which pxm made, is revoked where the login may (--user).")
    else:
        lines = cleanup_of(cluster)
        stays = " The token stays valid; to revoke it:" if lines else ""
        terminal.say(f"  On the cluster    nothing changes.{stays}")
        for line in lines:
            terminal.say(f"                    {one_line(line)}")
    return await confirmed(terminal, cluster, "deregister")
