"""Trust: what each mode accepts and refuses, and that nothing at all is sent where it refuses."""

from __future__ import annotations

import socket
import ssl
import sys
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import LoginMethod
from pxm_tui.domain.errors import CertificateError, InvalidError, UnreachableError
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox import connections, tls
from pxm_tui.proxmox.timeouts import Timeouts
from pxm_tui.proxmox.tls import context_for, reading_context, system_context
from pxm_tui.services.ports import Credentials
from pxm_tui.simulator.certificates import Certificate
from tests.proxmox.servers import (
    AUTHORITY,
    CA_FILE,
    LEAF,
    REALMS,
    HostileServer,
    Line,
    Talk,
    answering,
    authority,
    gateway,
    http,
    leaf,
    meeting,
    nothing_left_behind,
    pin,
    record_everything,
    secured,
    self_signed,
)

OTHER_AUTHORITY = authority("another")
EXPIRED = leaf(days=-10)
SAME_NAME_OTHER_KEY = leaf()
SELF_SIGNED = self_signed()
SYSTEM = Trust(TrustMode.SYSTEM)
CREDENTIALS = Credentials(LoginMethod.PASSWORD, "root@pam", Secret("hunter2-hunter2"))

REFUSED: dict[str, tuple[Trust, Certificate, str, str]] = {
    "system, own authority": (SYSTEM, LEAF, "127.0.0.1", "untrusted"),
    "another authority": (CA_FILE, leaf(OTHER_AUTHORITY), "127.0.0.1", "untrusted"),
    "self-signed as the authority's name": (CA_FILE, OTHER_AUTHORITY.own, "127.0.0.1", "untrusted"),
    "expired": (CA_FILE, EXPIRED, "127.0.0.1", "expired"),
    "wrong host": (CA_FILE, LEAF, "127.0.0.2", "wrong_host"),
    "pin, right name, other key": (pin(LEAF), SAME_NAME_OTHER_KEY, "127.0.0.1", "changed"),
    "pin, other authority": (pin(LEAF), leaf(OTHER_AUTHORITY), "127.0.0.1", "changed"),
    "pin, the authority itself": (pin(LEAF), AUTHORITY.own, "127.0.0.1", "changed"),
    "fingerprint only": (
        Trust(TrustMode.PINNED_LEAF, LEAF.fingerprint), SAME_NAME_OTHER_KEY, "127.0.0.1", "changed"
    ),
    "anchor and fingerprint differ": (
        Trust(TrustMode.PINNED_LEAF, SAME_NAME_OTHER_KEY.fingerprint, LEAF.pem), LEAF, "127.0.0.1", "changed"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("trust", "shown", "host", "cause"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("early", [False, True])
async def test_what_is_not_trusted_hears_nothing(
    trust: Trust, shown: Certificate, host: str, cause: str, early: bool
) -> None:
    async with HostileServer(record_everything, shown, host) as server:
        with nothing_left_behind():
            async with aclosing(gateway().open(server.endpoint, trust if early else None)) as session:
                await session.connect()
                with pytest.raises(CertificateError) as caught:
                    await session.secure(trust)
    assert caught.value.cause == cause
    assert caught.value.certificate is not None
    assert caught.value.certificate.sha256 == shown.fingerprint
    assert server.heard == b""


ACCEPTED: dict[str, tuple[Trust, Certificate]] = {
    "authority": (CA_FILE, LEAF),
    "authority among others": (
        Trust(TrustMode.CA_FILE, anchor_pem=f"# für alle\n{OTHER_AUTHORITY.own.pem}\n{AUTHORITY.own.pem}"),
        LEAF,
    ),
    "pin": (pin(LEAF), LEAF),
    "pin, expired": (pin(EXPIRED), EXPIRED),
    "pin, self-signed": (pin(SELF_SIGNED), SELF_SIGNED),
    "fingerprint only": (Trust(TrustMode.PINNED_LEAF, LEAF.fingerprint), LEAF),
}


@pytest.mark.parametrize(("trust", "shown"), ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_what_is_trusted_answers(trust: Trust, shown: Certificate) -> None:
    async with meeting(answering(http(REALMS)), shown) as (_server, session):
        await secured(session, trust)
        assert {realm.name for realm in await session.realms()} == {"pam", "pve"}


async def test_a_pin_does_not_compare_host_names() -> None:
    async with meeting(record_everything, LEAF, "127.0.0.2") as (_server, session):
        await session.connect()
        assert (await session.secure(pin(LEAF))).sha256 == LEAF.fingerprint


async def test_an_authority_from_before_key_usage_is_accepted() -> None:
    old = authority("old", key_usage=False)
    trust = Trust(TrustMode.CA_FILE, anchor_pem=old.own.pem)
    async with meeting(answering(http(REALMS)), leaf(old)) as (_server, session):
        assert await (await secured(session, trust)).realms()


async def test_after_a_refusal_another_trust_connects_anew() -> None:
    async with meeting(answering(http(REALMS))) as (server, session):
        await session.connect()
        with pytest.raises(CertificateError):
            await session.secure(SYSTEM)
        assert server.heard == b""
        await session.secure(pin(LEAF))
        assert await session.realms()
    assert server.heard.startswith(b"GET /api2/json/access/domains ")


async def test_spare_connections_of_another_trust_are_never_used() -> None:
    async with meeting(answering(http(REALMS)), early=CA_FILE) as (server, session):
        await session.connect()
        with pytest.raises(CertificateError):
            await session.secure(pin(SAME_NAME_OTHER_KEY))
        with pytest.raises(CertificateError):
            await session.realms()
    assert server.heard == b""


async def test_nothing_can_be_sent_before_a_trust_is_chosen() -> None:
    async with meeting(record_everything) as (server, session):
        await session.connect()
        with pytest.raises(RuntimeError, match="before the certificate is trusted"):
            await session.login(CREDENTIALS, None)
    assert server.heard == b""


async def test_a_certificate_that_changes_within_a_session_stops_it() -> None:
    async with meeting(answering(http(b"", "401 No"))) as (server, session):
        await secured(session, pin(LEAF))
        await session._connections.transport.drop()
        assert server._context is not None
        replaced = leaf(OTHER_AUTHORITY)
        _show(server._context, replaced)
        before = server.heard
        with pytest.raises(CertificateError) as caught:
            await session.login(CREDENTIALS, None)
    assert caught.value.cause == "changed"
    assert server.heard == before


def _show(context: ssl.SSLContext, certificate: Certificate) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "server.pem")
        file.write_text(certificate.pem + certificate.key_pem)
        context.load_cert_chain(file)


async def say_http(line: Line) -> None:
    """Answer as a web server does that was spoken to in TLS."""
    await line.reader.read(100)
    await line.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def say_ssh(line: Line) -> None:
    """Greet first."""
    await line.send(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
    await record_everything(line)


async def close_at_once(line: Line) -> None:
    """As pveproxy does for addresses in DENY_FROM."""


async def say_nothing(line: Line) -> None:
    """Take the greeting and wait."""
    await line.reader.read()


async def close_in_the_middle(line: Line) -> None:
    """The beginning of a record of a handshake."""
    await line.reader.read(100)
    await line.send(b"\x16\x03\x03\x00\x50\x02")


async def alert(line: Line) -> None:
    """A fatal alert: handshake failure."""
    await line.reader.read(100)
    await line.send(b"\x15\x03\x03\x00\x02\x02\x28")


PLAIN: dict[str, tuple[Talk, str]] = {
    "web server": (say_http, "not_tls"),
    "ssh": (say_ssh, "not_tls"),
    "closed": (close_at_once, "closed"),
    "silent": (say_nothing, "timeout"),
    "cut off": (close_in_the_middle, "bad_answer"),
    "alert": (alert, "bad_answer"),
}


@pytest.mark.parametrize(("talk", "cause"), PLAIN.values(), ids=PLAIN.keys())
@pytest.mark.parametrize("early", [False, True])
async def test_what_is_not_tls_is_told_apart(talk: Talk, cause: str, early: bool) -> None:
    async with HostileServer(talk, None) as server:
        with nothing_left_behind():
            limit = 0.05 if cause == "timeout" else 5
            opened = gateway(Timeouts(2, limit, 2, 2)).open(server.endpoint, CA_FILE if early else None)
            async with aclosing(opened) as session:
                await session.connect()
                with pytest.raises(UnreachableError) as caught:
                    await session.secure(CA_FILE)
    assert caught.value.cause == cause


async def test_a_closed_connection_names_this_machines_address() -> None:
    async with meeting(close_at_once, None) as (_server, session):
        await session.connect()
        with pytest.raises(UnreachableError) as caught:
            await session.secure(SYSTEM)
    assert "this machine is 127.0.0.1" in caught.value.do


async def test_reading_a_certificate_sends_nothing() -> None:
    async with HostileServer(record_everything, EXPIRED, "127.0.0.2") as server:
        with nothing_left_behind():
            found = await gateway().read_certificate(server.endpoint)
    assert found.sha256 == EXPIRED.fingerprint
    assert server.heard == b""


async def test_reading_a_certificate_where_there_is_none() -> None:
    async with HostileServer(say_http, None) as server:
        with pytest.raises(UnreachableError) as caught:
            await gateway().read_certificate(server.endpoint)
    assert caught.value.cause == "not_tls"


async def test_a_refusal_stands_without_the_certificate_if_it_cannot_be_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def gone(endpoint: object, sock: socket.socket, timeouts: object) -> bytes:
        sock.close()
        raise UnreachableError("closed", "gone")

    monkeypatch.setattr(connections, "read_chain", gone)
    async with meeting(record_everything) as (_server, session):
        await session.connect()
        with pytest.raises(CertificateError) as caught:
            await session.secure(SYSTEM)
    assert caught.value.certificate is None


async def test_the_date_of_the_trust_is_named() -> None:
    trust = pin(SAME_NAME_OTHER_KEY)
    dated = Trust(trust.mode, trust.fingerprint, trust.anchor_pem, trusted_at=datetime(2025, 11, 3, tzinfo=UTC))
    async with meeting(record_everything) as (_server, session):
        await session.connect()
        with pytest.raises(CertificateError, match="trusted on 2025-11-03"):
            await session.secure(dated)


@pytest.mark.parametrize("pem", ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "é"])
@pytest.mark.parametrize("early", [False, True])
async def test_an_authority_that_is_none(pem: str, early: bool) -> None:
    trust = Trust(TrustMode.CA_FILE, anchor_pem=pem)
    async with meeting(record_everything, early=trust if early else None) as (server, session):
        await session.connect()
        with pytest.raises(InvalidError) as caught:
            await session.secure(trust)
    assert caught.value.field == "ca_file"
    assert server.heard == b""


@pytest.mark.parametrize("context", [context_for(CA_FILE), context_for(pin(LEAF)), system_context()])
def test_contexts_verify_and_take_tls_1_2_or_newer(context: ssl.SSLContext) -> None:
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT


def test_only_pins_pass_over_names_and_dates() -> None:
    assert context_for(CA_FILE).check_hostname
    assert system_context().check_hostname
    assert not context_for(CA_FILE).verify_flags & tls.NO_CHECK_TIME
    assert context_for(pin(LEAF)).verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN


def test_the_system_store_comes_from_truststore_where_openssl_does_not_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import truststore

    monkeypatch.setattr(sys, "platform", "darwin")
    context = system_context()
    assert type(context).__module__.startswith("truststore") or isinstance(context, truststore.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED


async def test_the_system_store_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []

    def make() -> ssl.SSLContext:
        made.append(reading_context())
        return context_for(CA_FILE)

    monkeypatch.setattr(connections, "system_context", make)
    shared = gateway()
    async with HostileServer(answering(http(REALMS))) as server:
        for _ in range(2):
            async with aclosing(shared.open(server.endpoint)) as session:
                assert await (await secured(session, SYSTEM)).realms()
    assert len(made) == 1


async def test_no_bundle_of_authorities_is_read_for_pins_and_files(monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[object] = []
    original = ssl.SSLContext.load_verify_locations

    def load(self: ssl.SSLContext, cafile: object = None, capath: object = None, cadata: object = None) -> None:
        if cafile or capath:
            files.append(cafile or capath)
        original(self, cafile, capath, cadata)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", load)
    monkeypatch.setattr(ssl.SSLContext, "set_default_verify_paths", lambda _: files.append("default"))
    async with HostileServer(answering(http(REALMS))) as server:
        for trust in (CA_FILE, pin(LEAF)):
            async with aclosing(gateway().open(server.endpoint, trust)) as session:
                assert await (await secured(session, trust)).realms()
    assert files == []
