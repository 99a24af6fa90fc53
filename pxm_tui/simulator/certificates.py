"""Certificate authorities and leaf certificates as Proxmox VE makes them.

One authority a cluster, one leaf a node; a server sends the leaf alone (pve-cluster, PVE::Cluster::Setup).
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pxm_tui.simulator.clock import seeded, seeded_bytes

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

AUTHORITY_DAYS = 3650
LEAF_DAYS = 730
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its private key."""

    key: PrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """The certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

    @property
    def key_pem(self) -> str:
        """The private key in PEM, not encrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode("ascii")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as Proxmox writes it: `AA:BB:…`."""
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return hashlib.sha256(der).digest().hex(":").upper()


class CertificateAuthority:
    """A cluster's own authority, `pve-root-ca.pem`.

    With elliptic keys everything follows from the seed, down to the last byte of each certificate.
    """

    def __init__(self, seed: str, *, now: float, keys: str = "ec", key_usage: bool = True) -> None:
        """Make the authority.

        Args:
            seed: what keys and serial numbers follow from.
            now: the time of the cluster's creation, in seconds since 1970.
            keys: `ec` for P-256, `rsa` for Proxmox's own sizes (4096 and 2048 bits), which take their time.
            key_usage: whether the authority has a keyUsage extension, as it has since pve-cluster 9.1.2.
        """
        self._seed = seed
        self._keys = keys
        self._issued = 0
        self._start = _midnight(now) - timedelta(days=30)
        self.own = self._make_own(key_usage)

    def _make_own(self, key_usage: bool) -> Certificate:
        key = self.make_key("authority", bits=4096)
        unit = str(uuid.UUID(bytes=seeded_bytes(16, self._seed, "unit"), version=4))
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, "Proxmox Virtual Environment"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "PVE Cluster Manager CA"),
            ]
        )
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = (
            x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
            .serial_number(self._serial_number())
            .not_valid_before(self._start)
            .not_valid_after(self._start + timedelta(days=AUTHORITY_DAYS))
            .add_extension(identifier, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        )
        if key_usage:
            builder = builder.add_extension(_signing_usage(), critical=True)
        return Certificate(key, _sign(builder, key))

    def issue(
        self,
        name: str,
        *,
        domain: str,
        address: str,
        now: float,
        key: PrivateKey | None = None,
        days: int = LEAF_DAYS,
    ) -> Certificate:
        """Issue the leaf of one node, `pve-ssl.pem`.

        Args:
            name: the node's name, of which `domain` makes its full name.
            domain: its domain.
            address: its IP address.
            now: the time of issue, in seconds since 1970.
            key: the key to keep, as Proxmox does at a renewal; without it a new one is made.
            days: how long the leaf is valid from its start; a negative number gives an expired one.
        """
        leaf_key = key if key is not None else self.make_key(f"leaf {name}", bits=2048)
        full_name = f"{name}.{domain}"
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "PVE Cluster Node"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Proxmox Virtual Environment"),
                x509.NameAttribute(NameOID.COMMON_NAME, full_name[:64]),
            ]
        )
        start = _midnight(now)
        if days < 0:
            start += timedelta(days=days - 1)
        builder = (
            x509.CertificateBuilder(self.own.certificate.subject, subject, leaf_key.public_key())
            .serial_number(self._serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=abs(days)))
        )
        for extension in self._leaf_extensions(name, full_name, address):
            builder = builder.add_extension(extension, critical=False)
        return Certificate(leaf_key, _sign(builder, self.own.key))

    def make_key(self, purpose: str, *, bits: int) -> PrivateKey:
        """Make a private key: elliptic ones follow from the seed, RSA ones of `bits` bits cannot."""
        if self._keys == "rsa":
            return rsa.generate_private_key(public_exponent=65537, key_size=bits)
        number = seeded(self._seed, purpose, self._issued).randrange(1, P256_ORDER)
        return ec.derive_private_key(number, ec.SECP256R1())

    def _leaf_extensions(self, name: str, full_name: str, address: str) -> list[x509.ExtensionType]:
        names: list[x509.GeneralName] = [
            x509.IPAddress(ip_address("127.0.0.1")),
            x509.IPAddress(ip_address("::1")),
            x509.DNSName("localhost"),
        ]
        if address != "127.0.0.1":
            names.append(x509.IPAddress(ip_address(address)))
        names += [x509.DNSName(name), x509.DNSName(full_name)]
        identifier = x509.SubjectKeyIdentifier.from_public_key(self.own.key.public_key())
        return [
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            x509.BasicConstraints(ca=False, path_length=None),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
            x509.SubjectAlternativeName(names),
        ]

    def _serial_number(self) -> int:
        self._issued += 1
        return seeded(self._seed, "serial", self._issued).randrange(1, 2**159)


def _midnight(now: float) -> datetime:
    return datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _signing_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(builder: x509.CertificateBuilder, key: PrivateKey) -> x509.Certificate:
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=deterministic)
