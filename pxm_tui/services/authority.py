"""What is trusted from a registration on: the cluster's own authority where it is proven, else what was accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from pxm_tui.domain.certificate import Certificate, Trust, TrustMode
from pxm_tui.domain.certificate_messages import not_of_authority, not_the_expected
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import CertificateError
from pxm_tui.domain.expiry import warnings
from pxm_tui.domain.pem import fingerprint_of, split
from pxm_tui.services.checklist import StepNotes

if TYPE_CHECKING:
    from pxm_tui.services.requests import RegistrationRequest


def requested_trust(request: RegistrationRequest) -> Trust:
    """What the request says of trust; without a word the operating system's authorities."""
    return wished_trust(request.fingerprint, request.trust_ca)


def wished_trust(fingerprint: str | None, trust_ca: str | None) -> Trust:
    """What a fingerprint and authorities in PEM say of trust; without either the operating system's authorities.

    A fingerprint beside authorities is that of the cluster's own among them, so that no names are compared.

    Raises:
        InvalidError: it is that of none of them.
    """
    if trust_ca and fingerprint:
        from pxm_tui.services.requests import need_both

        need_both(fingerprint, trust_ca)
        named = [pem for pem in split(trust_ca) if fingerprint_of(pem) == fingerprint]
        return Trust(TrustMode.PINNED_CA, anchor_pem=named[0])
    if fingerprint:
        return Trust(TrustMode.PINNED_LEAF, fingerprint)
    if trust_ca:
        return Trust(TrustMode.CA_FILE, anchor_pem=trust_ca)
    return Trust(TrustMode.SYSTEM)


def is_known_before(trust: Trust) -> bool:
    """Whether connections can be opened before a certificate has been looked at."""
    return trust.mode in {TrustMode.CA_FILE, TrustMode.PINNED_CA}


def as_unexpected(endpoint: Endpoint, trust: Trust, error: CertificateError) -> CertificateError:
    """At a registration nothing has changed yet: the certificate is not the one that was expected."""
    if error.certificate is None or error.cause not in {"changed", "untrusted"}:
        return error
    if trust.mode is TrustMode.CA_FILE:
        return not_of_authority(endpoint, error.certificate)
    expected = {
        TrustMode.PINNED_LEAF: f"the expected one, {trust.fingerprint}",
        TrustMode.PINNED_CA: "one of the given cluster's own authority",
    }.get(trust.mode)
    return error if expected is None else not_the_expected(endpoint, expected, error.certificate)


def with_authority(trust: Trust, authority: Certificate | None) -> Trust:
    """The trust after the proof: a pinned leaf gives way to the cluster's own authority that has signed it.

    In the other modes the authority is kept beside what is verified against: it says which cluster this is.
    """
    if authority is None:
        return trust
    if trust.mode is TrustMode.PINNED_LEAF:
        return replace(trust, mode=TrustMode.PINNED_CA, anchor_pem=authority.pem, authority=authority)
    return replace(trust, authority=authority)


def warn_of_expiry(notes: StepNotes, shown: Certificate, trust: Trust, now: datetime) -> None:
    """Let the step `certificate` pass with a warning where the leaf or the authority ends soon."""
    found = warnings(shown, trust, now)
    if found is not None:
        notes.warn("expires_soon", f"{notes.message}; {found[0]}", found[1])


def why_trusted(trust: Trust) -> str:
    """For the step `certificate`."""
    return {
        TrustMode.SYSTEM: "vouched for by an authority of this machine",
        TrustMode.CA_FILE: "signed by the given authority",
        TrustMode.PINNED_LEAF: "the expected fingerprint",
        TrustMode.PINNED_CA: "signed by this cluster's authority",
    }[trust.mode]
