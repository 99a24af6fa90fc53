"""The cluster's own authority: what proves it, and what trusting it means for every node and renewal."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.errors import CertificateError, InvalidError
from pxm_tui.domain.pem import fingerprint
from pxm_tui.proxmox.authority import is_cluster_authority, proven_authority
from pxm_tui.services.authority import requested_trust, with_authority
from pxm_tui.services.requests import build_request
from pxm_tui.simulator.certificates import Certificate, CertificateAuthority
from tests.proxmox.servers import (
    AUTHORITY,
    LEAF,
    REALMS,
    HostileServer,
    Line,
    answering,
    authority,
    gateway,
    http,
    leaf,
    meeting,
    pin,
    record_everything,
    secured,
    self_signed,
)

OTHER = authority("another")
PINNED_CA = Trust(TrustMode.PINNED_CA, anchor_pem=AUTHORITY.own.pem)


def der(certificate: Certificate) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.pem)


def company(organization: str = "A Company", *, ca: bool = True) -> CertificateAuthority:
    """An authority with another name, or with that of a cluster's and no right to sign."""
    made = CertificateAuthority(f"company {organization} {ca}", now=time.time())
    old = made.own.certificate
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)])
    builder = x509.CertificateBuilder(
        name, name, old.public_key(), 5, old.not_valid_before_utc, old.not_valid_before_utc + timedelta(days=900)
    ).add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    made.own = Certificate(made.own.key, builder.sign(made.own.key, hashes.SHA256()))
    return made


def test_the_authority_that_signed_the_leaf_is_proven() -> None:
    found = proven_authority(der(LEAF), [OTHER.own.pem, AUTHORITY.own.pem])
    assert found is not None
    assert (found.sha256, found.pem) == (AUTHORITY.own.fingerprint, AUTHORITY.own.pem)


def test_one_from_before_key_usage_is_proven() -> None:
    old = authority("old", key_usage=False)
    assert proven_authority(der(leaf(old)), [old.own.pem]) is not None


NO_PROOF: dict[str, Callable[[], tuple[Certificate, str]]] = {
    "another cluster's": lambda: (LEAF, OTHER.own.pem),
    "the leaf itself": lambda: (LEAF, LEAF.pem),
    "a self-signed leaf": lambda: (self_signed(), self_signed().pem),
    "not of Proxmox VE": lambda: (leaf(company()), company().own.pem),
    "no right to sign": lambda: (
        leaf(company("PVE Cluster Manager CA", ca=False)), company("PVE Cluster Manager CA", ca=False).own.pem
    ),
    "nothing": lambda: (LEAF, ""),
    "garbage": lambda: (LEAF, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_PROOF)
def test_what_proves_nothing(case: str) -> None:
    shown, presented = NO_PROOF[case]()
    assert proven_authority(der(shown), [presented]) is None


def test_an_authority_signed_by_another_is_not_a_clusters_own() -> None:
    cross = (
        x509.CertificateBuilder(
            OTHER.own.certificate.subject,
            AUTHORITY.own.certificate.subject,
            AUTHORITY.own.key.public_key(),
            9,
            AUTHORITY.own.certificate.not_valid_before_utc,
            AUTHORITY.own.certificate.not_valid_after_utc,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(OTHER.own.key, hashes.SHA256())
    )
    assert not is_cluster_authority(Certificate(OTHER.own.key, cross).pem)


ACCEPTED = {
    "the leaf": LEAF,
    "a renewed one": leaf(),
    "another node's": leaf(name="pve2"),
    "an expired one": leaf(days=-10),
}


@pytest.mark.parametrize("shown", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_every_certificate_of_the_authority_is_trusted_under_any_name(shown: Certificate) -> None:
    async with meeting(answering(http(REALMS)), shown, "127.0.0.7") as (_server, session):
        assert await (await secured(session, PINNED_CA)).realms()


REFUSED = {
    "another authority's": leaf(OTHER),
    "the other authority itself": OTHER.own,
    "self-signed": self_signed(),
}


@pytest.mark.parametrize("shown", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("early", [False, True])
async def test_every_other_certificate_hears_nothing(shown: Certificate, early: bool) -> None:
    async with HostileServer(record_everything, shown) as server:
        async with aclosing(gateway().open(server.endpoint, PINNED_CA if early else None)) as session:
            with pytest.raises(CertificateError) as caught:
                await secured(session, PINNED_CA)
        assert caught.value.cause == "changed"
        assert server.heard == b""


async def test_a_company_authority_cannot_be_pinned_as_a_clusters() -> None:
    signer = company()
    async with meeting(record_everything, leaf(signer)) as (server, session):
        with pytest.raises(CertificateError):
            await secured(session, Trust(TrustMode.PINNED_CA, anchor_pem=signer.own.pem))
        assert server.heard == b""


async def test_a_vouched_leaf_is_accepted_beside_the_authority_and_signs_nobody() -> None:
    own = company("custom")
    trust = Trust(TrustMode.PINNED_CA, anchor_pem=AUTHORITY.own.pem, vouched=(own.own.pem,))
    async with meeting(answering(http(REALMS)), own.own) as (_server, session):
        assert await (await secured(session, trust)).realms()
    async with meeting(record_everything, leaf(own)) as (server, session):
        with pytest.raises(CertificateError):
            await secured(session, trust)
        assert server.heard == b""


@pytest.mark.parametrize("mode", [TrustMode.SYSTEM, TrustMode.CA_FILE])
async def test_where_names_are_compared_what_the_cluster_vouched_for_is_tried_after(mode: TrustMode) -> None:
    anchor = OTHER.own.pem if mode is TrustMode.CA_FILE else ""
    vouched = Trust(mode, anchor_pem=anchor, vouched=(LEAF.pem,))
    for trust, fine in ((vouched, True), (Trust(mode, anchor_pem=anchor), False)):
        async with meeting(answering(http(REALMS)), LEAF) as (server, session):
            if fine:
                assert await (await secured(session, trust)).realms()
            else:
                with pytest.raises(CertificateError):
                    await secured(session, trust)
                assert server.heard == b""


def presenting(*files: tuple[str, str]) -> bytes:
    return http(json.dumps({"data": [{"filename": name, "pem": pem} for name, pem in files]}).encode())


@pytest.mark.parametrize(
    ("presented", "proven"),
    [
        (presenting(("pve-root-ca.pem", AUTHORITY.own.pem), ("pve-ssl.pem", LEAF.pem)), True),
        (presenting(("pve-root-ca.pem", OTHER.own.pem)), False),
        (presenting(("another.pem", AUTHORITY.own.pem)), False),
        (presenting(), False),
    ],
)
async def test_what_a_node_presents_is_believed_where_it_has_signed_the_leaf(presented: bytes, proven: bool) -> None:
    async def talk(line: Line) -> None:
        assert b"GET /api2/json/nodes/localhost/certificates/info " in await line.request()
        await line.send(presented)

    async with meeting(talk) as (_server, session):
        await secured(session, pin(LEAF))
        found = await session.authority()
    assert (found is not None) == proven
    trust = with_authority(pin(LEAF), found)
    assert trust.mode is (TrustMode.PINNED_CA if proven else TrustMode.PINNED_LEAF)
    assert trust.ca_fingerprint == (AUTHORITY.own.fingerprint if proven else None)


async def test_an_authority_from_a_file_is_proven_without_asking() -> None:
    trust = Trust(TrustMode.CA_FILE, anchor_pem=AUTHORITY.own.pem)
    async with meeting(record_everything) as (server, session):
        found = await (await secured(session, trust)).authority()
        assert found is not None
        assert server.heard == b""


def sending_the_authority(signer: CertificateAuthority) -> Certificate:
    """A leaf that comes with its authority, as a custom certificate file may have it."""
    made = leaf(signer)

    class Chain(Certificate):
        @property
        def pem(self) -> str:
            return made.pem + signer.own.pem

    return Chain(made.key, made.certificate)


async def test_the_fingerprint_of_an_authority_that_is_sent_pins_it() -> None:
    chain = sending_the_authority(AUTHORITY)
    asked = Trust(TrustMode.PINNED_LEAF, fingerprint(der(AUTHORITY.own)))
    async with meeting(answering(http(REALMS)), chain) as (_server, session):
        await secured(session, asked)
        assert session.trust == PINNED_CA
        assert await session.realms()


@pytest.mark.parametrize("shown", [sending_the_authority(OTHER), sending_the_authority(company()), LEAF])
async def test_the_fingerprint_of_an_authority_that_is_not_sent_or_no_clusters_is_refused(shown: Certificate) -> None:
    for wanted in (AUTHORITY.own, company().own):
        async with meeting(record_everything, shown) as (server, session):
            with pytest.raises(CertificateError):
                await secured(session, Trust(TrustMode.PINNED_LEAF, wanted.fingerprint))
            assert server.heard == b""


def test_a_fingerprint_beside_a_file_names_the_authority_in_it() -> None:
    given = {"endpoint": "pve1", "user": "root@pam", "password": "x"}
    both = OTHER.own.pem + AUTHORITY.own.pem
    request = build_request(**given, trust_ca=both, fingerprint=AUTHORITY.own.fingerprint)
    trust = requested_trust(request)
    assert trust.mode is TrustMode.PINNED_CA
    assert fingerprint(ssl.PEM_cert_to_DER_cert(trust.anchor_pem)) == AUTHORITY.own.fingerprint
    with pytest.raises(InvalidError):
        build_request(**given, trust_ca=OTHER.own.pem, fingerprint=AUTHORITY.own.fingerprint)
