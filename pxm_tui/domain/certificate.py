"""A TLS certificate as it is shown, compared and trusted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pxm_tui.domain.times import iso

CLUSTER_AUTHORITY = "PVE Cluster Manager CA"
"""The organization of every cluster's own authority (pve-cluster, PVE::Cluster::Setup)."""


class TrustMode(StrEnum):
    """What a cluster's certificate is verified against. Exactly one a cluster, chosen at registration."""

    SYSTEM = "system"
    CA_FILE = "ca_file"
    PINNED_CA = "pinned_ca"
    PINNED_LEAF = "pinned_leaf"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A leaf certificate that a server showed.

    Attributes:
        sha256: fingerprint of the certificate, upper-case hex pairs joined by colons (95 characters).
        subject: distinguished name, such as `CN=pve1.lab, O=Proxmox Virtual Environment`.
        issuer: distinguished name of the signer.
        names: DNS names and IP addresses that it is made for.
        not_before: start of validity, UTC.
        not_after: end of validity, UTC.
        key: kind and size of the public key, such as `RSA 2048` or `EC P-256`.
        public_key_sha256: hash of the public key, to tell a renewal from a new key.
        pem: the certificate itself.
    """

    sha256: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key: str
    public_key_sha256: str
    pem: str

    def to_json(self) -> dict[str, Any]:
        """The six facts that a script needs to compare it."""
        return {
            "sha256": self.sha256,
            "subject": self.subject,
            "issuer": self.issuer,
            "names": list(self.names),
            "not_before": iso(self.not_before),
            "not_after": iso(self.not_after),
        }


@dataclass(frozen=True, slots=True)
class Trust:
    """What a cluster's connections are verified against.

    Attributes:
        mode: which of the four ways.
        fingerprint: SHA-256 of the leaf that was accepted; for `pinned_leaf` the only one that will be.
        anchor_pem: what is loaded as the trust anchor: the leaf (`pinned_leaf`), the cluster's own CA (`pinned_ca`),
            or the CA's content (`ca_file`); empty for `system`.
        authority: the cluster's own CA, proven by a handshake that verified under it; None where it is not known.
            In `system` mode it vouches for the nodes that are not publicly signed.
        certificate: the leaf as it was when it was trusted, for comparison and expiry.
        trusted_at: when the decision was made, UTC.
        vouched: leaves in PEM that the cluster itself vouched for, over a connection that verified: those of nodes
            with a certificate of their own. They are accepted beside the mode's anchor.
    """

    mode: TrustMode
    fingerprint: str | None = None
    anchor_pem: str = ""
    authority: Certificate | None = None
    certificate: Certificate | None = None
    trusted_at: datetime | None = None
    vouched: tuple[str, ...] = ()

    @property
    def ca_fingerprint(self) -> str | None:
        """SHA-256 of the cluster's own CA, where it is proven."""
        return None if self.authority is None else self.authority.sha256


@dataclass(frozen=True, slots=True)
class Claims:
    """What a server says of its cluster's certificates. It proves nothing: anybody may say it of any cluster.

    Attributes:
        authorities: SHA-256 of what it presents as its cluster's own authority.
        leaves: SHA-256 of what it lists as the certificates of the cluster's nodes.
    """

    authorities: frozenset[str] = frozenset()
    leaves: frozenset[str] = frozenset()


class ChangeVerdict(StrEnum):
    """What the difference between a trusted and a shown certificate looks like."""

    RENEWED = "The key is the same and the old one was about to expire: this looks like Proxmox's own renewal."
    REMADE = "The key is the same; the certificate was remade before its time. Ask who did it."
    CUSTOM = "The key is the same, the issuer is not: a custom certificate was probably made for the old key."
    NEW_KEY = (
        "The key is new under the same issuer name: the node was reinstalled, or somebody imitates it. "
        "Ask before you trust it."
    )
    FOREIGN = (
        "Key and issuer are new: a custom or ACME certificate, another machine at this address, or somebody "
        "in between. Ask before you trust it."
    )


RENEWAL_DAYS = 14
"""Proxmox VE makes a new leaf when the old one ends within this many days (pve-cluster, `pveupdate`)."""


def compare(trusted: Certificate, shown: Certificate, now: datetime) -> ChangeVerdict:
    """Say what a changed certificate looks like, from key, issuer and the old one's end."""
    same_key = trusted.public_key_sha256 == shown.public_key_sha256
    same_issuer = trusted.issuer == shown.issuer
    if same_key and same_issuer:
        due = (trusted.not_after - now).days <= RENEWAL_DAYS
        return ChangeVerdict.RENEWED if due else ChangeVerdict.REMADE
    if same_key:
        return ChangeVerdict.CUSTOM
    return ChangeVerdict.NEW_KEY if same_issuer else ChangeVerdict.FOREIGN


def names_host(names: Iterable[str], host: str) -> bool:
    """Whether a certificate's names hold `host`: exactly, as an address, or by a `*.` in place of one label."""
    wanted = _normal(host)
    return any(_normal(name) == wanted or _wildcard_fits(name.lower(), wanted) for name in names)


def _normal(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.rstrip(".").lower()


def _wildcard_fits(pattern: str, host: str) -> bool:
    return pattern.startswith("*.") and "." in host and pattern[2:] == host.partition(".")[2]
