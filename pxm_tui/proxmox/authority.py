"""A cluster's own certificate authority, `pve-root-ca.pem`, and the proof that it has signed a certificate.

What a server says of its authority proves nothing: anybody may present the one of another cluster. What counts is that
it has signed the very certificate whose key the server has just shown in a handshake.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pxm_tui.domain.certificate import CLUSTER_AUTHORITY, Certificate
from pxm_tui.domain.pem import split
from pxm_tui.proxmox.certificates import UNREADABLE, read_certificate

_BROKEN_HASHES = frozenset({"md5", "sha1"})


def proven_authority(leaf: bytes, candidates: Iterable[str]) -> Certificate | None:
    """The first of `candidates` (PEM) that is a cluster's own authority and has directly signed `leaf` (DER)."""
    for pem in candidates:
        for block in split(pem):
            if is_cluster_authority(block) and has_signed(block, leaf):
                found = x509.load_pem_x509_certificate(block.encode("ascii"))
                return read_certificate(found.public_bytes(Encoding.DER))
    return None


@lru_cache(2048)
def is_cluster_authority(pem: str) -> bool:
    """Whether a certificate is an authority as Proxmox VE makes them: self-signed, of its name, allowed to sign."""
    try:
        found = x509.load_pem_x509_certificate(pem.encode("ascii"))
        organizations = found.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return (
            [part.value for part in organizations] == [CLUSTER_AUTHORITY]
            and _directly_issued(found, found)
            and _may_sign(found)
        )
    except UNREADABLE:
        return False


@lru_cache(4096)
def has_signed(pem: str, leaf: bytes) -> bool:
    """Whether the certificate in `pem` has directly signed `leaf`; remembered, for every handshake asks."""
    try:
        signer = x509.load_pem_x509_certificate(pem.encode("ascii"))
        found = x509.load_der_x509_certificate(leaf)
        return _directly_issued(found, signer) and _names_its_key(found, signer)
    except UNREADABLE:
        return False


def _directly_issued(found: x509.Certificate, signer: x509.Certificate) -> bool:
    """Names and signature fit, and the signature is of a kind that OpenSSL takes as well."""
    try:
        found.verify_directly_issued_by(signer)
    except (*UNREADABLE, InvalidSignature):
        return False
    kind = found.signature_hash_algorithm
    return kind is None or kind.name not in _BROKEN_HASHES


def _may_sign(found: x509.Certificate) -> bool:
    """It says that it is an authority; authorities from before pve-cluster 9.1.2 have no keyUsage."""
    try:
        if not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        return found.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound as error:
        return error.oid == x509.KeyUsage.oid


def _names_its_key(found: x509.Certificate, signer: x509.Certificate) -> bool:
    """Where both name the signing key they name the same one; OpenSSL would not link them otherwise."""
    try:
        named = found.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        own = signer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return True
    return named is None or named == own
