"""What is asked on a terminal: passwords, certificates, codes, passphrases, and whether it is meant."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.thread import FleetThread
from tests.cli.conftest import Pxm
from tests.cli.person import Person
from tests.cli.test_register import code_of, files_with
from tests.fleet_fixtures import FleetFactory


def asked_for_password(person: Person, password: str) -> None:
    """Answer the question for the password, which is hidden."""
    person.sees("Password for root@pam: ")
    assert person.hidden()
    person.types(f"{password}\n")


def test_the_whole_registration_of_the_sketch(
    fleet: FleetThread, environment: Path, pxm: Pxm, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = fleet.clusters[1]
    monkeypatch.delenv("PXM_VAULT_PASSPHRASE_FILE")
    with Person("register", "fra-1", cluster.endpoint, "--user", "root@pam", "--label", "env=prod") as person:
        asked_for_password(person, cluster.password)
        person.sees(f"The certificate of {cluster.endpoint} is not trusted yet.")
        shown = person.sees("paste the fingerprint that you expect: ")
        assert cluster.fingerprint[:47] in shown
        assert cluster.fingerprint[48:] in shown
        assert not person.hidden()
        person.types("yes\n")
        asked = person.sees("New passphrase: ")
        assert max(map(len, asked.splitlines())) < 80
        person.types("first try\n")
        person.sees("Again: ")
        person.types("another\n")
        person.sees("They differ.")
        person.sees("New passphrase: ")
        assert person.hidden()
        person.types("a good one\n")
        person.sees("Again: ")
        person.types("a good one\n")
        person.sees("Registered fra-1: Proxmox VE 8.4.")
        assert person.ends() == 0
    assert files_with(environment, cluster.password) == []
    with Person("check", "fra-1") as person:
        person.sees("Passphrase of the secret store: ")
        assert person.hidden()
        person.types("not that\n")
        person.sees("That is not the passphrase.")
        person.sees("Passphrase of the secret store: ")
        person.types("a good one\n")
        person.sees("check of fra-1")
        assert person.ends() == 0


@pytest.mark.parametrize(
    ("answers", "status"),
    [(["{}"], 0), (["AB:{}"], 6), (["{other}"], 6), (["no"], 6), ([""], 6), (["perhaps", "sha256:{}"], 0)],
)
def test_the_certificate_question(fleet: FleetThread, environment: Path, answers: list[str], status: int) -> None:
    cluster = fleet.clusters[1]
    arguments = ["register", "x", cluster.endpoint, "--user", "root@pam", "--dry-run"]
    with Person(*arguments) as person:
        asked_for_password(person, cluster.password)
        for answer in answers:
            person.sees(": " if answer != answers[0] else "that you expect: ")
            person.types(answer.format(cluster.fingerprint, other=fleet.clusters[2].fingerprint) + "\n")
        if answers == ["AB:{}"]:
            person.sees("Type yes, no, or a SHA-256 fingerprint: ")
            person.types("no\n")
        assert person.ends() == status
        assert ("Different: it is not trusted." in person.seen) == (answers == ["{other}"])


def test_what_was_typed_ahead_trusts_nothing(fleet: FleetThread, environment: Path) -> None:
    cluster = fleet.clusters[1]
    with Person("register", "x", cluster.endpoint, "--user", "root@pam", "--dry-run") as person:
        person.sees("Password for root@pam: ")
        person.types(f"{cluster.password}\nyes\n")
        person.sees("that you expect: ")
        person.types("no\n")
        assert person.ends() == 6


def test_the_code_is_asked_for(fresh_fleet: FleetFactory, environment: Path) -> None:
    cluster = fresh_fleet(ClusterOptions("alone", nodes=1, standalone=True)).clusters[0]
    arguments = ["register", "x", cluster.endpoint, "--user", cluster.totp_username]
    with Person(*arguments, "--fingerprint", cluster.fingerprint, "--dry-run") as person:
        person.sees(f"Password for {cluster.totp_username}: ")
        person.types(f"{cluster.totp_password}\n")
        person.sees(f"Code for {cluster.totp_username} (TOTP or recovery key): ")
        assert person.hidden()
        person.types(f"{code_of(cluster.state)}\n")
        assert person.ends() == 0


def test_a_token_secret_is_asked_for(fleet: FleetThread, environment: Path) -> None:
    cluster = fleet.clusters[2]
    arguments = ["register", "x", cluster.endpoint, "--token-id", cluster.token_id, "--token-secret-stdin"]
    with Person(*arguments, "--fingerprint", cluster.fingerprint, "--dry-run") as person:
        person.sees(f"Secret of the token {cluster.token_id}: ")
        assert person.hidden()
        person.types(f"{cluster.token_secret}\n")
        assert person.ends() == 0


def test_an_end_of_input_is_no_password(environment: Path) -> None:
    with Person("register", "x", "pve1", "--user", "root@pam") as person:
        person.sees("Password for root@pam: ")
        person.types("\x04")
        assert person.ends() == 2


def test_declining_a_passphrase_keeps_no_secret(
    fleet: FleetThread, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = fleet.clusters[1]
    monkeypatch.delenv("PXM_VAULT_PASSPHRASE_FILE")
    arguments = ["register", "x", cluster.endpoint, "--user", "root@pam", "--fingerprint", cluster.fingerprint]
    with Person(*arguments) as person:
        asked_for_password(person, cluster.password)
        person.sees("New passphrase: ")
        person.types("\n")
        person.sees("the secret is forgotten now")
        assert person.ends() == 0
    assert not (environment / "secrets.vault").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_stopping_at_a_prompt_restores_the_terminal_and_leaves_nothing(
    environment: Path, number: signal.Signals, status: int
) -> None:
    with Person("register", "x", "pve1", "--user", "root@pam") as person:
        person.sees("Password for root@pam: ")
        assert person.hidden()
        person.interrupts(number)
        assert person.ends() == status
        assert not person.hidden()
        assert "Traceback" not in person.seen
    assert not (environment / "clusters.json").exists()


def test_ctrl_c_in_the_middle_of_a_registration_leaves_nothing(
    fresh_fleet: FleetFactory, environment: Path, pxm: Pxm
) -> None:
    slow = FleetOptions(auth_delay=3600, cluster_options=(ClusterOptions("slow", "9.2", nodes=1, standalone=True),))
    cluster = fresh_fleet(options=slow).clusters[0]
    arguments = ["register", "slow", cluster.endpoint, "--user", "root@pam", "--fingerprint", cluster.fingerprint]
    with Person(*arguments) as person:
        asked_for_password(person, "wrong, so that the answer is held back")
        while not any(request.path.endswith("/access/ticket") for request in cluster.requests):
            os.sched_yield()
        person.interrupts()
        assert person.ends() == 130
        assert "Traceback" not in person.seen
    assert pxm("list", "--json").json["total"] == 0
    assert not (environment / "secrets.vault").exists()


@pytest.mark.parametrize(
    ("name", "answer", "status"),
    [("old-timer", "yes", 0), ("old-timer", "old-timer", 130), ("alone", "yes", 130), ("alone", "Alone", 0)],
)
def test_deregistering_asks_and_production_wants_its_name(
    registered: Path, pxm: Pxm, name: str, answer: str, status: int
) -> None:
    with Person("deregister", name) as person:
        person.sees("The secret cannot be brought back.")
        said = person.sees(f"Type {'alone' if name == 'alone' else 'yes'} to deregister ")
        assert max(map(len, said.splitlines())) < 80
        person.types(f"{answer}\n")
        assert person.ends() == status
    assert pxm("list", "--json").json["total"] == (1 if status == 0 else 2)


def test_json_on_a_terminal_is_for_reading(registered: Path) -> None:
    with Person("show", "alone", "--json") as person:
        person.sees('\r\n  "name": "alone",\r\n')
        assert person.ends() == 0


def test_without_a_command_the_terminal_ui_opens(environment: Path) -> None:
    with Person("--ascii", "--no-mouse", "--refresh", "off") as person:
        person.sees("No cluster is registered yet.")
        person.types("q")
        assert person.ends() == 0
        assert "\x1b[?1000h" not in person.seen


@pytest.mark.parametrize(("answer", "status"), [("yes", 130), ("Alone", 0)])
def test_making_production_writable_wants_its_name(registered: Path, pxm: Pxm, answer: str, status: int) -> None:
    assert pxm("edit", "alone", "--read-only").status == 0
    with Person("edit", "alone", "--no-read-only") as person:
        person.sees("alone is production and read-only")
        person.sees("Type alone to make it writable: ")
        person.types(f"{answer}\n")
        assert person.ends() == status
    assert pxm("show", "alone", "--json").json["guard"]["read_only"] is (status != 0)
