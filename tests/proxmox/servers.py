"""Small servers for what no Proxmox VE would do: each connection is handed to a function of the test."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.proxmox.gateway import HttpProxmoxGateway
from pxm_tui.proxmox.session import HttpProxmoxSession
from pxm_tui.proxmox.timeouts import Timeouts
from pxm_tui.simulator.certificates import Certificate, CertificateAuthority

QUICK = Timeouts(connect=2, tls=2, first_byte=2, answer=2)
REALMS = b'{"data":[{"realm":"pam","type":"pam"},{"realm":"pve","type":"pve"}]}'


def authority(seed: str = "test", *, key_usage: bool = True) -> CertificateAuthority:
    """A cluster's authority."""
    return CertificateAuthority(seed, now=time.time(), key_usage=key_usage)


class CompanyAuthority(CertificateAuthority):
    """One that no Proxmox VE has made."""

    def _make_own(self, key_usage: bool) -> Certificate:
        key = self.make_key("company", bits=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "A company")])
        start = datetime.now(UTC).replace(hour=0, minute=0)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = x509.CertificateBuilder(name, name, key.public_key(), 7, start, start + timedelta(days=900))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(identifier, critical=False)
        return Certificate(key, builder.sign(key, hashes.SHA256()))


def company_authority(seed: str = "a company") -> CertificateAuthority:
    """A company's authority."""
    return CompanyAuthority(seed, now=time.time())


AUTHORITY = authority()


def leaf(signer: CertificateAuthority = AUTHORITY, *, name: str = "pve1", days: int = 730) -> Certificate:
    """A leaf for 127.0.0.1; with negative `days` an expired one."""
    return signer.issue(name, domain="lab.test", address="127.0.0.1", now=time.time(), days=days)


def self_signed() -> Certificate:
    """A leaf that nobody but itself has signed."""
    key = AUTHORITY.make_key("self-signed", bits=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pve1.lab.test")])
    start = datetime.now(UTC).replace(hour=0, minute=0)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, start, start + timedelta(days=30))
    return Certificate(key, builder.sign(key, hashes.SHA256()))


LEAF = leaf()
CA_FILE = Trust(TrustMode.CA_FILE, anchor_pem=AUTHORITY.own.pem)


def pin(certificate: Certificate) -> Trust:
    """Trust in this leaf alone."""
    return Trust(TrustMode.PINNED_LEAF, certificate.fingerprint, certificate.pem)


def server_context(certificate: Certificate) -> ssl.SSLContext:
    """What a server needs to show `certificate`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "server.pem")
        file.write_text(certificate.pem + certificate.key_pem)
        context.load_cert_chain(file)
    return context


class Line:
    """One connection, seen from the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, received: list[bytes]) -> None:
        self.reader = reader
        self.writer = writer
        self._received = received

    async def request(self) -> bytes:
        """The head and body of the next request; empty when the client has closed."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            self._received.append(error.partial)
            return b""
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        whole = head + await self.reader.readexactly(length)
        self._received.append(whole)
        return whole

    async def send(self, data: bytes) -> None:
        """Write all of it."""
        self.writer.write(data)
        await self.writer.drain()


Talk = Callable[[Line], Awaitable[None]]


class HostileServer:
    """Listens on loopback; a context manager.

    Args:
        talk: what is done with each connection, which is closed at its end.
        certificate: what is shown; None: no TLS.
        host: the address to listen on.
        port: the port; 0: any.

    Attributes:
        received: requests, or whatever else was read.
        connections: how many were accepted (and shook hands, with TLS).
    """

    def __init__(
        self, talk: Talk, certificate: Certificate | None = LEAF, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._talk = talk
        self._context = server_context(certificate) if certificate else None
        self._host = host
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self.received: list[bytes] = []
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, self._port, ssl=self._context)
        self.endpoint = Endpoint(self._host, self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def heard(self) -> bytes:
        """Everything that was read."""
        return b"".join(self.received)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="hostile server")
        self._tasks.add(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._talk(Line(reader, writer, self.received))
                writer.close()
                async with asyncio.timeout(0.05):  # a client need not answer the good-bye of TLS
                    await writer.wait_closed()
        finally:
            writer.transport.abort()


def answering(*answers: bytes) -> Talk:
    """Answer each request of a connection with the next of these, then close."""

    async def talk(line: Line) -> None:
        for answer in answers:
            if not await line.request():
                return
            await line.send(answer)

    return talk


async def record_everything(line: Line) -> None:
    """Say nothing, keep what is said."""
    line._received.append(await line.reader.read())


def http(body: bytes, status: str = "200 OK", *headers: str, kind: str = "application/json;charset=UTF-8") -> bytes:
    """An answer as Proxmox VE words it."""
    lines = [f"HTTP/1.1 {status}", "Server: pve-api-daemon/3.0", f"Content-Type: {kind}"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def gateway(timeouts: Timeouts = QUICK, **others: object) -> HttpProxmoxGateway:
    """A gateway that does not wait long."""
    return HttpProxmoxGateway(timeouts, **others)  # type: ignore[arg-type]


@asynccontextmanager
async def meeting(
    talk: Talk, certificate: Certificate | None = LEAF, host: str = "127.0.0.1", early: Trust | None = None
) -> AsyncIterator[tuple[HostileServer, HttpProxmoxSession]]:
    """A server, and a session with it that has not begun."""
    async with (
        HostileServer(talk, certificate, host) as server,
        aclosing(gateway().open(server.endpoint, early)) as session,
    ):
        yield server, session


async def secured(session: HttpProxmoxSession, trust: Trust = CA_FILE) -> HttpProxmoxSession:
    """The session after its handshake."""
    await session.resolve()
    await session.connect()
    await session.secure(trust)
    return session


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """Fail if the client leaves a task running."""
    before = asyncio.all_tasks()
    yield
    left = [task for task in asyncio.all_tasks() - before if not _of_a_server(task)]
    assert left == [], repr(left)


def _of_a_server(task: asyncio.Task[Any]) -> bool:
    return task.get_name() == "hostile server" or "_accept_connection" in repr(task.get_coro())
