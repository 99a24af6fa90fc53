"""The connections of one session: where they lead, what they are verified against, and the spare ones beside."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from functools import lru_cache

from pxm_tui.domain import certificate_messages, connection_messages
from pxm_tui.domain.certificate import Certificate, Trust, TrustMode
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import CertificateError, InvalidError, PxmError
from pxm_tui.domain.pem import fingerprint
from pxm_tui.proxmox.accepting import accepts, ways_of
from pxm_tui.proxmox.authority import proven_authority
from pxm_tui.proxmox.certificates import read_certificate
from pxm_tui.proxmox.dialing import Address, VerificationError, open_tcp, open_tls, read_chain, resolve
from pxm_tui.proxmox.streams import TlsStream
from pxm_tui.proxmox.timeouts import Timeouts
from pxm_tui.proxmox.tls import TlsFailure, context_for, system_context
from pxm_tui.proxmox.transport import SessionTransport
from pxm_tui.services.ports import Timer

SPARE = 6
"""As many reads as run side by side after a login with a password, whose connection Proxmox VE closes after it."""


KEPT_CONTEXTS = 2048
"""One for each trusted certificate, 15 KiB each; making one takes as long as a handshake."""


class Contexts:
    """Makes contexts, and keeps some; that of the system's authorities in a thread, when a cluster needs it."""

    def __init__(self) -> None:
        self._system: ssl.SSLContext | None = None
        self._make = lru_cache(KEPT_CONTEXTS)(context_for)

    async def get(self, trust: Trust) -> ssl.SSLContext:
        """The context for `trust`. Raises `InvalidError` where its certificates cannot be read."""
        if trust.mode is not TrustMode.SYSTEM:
            return self._make(Trust(trust.mode, anchor_pem=trust.anchor_pem, vouched=trust.vouched))
        if self._system is None:
            self._system = await asyncio.to_thread(system_context)
        return self._system


class Connections:
    """Opens the connections of one session, all verified against the same trust.

    Args:
        endpoint: where to.
        early: the trust, where it is known before the first handshake: spare connections are opened at once.
        timeouts: limits of the phases.
        timer: monotonic seconds.
        contexts: shared by all sessions.
        spare: how many connections are opened beside the first one; none: requests share that one, in turns.

    Attributes:
        transport: has them.
        leaf: the certificate of the connection that was opened first, as DER; empty before.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        early: Trust | None,
        timeouts: Timeouts,
        timer: Timer,
        contexts: Contexts,
        *,
        spare: int = SPARE,
    ) -> None:
        self._endpoint = endpoint
        self._trust = early
        self._timeouts = timeouts
        self._contexts = contexts
        self._addresses: tuple[Address, ...] = ()
        self._way: Trust | None = None
        self._context: ssl.SSLContext | None = None
        self.leaf = b""
        self._first: socket.socket | None = None
        self._spare = spare
        self._spare_opened = False
        self.transport = SessionTransport(self._open, timer, alone=spare == 0)

    async def resolve(self) -> tuple[str, ...]:
        """Look up the host, once for the session."""
        if not self._addresses:
            self._addresses = await resolve(self._endpoint, self._timeouts)
        return tuple(dict.fromkeys(address.host for address in self._addresses))

    async def connect(self) -> str:
        """Open TCP; the address that answered. Raises `UnreachableError(refused|timeout|no_route)`."""
        await self.resolve()
        if self._trust is not None and _has_anchor(self._trust):
            try:
                await self._take_way(ways_of(self._trust)[0])
                self._open_spare()
            except InvalidError:
                pass  # the handshake tells it
        self._drop_first()
        self._first = await self._tcp()
        return str(self._first.getpeername()[0])

    async def secure(self, trust: Trust) -> Certificate:
        """TLS verified against `trust`; the certificate that was shown.

        Raises:
            CertificateError: `untrusted`, `changed`, `expired`, `wrong_host`.
            UnreachableError: `not_tls`, `closed`, `timeout`.
        """
        trust = await self._prepare(trust)
        failure: TlsFailure | None = None
        for way in ways_of(trust):
            try:
                stream, self.leaf = await self._try_way(way)
            except VerificationError as error:
                failure = failure or error.failure
                if error.failure not in _ANOTHER_WAY:
                    break
            else:
                self.transport.add(stream)
                self._open_spare()
                return self._read(self.leaf)
        assert failure is not None  # noqa: S101
        raise certificate_error(self._endpoint, trust, failure, await self._shown())

    @property
    def trust(self) -> Trust:
        """What `secure` verified against, with its anchor."""
        if self._trust is None:
            raise RuntimeError("no certificate has been trusted")
        return self._trust

    async def _prepare(self, trust: Trust) -> Trust:
        """The trust with its anchor; what was opened under another one is closed."""
        if self._context is None or trust != self._trust:
            await self._drop_all()
            self._trust, self._way, self._context = None, None, None
            self._trust = await self._with_anchor(trust)
        assert self._trust is not None  # noqa: S101
        return self._trust

    async def _try_way(self, way: Trust) -> tuple[TlsStream, bytes]:
        """One handshake; where it fails, nothing that was opened beside it is left."""
        await self._take_way(way)
        assert self._context is not None  # noqa: S101
        sock, self._first = self._first or await self._tcp(), None
        try:
            return await self._handshake(sock, self._context, way)
        except BaseException:
            await self._drop_all()
            raise

    async def _take_way(self, way: Trust) -> None:
        """Open every connection this way from here on."""
        if self._way != way or self._context is None:
            self._context = await self._contexts.get(way)
            self._way = way

    async def _drop_all(self) -> None:
        await self.transport.drop()
        self._spare_opened = False

    async def read_leaf(self) -> Certificate:
        """The certificate that is shown now, read without sending anything."""
        return self._read((await self._read_chain())[0])

    async def _read_chain(self) -> tuple[bytes, ...]:
        sock, self._first = self._first or await self._tcp(), None
        return await read_chain(self._endpoint, sock, self._timeouts)

    async def aclose(self) -> None:
        """Close everything and end every task."""
        self._drop_first()
        await self.transport.drop()

    def _open_spare(self) -> None:
        if not self._spare_opened:
            self._spare_opened = True
            self.transport.open_spare(self._spare)

    async def _tcp(self) -> socket.socket:
        await self.resolve()
        return await open_tcp(self._endpoint, self._addresses, self._timeouts)

    async def _open(self) -> TlsStream:
        """One more verified connection."""
        way, context = self._way, self._context
        if way is None or context is None or self._trust is None:
            raise RuntimeError("nothing is sent before the certificate is trusted")
        try:
            stream, _ = await self._handshake(await self._tcp(), context, way)
        except VerificationError as error:
            raise certificate_error(self._endpoint, self._trust, error.failure, None) from None
        return stream

    async def _handshake(self, sock: socket.socket, context: ssl.SSLContext, way: Trust) -> tuple[TlsStream, bytes]:
        """Shake hands; a pin is compared as well, so that it never depends on OpenSSL alone."""
        stream, der = await open_tls(self._endpoint, sock, context, self._timeouts, hold_back=self._spare == 0)
        if not accepts(way, der):
            stream.close()
            raise VerificationError(TlsFailure.UNTRUSTED)
        return stream, der

    async def _with_anchor(self, trust: Trust) -> Trust:
        """The trust with its anchor: a pin that is only a fingerprint finds it by a handshake of its own.

        It is the leaf's, or that of the cluster's own authority where the node sends it.
        """
        if _has_anchor(trust):
            return trust
        leaf, *others = await self._read_chain()
        shown = self._read(leaf)
        if shown.sha256 == trust.fingerprint:
            return replace(trust, anchor_pem=shown.pem)
        sent = [ssl.DER_cert_to_PEM_cert(der) for der in others if fingerprint(der) == trust.fingerprint]
        authority = proven_authority(leaf, sent)
        if authority is None:
            raise certificate_error(self._endpoint, trust, TlsFailure.UNTRUSTED, shown)
        return Trust(TrustMode.PINNED_CA, anchor_pem=authority.pem)

    async def _shown(self) -> Certificate | None:
        """The certificate that was not accepted; None where it cannot be read again."""
        try:
            return await self.read_leaf()
        except PxmError:
            return None

    def _read(self, der: bytes) -> Certificate:
        try:
            return read_certificate(der)
        except ValueError:
            raise connection_messages.bad_answer(self._endpoint, "holds a certificate that cannot be read") from None

    def _drop_first(self) -> None:
        if self._first is not None:
            self._first.close()
            self._first = None


_ANOTHER_WAY = frozenset({TlsFailure.UNTRUSTED, TlsFailure.WRONG_HOST})
"""Failures after which a certificate may still be one that the cluster vouched for; one that has run out is none."""


def _has_anchor(trust: Trust) -> bool:
    return trust.mode is not TrustMode.PINNED_LEAF or bool(trust.anchor_pem)


def certificate_error(
    endpoint: Endpoint, trust: Trust, failure: TlsFailure, certificate: Certificate | None
) -> CertificateError:
    """What a certificate that was not accepted means under `trust`."""
    if failure is TlsFailure.EXPIRED:
        return certificate_messages.expired(endpoint, certificate)
    if failure is TlsFailure.WRONG_HOST:
        return certificate_messages.wrong_host(endpoint, certificate)
    pinned = trust.mode in {TrustMode.PINNED_CA, TrustMode.PINNED_LEAF}
    if pinned and (certificate is None or certificate.sha256 != trust.fingerprint):
        when = f"{trust.trusted_at:%Y-%m-%d}" if trust.trusted_at else "an earlier occasion"
        return certificate_messages.changed(endpoint, when, certificate)
    return certificate_messages.untrusted(endpoint, certificate)
