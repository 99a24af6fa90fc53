"""What the nodes of a cluster run: the installed pve-manager and the running kernel of each, and where they differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pxm_tui.domain.capabilities import SEE_VERSIONS, can, grant_lines
from pxm_tui.domain.cluster import Cluster, Limit
from pxm_tui.domain.observation import Node, Permissions
from pxm_tui.domain.text import natural_key

NAMED = 3
"""Nodes that are named; of more, how many they are is said."""


@dataclass(frozen=True, slots=True)
class NodeSoftware:
    """One node.

    Attributes:
        node: its name.
        manager: version of the installed pve-manager; empty where it is not known.
        kernel: release of the running kernel; empty where it is not known.
        missing: the privilege without which neither may be seen.
        problem: why else neither is known; ends without a period.
    """

    node: str
    manager: str = ""
    kernel: str = ""
    missing: Limit | None = None
    problem: str = ""

    @property
    def known(self) -> bool:
        """It was read."""
        return self.missing is None and not self.problem


@dataclass(frozen=True, slots=True)
class ClusterSoftware:
    """All nodes of a cluster, by name.

    Attributes:
        nodes: what each runs, or why that is not known.
        problem: why nothing at all could be read; empty where something was.
    """

    nodes: tuple[NodeSoftware, ...] = ()
    problem: str = ""

    @property
    def mixed(self) -> bool:
        """Two nodes run different versions."""
        known = [node for node in self.nodes if node.known]
        return len({node.manager for node in known}) > 1 or len({node.kernel for node in known}) > 1

    @property
    def missing(self) -> tuple[Limit, ...]:
        """The privileges that are missing: the one for all nodes where none may be seen."""
        limits = tuple(node.missing for node in self.nodes if node.missing is not None)
        if limits and len(limits) == len(self.nodes):
            return (Limit(limits[0].privilege, "/nodes"),)
        return limits

    def words(self) -> str:
        """One sentence without a period, such as `pve-manager 9.2.11, kernel 6.17.2-1-pve on all 3 nodes`."""
        if self.problem:
            return f"not read: {self.problem}"
        parts = [self._versions(), *self._unseen()]
        return "; ".join(part for part in parts if part) or "no node is online"

    def _versions(self) -> str:
        known = [node for node in self.nodes if node.known]
        if not known:
            return ""
        if self.mixed:
            managers = _spread("pve-manager", [(node.manager, node.node) for node in known])
            kernels = _spread("kernel", [(node.kernel, node.node) for node in known])
            return f"mixed: {managers}; {kernels}"
        where = f"all {len(known)} nodes" if len(known) == len(self.nodes) > 1 else _named(node.node for node in known)
        return f"pve-manager {known[0].manager or '?'}, kernel {known[0].kernel or '?'} on {where}"

    def _unseen(self) -> list[str]:
        words = []
        if missing := [f"{limit.privilege} on {limit.path}" for limit in self.missing]:
            which = "the others" if self._versions() else "them"
            words.append(f"not allowed to see {which}: {_listed(missing)} is missing")
        problems: dict[str, list[str]] = {}
        for node in self.nodes:
            if node.problem:
                problems.setdefault(node.problem, []).append(node.node)
        return words + [f"{_named(nodes)}: {problem}" for problem, nodes in problems.items()]

    def commands(self, cluster: Cluster) -> tuple[str, ...]:
        """The commands for a node that let the login see the rest."""
        return grant_lines(self.missing, cluster.login)


def unseen(cluster: Cluster, permissions: Permissions, nodes: Iterable[Node]) -> dict[str, NodeSoftware]:
    """The nodes that need not be asked, by name: those that are not online, and those that may not be seen.

    Where the permissions are not known (empty), the server has the word.
    """
    found: dict[str, NodeSoftware] = {}
    for node in nodes:
        if permissions:
            path = f"/nodes/{node.name}"
            capability = can(SEE_VERSIONS, permissions, path, version=cluster.proxmox_version)
            if not capability.allowed:
                found[node.name] = NodeSoftware(node.name, missing=capability.missing[0])
                continue
        if node.state != "online":
            found[node.name] = NodeSoftware(node.name, problem=node.state)
    return found


def _spread(what: str, found: list[tuple[str, str]]) -> str:
    """`pve-manager 9.2.11 on 5 nodes, 9.2.6 on pve3`: what most have first."""
    by_version: dict[str, list[str]] = {}
    for version, node in found:
        by_version.setdefault(version or "?", []).append(node)
    ordered = sorted(by_version.items(), key=lambda one: (-len(one[1]), natural_key(one[0])))
    return f"{what} {', '.join(f'{version} on {_named(nodes)}' for version, nodes in ordered)}"


def _named(nodes: Iterable[str]) -> str:
    names = list(nodes)
    return _listed(names) if len(names) <= NAMED else f"{len(names)} nodes"


def _listed(words: list[str]) -> str:
    if len(words) > NAMED:
        return f"{', '.join(words[:NAMED])}, …"
    return " and ".join(", ".join(words).rsplit(", ", 1))
