"""From a request to an answer, in the order in which pveproxy does it (pve-manager, HTTPServer.pm)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from pxm_tui.simulator.access_checks import check_permission
from pxm_tui.simulator.answers import Answer, failure, success
from pxm_tui.simulator.authentication import Identity
from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.errors import ApiError, BusyError, ProtocolError, handler_error, parameter_error
from pxm_tui.simulator.inventory import Node
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.routes import table
from pxm_tui.simulator.routes.base import Call, Handler
from pxm_tui.simulator.schema.facts import RouteFacts
from pxm_tui.simulator.schema.validation import check
from pxm_tui.simulator.schema.values import Parameters
from pxm_tui.simulator.wire_faults import PATIENCE_WITH_PEERS, handed_on, handed_on_instead

FORMATS = {"json": False, "extjs": True}
BASE = "/api2"
UNREACHED = 595
"""AnyEvent::HTTP's status where no connection to a peer came about; 596 where it broke before the answer."""


class InsteadError(Exception):
    """Another node has answered something else than it was asked for."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


def split_path(path: str) -> tuple[str, str]:
    """Split a path below /api2 into the API's path and its format.

    Raises:
        ProtocolError: there is no format in it.
    """
    parts = [unquote(part) for part in path.split("/") if part]
    if len(parts) < 2:
        raise ProtocolError(501, "no such uri", "no such uri")
    return "/" + "/".join(parts[2:]), parts[1]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the API.

    Attributes:
        path: below the format, such as `/nodes/pve1/status`.
        format_name: `json` or `extjs`, if it exists.
        upgrades: whether a switch to the websocket protocol is asked for.
    """

    method: str
    path: str
    format_name: str
    identity: Identity
    parameters: Parameters
    upgrades: bool = False


def dispatch(cluster: Cluster, node: Node, question: Question, *, patient: bool = False) -> Answer:
    """Answer one authenticated API request that reached `node`.

    Raises:
        ProtocolError: the format does not exist, or another node had to be asked and is down.
        BusyError: something is locked and whoever asks is `patient`.
    """
    if question.format_name not in FORMATS:
        message = f"no formatter for uri {question.path}, {question.format_name}"
        raise ProtocolError(501, message, message)
    extjs = FORMATS[question.format_name]
    cluster.power.catch_up()
    cluster.tasks.catch_up(cluster.clock())
    cluster.weigh()
    facts: RouteFacts | None = None
    call: Call | None = None
    try:
        facts, handler, place = find_route(cluster, question)
        call = Call(cluster, node, question.identity, place, question.parameters, facts, question.upgrades)
        data, connection = _run(handler, call, question.path)
        answer = success(data, extjs, call.total)
        answer.handed_on = connection
    except BusyError as error:
        if patient:
            raise
        answer = failure(handler_error(error.message), cluster.release, extjs)
    except InsteadError as instead:
        answer = instead.answer
    except ApiError as error:
        answer = failure(error, cluster.release, extjs)
        if extjs and facts is not None and facts.protected:
            answer.handed_on = "close"
    if call is None or call.node is node:
        return answer
    return handed_on(answer, cluster.spoiled.get(call.node.name, {}))


def find_route(cluster: Cluster, question: Question) -> tuple[RouteFacts, Handler, dict[str, str]]:
    """Find the route of a question.

    A route that the release has and the simulator has not is answered as one that does not exist; the cluster
    keeps count of those, so that nobody takes the one for the other.

    Raises:
        ApiError: 501.
    """
    found = table.find(cluster.release, question.method, table.segments(question.path))
    handler = table.handler_of(found[0]) if found else None
    if found is None or handler is None:
        if found is not None:
            cluster.not_simulated[f"{question.method} {found[0].path}"] += 1
        raise ApiError(501, f"Method '{question.method} {question.path}' not implemented")
    return found[0], handler, found[1]


def _run(handler: Handler, call: Call, path: str) -> tuple[object, str | None]:
    """Run a route's handler on the node that it belongs to.

    Returns:
        What goes under `data`, and the `Connection` header of who ran it if that was not pveproxy itself.
    """
    facts, release = call.facts, call.release
    _check_duplicates(call.place, call.parameters)
    if call.identity.by_token and not facts.tokens:
        message = f"URI '{path}' not available with API token, need proper ticket.\n"
        raise ApiError(403, f"Permission check failed ({message})\n")
    check_permission(call, facts.permission)
    contacted = call.node
    if facts.proxied:
        call.node = _target(call)
        if call.node is not contacted and (instead := handed_on_instead(call.cluster.spoiled.get(call.node.name, {}))):
            raise InsteadError(instead)
    errors = check(call.arguments, facts, release)
    if errors:
        raise parameter_error(errors)
    return handler(call), _handed_on(facts, release, remote=call.node is not contacted)


def _handed_on(route: RouteFacts, release: Release, *, remote: bool) -> str | None:
    """Give the `Connection` header that daemon and peer put into an answer, as the exchanges show it.

    The HTTP client inside of Proxmox VE 6 keeps its connection to the daemon for all methods but POST.
    """
    daemon = "close" if route.method == "POST" or release.at_least(7) else "Keep-Alive"
    if not remote:
        return daemon if route.protected else None
    if route.method == "POST":
        return "close"
    return f"{daemon},Keep-Alive" if route.protected else "Keep-Alive"


def _check_duplicates(place: Mapping[str, str], parameters: Parameters) -> None:
    conflict = "duplicate parameter (already defined in URI) with conflicting values!"
    errors = {name: conflict for name in place if name in parameters and parameters[name] != place[name]}
    if errors:
        raise parameter_error(errors)


def _target(call: Call) -> Node:
    """Find the node in the path and go there."""
    name = call.place["node"]
    if name == "localhost":
        return call.node
    target = call.cluster.nodes.get(name)
    if target is None:
        reason = "Name or service not known"
        raise handler_error(f"hostname lookup '{name}' failed - failed to get address info for: {name}: {reason}")
    if target is not call.node:
        _reach(call, target)
    return target


def _reach(call: Call, peer: Node) -> None:
    """Connect to another node.

    Raises:
        ProtocolError: it does not come about, or the node says nothing.
    """
    cluster, name = call.cluster, peer.name
    dead = cluster.dead_peers.get(name)
    if dead is not None:
        raise ProtocolError(dead, "Connection timed out" if dead == UNREACHED else "Broken pipe")
    if name in cluster.deaf:
        raise ProtocolError(UNREACHED, "Connection refused")
    if name in cluster.walled or name in cluster.mute:
        status = UNREACHED if name in cluster.walled else 596
        raise ProtocolError(status, "Connection timed out", wait=PATIENCE_WITH_PEERS)
    if not cluster.node_online(peer, call.node):
        raise ProtocolError(UNREACHED, "No route to host")
