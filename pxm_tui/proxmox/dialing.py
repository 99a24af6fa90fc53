"""From an endpoint to a verified connection: look-up, TCP, TLS, each with its limit and its errors."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pxm_tui.domain import connection_messages
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import InternalError, PxmError
from pxm_tui.proxmox.streams import TlsStream
from pxm_tui.proxmox.timeouts import Timeouts
from pxm_tui.proxmox.tls import TlsFailure, classify, reading_context

NEXT_ADDRESS_AFTER = 0.25
"""Seconds until the next address of a name is tried beside one that has not answered (RFC 8305)."""

_NO_ROUTE = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL, errno.EACCES}
    | {errno.EPERM, errno.EAFNOSUPPORT, errno.EINVAL}
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a host name leads: what `socket` needs to go there."""

    family: socket.AddressFamily
    sockaddr: tuple[Any, ...]

    @property
    def host(self) -> str:
        """The IP address."""
        return str(self.sockaddr[0])


class VerificationError(Exception):
    """A handshake failed because of the certificate."""

    def __init__(self, failure: TlsFailure) -> None:
        super().__init__(failure.name)
        self.failure = failure


async def resolve(endpoint: Endpoint, timeouts: Timeouts) -> tuple[Address, ...]:
    """The addresses of the endpoint's host, in the system's order.

    Raises:
        UnreachableError: `unknown_host`, also when the look-up takes too long.
    """
    try:
        if (found := _literal(endpoint)) is None:
            async with asyncio.timeout(timeouts.connect):
                found = await _look_up(endpoint)
    except (OSError, UnicodeError):  # TimeoutError is one
        raise connection_messages.unknown_host(endpoint) from None
    addresses = tuple(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))
    if not addresses:
        raise connection_messages.unknown_host(endpoint)
    return addresses


def _literal(endpoint: Endpoint) -> list[Any] | None:
    """What `getaddrinfo` says of an address; None for a name."""
    try:
        ipaddress.ip_address(endpoint.host)
    except ValueError:
        return None
    return socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)


async def _look_up(endpoint: Endpoint) -> list[Any]:
    """`getaddrinfo` in a thread that the end of the program does not wait for."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Any]] = loop.create_future()

    def work() -> None:
        found: list[Any] | Exception
        try:
            found = list(socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(_settle, answer, found)

    threading.Thread(target=work, name="look-up", daemon=True).start()
    return await answer


def _settle(answer: asyncio.Future[list[Any]], found: list[Any] | Exception) -> None:
    if answer.done():
        return
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)


async def open_tcp(endpoint: Endpoint, addresses: Sequence[Address], timeouts: Timeouts) -> socket.socket:
    """Connect to the first address that answers; each but the last gets a head start.

    Raises:
        UnreachableError: `refused`, `timeout`, `no_route`.
    """
    if len(addresses) == 1:
        try:
            async with asyncio.timeout(timeouts.connect):
                return await _connect(addresses[0])
        except OSError as error:  # TimeoutError is one
            raise _tcp_error(endpoint, addresses[0], [error], timeouts) from None
    attempts: list[asyncio.Task[socket.socket]] = []
    winner: asyncio.Task[socket.socket] | None = None
    try:
        async with asyncio.timeout(timeouts.connect):
            winner = await _race(addresses, attempts)
    except TimeoutError:
        pass
    finally:
        await _end([attempt for attempt in attempts if attempt is not winner])
    if winner is None:
        errors = [None if attempt.cancelled() else attempt.exception() for attempt in attempts]
        raise _tcp_error(endpoint, addresses[0], errors, timeouts)
    return winner.result()


async def _race(
    addresses: Sequence[Address], attempts: list[asyncio.Task[socket.socket]]
) -> asyncio.Task[socket.socket] | None:
    """The first attempt that succeeds, or None when all have failed."""
    for address in addresses:
        attempts.append(asyncio.create_task(_connect(address)))
        patience = NEXT_ADDRESS_AFTER if address is not addresses[-1] else None
        if (winner := await _first(attempts, patience)) is not None:
            return winner
    while any(not attempt.done() for attempt in attempts):
        if (winner := await _first(attempts, None)) is not None:
            return winner
    return None


async def _first(
    attempts: Sequence[asyncio.Task[socket.socket]], patience: float | None
) -> asyncio.Task[socket.socket] | None:
    """Wait for one more attempt to end, at most `patience` seconds; the one that succeeded, if any."""
    pending = [attempt for attempt in attempts if not attempt.done()]
    await asyncio.wait(pending, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
    return next(filter(_succeeded, attempts), None)


def _succeeded(attempt: asyncio.Task[socket.socket]) -> bool:
    return attempt.done() and not attempt.cancelled() and attempt.exception() is None


async def _connect(address: Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, address.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


async def _end(attempts: Sequence[asyncio.Task[socket.socket]]) -> None:
    """Cancel the attempts, wait for their end, and close what they have opened."""
    for attempt in attempts:
        attempt.cancel()
    for opened in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(opened, socket.socket):
            opened.close()


def _tcp_error(
    endpoint: Endpoint, first: Address, errors: Sequence[BaseException | None], timeouts: Timeouts
) -> PxmError:
    """The most telling of the errors, None where time ran out: an address that refuses is at least there."""
    if any(isinstance(error, ConnectionRefusedError) for error in errors):
        return connection_messages.refused(endpoint)
    if any(error is None or isinstance(error, TimeoutError) for error in errors):
        return connection_messages.timeout(endpoint, timeouts.connect)
    if any(isinstance(error, OSError) and error.errno in _NO_ROUTE for error in errors):
        return connection_messages.no_route(endpoint, first.host)
    if any(isinstance(error, ConnectionError) for error in errors):
        return connection_messages.closed(endpoint)
    why = next((error.strerror for error in errors if isinstance(error, OSError) and error.strerror), "unknown reason")
    return InternalError("internal", f"This machine cannot open a connection: {why}.")


async def open_tls(
    endpoint: Endpoint, sock: socket.socket, context: ssl.SSLContext, timeouts: Timeouts, *, hold_back: bool = False
) -> tuple[TlsStream, bytes]:
    """Shake hands over `sock`; the stream, and the server's certificate as DER. Closes `sock` if that fails.

    `hold_back`: a request follows at once; see `TlsStream.handshake`.

    Raises:
        VerificationError: `context` does not accept the certificate.
        UnreachableError: `not_tls`, `closed`, `timeout`, `bad_answer`.
    """
    source = str(sock.getsockname()[0])
    stream: TlsStream | None = None
    try:
        stream = TlsStream(sock, context, endpoint.host)
        async with asyncio.timeout(timeouts.tls):
            return stream, await stream.handshake(hold_back=hold_back)
    except BaseException as error:
        sock.close()
        if isinstance(error, (OSError, ValueError)):
            heard = stream is not None and stream.heard
            raise _tls_error(endpoint, error, timeouts, "" if heard else source, heard=heard) from None
        raise


def _tls_error(
    endpoint: Endpoint, error: OSError | ValueError, timeouts: Timeouts, source: str, *, heard: bool
) -> Exception:
    if isinstance(error, TimeoutError):
        return connection_messages.silent(endpoint, timeouts.tls)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        failure = classify(error)
        if failure is TlsFailure.NOT_TLS:
            return connection_messages.not_tls(endpoint)
        if failure is TlsFailure.BROKEN_OFF:
            reason = (error.reason or "unknown reason").replace("_", " ").lower()
            return connection_messages.bad_answer(endpoint, f"ended the TLS handshake ({reason})")
        return VerificationError(failure)
    if isinstance(error, OSError):
        middle = "ended in the middle of the TLS handshake"
        return (
            connection_messages.bad_answer(endpoint, middle) if heard else connection_messages.closed(endpoint, source)
        )
    return connection_messages.unknown_host(endpoint)  # no name that TLS could ask for


async def read_chain(endpoint: Endpoint, sock: socket.socket, timeouts: Timeouts) -> tuple[bytes, ...]:
    """The certificates that are shown over `sock`, as DER, the leaf first; closes it without having sent a byte.

    Raises:
        UnreachableError: as `open_tls`.
    """
    stream, der = await open_tls(endpoint, sock, reading_context(), timeouts)
    stream.close()
    return (der, *stream.presented()[1:])
