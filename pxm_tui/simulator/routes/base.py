"""What a route is and what its handler gets to see.

A route says which handler answers a method of a path, and nothing else: which releases have it, its parameters,
who may call it, whether it runs in pvedaemon and whether it is handed on to the node in its path all follow
from the schema's facts (`pxm_tui.simulator.schema`). What goes beyond them is the handler's own business.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pxm_tui.simulator import access_checks
from pxm_tui.simulator.accounts import Accounts
from pxm_tui.simulator.authentication import Identity
from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.errors import handler_error
from pxm_tui.simulator.inventory import Node
from pxm_tui.simulator.permissions import Permissions
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.schema.facts import RouteFacts
from pxm_tui.simulator.schema.values import Parameters, list_of, number_of, text_of

Entry = dict[str, object]


@dataclass
class Call:
    """One request that has been authenticated.

    Attributes:
        node: the node whose daemon runs the handler.
        identity: who asks.
        place: what the placeholders of the path stand for.
        parameters: those of query and body.
        facts: what the schema says of the route.
        upgrades: whether a switch to the websocket protocol is asked for.
        total: number of all entries where the answer holds a page of them; handlers set it.
    """

    cluster: Cluster
    node: Node
    identity: Identity
    place: dict[str, str]
    parameters: Parameters
    facts: RouteFacts
    upgrades: bool = False
    total: int | None = None

    @cached_property
    def permissions(self) -> Permissions:
        """What users and tokens may do at this moment."""
        return self.cluster.permissions

    @property
    def authid(self) -> str:
        """Who asks: a user or full token id, empty for nobody."""
        return self.identity.authid

    @property
    def arguments(self) -> Parameters:
        """The parameters of path, query and body."""
        return {**self.parameters, **self.place}

    @property
    def accounts(self) -> Accounts:
        """Users, groups and tokens of the cluster."""
        return self.cluster.accounts

    @property
    def release(self) -> Release:
        """The cluster's release."""
        return self.cluster.release

    @property
    def now(self) -> float:
        """The time in seconds since 1970."""
        return self.cluster.clock()

    def text(self, name: str) -> str | None:
        """Give a parameter as text, None where it was not sent."""
        return text_of(self.parameters, name)

    def number(self, name: str) -> int | None:
        """Give an integer or boolean parameter, None where it was not sent."""
        return number_of(self.parameters, name)

    def items(self, name: str) -> list[str]:
        """Give a list parameter, empty where it was not sent."""
        return list_of(self.parameters, name)

    def may(self, path: str, *privileges: str) -> bool:
        """Tell whether who asks holds all of `privileges` on `path`."""
        return self.permissions.holds(self.authid, path, privileges)

    def may_any(self, path: str, *privileges: str) -> bool:
        """Tell whether who asks holds one of `privileges` on `path`."""
        held = self.permissions.effective(self.authid, path)
        return any(privilege in held for privilege in privileges)

    def require(self, path: str, privileges: Sequence[str], *, any_of: bool = False) -> None:
        """Require all of `privileges` on `path`, or one of them.

        Raises:
            ApiError: 403.
        """
        access_checks.require(self, path, privileges, any_of=any_of)

    def require_quorum(self, what: str = "", *, file: str = "user_cfg") -> None:
        """Refuse to change a configuration of the whole cluster where /etc/pve is read-only.

        Args:
            what: what is said to have failed, if anything is.
            file: whose lock is asked for, by default that of users, groups, roles and pools.

        Raises:
            ApiError: the node's part of the cluster has no majority.
        """
        if not self.cluster.quorate(self.node):
            prefix = f"{what}: " if what else ""
            raise handler_error(f"{prefix}cfs-lock 'file-{file}' error: no quorum!")

    def shuffled(self, entries: list[Entry]) -> list[Entry]:
        """Put a list into the arbitrary order that Perl's hashes have."""
        self.cluster.numbers.shuffle(entries)
        return entries


Handler = Callable[[Call], object]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, which may have placeholders, such as `/nodes/{node}/status`."""

    method: str
    path: str
    handler: Handler
