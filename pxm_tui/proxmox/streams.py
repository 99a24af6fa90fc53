"""TLS over one socket.

Of our own because httpcore's and asyncio's take other ways than a conversation with Proxmox VE needs: the certificate
is looked at before the connection is used, a spare one is asked whether it is still open, and a thousand are open at
once, where asyncio would hold a quarter of a megabyte of buffers for each.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

CHUNK = 64 * 1024
PIECES = 4
"""More pieces than session tickets come in; who sends more unasked is not to be spoken to."""


class TlsStream:
    """One TLS connection. Reads and writes take turns: HTTP/1.1 does not need them at once.

    Args:
        sock: connected, not blocking; owned from here on.
        context: what the server is verified against.
        host: name for SNI, and for the comparison where the context makes one.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._socket = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.heard = False
        """Whether the server has sent anything at all."""

    async def handshake(self, *, hold_back: bool = False) -> bytes:
        """Shake hands; the server's certificate, as DER.

        Where a request follows at once, what TLS 1.3 still has to say is held back, to leave in one piece with it.

        Raises:
            ssl.SSLError: not TLS, or not verified. Nothing more has been written then.
            OSError: the connection broke.
        """
        await self._pump(self._tls.do_handshake, flush=not hold_back)
        found = self._tls.getpeercert(binary_form=True)
        if not found:
            raise ssl.SSLError("the server showed no certificate")
        return found

    def presented(self) -> tuple[bytes, ...]:
        """All certificates that the server sent in the handshake, as DER, its own first."""
        if hasattr(self._tls, "get_unverified_chain"):  # since Python 3.13
            return tuple(self._tls.get_unverified_chain())
        inner: Any = vars(self._tls)["_sslobj"]
        found = inner.get_unverified_chain() or ()
        return tuple(ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in found)

    async def read(self, max_bytes: int, timeout: float) -> bytes:  # noqa: ASYNC109  (errors of its own)
        """At most `max_bytes`; none at the end, whether or not TLS said good-bye (Proxmox VE does not always)."""
        try:
            with suppress(ssl.SSLWantReadError):
                return self._tls.read(max_bytes)  # it came with the last piece: there is nothing to wait for
            async with asyncio.timeout(timeout):
                return await self._pump(self._tls.read, max_bytes)
        except TimeoutError:
            raise httpx.ReadTimeout("") from None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except (OSError, ValueError):
            raise httpx.ReadError("") from None

    async def write(self, buffer: bytes, timeout: float) -> None:  # noqa: ASYNC109  (as above)
        """Write all of `buffer`."""
        rest = memoryview(buffer)
        try:
            with suppress(ssl.SSLWantReadError):
                while rest:
                    rest = rest[self._tls.write(rest) :]
            unsent = self._send_what_fits()
            if not (rest or unsent):
                return  # as nearly always: there is nothing to wait for
            async with asyncio.timeout(timeout):
                await asyncio.get_running_loop().sock_sendall(self._socket, unsent)
                while rest:
                    rest = rest[await self._pump(self._tls.write, rest) :]
        except TimeoutError:
            raise httpx.WriteTimeout("") from None
        except (OSError, ValueError):
            raise httpx.WriteError("") from None

    def close(self) -> None:
        """Close at once. What lies unread is taken first: the system would answer it with a reset."""
        if self._socket.fileno() >= 0:
            with suppress(OSError):
                self._socket.recv(CHUNK)
            self._socket.close()

    def is_over(self) -> bool:
        """Whether the server has closed, or said something unasked. Session tickets of TLS 1.3 do not count."""
        for _ in range(PIECES):
            try:
                received = self._socket.recv(CHUNK)
            except BlockingIOError:
                break
            except OSError:
                return True
            if not received:
                return True
            self._incoming.write(received)
        else:
            return True
        try:
            self._tls.read(1)
        except ssl.SSLWantReadError:
            return False
        except (ssl.SSLError, ValueError):
            return True
        return True

    async def _pump(self, operation: Callable[..., T], *args: object, flush: bool = True) -> T:
        """Do `operation` of the TLS object, moving bytes between it and the socket until it is through."""
        while True:
            try:
                done = operation(*args)
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            else:
                if flush:
                    await self._flush()
                return done

    def _send_what_fits(self) -> memoryview:
        """Send as much as the socket takes at once; the rest."""
        data = memoryview(self._outgoing.read())
        try:
            return data[self._socket.send(data) :]
        except BlockingIOError:
            return data

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await asyncio.get_running_loop().sock_sendall(self._socket, self._outgoing.read())

    async def _fill(self) -> None:
        received = await asyncio.get_running_loop().sock_recv(self._socket, CHUNK)
        if received:
            self.heard = True
            self._incoming.write(received)
        else:
            self._incoming.write_eof()
