"""`pxm deregister`: asks, erases record and secret, and says what is left on the cluster."""

from __future__ import annotations

import argparse

from pxm_tui.cli import output
from pxm_tui.cli.confirming import confirmed
from pxm_tui.cli.run import INTERRUPTED
from pxm_tui.cli.session import run_with_services, settings_of
from pxm_tui.cli.terminal import Terminal
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.text import one_line
from pxm_tui.services.bundle import Services
from pxm_tui.services.deregistration import cleanup_of


def run(arguments: argparse.Namespace) -> int:
    """Deregister a cluster. Raises `NotFoundError`, or `InvalidError` where nobody can be asked."""

    async def work(services: Services) -> int:
        cluster = await services.clusters.get(arguments.cluster)
        if not arguments.yes and not await _confirmed(cluster):
            output.note("nothing was changed.")
            return INTERRUPTED
        done = await services.clusters.deregister(cluster.id)
        if arguments.json:
            output.print_json(done.to_json())
            return 0
        output.say(f"Deregistered {one_line(cluster.name)}: its record and its secret are erased here.")
        for line in done.cleanup:
            output.say(f"Left on the cluster; to remove it, on any node:  {one_line(line)}")
        return 0

    return run_with_services(settings_of(arguments), work)


async def _confirmed(cluster: Cluster) -> bool:
    """Say what will happen, and ask."""
    terminal = Terminal.present()
    if terminal is None:
        raise InvalidError("usage", "Deregistering asks first, and there is no terminal to ask on.", do="Give --yes.")
    name = one_line(cluster.name)
    terminal.say(f"{name}, {one_line(cluster.endpoint.url)}")
    terminal.say("  On this machine   the record, its trust and its stored secret are erased.")
    terminal.say("                    The secret cannot be brought back.")
    terminal.say("  On the cluster    nothing changes.")
    for line in cleanup_of(cluster):
        terminal.say(f"                    The token stays valid; to revoke it:  {one_line(line)}")
    return await confirmed(terminal, cluster, "deregister")
