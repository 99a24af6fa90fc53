"""What is trusted from a registration on: the cluster's own authority where it is proven, else what was accepted."""

from __future__ import annotations

from dataclasses import replace

from pxm_tui.domain.certificate import Certificate, Trust, TrustMode
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import CertificateError
from pxm_tui.domain.messages import not_the_expected
from pxm_tui.domain.pem import fingerprint_of, split
from pxm_tui.services.requests import RegistrationRequest


def requested_trust(request: RegistrationRequest) -> Trust:
    """What the request says of trust; without a word the operating system's authorities.

    A fingerprint beside a CA file is that of the cluster's own authority in it, so that no names are compared.
    """
    if request.trust_ca and request.fingerprint:
        named = [pem for pem in split(request.trust_ca) if fingerprint_of(pem) == request.fingerprint]
        return Trust(TrustMode.PINNED_CA, anchor_pem=named[0])
    if request.fingerprint:
        return Trust(TrustMode.PINNED_LEAF, request.fingerprint)
    if request.trust_ca:
        return Trust(TrustMode.CA_FILE, anchor_pem=request.trust_ca)
    return Trust(TrustMode.SYSTEM)


def is_known_before(trust: Trust) -> bool:
    """Whether connections can be opened before a certificate has been looked at."""
    return trust.mode in {TrustMode.CA_FILE, TrustMode.PINNED_CA}


def as_unexpected(endpoint: Endpoint, trust: Trust, error: CertificateError) -> CertificateError:
    """At a registration nothing has changed yet: the certificate is not the one that was expected."""
    if error.certificate is None or error.cause not in {"changed", "untrusted"}:
        return error
    expected = {
        TrustMode.PINNED_LEAF: f"the expected one, {trust.fingerprint}",
        TrustMode.CA_FILE: "one of the given authority",
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


def why_trusted(trust: Trust) -> str:
    """For the step `certificate`."""
    return {
        TrustMode.SYSTEM: "vouched for by an authority of this machine",
        TrustMode.CA_FILE: "signed by the given authority",
        TrustMode.PINNED_LEAF: "the expected fingerprint",
        TrustMode.PINNED_CA: "signed by this cluster's authority",
    }[trust.mode]
