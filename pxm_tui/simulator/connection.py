"""One client's connection: the habits of pve-http-server (AnyEvent.pm) from the first header to the last byte."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from pxm_tui.simulator.answers import Answer, NoResponse, WireResponse, plain_bytes, refusal, to_response
from pxm_tui.simulator.authentication import Identity, authenticate, presented
from pxm_tui.simulator.clock import Sleep
from pxm_tui.simulator.cluster import Cluster, ReceivedRequest
from pxm_tui.simulator.dispatch import BASE, Question, dispatch, split_path
from pxm_tui.simulator.errors import BusyError, DroppedError, ProtocolError
from pxm_tui.simulator.inventory import Node
from pxm_tui.simulator.parameters import FORM, JSON, read_parameters
from pxm_tui.simulator.websocket import serve_websocket, wants_websocket
from pxm_tui.simulator.wire_faults import SLOW, break_off, instead_of_answer

REQUESTS_PER_CONNECTION = 100
HEADER_LINES = 64
HEADER_BYTES = 8192
LINE_BYTES = 65536
METHODS = ("GET", "POST", "PUT", "DELETE")
LOGIN_PATHS = ("/access/ticket", "/access/tfa")
LOCK_TRIES, LOCK_PAUSE = 20, 0.5
"""How often and after how many seconds a request asks again for the lock on a guest's configuration."""

WEB_INTERFACE = b"""<!DOCTYPE html>
<html>
  <head>
    <meta http-equiv="Content-Type" content="text/html; charset=utf-8">
    <title>%s - Proxmox Virtual Environment</title>
  </head>
  <body></body>
</html>
"""


@dataclass(slots=True)
class Pace:
    """How long things take.

    Attributes:
        latency: simulated round-trip time in seconds.
        auth_delay: seconds that a 401 is held back.
        sleep: how delays pass.
    """

    latency: float
    auth_delay: float
    sleep: Sleep


class Connection:
    """Answers the requests of one connection, one after the other."""

    def __init__(self, cluster: Cluster, node: Node, pace: Pace) -> None:
        self._cluster = cluster
        self._node = node
        self._pace = pace
        self._requests = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request over TLS."""
        self._requests += 1
        self._note(request)
        if request.version.major != 1:
            version = f"{request.version.major}.{request.version.minor}"
            return self.refuse(request, ProtocolError(506, f"http protocol version {version} not supported"))
        spoiled = self._cluster.spoiled.get(self._node.name, {})
        try:
            _check_headers(request)
            answer = instead_of_answer(spoiled) or await self._answer(request)
        except DroppedError:
            if request.transport is not None:
                request.transport.abort()
            return NoResponse()
        except ProtocolError as error:
            answer = refusal(error)
        if answer.delayed and self._pace.auth_delay > 0:
            await self._pace.sleep(self._pace.auth_delay)
        delay = self._pace.latency + answer.wait + spoiled.get(SLOW, 0) / 1000
        if delay > 0:
            await self._pace.sleep(delay)
        if answer.session is not None:
            await serve_websocket(request, answer.session)
            return NoResponse()
        response = self._respond(request, answer)
        return NoResponse() if await break_off(spoiled, request, response) else response

    def refuse(self, request: web.BaseRequest, error: ProtocolError) -> web.StreamResponse:
        """Answer what is no request of HTTP/1, and close."""
        if request.transport is not None:
            request.transport.write(plain_bytes(error, self._cluster.release, self._cluster.clock()))
            request.transport.close()
        return NoResponse()

    async def redirect(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request that came without TLS: with the address that has it (since 7.4)."""
        self._note(request)
        status, reason = (301, "Moved Permanently")
        if request.method not in {"GET", "HEAD"}:
            status, reason = (308, "Permanent Redirect")
        body = None if request.method == "HEAD" else reason.encode("ascii")
        answer = Answer(status, reason, body, location=f"https://{request.headers.get('Host')}{request.path_qs}")
        response = to_response(answer, now=self._cluster.clock(), keep=True, encoding=None)
        response.force_close()
        return response

    def _respond(self, request: web.BaseRequest, answer: Answer) -> WireResponse:
        keep = answer.status < 400 and self._requests < REQUESTS_PER_CONNECTION and bool(request.keep_alive)
        encoding = self._encoding(request.headers.get("Accept-Encoding", ""))
        return to_response(answer, now=self._cluster.clock(), keep=keep, encoding=encoding)

    def _encoding(self, accepted: str) -> str | None:
        """Choose how a long body is compressed, of what the client accepts."""
        known = ("gzip", "deflate") if self._cluster.release.deflates else ("gzip",)
        return next((encoding for encoding in known if encoding in accepted), None)

    def _note(self, request: web.BaseRequest) -> None:
        """Write down what came, for those who want to know what was sent."""
        credential = presented(request.headers)
        login = request.rel_url.raw_path.endswith(LOGIN_PATHS) and request.method == "POST"
        self._cluster.request_count += 1
        self._cluster.requests.append(
            ReceivedRequest(
                node=self._node.name,
                method=request.method,
                path=request.rel_url.raw_path,
                headers=tuple(name.lower() for name in request.headers),
                credential=login or credential.ticket is not None or credential.token is not None,
            )
        )

    async def _answer(self, request: web.BaseRequest) -> Answer:
        if request.method not in METHODS:
            raise ProtocolError(501, f"method '{request.method}' not available")
        if request.headers.get("Transfer-Encoding", "").lower() == "chunked":
            raise self._protocol_error(501, "chunked transfer encoding not supported")
        path = request.rel_url.raw_path
        if path != BASE and not path.startswith(BASE + "/"):
            return self._outside(request, path)
        try:
            api_path, format_name = split_path(path)
        except ProtocolError as error:
            raise self._protocol_error(error.status, error.message) from None
        identity = authenticate(self._cluster, request.method, api_path, request.headers)
        return await self._api(request, api_path, format_name, identity)

    async def _api(self, request: web.BaseRequest, api_path: str, format_name: str, identity: Identity) -> Answer:
        body = await self._body(request)
        release = self._cluster.release
        content_type = request.headers.get("Content-Type", FORM)
        try:
            parameters = read_parameters(request.rel_url.raw_query_string, body, content_type, release)
            upgrades = request.method == "GET" and wants_websocket(request)
            question = Question(request.method, api_path, format_name, identity, parameters, upgrades)
            return await self._dispatch(question)
        except ProtocolError as error:
            text = error.text
            shown = text if release.message_in_body else None
            raise ProtocolError(error.status, error.message, shown, wait=error.wait) from None

    async def _dispatch(self, question: Question) -> Answer:
        """Answer a question; where something is locked, wait for it as long as Proxmox does."""
        for _ in range(LOCK_TRIES):
            try:
                return dispatch(self._cluster, self._node, question, patient=True)
            except BusyError:
                await self._pace.sleep(LOCK_PAUSE)
        return dispatch(self._cluster, self._node, question)

    async def _body(self, request: web.BaseRequest) -> bytes:
        """Read the body, if there may be one.

        Raises:
            ProtocolError: the method has no body, or it is too long or of another type than form and JSON.
        """
        length = _number(request.headers)
        if not length:
            return b""
        if request.method not in {"POST", "PUT"}:
            raise self._protocol_error(501, f"Unexpected content for method '{request.method}'")
        content_type = request.headers.get("Content-Type", FORM)
        if length > self._cluster.release.body_limit:
            raise self._protocol_error(501, "for data too large")
        if content_type.partition(";")[0].strip().lower() not in {FORM, JSON}:
            raise self._protocol_error(506, f"upload 'Content-Type '{content_type}' not implemented")
        return await request.read()

    def _outside(self, request: web.BaseRequest, path: str) -> Answer:
        """Answer what is not the API: the web interface's page, and nothing else."""
        if path == "/" and request.method == "GET":
            body = WEB_INTERFACE % self._node.name.encode("utf-8")
            return Answer(200, "OK", body, "text/html; charset=UTF-8")
        status = 500 if self._cluster.release.message_in_body else 501
        raise self._protocol_error(status, f"no such file '{path}'")

    def _protocol_error(self, status: int, message: str) -> ProtocolError:
        return ProtocolError(status, message, message if self._cluster.release.message_in_body else None)


def _check_headers(request: web.BaseRequest) -> None:
    """Cut the connection where the first line or the headers are more or longer than the server reads."""
    if len(request.path_qs) >= LINE_BYTES:
        raise DroppedError
    size = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
    if len(request.raw_headers) >= HEADER_LINES or size >= HEADER_BYTES:
        raise DroppedError


def _number(headers: Mapping[str, str]) -> int:
    try:
        return int(headers.get("Content-Length", "0"))
    except ValueError:
        return 0
