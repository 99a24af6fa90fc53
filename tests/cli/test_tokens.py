"""Tokens that pxm made, on the command line: revoked or left at deregistering, rotated, and left over by a crash."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.simulator.accounts import Realm
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions
from tests.cli.conftest import Done, Pxm
from tests.fleet_fixtures import FleetFactory


@pytest.fixture
def one(fresh_fleet: FleetFactory) -> SimulatedCluster:
    """A cluster of the test's own."""
    return fresh_fleet(ClusterOptions("one", "8.4", nodes=2, guests=4)).clusters[0]


def register(pxm: Pxm, cluster: SimulatedCluster, *more: str) -> dict[str, Any]:
    """Register it with root's password; the record."""
    arguments = ["register", "one", cluster.endpoint, "--user", "root@pam", "--password-stdin"]
    done = pxm(*arguments, "--fingerprint", cluster.fingerprint, "--json", *more, stdin=f"{cluster.password}\n")
    assert done.status == 0, done.out + done.err
    record: dict[str, Any] = done.json
    return record


def deregister(pxm: Pxm, *more: str, stdin: str = "") -> Done:
    return pxm("deregister", "one", "--yes", "--json", *more, stdin=stdin)


def test_registering_makes_one_token_of_the_role_and_a_check_works_with_it(pxm: Pxm, one: SimulatedCluster) -> None:
    before = set(one.token_ids())
    record = register(pxm, one)
    assert set(one.token_ids()) - before == {record["login"]["token_id"]}
    assert record["limits"] == []
    assert pxm("check", "one").status == 0
    assert "expires 20" in pxm("show", "one").out


def test_with_its_owners_login_the_token_is_revoked(pxm: Pxm, one: SimulatedCluster) -> None:
    token_id = register(pxm, one)["login"]["token_id"]
    done = deregister(pxm, "--user", "root@pam", "--password-stdin", stdin=f"{one.password}\n")
    assert (done.status, done.json["revoked"], done.json["cleanup"]) == (0, True, [])
    assert token_id not in one.token_ids()


def test_without_the_right_to_it_the_token_is_named(pxm: Pxm, one: SimulatedCluster) -> None:
    token_id = register(pxm, one)["login"]["token_id"]
    done = deregister(pxm)
    name = token_id.partition("!")[2]
    assert (done.status, done.json["revoked"]) == (0, False)
    assert done.json["cleanup"] == [f"pveum user token remove root@pam {name}"]
    assert "User.Modify is missing" in done.err
    assert token_id in one.token_ids()
    assert pxm("list", "--json").json["total"] == 0


def test_a_token_with_all_rights_revokes_itself(pxm: Pxm, one: SimulatedCluster) -> None:
    token_id = register(pxm, one, "--token-role", "all")["login"]["token_id"]
    assert deregister(pxm).json["revoked"] is True
    assert token_id not in one.token_ids()


def test_a_token_may_be_kept(pxm: Pxm, one: SimulatedCluster) -> None:
    token_id = register(pxm, one, "--token-role", "all")["login"]["token_id"]
    done = deregister(pxm, "--keep-token")
    assert (done.json["revoked"], len(done.json["cleanup"])) == (False, 1)
    assert token_id in one.token_ids()


def test_a_login_that_is_not_taken_changes_nothing(pxm: Pxm, one: SimulatedCluster) -> None:
    register(pxm, one)
    done = deregister(pxm, "--user", "root@pam", "--password-stdin", stdin="wrong\n")
    assert (done.status, done.json["error"]["cause"]) == (5, "credentials")
    assert pxm("list", "--json").json["total"] == 1


def test_a_dead_cluster_is_deregistered_and_its_token_named(pxm: Pxm, one: SimulatedCluster) -> None:
    register(pxm, one)
    one.stop_listening()
    done = deregister(pxm, "--user", "root@pam", "--password-stdin", stdin=f"{one.password}\n")
    assert (done.status, done.json["revoked"], len(done.json["cleanup"])) == (0, False, 1)
    assert pxm("list", "--json").json["total"] == 0


def test_the_kept_password_leaves_nothing_to_revoke(pxm: Pxm, one: SimulatedCluster) -> None:
    before = one.token_ids()
    record = register(pxm, one, "--no-token")
    assert record["login"] == {"method": "password", "user": "root@pam"}
    assert one.token_ids() == before
    assert deregister(pxm).json["revoked"] is None


def test_the_operator_role_by_option(pxm: Pxm, one: SimulatedCluster) -> None:
    token_id = register(pxm, one, "--token-role", "operator")["login"]["token_id"]
    assert one.state.accounts.roles.keys() == {"PxmOperator-1"}
    given = {entry.role for entry in one.state.accounts.access if entry.subject == token_id}
    assert given == {"PVEAuditor", "PxmOperator-1"}


# Rotating


def rotate(pxm: Pxm, one: SimulatedCluster, *more: str) -> Done:
    """With root's password."""
    login = ["--user", "root@pam", "--password-stdin"]
    return pxm("rotate", "one", "--json", *login, *more, stdin=f"{one.password}\n")


def test_rotating_makes_another_token_of_the_same_role_and_removes_the_old_one(pxm: Pxm, one: SimulatedCluster) -> None:
    before = set(one.token_ids())
    old = register(pxm, one, "--token-role", "operator")["login"]["token_id"]
    done = rotate(pxm, one)
    assert done.status == 0, done.out
    (found,) = done.json["clusters"]
    new = found["cluster"]["login"]["token_id"]
    assert new == f"{old}-2"
    assert (found["revoked"], found["cleanup"]) == (True, [])
    assert {step["state"] for step in found["steps"]} == {"ok"}
    assert set(one.token_ids()) - before == {new}
    assert {entry.role for entry in one.state.accounts.access if entry.subject == new} == {
        "PVEAuditor",
        "PxmOperator-1",
    }
    assert pxm("check", "one").status == 0
    assert rotate(pxm, one).json["clusters"][0]["cluster"]["login"]["token_id"] == f"{old}-3"
    assert not [received for received in one.requests if "regenerate" in str(received)]


def test_rotating_a_kept_password_makes_a_token_and_forgets_the_password(
    pxm: Pxm, one: SimulatedCluster, environment: Path
) -> None:
    register(pxm, one, "--no-token")
    done = pxm("rotate", "one", "--json")
    assert done.status == 0, done.out
    assert done.json["clusters"][0]["cluster"]["login"]["minted"] is True
    assert done.json["clusters"][0]["revoked"] is None
    assert pxm("check", "one").status == 0


def test_a_token_that_may_not_make_another_says_what_to_give(pxm: Pxm, one: SimulatedCluster) -> None:
    old = register(pxm, one)["login"]["token_id"]
    done = pxm("rotate", "--all", "--json")
    assert done.status == 8
    (found,) = done.json["clusters"]
    assert found["cluster"]["login"]["token_id"] == old
    assert found["error"]["cause"] == "missing_privileges"
    token = next(step for step in found["steps"] if step["name"] == "token")
    assert (token["state"], token["cause"]) == ("failed", "missing_privileges")
    words = pxm("rotate", "--all")
    assert "--user USER@REALM --password-stdin" in words.err
    assert old in one.token_ids()


def test_a_token_with_all_rights_rotates_itself_when_told_its_role(pxm: Pxm, one: SimulatedCluster) -> None:
    old = register(pxm, one, "--token-role", "all")["login"]["token_id"]
    assert pxm("rotate", "one", "--json").json["clusters"][0]["steps"][-3]["cause"] == "role_needed"
    assert pxm("rotate", "one").status == 8
    done = pxm("rotate", "one", "--token-role", "all", "--json")
    assert done.status == 0, done.out
    assert old not in one.token_ids()


def test_an_expired_token_is_rotated_with_a_login(pxm: Pxm, one: SimulatedCluster) -> None:
    old = register(pxm, one)["login"]["token_id"]
    one.expire_token(old)
    assert pxm("check", "one").status == 5
    assert rotate(pxm, one).status == 0
    assert pxm("check", "one").status == 0
    assert old not in one.token_ids()


def test_a_rejected_login_is_sent_to_one_cluster_only(pxm: Pxm, fresh_fleet: FleetFactory) -> None:
    fleet = fresh_fleet(
        ClusterOptions("one", "8.4", nodes=1, guests=1), ClusterOptions("two", "9.2", nodes=1, guests=1)
    )
    for cluster in fleet.clusters:
        arguments = ["register", cluster.name, cluster.endpoint, "--user", "root@pam", "--password-stdin"]
        assert pxm(*arguments, "--fingerprint", cluster.fingerprint, stdin=f"{cluster.password}\n").status == 0
        cluster.forget_requests()
    done = pxm("rotate", "--all", "--user", "root@pam", "--password-stdin", "--json", stdin="wrong\n")
    assert (done.status, done.json["total"]) == (5, 2)
    assert [cluster.request_count > 0 for cluster in fleet.clusters] == [True, False]


def test_rotating_nothing_in_particular_is_wrong_usage(pxm: Pxm, environment: Path) -> None:
    assert pxm("rotate", "--json").status == 2
    assert pxm("rotate", "one", "--all", "--json").status == 2
    assert pxm("rotate", "--all", "--json").json == {"clusters": [], "total": 0}
    assert "there is nothing to rotate" in pxm("rotate", "--all").err


# Second factors and realms that a terminal cannot serve


def test_an_account_with_hardware_keys_only_is_told_what_to_do(pxm: Pxm, one: SimulatedCluster) -> None:
    one.add_user("keys@pve", "a-good-password")
    one.state.accounts.users["keys@pve"].webauthn = True
    arguments = ["register", "one", one.endpoint, "--user", "keys@pve", "--password-stdin", "--otp-stdin", "--json"]
    done = pxm(*arguments, "--fingerprint", one.fingerprint, stdin="a-good-password\n123456\n")
    error = done.json["error"]
    assert (done.status, error["cause"]) == (5, "second_factor_needed")
    assert "WebAuthn" in error["hint"]
    assert "--token-id" in error["hint"]
    assert "--otp-stdin" not in error["hint"]
    sent = [received for received in one.requests if received.path.endswith("/access/ticket")]
    assert len(sent) == 1


def test_an_openid_realm_is_named_before_the_login(pxm: Pxm, one: SimulatedCluster) -> None:
    one.state.accounts.realms["corp"] = Realm("corp", "openid", "single sign-on")
    arguments = ["register", "one", one.endpoint, "--user", "anna@corp", "--password-stdin", "--json"]
    done = pxm(*arguments, "--fingerprint", one.fingerprint, stdin="secret\n")
    error = done.json["error"]
    assert (done.status, error["cause"]) == (5, "unknown_realm")
    assert "OpenID" in error["message"]
    assert "--token-id" in error["hint"]
    assert not [received for received in one.requests if received.path.endswith("/access/ticket")]


def test_a_token_that_ends_soon_is_a_warning_of_the_check(pxm: Pxm, one: SimulatedCluster, environment: Path) -> None:
    register(pxm, one)
    file = environment / "clusters.json"
    soon = (datetime.now(UTC) + timedelta(days=6, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ends = pxm("show", "one", "--json").json["login"]["expires_at"]
    file.write_text(file.read_text().replace(ends, soon))
    done = pxm("check", "one", "--json")
    step = next(step for step in done.json["clusters"][0]["steps"] if step["name"] == "login")
    assert (done.status, step["state"], step["cause"]) == (0, "warning", "token_expires")
    assert "in 6 d" in step["message"]
    assert "`pxm rotate one`" in step["hint"]
    assert f"! expires {soon[:10]} (6 d): rotate it now" in pxm("show", "one").out


# A run that is killed between the writes on the cluster and the save

KILLED_BEFORE_THE_SAVE = """
import os, signal, sys
from pxm_tui.storage.tinydb_repository import TinyDbRepository

async def killed(self, *given):
    os.kill(os.getpid(), signal.SIGKILL)

TinyDbRepository.save = killed
from pxm_tui.cli.main import main
main(sys.argv[1:])
"""


def test_a_kill_between_token_and_save_is_named_at_the_next_start_and_cleaned_up_at_the_next_login(
    pxm: Pxm, one: SimulatedCluster, environment: Path
) -> None:
    before = set(one.token_ids())
    arguments = ["register", "one", one.endpoint, "--user", "root@pam", "--password-stdin"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", KILLED_BEFORE_THE_SAVE, *arguments, "--fingerprint", one.fingerprint],
        input=f"{one.password}\n", text=True, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    (left,) = set(one.token_ids()) - before
    assert len(list((environment / "state" / "intents").iterdir())) == 1
    said = pxm("check").err
    assert left in said
    assert f"pveum user token remove root@pam {left.partition('!')[2]}" in said
    record = register(pxm, one)
    assert set(one.token_ids()) - before == {record["login"]["token_id"]}
    assert list((environment / "state" / "intents").iterdir()) == []
    assert pxm("check").err == ""
