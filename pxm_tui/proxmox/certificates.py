"""Certificates as the domain shows them, read from what a handshake gives."""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from pxm_tui.domain.certificate import Certificate
from pxm_tui.domain.pem import fingerprint
from pxm_tui.domain.text import one_line

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What cryptography raises for a certificate that it cannot make sense of. Anybody may show one."""

_SHOWN_PARTS = ((NameOID.COMMON_NAME, "CN"), (NameOID.ORGANIZATION_NAME, "O"))
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_LONGEST_NAME = 200
_MOST_NAMES = 100


@lru_cache(2048)
def read_certificate(der: bytes) -> Certificate:
    """The certificate in `der`; remembered, because every refresh is shown the same one again.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        return _read(der)
    except UNREADABLE as error:
        raise ValueError("no certificate that can be read") from error


def _read(der: bytes) -> Certificate:
    found = x509.load_der_x509_certificate(der)
    return Certificate(
        sha256=fingerprint(der),
        subject=_name(found.subject),
        issuer=_name(found.issuer),
        names=_alternative_names(found),
        not_before=found.not_valid_before_utc,
        not_after=found.not_valid_after_utc,
        key=_key(found),
        public_key_sha256=_public_key_hash(found, der),
        pem=found.public_bytes(Encoding.PEM).decode("ascii"),
    )


def parse_certificate(pem: str) -> Certificate:
    """The first certificate in `pem`. Raises `ValueError` where there is none that can be read."""
    try:
        der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    except UNREADABLE as error:
        raise ValueError("no certificate that can be read") from error
    return read_certificate(der)


def _name(name: x509.Name) -> str:
    """Common name and organization, which is what people compare; the whole name where it has neither."""
    shown = [
        f"{label}={part.value if isinstance(part.value, str) else part.value.hex()}"
        for oid, label in _SHOWN_PARTS
        for part in name.get_attributes_for_oid(oid)
    ]
    return one_line(", ".join(shown) or name.rfc4514_string(), _LONGEST_NAME)


def _alternative_names(found: x509.Certificate) -> tuple[str, ...]:
    """DNS names, then addresses; the most telling first, those of every machine last."""
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return ()
    dns = sorted(names.get_values_for_type(x509.DNSName), key=lambda name: (name == "localhost", -name.count(".")))
    addresses = sorted(names.get_values_for_type(x509.IPAddress), key=_is_loopback)
    shown = (one_line(str(name), _LONGEST_NAME) for name in (*dns, *addresses))
    return tuple(dict.fromkeys(shown))[:_MOST_NAMES]


def _is_loopback(address: object) -> bool:
    return bool(getattr(address, "is_loopback", False))


def _key(found: x509.Certificate) -> str:
    try:
        key = found.public_key()
    except Exception:  # noqa: BLE001  (cryptography raises what it likes for keys that it does not know)
        return "unknown"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {_CURVES.get(key.curve.name, key.curve.name)}"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519"
    return "Ed448" if isinstance(key, ed448.Ed448PublicKey) else "unknown"


def _public_key_hash(found: x509.Certificate, der: bytes) -> str:
    """Of the key; where it cannot be read of the certificate, so that it never seems to be the same key."""
    try:
        info = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except Exception:  # noqa: BLE001  (as above)
        return fingerprint(der)
    return fingerprint(info)
