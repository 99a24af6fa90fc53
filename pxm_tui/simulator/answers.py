"""What goes back over the wire, and the headers that Proxmox sends with it."""

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Protocol, runtime_checkable

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from pxm_tui.simulator.errors import ApiError, ProtocolError
from pxm_tui.simulator.releases import Release

JSON = "application/json;charset=UTF-8"
COMPRESS_FROM = 1024
"""Bodies of more bytes than this are compressed where the client accepts it."""

REASONS = {200: "OK", 301: "Moved Permanently", 308: "Permanent Redirect"}


COMPRESSION_LEVEL = 1
"""Less than Proxmox's own, because a simulated fleet answers for a thousand clusters with one processor."""


@runtime_checkable
class Session(Protocol):
    """One end of a websocket, which a `Channel` brings what comes."""

    def connect(self, channel: "Channel") -> None:
        """Begin; what is to be sent goes into `channel`."""
        ...

    def receive(self, data: bytes) -> None:
        """Take the content of one frame."""
        ...

    def close(self) -> None:
        """Take note that the connection is gone."""
        ...


class Channel(Protocol):
    """Where one end of a websocket sends what it has to say."""

    def send(self, data: bytes) -> None:
        """Send one binary frame."""
        ...

    def end(self) -> None:
        """Close the connection, without a word."""
        ...


@dataclass(slots=True)
class Answer:
    """A response before it is written.

    Attributes:
        body: None sends neither a body nor a Content-Length.
        handed_on: the `Connection` header of the daemon or peer that made the answer, which pveproxy leaves
            in place beside its own.
        delayed: whether it is held back as every refused login is.
        wait: seconds until it is there, because another node had to be waited for.
        location: where a redirect leads.
        disposition: what a browser should do with the body.
        session: what goes on over the connection after a switch to the websocket protocol.
    """

    status: int
    reason: str
    body: bytes | None = None
    content_type: str | None = None
    handed_on: str | None = None
    delayed: bool = False
    wait: float = 0.0
    location: str | None = None
    disposition: str | None = None
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """What a handler returns instead of data: a text file."""

    filename: str
    text: str


@dataclass(frozen=True, slots=True)
class EncodedList:
    """What a handler returns instead of a list: its entries, each written as JSON already."""

    entries: Sequence[str]


class WireResponse(web.StreamResponse):
    """A response that sends the headers it was given and no others.

    The library would add a Content-Length or chunks where a response has no length, and a Content-Type where
    it has a body; Proxmox sends neither with some answers. The length of a websocket's answer is not checked
    either, which is what `_length_check` is for.
    """

    _length_check = False

    def __init__(self, answer: "Answer", headers: CIMultiDict[str], body: bytes) -> None:
        super().__init__(status=answer.status, reason=answer.reason, headers=headers)
        self.whole_body = body

    @property  # type: ignore[misc]  # nobody sets it
    def content_length(self) -> int | None:
        """Zero, so that no Content-Type is made up."""
        return 0

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the body, which is known beforehand."""
        await super().write_eof(data or self.whole_body)


class NoResponse(web.StreamResponse):
    """Tells the library that nothing more is to be sent on a connection, which is over."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:  # noqa: ARG002  (the library's)
        """Send nothing.

        Raises:
            ConnectionResetError: always.
        """
        raise ConnectionResetError("the connection is over")


def success(data: object, extjs: bool, total: int | None = None) -> Answer:
    """Make the answer of a handler that returned `data`, with the `total` of a list that comes in pages."""
    if isinstance(data, Session):
        return Answer(101, "Switching Protocols", session=data)
    if isinstance(data, Download):
        disposition = f'attachment; filename="{data.filename}"'
        return Answer(200, "OK", data.text.encode("utf-8"), "text/plain", disposition=disposition)
    if isinstance(data, EncodedList):
        tail = '],"success":1}' if extjs else "]}"
        entries = list(data.entries) or [""]
        entries[0] = '{"data":[' + entries[0]
        entries[-1] += tail  # into the ends, because a copy of a long text costs as much as a thousand guests
        return Answer(200, "OK", ",".join(entries).encode("utf-8"), JSON)
    document: dict[str, object] = {"data": data}
    if total:
        document["total"] = total
    if extjs:
        document["success"] = 1
    return Answer(200, "OK", _encode(document), JSON)


def failure(error: ApiError, release: Release, extjs: bool) -> Answer:
    """Make the answer of a failed API call: its text is in the reason phrase, since 8.4 in the body too."""
    document: dict[str, object] = {"data": None}
    if error.errors:
        document["errors"] = error.errors
    if extjs:
        status = error.status if error.status == 501 else str(error.status)
        document.update(message=error.message, status=status, success=0)
        return Answer(200, "OK", _encode(document), JSON, delayed=error.status == 401)
    if release.message_in_body:
        document["message"] = error.message
    reason = error.message.split("\n", 1)[0]
    return Answer(error.status, reason, _encode(document), JSON, delayed=error.status == 401)


def refusal(error: ProtocolError) -> Answer:
    """Make the answer of a failure below the API."""
    body = None if error.text is None else error.text.encode("utf-8")
    return Answer(error.status, error.message, body, delayed=error.status == 401, wait=error.wait)


def plain_bytes(error: ProtocolError, release: Release, now: float) -> bytes:
    """Write the answer to what is no request of HTTP/1: whole, because the library answers it in its own words.

    Args:
        error: what is wrong.
        release: decides whether the body repeats it.
        now: the time for the `Date` header, in seconds since 1970.
    """
    body = error.message.encode("utf-8") if release.message_in_body else b""
    response = to_response(Answer(error.status, error.message, body or None), now=now, keep=False, encoding=None)
    head = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
    return f"HTTP/1.0 {error.status} {error.message}\r\n{head}\r\n".encode() + body


def _encode(document: dict[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _compressed(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.compress(body, COMPRESSION_LEVEL, mtime=0)
    return zlib.compress(body, COMPRESSION_LEVEL)


def to_response(answer: Answer, *, now: float, keep: bool, encoding: str | None) -> WireResponse:
    """Turn an answer into a response of the server's library.

    Args:
        answer: what to send.
        now: the time for the `Date` header, in seconds since 1970.
        keep: whether the connection may stay open after it.
        encoding: how a long body is compressed, `gzip` or `deflate`; None where it is not.
    """
    body = answer.body
    headers = CIMultiDict[str]()
    date = formatdate(now, usegmt=True)
    headers.add("Cache-Control", "max-age=0")
    if answer.handed_on is not None:
        headers.add("Connection", answer.handed_on)
    headers.add("Connection", "Keep-Alive" if keep else "close")
    headers.add("Date", date)
    headers.add("Pragma", "no-cache")
    if answer.location is not None:
        headers.add("Location", answer.location)
    headers.add("Server", "pve-api-daemon/3.0")
    if body is not None:
        if encoding is not None and len(body) > COMPRESS_FROM:
            body = _compressed(body, encoding)
            headers.add("Content-Encoding", encoding)
        headers.add("Content-Length", str(len(body)))
        if answer.content_type is not None:
            headers.add("Content-Type", answer.content_type)
    headers.add("Expires", date)
    if answer.disposition is not None:
        headers.add("Content-Disposition", answer.disposition)
    response = WireResponse(answer, headers, body or b"")
    if not keep or (answer.handed_on or "").startswith("close"):
        response.force_close()
    return response
