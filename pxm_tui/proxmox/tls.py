"""The one recipe for TLS contexts, and what a failed handshake means.

Verification cannot be switched off: the only context without it is for `read_chain` in `dialing`, which closes the
connection before a byte is sent.
"""

from __future__ import annotations

import ssl
import sys
from enum import Enum, auto

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.messages import invalid
from pxm_tui.domain.pem import split

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python does not name: the dates of a pin are not verified."""

_EXPIRED = frozenset({9, 10})  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_WRONG_HOST = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_NOT_TLS = frozenset(
    {
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "HTTPS_PROXY_REQUEST",
        "UNKNOWN_PROTOCOL",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_TOO_SMALL",
        "BAD_RECORD_TYPE",
        "UNEXPECTED_MESSAGE",
        "INVALID_ALERT",
        "ENCRYPTED_LENGTH_TOO_LONG",
        "DATA_LENGTH_TOO_LONG",
    }
)


class TlsFailure(Enum):
    """Why a handshake failed."""

    UNTRUSTED = auto()
    EXPIRED = auto()
    WRONG_HOST = auto()
    NOT_TLS = auto()
    BROKEN_OFF = auto()


def classify(error: ssl.SSLError) -> TlsFailure:
    """What `error`, raised during a handshake, means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _EXPIRED:
            return TlsFailure.EXPIRED
        return TlsFailure.WRONG_HOST if error.verify_code in _WRONG_HOST else TlsFailure.UNTRUSTED
    return TlsFailure.NOT_TLS if error.reason in _NOT_TLS else TlsFailure.BROKEN_OFF


def _bare() -> ssl.SSLContext:
    """A context that trusts nobody yet.

    Cluster authorities made before pve-cluster 9.1.2 have no keyUsage, which the strict mode refuses.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _relax(context)
    return context


def _relax(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT


def context_for(trust: Trust) -> ssl.SSLContext:
    """A context that accepts what `trust` says and nothing else; for `system` use `system_context`.

    Raises:
        InvalidError: the content of `ca_file`, or what is pinned, is no certificate.
    """
    if trust.mode is TrustMode.CA_FILE:
        return _anchored(trust.anchor_pem)
    if trust.mode in {TrustMode.PINNED_CA, TrustMode.PINNED_LEAF}:
        context = _anchored("\n".join((trust.anchor_pem, *trust.vouched)))
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
        return context
    raise invalid("trust", f"Certificates cannot be verified by {trust.mode}.")


def _anchored(pem: str) -> ssl.SSLContext:
    """A context with the certificates in `pem` as its anchors; what stands between them is passed over."""
    context = _bare()
    try:
        context.load_verify_locations(cadata="\n".join(split(pem)))
    except (ssl.SSLError, ValueError, TypeError):
        raise _no_certificate() from None
    return context


def _no_certificate() -> InvalidError:
    return invalid(
        "ca_file",
        "The given authority is no certificate in PEM.",
        "On a node: /etc/pve/pve-root-ca.pem. It begins with -----BEGIN CERTIFICATE-----.",
    )


def system_context() -> ssl.SSLContext:
    """A context that trusts the operating system's authorities. Takes tens of milliseconds: make it once."""
    paths = ssl.get_default_verify_paths()
    if sys.platform not in {"darwin", "win32"} and (paths.cafile or paths.capath):
        # OpenSSL knows where this system keeps them. truststore would read them again for every connection.
        context = _bare()
        context.set_default_verify_paths()
        return context
    import truststore

    native: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _relax(native)
    return native


def reading_context() -> ssl.SSLContext:
    """A context that takes any certificate: to read it, never to send anything."""
    context = _bare()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
