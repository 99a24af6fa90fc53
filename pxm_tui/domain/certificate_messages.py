"""The wording of why a certificate is not trusted."""

from __future__ import annotations

from pxm_tui.domain.certificate import Certificate
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import CertificateError
from pxm_tui.domain.remedies import COMPARE, TRUST


def untrusted(endpoint: Endpoint, certificate: Certificate | None) -> CertificateError:
    """No authority vouches for the certificate, and no person has."""
    shown = f" SHA-256 {certificate.sha256}." if certificate else ""
    return CertificateError(
        "untrusted",
        f"No authority on this machine vouches for the certificate of {endpoint.host}. No login was sent.{shown}",
        probably="Normal for Proxmox VE: every cluster signs its own.",
        do=f"Compare with `pvenode cert info` on the node, then {TRUST}.",
        certificate=certificate,
    )


def not_of_authority(endpoint: Endpoint, certificate: Certificate) -> CertificateError:
    """The given authority has not signed what is shown."""
    return CertificateError(
        "untrusted",
        f"{endpoint.host} shows another certificate than one of the given authority. No login was sent. "
        f"SHA-256 {certificate.sha256}.",
        probably="The file is another cluster's, the node has a certificate of its own (ACME, a company's), "
        "or somebody is in between.",
        do="On the node: `pvenode cert info` shows both. The cluster's own authority is /etc/pve/pve-root-ca.pem; "
        "a certificate of its own takes its issuer's file, or `--fingerprint`.",
        certificate=certificate,
    )


def not_the_expected(endpoint: Endpoint, expected: str, certificate: Certificate) -> CertificateError:
    """The given fingerprint, or the given cluster's authority, does not match what is shown."""
    return CertificateError(
        "untrusted",
        f"{endpoint.host} shows another certificate than {expected}. No login was sent. SHA-256 {certificate.sha256}.",
        probably="A fingerprint of another node, an older certificate, or somebody in between.",
        do="Compare with `pvenode cert info` on the node. The fingerprint of the cluster's authority (pve-root-ca.pem) "
        "needs that file too, with `--ca-file`: nodes do not send it.",
        certificate=certificate,
    )


def changed(
    endpoint: Endpoint, trusted_on: str, certificate: Certificate | None, verdict: str = ""
) -> CertificateError:
    """Another certificate than the one that is trusted; `trusted_on` is a date."""
    return CertificateError(
        "changed",
        f"{endpoint.host} shows another certificate than the one trusted on {trusted_on}. "
        "Nothing with a credential has been sent since.",
        probably=verdict,
        do=f"Compare with `pvenode cert info`, then {COMPARE}.",
        certificate=certificate,
    )


def not_of_cluster(endpoint: Endpoint, name: str, certificate: Certificate | None) -> CertificateError:
    """An endpoint that is to be added does not prove to be of the cluster."""
    shown = f" SHA-256 {certificate.sha256}." if certificate else ""
    return CertificateError(
        "untrusted",
        f'{endpoint.url} does not prove to be of "{name}": its certificate is not vouched for by what is trusted for '
        f"that cluster. No login was sent.{shown}",
        probably="Another cluster, or a node with a certificate of its own.",
        do="Compare with `pvenode cert info` on the node. Another cluster is registered by itself: `pxm register`.",
        certificate=certificate,
    )


def expired(endpoint: Endpoint, certificate: Certificate | None) -> CertificateError:
    """The certificate has run out, where its dates count."""
    when = f" on {certificate.not_after:%Y-%m-%d}" if certificate else ""
    return CertificateError(
        "expired",
        f"The certificate of {endpoint.host} expired{when}. No login was sent.",
        probably="The node's daily renewal has not run, or this machine's clock is wrong.",
        do="On the node: `pvecm updatecerts --force`, or renew its ACME certificate. Then check it again.",
        certificate=certificate,
    )


def wrong_host(endpoint: Endpoint, certificate: Certificate | None) -> CertificateError:
    """A vouched-for certificate, made for another name."""
    names = f" It is made for {', '.join(certificate.names[:6])}." if certificate and certificate.names else ""
    return CertificateError(
        "wrong_host",
        f"The certificate of {endpoint.host} does not name this host. No login was sent.{names}",
        probably="The cluster is addressed by an alias or an IP address, or another machine answers here.",
        do="Use one of its names, or trust this one certificate by its fingerprint.",
        certificate=certificate,
    )
