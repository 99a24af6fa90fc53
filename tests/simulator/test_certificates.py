"""Certificates: as Proxmox makes them, verified by OpenSSL itself."""

import hashlib
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from pxm_tui.simulator.certificates import CertificateAuthority
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.thread import FleetThread
from tests.fleet_fixtures import FleetFactory
from tests.simulator.wire import Wire, ask, token_header, unverified

NOW = 1_790_000_000.0


def verifying(ca_pem: str, *, names: bool = True) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=ca_pem)
    context.check_hostname = names
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def served_leaf(endpoint: str) -> bytes:
    with Wire(endpoint, context=unverified()) as wire:
        assert isinstance(wire.socket, ssl.SSLSocket)
        return wire.socket.getpeercert(binary_form=True) or b""


def test_the_leaf_verifies_against_the_authority(fleet: FleetThread) -> None:
    for cluster in fleet.clusters:
        for endpoint in cluster.endpoints:
            with Wire(endpoint, context=verifying(cluster.ca_pem)) as wire:
                assert wire.ask("GET", "/api2/json/access/domains").status == 200


def test_another_authority_does_not_verify(fleet: FleetThread) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        Wire(fleet.clusters[0].endpoint, context=verifying(fleet.clusters[1].ca_pem))


def test_the_fingerprint_is_that_of_the_served_leaf(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    for name in cluster.nodes:
        der = served_leaf(cluster.endpoint_of(name))
        assert hashlib.sha256(der).digest().hex(":").upper() == cluster.fingerprint_of(name)
    listed = ask(cluster.endpoint, "GET", "/api2/json/nodes", token_header(cluster)).data
    found = {node["node"]: node["ssl_fingerprint"] for node in listed}
    assert found == {name: cluster.fingerprint_of(name) for name in cluster.nodes}


def test_names_and_extensions(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    leaf = x509.load_der_x509_certificate(served_leaf(cluster.endpoint))
    parts = [(part.rfc4514_attribute_name, part.value) for part in leaf.subject]
    assert parts[:2] == [("OU", "PVE Cluster Node"), ("O", "Proxmox Virtual Environment")]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    assert addresses == ["127.0.0.1", "::1", cluster.state.nodes["pve1"].address]
    assert names.get_values_for_type(x509.DNSName)[:2] == ["localhost", "pve1"]
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 730


def test_key_usage_of_the_authority_came_with_9(fleet: FleetThread) -> None:
    new, old = (x509.load_pem_x509_certificate(fleet.clusters[i].ca_pem.encode()) for i in (0, 2))
    usage = new.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign
    with pytest.raises(x509.ExtensionNotFound):
        old.extensions.get_extension_for_class(x509.KeyUsage)
    organisation = new.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)[0]
    assert organisation.value == "PVE Cluster Manager CA"


def test_certificates_follow_from_the_seed() -> None:
    def make(seed: str) -> str:
        authority = CertificateAuthority(seed, now=NOW)
        return authority.issue("pve1", domain="lab.test", address="127.0.0.2", now=NOW).fingerprint

    assert make("a") == make("a") != make("b")


def test_rsa_keys_of_proxmox_sizes() -> None:
    authority = CertificateAuthority("x", now=NOW, keys="rsa")
    leaf = authority.issue("pve1", domain="lab.test", address="127.0.0.1", now=NOW)
    for held, bits in ((authority.own, 4096), (leaf, 2048)):
        key = held.certificate.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        assert key.key_size == bits
    leaf.certificate.verify_directly_issued_by(authority.own.certificate)


def test_a_renewal_keeps_the_key(fresh_fleet: FleetFactory) -> None:
    cluster = fresh_fleet(ClusterOptions("renew", nodes=2, guests=0)).clusters[0]
    before = x509.load_der_x509_certificate(served_leaf(cluster.endpoint))
    cluster.reissue("pve1")
    after = x509.load_der_x509_certificate(served_leaf(cluster.endpoint))
    assert after != before
    assert after.public_key() == before.public_key()
    cluster.reissue("pve1", new_key=True)
    third = x509.load_der_x509_certificate(served_leaf(cluster.endpoint))
    assert third.public_key() != after.public_key()
    with Wire(cluster.endpoint, context=verifying(cluster.ca_pem)):
        pass


def test_another_authority_and_an_expired_leaf(fresh_fleet: FleetFactory) -> None:
    cluster = fresh_fleet(ClusterOptions("other", nodes=2, guests=0)).clusters[0]
    old_ca, old_fingerprint = cluster.ca_pem, cluster.ca_fingerprint
    cluster.replace_authority()
    assert cluster.ca_fingerprint != old_fingerprint
    with pytest.raises(ssl.SSLCertVerificationError):
        Wire(cluster.endpoint, context=verifying(old_ca))
    with Wire(cluster.endpoint, context=verifying(cluster.ca_pem)):
        pass
    cluster.reissue("pve1", expired=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        Wire(cluster.endpoint, context=verifying(cluster.ca_pem))


def test_certificates_info(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    path = "/api2/json/nodes/{}/certificates/info"
    for asked, name in (("localhost", "pve1"), ("pve2", "pve2")):
        reply = ask(cluster.endpoint, "GET", path.format(asked), token_header(cluster))
        root, leaf = reply.data
        assert root["filename"] == "pve-root-ca.pem"
        assert root["subject"] == root["issuer"]
        assert root["subject"].startswith("/CN=Proxmox Virtual Environment/OU=")
        assert root["subject"].endswith("/O=PVE Cluster Manager CA")
        assert (root["pem"], root["fingerprint"], root["san"]) == (cluster.ca_pem, cluster.ca_fingerprint, [])
        assert leaf["filename"] == "pve-ssl.pem"
        assert leaf["fingerprint"] == cluster.fingerprint_of(name)
        assert leaf["san"][:3] == ["127.0.0.1", "0000:0000:0000:0000:0000:0000:0000:0001", "localhost"]
        assert leaf["public-key-bits"] == 256


def test_only_the_leaf_is_sent(fresh_fleet: FleetFactory) -> None:
    options = FleetOptions(clusters=1, nodes=1, guests=0, auth_delay=0, pve="9.2")
    cluster = fresh_fleet(options=options).clusters[0]
    host, port = cluster.endpoint.removeprefix("https://").split(":")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = unverified()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # its certificates are sent in the clear
    client = context.wrap_bio(incoming, outgoing)
    received = b""
    with socket.create_connection((host, int(port)), timeout=5) as plain:
        while b"\x0e\x00\x00\x00" not in received:
            with pytest.raises(ssl.SSLWantReadError):
                client.do_handshake()
            plain.sendall(outgoing.read())
            received += plain.recv(65536)
    leaf = ssl.PEM_cert_to_DER_cert(cluster.state.leaf(cluster.nodes[0]).pem)
    root = ssl.PEM_cert_to_DER_cert(cluster.ca_pem)
    assert leaf in received
    assert root not in received
