"""The control API: sets and ends faults of a fleet that runs in another process.

It listens on a loopback port of its own and speaks JSON. Every request carries `Authorization: Bearer TOKEN`.

    GET    /faults                           the table of faults
    GET    /clusters                         clusters with their nodes, endpoints and what is in force
    POST   /clusters/NAME/faults             {"fault": …, "node": …, "value": …}; the last two may be left out
    DELETE /clusters/NAME/faults/FAULT       ?node=… ends it on that node alone

An error is `{"error": {"message": …}}`: 400 for what is wrong, 401 for the token, 404 for what does not exist.
"""

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.fault_board import FaultBoard
from pxm_tui.simulator.faults import FAULTS, FaultError, UnknownError

HOST = "127.0.0.1"
BODY_LIMIT = 65_536
FIELDS = {"fault", "node", "value"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ControlApi:
    """Serves the control API; an asynchronous context manager.

    Args:
        board: the fleet's faults.

    Attributes:
        token: what every request has to carry.
        url: where it listens, once entered.
    """

    def __init__(self, board: FaultBoard) -> None:
        self.token = secrets.token_urlsafe(32)
        self.url = ""
        self._board = board
        self._runner = web.AppRunner(self._application(), access_log=None, handle_signals=False)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.url = f"http://{HOST}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def line(self) -> dict[str, str]:
        """How to reach it, as `--serve` says it."""
        return {"control_url": self.url, "control_token": self.token}

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard], client_max_size=BODY_LIMIT)
        application.add_routes(
            [
                web.get("/faults", self._faults),
                web.get("/clusters", self._clusters),
                web.post("/clusters/{name}/faults", self._set),
                web.delete("/clusters/{name}/faults/{fault}", self._clear),
            ]
        )
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who has the token, and put every failure into JSON."""
        sent = request.headers.get("Authorization", "")
        if not hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), f"Bearer {self.token}".encode()):
            return _failure(401, "the token is missing or wrong: send Authorization: Bearer TOKEN")
        try:
            return await handler(request)
        except UnknownError as error:
            return _failure(404, str(error))
        except FaultError as error:
            return _failure(400, str(error))
        except web.HTTPException as error:
            return _failure(error.status, f"{request.method} {request.path}: {error.reason}")

    async def _faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"faults": [fault.to_json() for fault in FAULTS]})

    async def _clusters(self, _request: web.Request) -> web.Response:
        return web.json_response({"clusters": [self._described(cluster) for cluster in self._board.clusters]})

    async def _set(self, request: web.Request) -> web.Response:
        wanted = await _body(request)
        node, fault = wanted.get("node"), wanted.get("fault")
        if not isinstance(fault, str) or not isinstance(node, str | None):
            raise FaultError('the body is {"fault": "NAME"}, with "node": "NAME" and "value" where needed')
        name = request.match_info["name"]
        self._board.set(name, fault, node, wanted.get("value"))
        return web.json_response(self._described(self._board.cluster(name)))

    async def _clear(self, request: web.Request) -> web.Response:
        name, fault = request.match_info["name"], request.match_info["fault"]
        if not self._board.clear(name, fault, request.query.get("node")):
            raise UnknownError(f"{fault} is not in force at {name}")
        return web.json_response(self._described(self._board.cluster(name)))

    def _described(self, cluster: SimulatedCluster) -> dict[str, object]:
        active = [
            {"fault": entry.fault.name, "node": entry.node, "value": entry.value}
            for entry in self._board.active(cluster.name)
        ]
        return {"name": cluster.name, "endpoints": cluster.endpoints, "nodes": cluster.nodes, "active": active}


async def _body(request: web.Request) -> dict[str, object]:
    """Read the body. Raises `FaultError`."""
    try:
        found = json.loads(await request.read())
    except ValueError as error:
        raise FaultError(f"the body is no JSON: {error}") from None
    except RecursionError:
        raise FaultError("the body is nested too deeply") from None
    if not isinstance(found, dict):
        raise FaultError("the body is no JSON object")
    if unknown := sorted(found.keys() - FIELDS):
        raise FaultError(f"unknown: {', '.join(unknown)}; there are {', '.join(sorted(FIELDS))}")
    return found


def _failure(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message}}, status=status)
