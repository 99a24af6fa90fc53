"""Asking before something is destroyed, or laid open to it; a production cluster wants its name typed."""

from __future__ import annotations

from pxm_tui.cli.terminal import Terminal
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.guard import is_named, names_to_type, wants_name
from pxm_tui.domain.text import one_line


async def confirmed(terminal: Terminal, cluster: Cluster, verb: str) -> bool:
    """Ask whether to `verb` the cluster; what was typed before the question does not count."""
    if wants_name(cluster):
        return await named(terminal, cluster, f"{verb} it")
    answer = await terminal.ask(f"Type yes to {verb} {one_line(cluster.name)}: ", fresh=True)
    return (answer or "").strip().lower() == "yes"


async def named(terminal: Terminal, cluster: Cluster, doing: str) -> bool:
    """Ask for the cluster's name, to go on with what `doing` says."""
    wanted = " or ".join(sorted(names_to_type(cluster)))
    answer = await terminal.ask(f"Type {wanted} to {doing}: ", fresh=True)
    return is_named(cluster, answer or "")
