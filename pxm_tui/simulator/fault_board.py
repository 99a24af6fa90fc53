"""Which faults are in force in a running fleet: sets and ends them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.fault_effects import Target, Undo
from pxm_tui.simulator.faults import Fault, FaultError, UnknownError, Value, check_value, find_fault, places
from pxm_tui.simulator.inventory import STORAGES

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Active:
    """A fault that is in force.

    Attributes:
        node: its node; None for the whole cluster.
        value: its value; None where it has none.
    """

    fault: Fault
    node: str | None
    value: Value | None
    undo: Undo = field(repr=False, compare=False)

    def end(self) -> None:
        """End it."""
        self.undo()


class FaultBoard:
    """Sets and ends faults. To be called on the loop that serves the fleet.

    Args:
        clusters: gives the fleet's clusters as they are now.
    """

    def __init__(self, clusters: Callable[[], Sequence[SimulatedCluster]]) -> None:
        self._clusters = clusters
        self._active: dict[str, list[Active]] = {}

    @property
    def clusters(self) -> Sequence[SimulatedCluster]:
        """The fleet's clusters."""
        return self._clusters()

    def cluster(self, name: str) -> SimulatedCluster:
        """Give a cluster by its name. Raises `UnknownError`."""
        for cluster in self._clusters():
            if cluster.name == name:
                return cluster
        raise UnknownError(f"there is no cluster '{name}'")

    def active(self, cluster: str) -> list[Active]:
        """List what is in force at a cluster, in the order in which it was set."""
        return list(self._active.get(cluster, ()))

    def set(self, cluster: str, fault: str, node: str | None = None, value: object = None) -> None:
        """Put a fault in force; where it is already, with this value.

        Args:
            cluster: its name.
            fault: the fault's name.
            node: where; None for each node of the cluster, or the cluster as a whole.
            value: as the fault's entry in the table says; None for its default.

        Raises:
            FaultError: something of it is not possible.
        """
        found, kind = self.cluster(cluster), find_fault(fault)
        wanted = check_value(kind, value)
        _check_names(found, kind, wanted)
        for place in places(kind, cluster, found.nodes, node):
            self._make_room(cluster, kind, place)
            target = Target(
                found,
                place or "",
                wanted if isinstance(wanted, int | float) else 0,
                wanted if isinstance(wanted, str) else "",
            )
            entry = Active(kind, place, wanted, _attempt(kind.effect, target))
            self._active.setdefault(cluster, []).append(entry)

    def clear(self, cluster: str, fault: str, node: str | None = None) -> int:
        """End a fault.

        Args:
            cluster: its name.
            fault: the fault's name.
            node: where; None for wherever it is in force.

        Returns:
            At how many places it was in force.

        Raises:
            FaultError: there is no such thing, or its end is not possible.
        """
        found, kind = self.cluster(cluster), find_fault(fault)
        wanted = set(places(kind, cluster, found.nodes, node))
        ended = [entry for entry in self._active.get(cluster, ()) if entry.fault is kind and entry.node in wanted]
        for entry in ended:
            self._end(cluster, entry)
        return len(ended)

    def _make_room(self, cluster: str, fault: Fault, node: str | None) -> None:
        """End what cannot be in force at the same place as `fault`."""
        for entry in self.active(cluster):
            related = entry.fault is fault or (fault.group and entry.fault.group == fault.group)
            if related and (entry.node == node or entry.node is None or node is None):
                self._end(cluster, entry)

    def _end(self, cluster: str, entry: Active) -> None:
        _attempt(Active.end, entry)
        self._active[cluster] = [other for other in self._active[cluster] if other is not entry]


def _attempt(action: Callable[[T], R], argument: T) -> R:
    try:
        return action(argument)
    except OSError as error:
        raise FaultError(f"it is not possible now: {error}") from None


def _check_names(cluster: SimulatedCluster, fault: Fault, value: Value | None) -> None:
    """Look whether the account, token or storage exists that a value names. Raises `UnknownError`."""
    known = _names(cluster).get(fault.name)
    if known is not None and value and value not in known:
        raise UnknownError(f"{cluster.name} has no '{value}'; it has {', '.join(known)}")


def _names(cluster: SimulatedCluster) -> Mapping[str, list[str]]:
    users = list(cluster.state.accounts.users)
    tokens = cluster.token_ids()
    return {
        "login-disabled": users,
        "tfa-locked": users,
        "token-revoked": tokens,
        "privileges-taken": users + tokens,
        "storage-full": [storage.name for storage in STORAGES],
    }
