"""A client that hides nothing: it writes requests as they are told and gives back what came, byte for byte."""

import json
import socket
import ssl
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

from pxm_tui.simulator.fleet import SimulatedCluster

PATIENCE = 10.0


@dataclass(frozen=True)
class Reply:
    """A response as it came."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.headers]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]


def unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # bare: to read the system's authorities takes longest of all
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Wire:
    """One connection."""

    endpoint: str
    context: ssl.SSLContext | None = field(default_factory=unverified)

    def __post_init__(self) -> None:
        parts = urlsplit(self.endpoint)
        self.host, self.port = parts.hostname or "", parts.port or 0
        plain = socket.create_connection((self.host, self.port), timeout=PATIENCE)
        self.socket = plain
        if self.context is not None:
            try:
                self.socket = self.context.wrap_socket(plain, server_hostname=self.host)
            except BaseException:
                plain.close()
                raise
        self.stream = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stream.close()
        self.socket.close()

    def send(self, request: bytes) -> None:
        self.socket.sendall(request)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> Reply:
        lines = {"Host": f"{self.host}:{self.port}", **(headers or {})}
        if body is not None:
            lines.setdefault("Content-Length", str(len(body)))
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.send(head.encode() + b"\r\n" + (body or b""))
        return self.read(method)

    def read(self, method: str = "GET") -> Reply:
        line = self.stream.readline().decode().rstrip("\r\n")
        if not line:
            raise EOFError
        _, status, reason = line.split(" ", 2)
        headers = []
        while header := self.stream.readline().decode().rstrip("\r\n"):
            name, _, value = header.partition(": ")
            headers.append((name, value))
        length = next((int(value) for name, value in headers if name == "Content-Length"), None)
        body = b"" if method == "HEAD" else self.stream.read() if length is None else self.stream.read(length)
        return Reply(int(status), reason, headers, body)

    def is_closed(self) -> bool:
        """Wait for the server to close; False where it says something instead."""
        return self.stream.read(1) == b""


def ask(
    endpoint: str,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> Reply:
    """Ask once, on a connection of its own."""
    with Wire(endpoint) as wire:
        return wire.ask(method, path, headers, body)


def form(**fields: str) -> bytes:
    return "&".join(f"{name.replace('_', '-')}={quote(value, safe='')}" for name, value in fields.items()).encode()


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def login(cluster: SimulatedCluster, **fields: str) -> Reply:
    """Post a login; without fields that of root@pam."""
    chosen = fields or {"username": cluster.username, "password": cluster.password}
    return ask(cluster.endpoint, "POST", "/api2/json/access/ticket", FORM, form(**chosen))


def token_header(cluster: SimulatedCluster) -> dict[str, str]:
    return {"Authorization": f"PVEAPIToken={cluster.token_id}={cluster.token_secret}"}


def session_headers(data: dict[str, Any]) -> dict[str, str]:
    """The headers of a session that a login has opened."""
    ticket = quote(data["ticket"], safe="")
    return {"Cookie": f"PVEAuthCookie={ticket}", "CSRFPreventionToken": data["CSRFPreventionToken"]}
