"""One node's port: accepts connections, lets the simulated network's time pass, starts TLS.

The kernel completes a TCP handshake by itself, so a client sees `connect` succeed at once. The two round trips
of a connection's set-up, TCP and TLS, are therefore both waited for here, between the accept and the first
byte of the server's handshake: a client that measures until TLS stands sees two round-trip times. Every
connection waits in a task of its own.
"""

import asyncio
import socket
import ssl
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadStatusLine, HttpProcessingError, InvalidURLError, LineTooLong

from pxm_tui.simulator.addresses import BACKLOG
from pxm_tui.simulator.answers import NoResponse
from pxm_tui.simulator.certificates import Certificate
from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.connection import Connection, Pace
from pxm_tui.simulator.errors import ProtocolError
from pxm_tui.simulator.inventory import Node

IDLE = 5.0
"""Seconds that a connection may idle, its first ones included."""
HANDSHAKE = 0x16
"""First byte of a TLS handshake."""
FILLERS = 3
"""Connections that fill a queue which holds one."""
PARSER_LIMIT = 65536
"""Larger than Proxmox's own limit, which is checked by the connection."""
MORE_HEADERS = {"max_headers": 1024} if "max_headers" in web.RequestHandler.__slots__ else {}
"""The same for the number of lines, which older versions of the library do not limit."""


class Protocol(web.RequestHandler):
    """The library's protocol, save that it answers what is no HTTP as Proxmox does."""

    def __init__(self, server: "ConnectionServer", connection: Connection, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._connection = connection

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what the library cannot read; lines without an end get no answer."""
        if isinstance(exc, LineTooLong):
            if request.transport is not None:
                request.transport.abort()
            return NoResponse()
        if isinstance(exc, BadStatusLine | InvalidURLError):
            return self._connection.refuse(request, ProtocolError(400, "bad request"))
        if isinstance(exc, HttpProcessingError):
            return self._connection.refuse(request, ProtocolError(506, "unable to parse request header"))
        return super().handle_error(request, status, exc, message)


class ConnectionServer(web.Server):
    """The library's server for one connection, which says when that is over."""

    def __init__(self, listener: "Listener", connection: Connection, *, plain: bool) -> None:
        super().__init__(connection.redirect if plain else connection.handle)
        self._listener = listener
        self._connection = connection

    def __call__(self) -> web.RequestHandler:
        """Make the protocol of the connection."""
        return Protocol(
            self,
            self._connection,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=IDLE,
            access_log=None,
            lingering_time=1.0,
            auto_decompress=False,
            max_line_size=PARSER_LIMIT,
            max_field_size=PARSER_LIMIT,
            **MORE_HEADERS,
        )

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Forget the connection."""
        super().connection_lost(handler, exc)
        self._listener.forget(self)


class Listener:
    """Serves one node of a cluster on one socket.

    Attributes:
        silent: accept new connections and never say a word on them.
    """

    def __init__(self, cluster: Cluster, node: Node, pace: Pace) -> None:
        self._cluster = cluster
        self._node = node
        self._pace = pace
        self._socket: socket.socket | None = None
        self._context: ssl.SSLContext | None = None
        self._served: Certificate | None = None
        self.silent = False
        self._fillers: list[socket.socket] = []
        self._unowned: set[socket.socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: set[ConnectionServer] = set()

    @property
    def listening(self) -> bool:
        """Tell whether connections are accepted."""
        return self._socket is not None

    def open(self, bound: socket.socket) -> None:
        """Accept connections on a socket that listens already."""
        bound.setblocking(False)
        self._socket = bound
        asyncio.get_running_loop().add_reader(bound, self._accept)

    def close(self) -> None:
        """Refuse connections from now on and cut those that stand."""
        if self._socket is None:
            return
        self._empty_queue()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        self.cut()

    def drop_packets(self) -> None:
        """Be like a host behind a firewall: who connects from now on gets no answer; what stands is cut.

        The kernel drops what comes to a socket whose queue is full, so that is what it is made to be.
        """
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.listen(0)
        for _ in range(FILLERS):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex(self._socket.getsockname())
            self._fillers.append(filler)
        self.cut()

    def take_packets(self) -> None:
        """End `drop_packets`."""
        if self._socket is None or not self._fillers:
            return
        self._empty_queue()
        self._socket.listen(BACKLOG)
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def _empty_queue(self) -> None:
        while self._fillers:
            self._fillers.pop().close()

    def cut(self) -> None:
        """Cut every connection that stands."""
        for task in self._tasks:
            task.cancel()
        for server in self._servers:
            for handler in server.connections:
                if handler.transport is not None:
                    handler.transport.abort()

    async def wait_closed(self) -> None:
        """Wait until nothing of this listener runs any more."""
        while self._tasks or self._servers:
            tasks = list(self._tasks)
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(server.shutdown(1.0) for server in list(self._servers)))
            self._servers = {server for server in self._servers if server.connections}
            await asyncio.sleep(0)

    def forget(self, server: ConnectionServer) -> None:
        """Drop a connection that is over."""
        self._servers.discard(server)

    def _accept(self) -> None:
        self._cluster.power.catch_up()
        while self._socket is not None:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._cluster.connection_count += 1
            self._unowned.add(client)
            task = asyncio.get_running_loop().create_task(self._serve(client))
            self._tasks.add(task)
            task.add_done_callback(partial(self._end, client))

    def _end(self, client: socket.socket, task: asyncio.Task[None]) -> None:
        """Close a socket that no transport took, also where its task was cancelled before it began."""
        self._tasks.discard(task)
        if client in self._unowned:
            self._unowned.discard(client)
            client.close()

    async def _serve(self, client: socket.socket) -> None:
        try:
            if self._pace.latency > 0:
                await self._pace.sleep(2 * self._pace.latency)
            if self.silent:
                await asyncio.get_running_loop().create_future()  # until the connection is cut
            plain = await _first_byte(client) != HANDSHAKE
            if plain and not self._cluster.release.redirects_plain_http:
                return
            connection = Connection(self._cluster, self._node, self._pace)
            server = ConnectionServer(self, connection, plain=plain)
            self._unowned.discard(client)
            self._servers.add(server)
            try:
                await asyncio.get_running_loop().connect_accepted_socket(
                    server,
                    client,
                    ssl=None if plain else self._current_context(),
                    ssl_handshake_timeout=None if plain else IDLE,
                )
            except BaseException:
                self._servers.discard(server)
                raise
        except OSError:
            return

    def _current_context(self) -> ssl.SSLContext:
        """Give the TLS context with the node's present leaf, made when first needed."""
        leaf = self._cluster.leaf(self._node.name)
        if self._context is None or self._served is not leaf:
            self._context, self._served = make_context(leaf), leaf
        return self._context


async def _first_byte(client: socket.socket) -> int | None:
    """Look at the first byte without taking it; None where the client hung up or kept silent."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(client, readable.set)
    try:
        async with asyncio.timeout(IDLE):
            await readable.wait()
    finally:
        loop.remove_reader(client)
    first = client.recv(1, socket.MSG_PEEK)
    if not first:
        raise ConnectionResetError
    return first[0]


def make_context(leaf: Certificate) -> ssl.SSLContext:
    """Make a server's TLS context: TLS 1.2 and 1.3, the leaf alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    with tempfile.TemporaryDirectory(prefix="pxm-simulator-") as folder:
        path = Path(folder, "node.pem")
        path.touch(mode=0o600)
        path.write_text(leaf.key_pem + leaf.pem)
        context.load_cert_chain(path)
    return context
