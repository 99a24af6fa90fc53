"""What a route is, who may call it, and what a handler gets to see."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pxm_tui.simulator.authentication import Identity
from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.errors import handler_error, permission_error
from pxm_tui.simulator.inventory import Node
from pxm_tui.simulator.permissions import Permissions
from pxm_tui.simulator.schema import Parameter, Parameters, number_of, text_of


@dataclass(slots=True)
class Call:
    """One request that has been authenticated.

    Attributes:
        node: the node whose daemon runs the handler.
        identity: who asks.
        place: what the placeholders of the path stand for.
        parameters: those of query and body.
        permissions: what who asks may do at this moment.
    """

    cluster: Cluster
    node: Node
    identity: Identity
    place: dict[str, str]
    parameters: Parameters
    permissions: Permissions = field(init=False)

    def __post_init__(self) -> None:
        self.permissions = self.cluster.permissions

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

    def may(self, path: str, *privileges: str) -> bool:
        """Tell whether who asks holds all of `privileges` on `path`."""
        return self.permissions.holds(self.identity.authid, path, privileges)


Handler = Callable[[Call], object]
Check = Callable[[Call], None]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        path: with placeholders, such as `/nodes/{node}/status`.
        check: raises where who asks may not.
        protected: runs in pvedaemon, which shows in the doubled `Connection` header.
        proxied: belongs to the node in the path and is handed on to it.
        tokens: whether API tokens are accepted.
        since: the first release that has it.
        until: the first release that does not have it any more.
    """

    method: str
    path: str
    handler: Handler
    check: Check
    schema: Mapping[str, Parameter] = field(default_factory=dict)
    protected: bool = False
    proxied: bool = False
    tokens: bool = True
    since: tuple[int, int] = (6, 4)
    until: tuple[int, int] | None = None

    def matches(self, parts: list[str]) -> dict[str, str] | None:
        """Give what the placeholders stand for, None where the path is another one."""
        pattern = [part for part in self.path.split("/") if part]
        if len(pattern) != len(parts):
            return None
        place = {}
        for expected, part in zip(pattern, parts, strict=True):
            if expected.startswith("{"):
                place[expected.strip("{}")] = part
            elif expected != part:
                return None
        return place


def anybody(_call: Call) -> None:
    """Let everybody in."""


def require(path: str, *privileges: str) -> Check:
    """Make the check that who asks holds all of `privileges` on `path`, which may have placeholders."""

    def check(call: Call) -> None:
        target = path.format(**call.place)
        if not call.may(target, *privileges):
            raise permission_error(f"{target}, {', '.join(privileges)}")

    return check


def self_or_user_manager(call: Call) -> None:
    """Let the user of the path in, and who may modify users. A token never counts as its user."""
    userid = call.place["userid"]
    if call.identity.authid == userid:
        return
    if not re.fullmatch(r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+", userid):
        raise handler_error(f"value '{userid}' does not look like a valid user name")
    user = call.cluster.accounts.user(userid)
    if not call.cluster.release.at_least(7):
        require(f"/access/users/{userid}", "User.Modify")(call)
        return
    groups = ["/access/groups", *(f"/access/groups/{group}" for group in user.groups)]
    if not any(call.may(group, "User.Modify") for group in groups):
        raise permission_error()
