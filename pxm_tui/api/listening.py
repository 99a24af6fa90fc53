"""Where the server listens, and what it takes to be allowed to."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import ssl
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pxm_tui.domain.errors import InvalidError, PxmError
from pxm_tui.domain.text import one_line

BACKLOG = 1024
_PRIVATE = 0o177


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen.

    Attributes:
        host: name or address.
        port: 0 takes a free one.
        unix_socket: in place of both, a path.
        tls_cert: PEM file with the certificate and those between it and its authority.
        tls_key: PEM file with its key; by default it is in the same file.
        behind_proxy: a proxy on this machine or network speaks TLS for this server.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    unix_socket: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return "https" if self.tls_cert else "http"


async def open_sockets(place: Place) -> list[socket.socket]:
    """Listen.

    Raises:
        InvalidError: it would be heard beyond this machine without TLS, or the address cannot be had.
    """
    if place.unix_socket is not None:
        return [_open_unix(place.unix_socket)]
    addresses = await _addresses(place)
    beyond = [address for _, address in addresses if not ipaddress.ip_address(address[0].partition("%")[0]).is_loopback]
    if beyond and not place.tls_cert and not place.behind_proxy:
        raise InvalidError(
            "tls",
            f"{one_line(place.host)} is heard beyond this machine, and tokens would pass in clear text.",
            do="Give --tls-cert and --tls-key; or --behind-proxy where a proxy speaks TLS for it.",
            field="host",
        )
    opened: list[socket.socket] = []
    try:
        for family, address in addresses[:1] if place.port == 0 else addresses:
            opened.append(_listen(family, address))
    except OSError as error:
        for listening in opened:
            listening.close()
        raise _cannot(f"{place.host}:{place.port}", error) from None
    return opened


async def _addresses(place: Place) -> list[tuple[int, tuple[str, int]]]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError, OverflowError):
        raise InvalidError(
            "host",
            f'"{one_line(place.host, 80)}" is no address of this machine.',
            do="Example: 127.0.0.1.",
            field="host",
        ) from None
    return list(dict.fromkeys((family, address[:2]) for family, _, _, _, address in found))  # type: ignore[misc]


def _listen(family: int, address: tuple[str, int]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def _open_unix(path: Path) -> socket.socket:
    """A socket in the file system, the user's alone from its first moment; what a killed server left is replaced."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        before = os.umask(_PRIVATE)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise _cannot(str(path), error) from None
    return listening


def _remove_stale(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(errno.EEXIST, "there is another file")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def close_unix(place: Place) -> None:
    """Remove the socket from the file system."""
    if place.unix_socket is not None:
        with suppress(OSError):
            place.unix_socket.unlink()


def _cannot(where: str, error: OSError) -> PxmError:
    why = (error.strerror or str(error)).lower()
    return InvalidError(
        "listen", f"Cannot listen on {one_line(where)}: {one_line(why)}.", do="Choose another --port or --unix-socket."
    )


def tls_context(place: Place) -> ssl.SSLContext | None:
    """What TLS is spoken with; None where it is not.

    Raises:
        InvalidError: certificate and key cannot be used.
    """
    if place.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_certificate(context, place)
    return context


def load_certificate(context: ssl.SSLContext, place: Place) -> None:
    """Take the certificate from its file, again after a renewal. Raises `InvalidError`."""
    assert place.tls_cert is not None  # noqa: S101
    try:
        # A callback for the passphrase, so that OpenSSL never asks on the terminal.
        context.load_cert_chain(place.tls_cert, place.tls_key, password=lambda: "")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else "no usable PEM"
        raise InvalidError(
            "tls",
            f"The certificate and key for TLS cannot be used: {one_line(str(why)).lower()}.",
            do="--tls-cert takes a PEM file of certificates, --tls-key one of the key, without a passphrase.",
            field="tls_cert",
        ) from None
