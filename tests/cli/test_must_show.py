"""`pxm register`, as a program, where trust and login are not the plain ones: each with its exit status."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.simulator.certificates import CertificateAuthority
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.totp import totp
from tests.cli.conftest import Done, Pxm
from tests.cli.person import Person
from tests.fleet_fixtures import FleetFactory
from tests.proxmox.servers import authority as public_authority
from tests.proxmox.servers import company_authority


@pytest.fixture
def one(fresh_fleet: FleetFactory) -> SimulatedCluster:
    """A cluster of two nodes, of the test's own."""
    return fresh_fleet(ClusterOptions("one", "9.2", nodes=2, guests=4)).clusters[0]


def register(
    program: Pxm,
    cluster: SimulatedCluster,
    *more: str,
    name: str = "one",
    endpoint: str = "",
    fingerprint: str = "",
    ca_file: Path | None = None,
    user: str = "root@pam",
    stdin: str = "",
) -> Done:
    """With a password; root's where no other is given."""
    trust = ["--fingerprint", fingerprint or cluster.fingerprint] if ca_file is None else ["--ca-file", str(ca_file)]
    return program(
        "register", name, endpoint or cluster.endpoint, "--user", user, "--password-stdin",
        *trust, "--json", *more,
        stdin=stdin or f"{cluster.password}\n",
    )  # fmt: skip


def record(done: Done) -> dict[str, Any]:
    assert done.status == 0, done.out + done.err
    found: dict[str, Any] = done.json
    return found


def error(done: Done) -> tuple[int, str, str]:
    found = done.json["error"]
    return done.status, found["code"], found["cause"]


def total(program: Pxm) -> int:
    return int(program("list", "--json").json["total"])


def test_a_second_factor(program: Pxm, one: SimulatedCluster) -> None:
    def sent(code: str) -> str:
        return f"{one.totp_password}\n{code}\n"

    user = one.totp_username
    none = register(program, one, user=user, stdin=f"{one.totp_password}\n")
    assert error(none) == (5, "login_failed", "second_factor_needed")
    wrong = register(program, one, "--otp-stdin", user=user, stdin=sent("000000"))
    assert error(wrong) == (5, "login_failed", "second_factor_wrong")
    assert total(program) == 0
    code = totp(one.totp_secret, one.state.clock())
    login = record(register(program, one, "--otp-stdin", user=user, stdin=sent(code)))["login"]
    assert (login["user"], login["method"], login["minted"]) == (user, "token", True)
    assert program("check", "one").status == 0


def with_token(program: Pxm, cluster: SimulatedCluster, token_id: str, secret: str) -> Done:
    return program(
        "register", "one", cluster.endpoint, "--token-id", token_id, "--token-secret-stdin",
        "--fingerprint", cluster.fingerprint, "--json",
        stdin=f"{secret}\n",
    )  # fmt: skip


def test_a_token_with_rights_of_its_own(program: Pxm, one: SimulatedCluster) -> None:
    one.add_user("anna@pve", "a-good-password", role="PVEAdmin")
    secret = one.add_token("anna@pve!pxm", privsep=True)
    assert error(with_token(program, one, "anna@pve!pxm", "not-the-secret")) == (5, "login_failed", "token")
    assert total(program) == 0
    one.grant("/", "anna@pve!pxm", "PVEAuditor")
    found = record(with_token(program, one, "anna@pve!pxm", secret))
    assert (found["status"], found["limits"], found["login"]["minted"]) == ("healthy", [], False)


def test_a_token_without_any_right_says_what_is_missing(program: Pxm, one: SimulatedCluster) -> None:
    one.add_user("anna@pve", "a-good-password", role="PVEAdmin")
    secret = one.add_token("anna@pve!pxm", privsep=True)
    found = record(with_token(program, one, "anna@pve!pxm", secret))
    assert {limit["privilege"] for limit in found["limits"]} >= {"Sys.Audit", "VM.Audit"}
    assert found["guests_total"] is None


@pytest.fixture
def authority(one: SimulatedCluster, tmp_path: Path) -> Path:
    """A file with the cluster's own authority, as it is before the test."""
    file = tmp_path / "pve-root-ca.pem"
    file.write_text(one.ca_pem)
    return file


def test_a_renewed_certificate(program: Pxm, one: SimulatedCluster, authority: Path) -> None:
    before = one.fingerprint
    assert record(register(program, one))["trust"]["mode"] == "pinned_ca"
    one.reissue(new_key=True)
    assert one.fingerprint != before
    assert program("check", "one").status == 0
    one.forget_requests()
    stale = register(program, one, "--separate", name="two", fingerprint=before)
    assert error(stale) == (6, "certificate_untrusted", "untrusted")
    assert stale.json["error"]["certificate"]["sha256"] == one.fingerprint
    assert one.request_count == 0
    assert record(register(program, one, "--separate", name="two", ca_file=authority))["name"] == "two"


def test_a_replaced_authority(program: Pxm, one: SimulatedCluster, authority: Path) -> None:
    assert record(register(program, one))["trust"]["ca_fingerprint"] == one.ca_fingerprint
    one.replace_authority()
    one.forget_requests()
    assert program("check", "one").status == 6
    assert error(register(program, one, name="two", ca_file=authority)) == (6, "certificate_untrusted", "untrusted")
    assert one.request_count == 0
    assert program("edit", "one", "--fingerprint", one.fingerprint, "--json").status == 0
    assert program("check", "one").status == 0


def test_two_nodes_of_one_cluster(program: Pxm, one: SimulatedCluster) -> None:
    second = one.endpoint_of(one.nodes[1])
    one.stop_listening(one.nodes[1])
    first = record(register(program, one))
    one.listen_again(one.nodes[1])
    fingerprint = one.fingerprint_of(one.nodes[1])
    refused = register(program, one, name="two", endpoint=second, fingerprint=fingerprint)
    assert error(refused)[:2] == (4, "already_registered")
    assert "one" in refused.json["error"]["message"]
    assert f"pxm edit one --add-endpoint {second}" in refused.json["error"]["hint"]
    assert program("edit", "one", "--add-endpoint", second).status == 0
    known = register(program, one, name="two", endpoint=second, fingerprint=fingerprint)
    assert error(known)[:2] == (4, "already_registered")
    assert total(program) == 1
    separate = register(program, one, "--separate", name="two", endpoint=second, fingerprint=fingerprint)
    assert record(separate)["id"] != first["id"]
    assert total(program) == 2


def present_its_own(cluster: SimulatedCluster, node: str, signer: CertificateAuthority | None = None) -> None:
    """Let a node have a certificate of its own, of a company's authority where nothing else is said."""
    address = cluster.state.nodes[node].address
    issuer = signer or company_authority()
    cluster.present(node, issuer.issue(node, domain="example.net", address=address, now=time.time()))


@pytest.mark.parametrize("own", [0, 1])
def test_two_nodes_of_one_cluster_one_of_which_has_a_certificate_of_its_own(
    program: Pxm, one: SimulatedCluster, own: int
) -> None:
    present_its_own(one, one.nodes[own])
    second, fingerprint = one.endpoint_of(one.nodes[1]), one.fingerprint_of(one.nodes[1])
    one.stop_listening(one.nodes[1])
    mode = record(register(program, one))["trust"]["mode"]
    assert mode == ("pinned_leaf" if own == 0 else "pinned_ca")
    one.listen_again(one.nodes[1])
    refused = register(program, one, name="two", endpoint=second, fingerprint=fingerprint)
    assert error(refused)[:2] == (4, "already_registered")
    assert f"pxm edit one --add-endpoint {second}" in refused.json["error"]["hint"]
    tried = register(program, one, "--dry-run", name="two", endpoint=second, fingerprint=fingerprint)
    assert (tried.status, total(program)) == (4, 1)
    assert [step["name"] for step in tried.json["steps"] if step["state"] == "failed"] == ["identity"]
    one.stop_listening(one.nodes[0])
    alone = register(program, one, "--dry-run", name="two", endpoint=second, fingerprint=fingerprint)
    (step,) = [step for step in alone.json["steps"] if step["name"] == "identity"]
    assert (alone.status, step["state"], step["cause"]) == (0, "warning", "not_asked")
    assert f"pxm edit one --add-endpoint {second}" in step["hint"]
    one.listen_again(one.nodes[0])
    assert program("edit", "one", "--add-endpoint", second).status == 0
    assert program("check", "one").status == 0
    separate = register(program, one, "--separate", name="two", endpoint=second, fingerprint=fingerprint)
    assert record(separate)["name"] == "two"


def test_a_person_adds_a_node_with_a_certificate_of_its_own(program: Pxm, one: SimulatedCluster) -> None:
    present_its_own(one, one.nodes[1])
    second = one.endpoint_of(one.nodes[1])
    one.stop_listening(one.nodes[1])
    record(register(program, one))
    one.listen_again(one.nodes[1])
    with Person(
        "register", "two", second, "--token-id", one.token_id, "--fingerprint", one.fingerprint_of(one.nodes[1])
    ) as person:
        person.sees("Secret of the token")
        person.types(f"{one.token_secret}\n")
        person.sees("one vouches for its certificate")
        person.sees("Type endpoint, separate or no: ")
        person.types("endpoint\n")
        assert person.ends() == 0
    assert total(program) == 1
    assert [found["url"] for found in program("show", "one", "--json").json["endpoints"]] == one.endpoints
    one.stop_listening(one.nodes[0])
    assert program("check", "one").status == 0


def test_two_records_that_turn_out_to_be_of_one_cluster_are_named(
    program: Pxm, fresh_fleet: FleetFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The known one was down at the registration; the authority shows only in the other nodes, after the save."""
    lab = fresh_fleet(ClusterOptions("lab", "9.2", nodes=3, guests=4)).clusters[0]
    first, second, third = lab.nodes
    for node in (second, third):
        lab.stop_listening(node)
    record(register(program, lab))
    for node in (second, third):
        lab.listen_again(node)
    lab.stop_listening(first)
    public, file = public_authority("public"), tmp_path / "system.pem"
    file.write_text(public.own.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))
    present_its_own(lab, second, public)
    done = program(
        "register", "two", lab.endpoint_of(second), "--token-id", lab.token_id, "--token-secret-stdin",
        stdin=f"{lab.token_secret}\n",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert 'of "one", which could not be asked (refused)' in done.err
    assert '"two" and "one" have the same authority: one cluster, registered twice' in done.err
    assert f"`pxm deregister two`, then `pxm edit one --add-endpoint {lab.endpoint_of(second)}`" in done.err
    assert total(program) == 2
