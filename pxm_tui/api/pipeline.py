"""The way of every request: who asks, may they, not too often, understood, in time, and an answer in one form."""

from __future__ import annotations

import asyncio
import logging
import math
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aiohttp import web

from pxm_tui.api import faults, models
from pxm_tui.api.connection import Connection
from pxm_tui.api.faults import Refusal, refusal
from pxm_tui.api.handlers import Call, Handlers, failure
from pxm_tui.api.limits import Buckets, Limits
from pxm_tui.api.metrics import RequestCounter
from pxm_tui.api.reading import read_body, read_parameters
from pxm_tui.api.routes import ROUTES, Route
from pxm_tui.domain.access import ApiToken, Role
from pxm_tui.domain.errors import PxmError, StorageError
from pxm_tui.services.access import AccessService
from pxm_tui.services.audit import on_behalf_of
from pxm_tui.services.ports import Timer

if TYPE_CHECKING:
    from yarl import URL

_logger = logging.getLogger("pxm_tui.api")

PATIENCE = 1.0
"""Seconds for which a read that comes too soon is held back, instead of refused."""

HEADERS = {
    "Server": "pxm",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""On every answer. There is no CORS header: no other site's page may read an answer."""


@dataclass(slots=True)
class _Where:
    """What was called, for figures and log: a template, so that there are few."""

    method: str = "other"
    path: str = "other"


@dataclass(slots=True)
class _Caller:
    """Who called, for the log."""

    name: str = "a stranger"


class Pipeline:
    """See the module.

    Args:
        handlers: what each call does.
        access: knows the tokens.
        limits: what is put up with.
        requests: counts.
        timer: monotonic seconds.
        behind_proxy: the last address in `X-Forwarded-For` is the caller's.
    """

    def __init__(
        self,
        *,
        handlers: Handlers,
        access: AccessService,
        limits: Limits,
        requests: RequestCounter,
        timer: Timer,
        behind_proxy: bool = False,
    ) -> None:
        self._handlers = handlers
        self._access = access
        self._limits = limits
        self._requests = requests
        self._timer = timer
        self._behind_proxy = behind_proxy
        self._reads = Buckets(limits.requests, timer)
        self._live = Buckets(limits.live, timer)
        self._strangers = Buckets(limits.strangers, timer)
        self._live_now = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every request gets an answer in the one form, is counted, and where it matters logged."""
        began = self._timer()
        if isinstance(request.protocol, Connection):
            request.protocol.begun()
        self._requests.in_flight += 1
        where, caller = _Where(), _Caller()
        try:
            response = await self._answer(request, where, caller)
        finally:
            self._requests.in_flight -= 1
        response.headers.update(HEADERS)
        self._requests.count(where.method, where.path, response.status, self._timer() - began)
        if where.method not in {"GET", "other"} or response.status >= 500:
            _logger.info("%s %s: %d, by %s", where.method, where.path, response.status, caller.name)
        return response

    @staticmethod
    def fail(refused: Refusal) -> web.Response:
        """The answer to what is no request at all."""
        response = failure(refused)
        response.headers.update(HEADERS)
        return response

    async def _answer(self, request: web.BaseRequest, where: _Where, caller: _Caller) -> web.StreamResponse:
        try:
            route, cluster_id = find_route(request.method, request.rel_url)
            where.method, where.path = route.method, route.path
            return await self._serve(route, cluster_id, request, caller)
        except Refusal as refused:
            return failure(refused)
        except PxmError as error:
            return failure(refusal(error))
        except web.HTTPRequestEntityTooLarge:
            return failure(faults.too_large(self._limits.body))
        except (web.HTTPException, web.PayloadAccessError, web.RequestPayloadError):
            return failure(faults.malformed("The request is not complete."))
        except Exception as error:  # noqa: BLE001  (a defect must not end the server)
            _log_defect(error)
            return failure(faults.defect())

    async def _serve(
        self, route: Route, cluster_id: str, request: web.BaseRequest, caller: _Caller
    ) -> web.StreamResponse:
        token = await self._admit(route, request, caller)
        parameters = read_parameters(request.rel_url, route.parameters) if _has_query(route) else None
        body = await read_body(request, route.body, self._limits) if route.body else None
        call = Call(token, cluster_id, parameters, body)
        handler = self._handlers.named(route.name)
        seconds = self._limits.live_seconds if route.live else self._limits.read_seconds
        try:
            async with asyncio.timeout(seconds):
                with on_behalf_of(api_token=caller.name, address=self._address(request)):
                    return await (self._one_of_many(handler, call) if route.live else handler(call))
        except TimeoutError:
            raise faults.took_too_long(seconds) from None

    async def _one_of_many(self, handler: Callable[[Call], Awaitable[web.Response]], call: Call) -> web.Response:
        """Only so many talk to clusters at the same time."""
        if self._live_now >= self._limits.at_once:
            raise faults.too_many(5)
        self._live_now += 1
        try:
            return await handler(call)
        finally:
            self._live_now -= 1

    # Who asks

    async def _admit(self, route: Route, request: web.BaseRequest, caller: _Caller) -> ApiToken | None:
        """The caller's token, where it may do this and has not asked too often."""
        token = self._token(request, needed=bool(route.role))
        if token is None:
            await self._spend(self._strangers, self._address(request))
            if route.role:
                raise faults.no_token(any_made=bool(self._access.tokens()))
            return None
        caller.name = token.name
        if route.live:
            await self._spend(self._live, token.sha256)
        else:
            await self._spend(self._reads, token.sha256, PATIENCE)
        if route.role and not token.role.includes(Role(route.role)):
            raise faults.wrong_role(str(token.role), route.role)
        return token

    def _token(self, request: web.BaseRequest, *, needed: bool) -> ApiToken | None:
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not presented.strip():
            return None
        try:
            return self._access.identify(presented.strip())
        except StorageError:
            if needed:
                raise
            return None

    @staticmethod
    async def _spend(buckets: Buckets, who: str, patience: float = 0.0) -> None:
        """Let a call go on, after a moment where that is enough."""
        wait = buckets.take(who, patience)
        if wait > patience:
            raise faults.too_many(math.ceil(wait))
        if wait:
            await asyncio.sleep(wait)

    def _address(self, request: web.BaseRequest) -> str:
        if self._behind_proxy:
            forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            if forwarded:
                return forwarded[:100]
        return request.remote or "local"


def find_route(method: str, url: URL) -> tuple[Route, str]:
    """The route of a request, and the cluster's id in its path.

    Raises:
        Refusal: 404, or 405 with what the path takes.
    """
    parts = url.raw_path.split("/")
    there = [route for route in ROUTES if _fits(route, parts)]
    if not there:
        raise faults.unknown_path()
    wanted = "GET" if method == "HEAD" else method
    for route in there:
        if route.method == wanted:
            return route, next(
                (unquote(part) for part, own in zip(parts, _parts(route), strict=True) if own == "{id}"), ""
            )
    raise faults.wrong_method(", ".join(sorted({route.method for route in there})))


def _fits(route: Route, parts: list[str]) -> bool:
    own = _parts(route)
    return len(own) == len(parts) and all(a == b or (a == "{id}" and b) for a, b in zip(own, parts, strict=True))


def _parts(route: Route) -> list[str]:
    return route.path.split("/")


def _has_query(route: Route) -> bool:
    """Open pages take whatever a browser sends; of all other calls an unknown parameter is an error."""
    return bool(route.role) or route.parameters is not models.NoParameters


def _log_defect(error: Exception) -> None:
    """Where it happened, without its words: they may quote the request."""
    lines = "".join(traceback.format_tb(error.__traceback__))
    _logger.error("unexpected %s\n%s", type(error).__name__, lines)
