"""One request and its answer, bounded in time, size and shape; the one place for transport errors."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

import httpx

from pxm_tui import __version__
from pxm_tui.domain import connection_messages
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import PxmError, UnreachableError
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.timeouts import Timeouts
from pxm_tui.proxmox.transport import SECONDS, SessionTransport

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes of an unpacked answer. Ten thousand guests take 3.6 MB in `/cluster/resources`."""

Fields = Mapping[str, str | Secret]
"""Headers, or the fields of a form."""

_HEADERS = {"User-Agent": f"pxm-tui/{__version__}", "Accept": "application/json", "Accept-Encoding": "gzip"}


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What a server answered. It may hold a ticket, so it does not show itself.

    Attributes:
        status: of HTTP.
        reason: its words, in which Proxmox VE puts its message.
        headers: by lower-case name.
        body: unpacked.
        seconds: from the request to the head of the answer.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class Api:
    """Requests to one endpoint, with the login that is in use.

    Args:
        endpoint: for the URL and the words of errors.
        transport: has the connections.
        timeouts: the limits of an answer.
        body_limit: bytes of an unpacked answer.
    """

    def __init__(
        self, endpoint: Endpoint, transport: SessionTransport, timeouts: Timeouts, body_limit: int = BODY_LIMIT
    ) -> None:
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._body_limit = body_limit
        self._login: Fields = {}
        self._csrf: Fields = {}
        # No httpx.AsyncClient: it would add redirects, cookies and half of the time that a request takes.
        self._transport = transport
        self._extensions = {"timeout": httpx.Timeout(timeouts.first_byte).as_dict()}

    def use_ticket(self, ticket: Secret, csrf: Secret) -> None:
        """Send this ticket from now on, and the CSRF token with writes."""
        self._login = ticket_header(ticket)
        self._csrf = csrf_header(csrf)

    def use_token(self, token_id: str, secret: Secret) -> None:
        """Send this API token from now on, and no cookie: Proxmox VE would prefer it."""
        self._login = token_header(token_id, secret)
        self._csrf = {}

    async def get(self, path: str, *, login: bool = True, headers: Fields | None = None) -> Answer:
        """Read `path`, which is relative to `/api2/json/`.

        Args:
            path: with its query.
            login: send the login; not where everybody may read.
            headers: to send in place of the login.
        """
        return await self._call("GET", path, None, headers or (self._login if login else {}))

    async def post(self, path: str, form: Fields, headers: Fields | None = None) -> Answer:
        """Send a form, with these headers in place of the login. Never repeated."""
        return await self._call("POST", path, form, self._writing if headers is None else headers)

    async def put(self, path: str, form: Fields) -> Answer:
        """Send a form that changes what is there. Never repeated."""
        return await self._call("PUT", path, form, self._writing)

    async def delete(self, path: str) -> Answer:
        """Remove what is at `path`. Never repeated."""
        return await self._call("DELETE", path, None, self._writing)

    @property
    def _writing(self) -> Fields:
        return {**self._login, **self._csrf}

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def _call(self, method: str, path: str, form: Fields | None, headers: Fields) -> Answer:
        progress = _Progress()
        try:
            return await self._exchange(self._request(method, path, form, headers), progress)
        except UnreachableError as error:
            error.may_have_arrived = progress.sent and method != "GET"
            raise

    async def _exchange(self, request: httpx.Request, progress: _Progress) -> Answer:
        try:
            async with self._transport.turn, asyncio.timeout(self._timeouts.answer):
                response = await self._transport.handle_async_request(request)
                progress.sent = True
                stream = response.stream
                assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101
                try:
                    return await self._read(response, stream, progress)
                finally:
                    await stream.aclose()
        except PxmError:
            raise  # where the connection could not be opened, nothing was sent
        except TimeoutError:
            progress.sent = True
            raise connection_messages.silent(self._endpoint, self._timeouts.answer) from None
        except httpx.TimeoutException:
            progress.sent = True
            raise connection_messages.silent(self._endpoint, self._timeouts.first_byte) from None
        except (httpx.HTTPError, OSError) as error:
            progress.sent = True
            raise connection_messages.bad_answer(self._endpoint, progress.describe(error)) from None

    def _request(self, method: str, path: str, form: Fields | None, headers: Fields) -> httpx.Request:
        return httpx.Request(
            method,
            _url(f"{self._endpoint.url}/api2/json/{path}"),
            data=_revealed(form) if form is not None else None,
            headers={**_HEADERS, **_revealed(headers)},
            extensions=self._extensions,
        )

    async def _read(self, response: httpx.Response, stream: httpx.AsyncByteStream, progress: _Progress) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        progress.expected = headers.get("content-length", "")
        packed = headers.get("content-encoding", "identity").strip().lower()
        if packed not in {"identity", "gzip"}:
            raise connection_messages.bad_answer(self._endpoint, "is packed in a way that was not asked for")
        unpacker = zlib.decompressobj(wbits=31) if packed == "gzip" else None
        body = bytearray()
        async for chunk in stream:
            progress.received += len(chunk)
            body += self._unpack(unpacker, chunk, self._body_limit + 1 - len(body)) if unpacker else chunk
            if max(len(body), progress.received) > self._body_limit:
                raise connection_messages.bad_answer(self._endpoint, f"is larger than {_size(self._body_limit)}")
        if unpacker and progress.received and not unpacker.eof:
            raise connection_messages.bad_answer(self._endpoint, "ended in the middle")
        reason = response.extensions.get("reason_phrase", b"")
        return Answer(
            response.status_code,
            reason.decode("utf-8", "replace").strip(),
            headers,
            bytes(body),
            response.extensions[SECONDS],
        )

    def _unpack(self, unpacker: zlib._Decompress, chunk: bytes, room: int) -> bytes:
        try:
            return unpacker.decompress(chunk, room)
        except zlib.error:
            raise connection_messages.bad_answer(self._endpoint, "cannot be unpacked") from None


@dataclass(slots=True)
class _Progress:
    """How far a request and its answer came."""

    sent: bool = False
    received: int = 0
    expected: str | None = None

    def describe(self, error: Exception) -> str:
        """Continues the sentence "The answer of …"."""
        if self.expected is None:
            broke_off = isinstance(error, (httpx.NetworkError, OSError)) or "disconnected" in str(error)
            return "ended before it began" if broke_off else "is not HTTP"
        of = f" ({self.received} of {self.expected} bytes)" if self.expected.isdecimal() else ""
        return f"ended in the middle{of}"


@lru_cache(2048)
def _url(text: str) -> httpx.URL:
    """Taken apart once: the same few are asked again and again."""
    return httpx.URL(text)


def _revealed(fields: Fields | None) -> dict[str, str]:
    """As they are sent; only inside the expression that sends them, so that no traceback shows them."""
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in (fields or {}).items()}


def ticket_header(ticket: Secret) -> Fields:
    """The cookie that carries a ticket."""
    return {"Cookie": Secret(f"PVEAuthCookie={quote(ticket.reveal(), safe='')}")}


def token_header(token_id: str, secret: Secret) -> Fields:
    """What carries an API token."""
    return {"Authorization": Secret(f"PVEAPIToken={token_id}={secret.reveal()}")}


def csrf_header(csrf: Secret) -> Fields:
    """What a write with a ticket needs."""
    return {"CSRFPreventionToken": csrf}


def _size(octets: int) -> str:
    kibibytes = octets // 1024
    return f"{kibibytes} KiB" if kibibytes % 1024 else f"{kibibytes // 1024} MiB"
