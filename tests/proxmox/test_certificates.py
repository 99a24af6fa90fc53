"""Certificates as people compare them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.errors import Code, PxmError
from pxm_tui.proxmox.authority import proven_authority
from pxm_tui.proxmox.certificates import read_certificate
from pxm_tui.simulator.certificates import Certificate
from tests.proxmox.servers import AUTHORITY, LEAF, REALMS, answering, http, meeting, secured

START = datetime(2026, 1, 1, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey | ed25519.Ed25519PrivateKey
SIGNER = ec.generate_private_key(ec.SECP256R1())


def made(
    key: object = SIGNER, subject: tuple[tuple[x509.ObjectIdentifier, str], ...] = (), names: tuple[str, ...] = ()
) -> bytes:
    """A certificate, as DER."""
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, START, START + timedelta(days=30))  # type: ignore[attr-defined]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
    return builder.sign(SIGNER, hashes.SHA256()).public_bytes(Encoding.DER)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def test_a_leaf_of_proxmox() -> None:
    found = read_certificate(LEAF.certificate.public_bytes(Encoding.DER))
    assert found.sha256 == LEAF.fingerprint
    assert found.subject == "CN=pve1.lab.test, O=Proxmox Virtual Environment"
    assert found.issuer == "CN=Proxmox Virtual Environment, O=PVE Cluster Manager CA"
    assert found.names == ("pve1.lab.test", "pve1", "localhost", "127.0.0.1", "::1")
    assert found.key == "EC P-256"
    assert found.not_after - found.not_before == timedelta(days=730)
    assert found.not_after.tzinfo is UTC
    assert ssl.PEM_cert_to_DER_cert(found.pem) == LEAF.certificate.public_bytes(Encoding.DER)


def test_a_renewal_has_the_same_public_key() -> None:
    now = datetime.now(UTC).timestamp()
    renewed = AUTHORITY.issue("pve1", domain="lab.test", address="127.0.0.1", now=now, key=LEAF.key)
    first, second = (read_certificate(made.certificate.public_bytes(Encoding.DER)) for made in (LEAF, renewed))
    assert first.sha256 != second.sha256
    assert first.public_key_sha256 == second.public_key_sha256


def test_names_that_every_machine_has_come_last() -> None:
    order = ("::1", "10.20.0.11", "localhost", "fra1", "127.0.0.1", "fra1.example.net")
    assert read_certificate(made(names=order)).names == (
        "fra1.example.net", "fra1", "localhost", "10.20.0.11", "::1", "127.0.0.1"
    )  # fmt: skip


def test_a_subject_without_common_name_is_shown_whole() -> None:
    assert read_certificate(made(subject=((NameOID.COUNTRY_NAME, "AT"),))).subject == "C=AT"
    assert read_certificate(made()).subject == ""
    assert read_certificate(made()).names == ()


def test_what_a_subject_holds_cannot_break_a_line() -> None:
    found = read_certificate(made(subject=((NameOID.COMMON_NAME, "a\r\nb\x1b[31m" + "x" * 50),)))
    assert "\n" not in found.subject
    assert "\x1b" not in found.subject


KEYS: dict[str, Callable[[], object]] = {
    "RSA 2048": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "EC P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EC brainpoolP256r1": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
    "unknown": lambda: dsa.generate_private_key(2048),
}


@pytest.mark.parametrize("words", KEYS)
def test_kinds_of_keys(words: str) -> None:
    assert read_certificate(made(KEYS[words]())).key == words


def test_a_key_that_cannot_be_read_is_never_the_same_key() -> None:
    unreadable = made().replace(bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d030163"))
    found = read_certificate(unreadable)
    assert found.key == "unknown"
    assert found.public_key_sha256 == found.sha256


@pytest.mark.parametrize("der", [b"", b"garbage", b"\x30\x03\x02\x01\x01"])
def test_what_is_no_certificate(der: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_certificate(der)


def altered(found: Certificate, old: bytes, new: bytes) -> Certificate:
    """The certificate with some bytes replaced; cryptography may not be able to make anything of it."""

    class Altered(Certificate):
        pem = ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(found.pem).replace(old, new, 1))

    return Altered(found.key, found.certificate)


BASIC, KEY_USAGE = bytes.fromhex("0603551d13"), bytes.fromhex("0603551d0f")
NO_SENSE = {
    "a version that there is not": (bytes.fromhex("a003020102"), bytes.fromhex("a003020103")),
    "an extension twice": (KEY_USAGE, BASIC),
    "a key of a kind that there is not": (bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d027f")),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_SENSE)
def test_one_that_makes_no_sense_is_no_proof_and_no_crash(case: str) -> None:
    strange = altered(AUTHORITY.own, *NO_SENSE[case])
    assert strange.pem != AUTHORITY.own.pem
    assert proven_authority(ssl.PEM_cert_to_DER_cert(LEAF.pem), [strange.pem]) is None
    assert proven_authority(ssl.PEM_cert_to_DER_cert(strange.pem), [AUTHORITY.own.pem]) is None


async def test_a_server_that_shows_one_is_told_in_words() -> None:
    strange = altered(LEAF, *NO_SENSE["a version that there is not"])
    async with meeting(answering(http(REALMS)), strange) as (_server, session):
        with pytest.raises(PxmError) as caught:
            await secured(session, Trust(TrustMode.SYSTEM))
    assert caught.value.code in {Code.UNREACHABLE, Code.CERTIFICATE_UNTRUSTED}
