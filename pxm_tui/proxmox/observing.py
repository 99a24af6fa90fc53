"""What the four lists of a check say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from pxm_tui.domain.observation import Guest, Node, Observation
from pxm_tui.proxmox.answers import NodeEntry, PermissionEntries, ResourceEntry, StatusEntry

_STATES = frozenset({"online", "offline"})
_LINKS = 8
"""Of corosync, at most (knet)."""
_GUESTS = frozenset({"qemu", "lxc"})


def observation_of(
    nodes: list[NodeEntry],
    status: list[StatusEntry] | None,
    permissions: PermissionEntries,
    resources: list[ResourceEntry],
    *,
    rtt_ms: float,
) -> Observation:
    """Put together what was read; `status` is None where the login may not see it."""
    cluster = next((entry for entry in status or () if entry.type == "cluster"), None)
    members = {entry.name: entry for entry in status or () if entry.type == "node"}
    return Observation(
        version="",
        own_name=_own_name(nodes, cluster, members),
        standalone=status is not None and cluster is None,
        quorate=_quorate(status, cluster),
        nodes=_nodes(nodes, members),
        guests=tuple(
            Guest(entry.vmid, entry.node, entry.status == "running", bool(entry.template))
            for entry in resources
            if entry.type in _GUESTS and entry.vmid is not None
        ),
        permissions={path: _shared(frozenset(held)) for path, held in permissions.items()},
        rtt_ms=rtt_ms,
    )


@lru_cache(1024)
def _shared(privileges: frozenset[str]) -> frozenset[str]:
    """One set for all paths and clusters on which the same is held: a fleet knows few, and each takes kilobytes."""
    return privileges


def _own_name(
    nodes: Sequence[NodeEntry], cluster: StatusEntry | None, members: Mapping[str, StatusEntry]
) -> str | None:
    """The cluster's name; of a node that is alone its own, also where only `/nodes` shows that it is alone."""
    if cluster is not None:
        return cluster.name or None
    names = list(members) or [entry.node for entry in nodes]
    return names[0] if len(names) == 1 else None


def _quorate(status: Sequence[StatusEntry] | None, cluster: StatusEntry | None) -> bool | None:
    """None where it may not be seen; a standalone node needs nobody's vote."""
    if status is None:
        return None
    return True if cluster is None else cluster.quorate


def _nodes(entries: Sequence[NodeEntry], members: Mapping[str, StatusEntry]) -> tuple[Node, ...]:
    by_name = {entry.node: entry for entry in entries}
    names = sorted(by_name.keys() | members.keys())
    return tuple(_node(name, by_name.get(name), members.get(name)) for name in names if name)


def _node(name: str, entry: NodeEntry | None, member: StatusEntry | None) -> Node:
    return Node(
        name=name,
        state=_state(entry, member),
        address=(member.ip or None) if member else None,
        cpu=entry.cpu if entry else None,
        memory_used=entry.mem if entry else None,
        memory_total=entry.maxmem if entry else None,
        uptime=entry.uptime if entry else None,
        local=bool(member.local) if member else False,
    )


def addresses_of(entry: Mapping[str, object]) -> tuple[str, ...]:
    """The addresses of a node in `/cluster/config/join`: `pve_addr`, then `ring0_addr` and so on (API.md 3.8)."""
    keys = ["pve_addr", *(f"ring{number}_addr" for number in range(_LINKS))]
    found = (entry.get(key) for key in keys)
    return tuple(dict.fromkeys(address for address in found if isinstance(address, str) and address))


def _state(entry: NodeEntry | None, member: StatusEntry | None) -> str:
    """Corosync's view comes before that of the statistics, which knows `unknown`: online, but nothing is heard."""
    told = entry.status if entry and entry.status in _STATES else "unknown"
    if member is None or member.online is None:
        return told
    if not member.online:
        return "offline"
    return "online" if told == "offline" or entry is None else told
