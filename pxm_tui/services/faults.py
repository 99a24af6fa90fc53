"""The port to the faults of the demo's fleet: what can go wrong there, and what does. No other fleet has one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from pxm_tui.domain.secret import Secret

FaultValue = float | str


@dataclass(frozen=True, slots=True)
class FaultControl:
    """Where a simulated fleet takes orders.

    Attributes:
        url: of its control API, on this machine.
        token: what lets somebody in.
    """

    url: str
    token: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of trouble.

    Attributes:
        name: what it is called, such as `slow`.
        title: the same for people.
        help: one line about what happens.
        per_node: it can be had on one node alone.
        means: what its value is, with the unit; empty where it has none.
        default: the value that it has where none is given.
    """

    name: str
    title: str
    help: str
    per_node: bool
    means: str = ""
    default: FaultValue | None = None


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A fault that is in force.

    Attributes:
        name: its kind's.
        node: on which node; None: the cluster as a whole.
        value: its value, if it has one.
    """

    name: str
    node: str | None
    value: FaultValue | None


@dataclass(frozen=True, slots=True)
class BreakableCluster:
    """A simulated cluster.

    Attributes:
        name: the name that the fleet knows it by.
        urls: of its nodes.
        nodes: their names.
        active: the faults that are in force.
    """

    name: str
    urls: tuple[str, ...]
    nodes: tuple[str, ...]
    active: tuple[ActiveFault, ...] = ()


class FaultInjector(Protocol):
    """Puts simulated clusters into trouble and out of it again. All of it raises `PxmError` where it fails."""

    async def kinds(self) -> tuple[FaultKind, ...]:
        """List what can go wrong."""
        ...

    async def clusters(self) -> tuple[BreakableCluster, ...]:
        """List the fleet's clusters."""
        ...

    async def set(
        self, cluster: str, fault: str, node: str | None = None, value: FaultValue | None = None
    ) -> BreakableCluster:
        """Put a fault in force; without a node on each, without a value with its default."""
        ...

    async def clear(self, cluster: str, fault: str, node: str | None = None) -> BreakableCluster:
        """End a fault; without a node wherever it is."""
        ...
