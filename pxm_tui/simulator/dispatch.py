"""From a request to an answer, in the order in which pveproxy does it (pve-manager, HTTPServer.pm)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from pxm_tui.simulator.answers import Answer, failure, success
from pxm_tui.simulator.authentication import Identity
from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.errors import ApiError, ProtocolError, handler_error, parameter_error
from pxm_tui.simulator.inventory import Node
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.routes import access, cluster, login, nodes
from pxm_tui.simulator.routes.base import Call, Route
from pxm_tui.simulator.schema import Parameters, check

ROUTES: tuple[Route, ...] = (*login.ROUTES, *access.ROUTES, *cluster.ROUTES, *nodes.ROUTES)
FORMATS = {"json": False, "extjs": True}
BASE = "/api2"


def split_path(path: str) -> tuple[str, str]:
    """Split a path below /api2 into the API's path and its format.

    Raises:
        ProtocolError: there is no format in it.
    """
    parts = [unquote(part) for part in path.split("/") if part]
    if len(parts) < 2:
        raise ProtocolError(501, "no such uri", "no such uri")
    return "/" + "/".join(parts[2:]), parts[1]


def find_route(method: str, path: str, release: Release) -> tuple[Route, dict[str, str]]:
    """Find the route of a path.

    Raises:
        ApiError: 501, this release has none.
    """
    parts = [part for part in path.split("/") if part]
    for route in ROUTES:
        exists = route.since <= release.number and (route.until is None or release.number < route.until)
        if exists and route.method == method:
            place = route.matches(parts)
            if place is not None:
                return route, place
    raise ApiError(501, f"Method '{method} {path}' not implemented")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the API.

    Attributes:
        path: below the format, such as `/nodes/pve1/status`.
        format_name: `json` or `extjs`, if it exists.
    """

    method: str
    path: str
    format_name: str
    identity: Identity
    parameters: Parameters


def dispatch(cluster: Cluster, node: Node, question: Question) -> Answer:
    """Answer one authenticated API request that reached `node`.

    Raises:
        ProtocolError: the format does not exist, or another node had to be asked and is down.
    """
    if question.format_name not in FORMATS:
        message = f"no formatter for uri {question.path}, {question.format_name}"
        raise ProtocolError(501, message, message)
    extjs = FORMATS[question.format_name]
    route: Route | None = None
    try:
        route, place = find_route(question.method, question.path, cluster.release)
        call = Call(cluster, node, question.identity, place, question.parameters)
        data, handed_on = _run(route, call)
        answer = success(data, extjs)
        answer.handed_on = handed_on
    except ApiError as error:
        answer = failure(error, cluster.release, extjs)
        if extjs and route is not None and route.protected:
            answer.handed_on = "close"
    return answer


def _run(route: Route, call: Call) -> tuple[object, str | None]:
    """Run a route's handler on the node that it belongs to.

    Returns:
        What goes under `data`, and the `Connection` header of who ran it if that was not pveproxy itself.
    """
    _check_duplicates(call.place, call.parameters)
    if call.identity.by_token and not route.tokens:
        uri = route.path.format(**call.place)
        message = f"URI '{uri}' not available with API token, need proper ticket.\n"
        raise ApiError(403, f"Permission check failed ({message})\n")
    route.check(call)
    contacted = call.node
    if route.proxied:
        call.node = _target(call)
    errors = check({**call.parameters, **call.place}, route.schema, call.cluster.release)
    if errors:
        raise parameter_error(errors)
    return route.handler(call), _handed_on(route, call.cluster.release, remote=call.node is not contacted)


def _handed_on(route: Route, release: Release, *, remote: bool) -> str | None:
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
    if target is not call.node and not call.cluster.node_online(target, call.node):
        raise ProtocolError(595, "No route to host")
    return target
