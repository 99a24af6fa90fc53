"""`pxm edit`, and the endpoints that `pxm register` finds: against clusters of several nodes."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from pxm_tui.simulator.certificates import CertificateAuthority
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.thread import FleetThread
from pxm_tui.simulator.totp import totp
from tests.cli.conftest import Done, Pxm
from tests.cli.test_register import files_with
from tests.fleet_fixtures import FleetFactory


@pytest.fixture
def two(fresh_fleet: FleetFactory) -> FleetThread:
    """Two clusters of three and two nodes."""
    return fresh_fleet(ClusterOptions("one", "9.2", nodes=3, guests=3), ClusterOptions("two", "8.4", nodes=2, guests=3))


def register(pxm: Pxm, fleet: FleetThread, index: int = 0, *more: str, trust: str = "--fingerprint") -> Done:
    cluster = fleet.clusters[index]
    done = pxm(
        "register", cluster.name, cluster.endpoint, "--token-id", cluster.token_id, "--token-secret-stdin",
        *([trust, cluster.fingerprint] if trust == "--fingerprint" else []), "--json", *more,
        stdin=f"{cluster.token_secret}\n",
    )  # fmt: skip
    assert done.status == 0
    return done


def urls(done: Done) -> list[str]:
    return [endpoint["url"] for endpoint in done.json["endpoints"]]


def test_the_other_nodes_become_endpoints(pxm: Pxm, two: FleetThread) -> None:
    done = register(pxm, two)
    assert urls(done) == two.clusters[0].endpoints
    assert done.json["api_endpoint"] == two.clusters[0].endpoint
    assert pxm("show", "one", "--json").json == done.json
    lines = pxm("show", "one").out.splitlines()
    assert all(any(url in line for line in lines) for url in two.clusters[0].endpoints)


def test_those_that_do_not_answer_are_left_out_and_said(pxm: Pxm, two: FleetThread) -> None:
    cluster = two.clusters[0]
    two.fleet.run(lambda: cluster.stop_listening("pve2"))
    done = pxm(
        "register", "", cluster.endpoint, "--token-id", cluster.token_id, "--token-secret-stdin",
        "--fingerprint", cluster.fingerprint,
        stdin=f"{cluster.token_secret}\n",
    )  # fmt: skip
    assert done.status == 0
    host = [url.removeprefix("https://") for url in cluster.endpoints]
    assert f"note: another endpoint, pve2, {host[1]}: refused; not kept." in done.err
    assert re.search(f"note: another endpoint, pve3, {re.escape(host[2])}: answers, [0-9]+ ms; kept\\.", done.err)
    assert urls(pxm("show", "one", "--json")) == [cluster.endpoints[0], cluster.endpoints[2]]


def test_each_node_is_said_with_its_state_and_one_with_its_own_certificate_is_kept(pxm: Pxm, two: FleetThread) -> None:
    cluster = two.clusters[0]
    company = CertificateAuthority("a company's", now=time.time())
    host = [url.removeprefix("https://") for url in cluster.endpoints]
    address = cluster.state.nodes["pve2"].address
    cluster.present("pve2", company.issue("pve2", domain="example.net", address=address, now=time.time()))
    cluster.tell_address("pve3", "127.255.255.250")
    done = pxm(
        "register", "", cluster.endpoint, "--token-id", cluster.token_id, "--token-secret-stdin",
        "--fingerprint", cluster.fingerprint,
        stdin=f"{cluster.token_secret}\n",
    )  # fmt: skip
    assert done.status == 0
    second = f"note: another endpoint, pve2, {re.escape(host[1])}: answers, [0-9]+ ms; own certificate; kept\\."
    assert re.search(second, done.err)
    assert re.search(f"note: another endpoint, pve3, {re.escape(host[2])}: answers, [0-9]+ ms; kept\\.", done.err)
    assert "endpoint" not in done.out
    assert urls(pxm("show", "one", "--json")) == cluster.endpoints
    assert pxm("check", "one").status == 0
    lines = pxm("audit", "--json").json["entries"]
    assert [entry["facts"]["endpoint"] for entry in lines if entry["action"] == "vouch"] == [cluster.endpoints[1]]


def test_those_that_drop_packets_do_not_hold_it_up_for_long(pxm: Pxm, two: FleetThread) -> None:
    cluster = two.clusters[0]
    two.fleet.run(lambda: cluster.drop_packets("pve2"))
    two.fleet.run(lambda: cluster.fall_silent("pve3"))
    assert urls(register(pxm, two)) == [cluster.endpoint]


def test_a_dry_run_looks_for_none(pxm: Pxm, two: FleetThread) -> None:
    done = register(pxm, two, 0, "--dry-run")
    assert list(done.json) == ["steps"]


def test_a_node_down_leaves_the_cluster_checked_through_another(pxm: Pxm, two: FleetThread) -> None:
    register(pxm, two)
    two.fleet.run(lambda: two.clusters[0].stop_listening("pve1"))
    done = pxm("check", "one", "--json")
    assert done.status == 0
    found = done.json["clusters"][0]
    assert found["cluster"]["status"] == "healthy"
    assert found["cluster"]["api_endpoint"] == two.clusters[0].endpoint
    connect = next(step for step in found["steps"] if step["name"] == "connect")
    assert (connect["state"], connect["cause"]) == ("warning", "endpoint_down")


def test_name_labels_and_guard_need_no_answer(pxm: Pxm, two: FleetThread) -> None:
    register(pxm, two, 0, "--label", "env=lab", "--label", "site=fra")
    two.fleet.run(two.clusters[0].stop_listening)
    done = pxm(
        "edit", "one", "--name", "서울-1", "--label", "env=prod", "--label", "team=core", "--remove-label", "site",
        "--read-only", "--json",
    )  # fmt: skip
    assert (done.status, done.err) == (0, "")
    assert done.json["name"] == "서울-1"
    assert done.json["labels"] == {"env": "prod", "team": "core"}
    assert done.json["guard"]["read_only"] is True
    assert pxm("show", "서울-1", "--json").json == done.json
    asked = pxm("edit", "서울-1", "--no-read-only", "--json")
    assert (asked.status, asked.json["error"]["hint"]) == (2, "Give --yes.")
    assert pxm("show", "서울-1", "--json").json["guard"]["read_only"] is True
    assert pxm("edit", "서울-1", "--no-read-only", "--yes", "--json").json["guard"]["read_only"] is False
    same = pxm("edit", "서울-1", "--no-read-only")
    assert (same.status, same.out) == (0, "서울-1 is like that already; nothing was changed.\n")


def test_only_production_asks_before_it_is_writable(pxm: Pxm, two: FleetThread) -> None:
    register(pxm, two, 0, "--label", "env=lab", "--json")
    assert pxm("edit", "one", "--read-only").status == 0
    assert pxm("edit", "one", "--no-read-only").status == 0


def test_the_outcome_in_words(pxm: Pxm, two: FleetThread) -> None:
    register(pxm, two)
    done = pxm("edit", "one", "--name", "eins", "--label", "env=dr")
    assert (done.status, done.out, done.err) == (0, "Changed eins: name, labels.\n", "")


def test_endpoints_go_and_come_back(pxm: Pxm, two: FleetThread) -> None:
    first, second, third = two.clusters[0].endpoints
    register(pxm, two)
    done = pxm("edit", "one", "--remove-endpoint", first, "--remove-endpoint", third, "--json")
    assert (urls(done), done.json["api_endpoint"]) == ([second], second)
    done = pxm("edit", "one", "--add-endpoint", third.removeprefix("https://"), "--add-endpoint", first, "--json")
    assert (urls(done), done.json["api_endpoint"]) == ([second, third, first], second)
    assert urls(pxm("edit", "one", "--add-endpoint", first, "--json")) == [second, third, first]


def test_the_last_endpoint_stays(pxm: Pxm, two: FleetThread) -> None:
    record = register(pxm, two).json
    gone = [part for url in two.clusters[0].endpoints for part in ("--remove-endpoint", url)]
    done = pxm("edit", "one", *gone, "--name", "eins", "--json")
    assert (done.status, done.json["error"]["code"], done.json["error"]["cause"]) == (2, "invalid", "endpoint")
    assert pxm("show", "one", "--json").json == record
    assert pxm("edit", "one", "--remove-endpoint", "https://10.9.9.9:8006").status == 2


@pytest.mark.parametrize("trust", ["--fingerprint", "--ca-file"])
def test_another_cluster_s_node_is_no_endpoint(pxm: Pxm, two: FleetThread, tmp_path: Path, trust: str) -> None:
    both = tmp_path / "both.pem"
    both.write_text("".join(cluster.ca_pem for cluster in two.clusters))
    record = register(pxm, two, 0, *(["--ca-file", str(both)] if trust == "--ca-file" else []), trust=trust).json
    before = len(two.clusters[1].requests)
    done = pxm("edit", "one", "--add-endpoint", two.clusters[1].endpoint, "--name", "eins", "--json")
    assert (done.status, done.json["error"]["cause"]) == (6, "untrusted")
    assert "does not prove to be of" in done.json["error"]["message"]
    assert done.json["error"]["certificate"]["sha256"] == two.clusters[1].fingerprint
    assert len(two.clusters[1].requests) == before
    assert pxm("show", "one", "--json").json == record


def test_an_endpoint_that_does_not_answer_is_not_added(pxm: Pxm, two: FleetThread) -> None:
    record = register(pxm, two).json
    done = pxm("edit", "one", "--add-endpoint", "127.0.0.1:1", "--json")
    assert (done.status, done.json["error"]["cause"]) == (7, "refused")
    assert pxm("show", "one", "--json").json == record


def test_a_name_that_is_taken(pxm: Pxm, two: FleetThread) -> None:
    register(pxm, two)
    register(pxm, two, 1)
    done = pxm("edit", "one", "--name", "TWO", "--label", "a=b", "--json")
    assert (done.status, done.json["error"]["code"]) == (4, "already_registered")
    assert pxm("show", "one", "--json").json["labels"] == {}
    assert pxm("edit", "one", "--name", "ONE", "--json").json["name"] == "ONE"


def test_another_login_is_tried_before_it_is_kept(pxm: Pxm, two: FleetThread, environment: Path) -> None:
    cluster = two.clusters[0]
    record = register(pxm, two).json
    wrong = pxm("edit", "one", "--user", "root@pam", "--password-stdin", "--json", stdin="wrong-password\n")
    assert (wrong.status, wrong.json["error"]["cause"]) == (5, "credentials")
    assert pxm("show", "one", "--json").json == record
    done = pxm("edit", "one", "--user", "root@pam", "--password-stdin", "--json", stdin=f"{cluster.password}\n")
    assert done.status == 0
    assert (done.json["login"]["user"], done.json["login"]["minted"]) == ("root@pam", True)
    assert done.json["login"]["token_id"] in cluster.token_ids()
    assert pxm("check", "one").status == 0
    assert files_with(environment, cluster.password) == []


def test_the_token_that_another_login_replaces_is_revoked_or_named(pxm: Pxm, two: FleetThread) -> None:
    cluster = two.clusters[0]
    register(pxm, two)
    password = f"{cluster.password}\n"
    login = ["edit", "one", "--user", "root@pam", "--password-stdin"]
    before = set(cluster.token_ids())
    first = pxm(*login, "--token-role", "operator", "--json", stdin=password).json["login"]["token_id"]
    assert {entry.role for entry in cluster.state.accounts.access if entry.subject == first} == {
        "PVEAuditor",
        "PxmOperator-1",
    }
    words = pxm(*login, stdin=password)
    assert (words.status, f"the token {first} is revoked" in words.err) == (0, True)
    (second,) = set(cluster.token_ids()) - before
    assert f"It logs in as {second} now." in words.out
    kept = pxm(*login, "--no-token", "--json", stdin=password)
    assert (kept.json["login"], set(cluster.token_ids())) == ({"method": "password", "user": "root@pam"}, before)
    third = pxm(*login, "--json", stdin=password).json["login"]["token_id"]
    cluster.add_user("watch@pve", "a-good-password")
    cluster.grant("/", "watch@pve", "PVEAuditor")
    other = pxm("edit", "one", "--user", "watch@pve", "--password-stdin", stdin="a-good-password\n")
    assert other.status == 0
    assert f"{third} stays: watch@pve may not remove it." in other.err
    assert f"pveum user token remove root@pam {third.partition('!')[2]}" in other.err
    assert third in cluster.token_ids()


@pytest.mark.parametrize("option", [["--token-role", "all"], ["--no-token"]])
def test_a_token_s_role_without_a_password_is_wrong_usage(pxm: Pxm, two: FleetThread, option: list[str]) -> None:
    register(pxm, two)
    done = pxm("edit", "one", "--name", "eins", *option, "--json")
    assert (done.status, done.json["error"]["hint"]) == (2, "Give --user USER@REALM.")


def test_more_rights_than_the_role_keep_the_password_with_a_warning(pxm: Pxm, two: FleetThread) -> None:
    cluster = two.clusters[0]
    register(pxm, two)
    cluster.add_user("boss@pve", "a-good-password")
    cluster.grant("/", "boss@pve", "PVEAdmin")
    done = pxm("edit", "one", "--user", "boss@pve", "--password-stdin", stdin="a-good-password\n")
    assert (done.status, "It logs in as boss@pve now." in done.out) == (0, True)
    assert "may do more than the role auditor" in done.err
    assert "`--token-role all` makes one that may do everything that boss@pve may, without a second factor" in done.err


def test_a_second_factor_comes_on_stdin(pxm: Pxm, two: FleetThread) -> None:
    cluster = two.clusters[0]
    register(pxm, two)
    code = totp(cluster.totp_secret, time.time())
    done = pxm(
        "edit", "one", "--user", cluster.totp_username, "--password-stdin", "--otp-stdin", "--json",
        stdin=f"{cluster.totp_password}\n{code}\n",
    )  # fmt: skip
    assert (done.json["login"]["user"], done.json["login"]["minted"]) == (cluster.totp_username, True)


def test_a_token_back_again(pxm: Pxm, two: FleetThread) -> None:
    cluster = two.clusters[0]
    register(pxm, two)
    pasted = f"{cluster.token_id}={cluster.token_secret}\n"
    done = pxm("edit", "one", "--token-secret-stdin", "--json", stdin=pasted)
    assert (done.status, done.json["login"]["token_id"]) == (0, cluster.token_id)


def test_a_renewed_certificate_is_trusted_by_its_fingerprint(pxm: Pxm, two: FleetThread) -> None:
    cluster = two.clusters[1]
    register(pxm, two, 1)
    two.fleet.run(lambda: two.fleet.faults.set("two", "certificate-replaced"))
    assert pxm("check", "two").status == 6
    wrong = ":".join(["AB"] * 32)
    refused = pxm("edit", "two", "--fingerprint", wrong, "--json")
    assert (refused.status, refused.json["error"]["cause"]) == (6, "untrusted")
    done = pxm("edit", "two", "--fingerprint", cluster.fingerprint, "--json")
    assert done.status == 0
    assert done.json["trust"]["fingerprint"] == cluster.fingerprint
    assert done.json["status"] == "healthy"
    assert pxm("check", "two").status == 0


def test_the_audit_has_it(pxm: Pxm, two: FleetThread) -> None:
    register(pxm, two)
    pxm("edit", "one", "--name", "eins", "--remove-endpoint", two.clusters[0].endpoints[2])
    entries = pxm("audit", "--json").json["entries"]
    last = entries[-1]
    assert (last["action"], last["result"]) == ("edit", "done")
    assert "eins" in str(last)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--name", ""],
        ["--label", "nonsense"],
        ["--fingerprint", "nonsense"],
        ["--ca-file", "/nowhere"],
        ["--add-endpoint", "not an address"],
        ["--user", "root", "--password-stdin"],
        ["--password-stdin"],
        ["--user", "root@pam", "--token-id", "root@pam!x"],
        ["--read-only", "--password", "x"],
    ],
)
def test_what_cannot_be_meant(pxm: Pxm, two: FleetThread, arguments: list[str]) -> None:
    record = register(pxm, two).json
    assert pxm("edit", "one", *arguments, "--json", stdin="secret\n").status == 2
    assert pxm("show", "one", "--json").json == record


def test_an_unknown_cluster(pxm: Pxm) -> None:
    assert pxm("edit", "nobody", "--name", "x", "--json").status == 3


def test_many_nodes_all_answer(pxm: Pxm, fresh_fleet: FleetFactory) -> None:
    fleet = fresh_fleet(options=FleetOptions(auth_delay=0, cluster_options=(ClusterOptions("big", "9.2", nodes=12),)))
    assert len(urls(register(pxm, fleet))) == 12
