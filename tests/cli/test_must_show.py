"""`pxm register`, as a program, where trust and login are not the plain ones: each with its exit status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.totp import totp
from tests.cli.conftest import Done, Pxm
from tests.fleet_fixtures import FleetFactory


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
