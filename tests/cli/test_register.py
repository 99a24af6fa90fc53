"""`pxm register` against the simulated fleet: record, steps, secrets on stdin, and every way to fail."""

from __future__ import annotations

import json
import socket
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pxm_tui.simulator.cluster import Cluster as SimulatedState
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.thread import FleetThread
from pxm_tui.simulator.totp import totp
from tests.cli.conftest import Pxm, register_arguments
from tests.fleet_fixtures import FleetFactory

RECORD_KEYS = [
    "id", "name", "api_endpoint", "status", "proxmox_version", "node_count", "created_at", "updated_at",
    "endpoints", "login", "labels", "trust", "last_seen_at", "nodes_online", "quorate", "guests_running",
    "guests_total", "limits", "error", "guard",
]  # fmt: skip
STEPS = ["name", "address", "connect", "certificate", "proxmox", "login", "version", "discovery", "identity", "token"]


def files_with(folder: Path, text: str) -> list[Path]:
    """The files below a folder that hold a text."""
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_a_password_registers_and_list_and_show_have_the_record(pxm: Pxm, fleet: FleetThread, tmp_path: Path) -> None:
    cluster = fleet.clusters[1]
    arguments = register_arguments(fleet, 1, "서울-1", "--label", "env=prod", "--label", "site=fra", "--json")
    done = pxm(*arguments, stdin=f"{cluster.password}\n")
    assert (done.status, done.err) == (0, "")
    record = done.json
    assert list(record) == RECORD_KEYS
    assert uuid.UUID(record["id"]).version == 4
    assert record["name"] == "서울-1"
    assert record["api_endpoint"] == cluster.endpoint
    assert record["status"] == "healthy"
    assert record["node_count"] == record["nodes_online"] == 1
    assert record["labels"] == {"env": "prod", "site": "fra"}
    login, ends = record["login"], datetime.fromisoformat(record["login"]["expires_at"])
    assert (login["method"], login["user"], login["minted"]) == ("token", "root@pam", True)
    assert login["token_id"].startswith("root@pam!pxm-")
    assert login["token_id"].endswith(record["id"][:8])
    assert timedelta(days=304) < ends - datetime.now(UTC) <= timedelta(days=365)
    assert record["trust"]["fingerprint"] == cluster.fingerprint
    assert pxm("list", "--json").json == {"clusters": [record], "total": 1}
    assert pxm("show", "서울-1", "--json").json == record
    assert pxm("show", record["id"][:8], "--json").json == record
    assert files_with(tmp_path, cluster.password) == []
    assert cluster.password not in done.out


def test_the_outcome_in_words(pxm: Pxm, fleet: FleetThread) -> None:
    done = pxm(*register_arguments(fleet, 1, ""), stdin=f"{fleet.clusters[1].password}\n")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("Registered alone: Proxmox VE 8.4.")
    assert ", 1 of 1 nodes, " in done.out


def test_a_token_and_a_ca_file(pxm: Pxm, fleet: FleetThread, tmp_path: Path) -> None:
    cluster = fleet.clusters[2]
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(cluster.ca_pem)
    arguments = ["register", "token", cluster.endpoint, "--token-id", cluster.token_id, "--token-secret-stdin"]
    done = pxm(*arguments, "--ca-file", str(ca_file), "--json", stdin=f"{cluster.token_secret}\n")
    assert done.status == 0
    login = {"method": "token", "user": "root@pam", "token_id": cluster.token_id, "minted": False, "expires_at": None}
    assert done.json["login"] == login
    assert done.json["trust"]["mode"] == "ca_file"
    assert files_with(tmp_path, cluster.token_secret) == []


@pytest.mark.parametrize("prefix", ["", "PVEAPIToken="])
def test_a_whole_token_pasted_into_stdin(pxm: Pxm, fleet: FleetThread, prefix: str) -> None:
    cluster = fleet.clusters[2]
    done = pxm(
        "register", "token", cluster.endpoint, "--token-secret-stdin", "--fingerprint", cluster.fingerprint,
        "--dry-run", "--json",
        stdin=f"{prefix}{cluster.token_id}={cluster.token_secret}\n",
    )  # fmt: skip
    assert done.status == 0
    other = pxm(
        "register", "token", cluster.endpoint, "--token-id", "root@pam!other", "--token-secret-stdin",
        stdin=f"{prefix}{cluster.token_id}={cluster.token_secret}\n",
    )  # fmt: skip
    assert other.status == 2
    assert cluster.token_secret not in other.err


def test_the_code_is_the_second_line(pxm: Pxm, fresh_fleet: FleetFactory) -> None:
    cluster = fresh_fleet(ClusterOptions("alone", nodes=1, standalone=True)).clusters[0]
    arguments = [
        "register", "totp", cluster.endpoint, "--user", cluster.totp_username, "--password-stdin",
        "--fingerprint", cluster.fingerprint, "--dry-run", "--json",
    ]  # fmt: skip
    none = pxm(*arguments, stdin=f"{cluster.totp_password}\n")
    assert (none.status, none.json["error"]["cause"]) == (5, "second_factor_needed")
    wrong = pxm(*arguments, "--otp-stdin", stdin=f"{cluster.totp_password}\n000000\n")
    assert (wrong.status, wrong.json["error"]["cause"]) == (5, "second_factor_wrong")
    missing = pxm(*arguments, "--otp-stdin", stdin=f"{cluster.totp_password}\n")
    assert (missing.status, missing.json["error"]["field"]) == (2, "code")
    right = pxm(*arguments, "--otp-stdin", stdin=f"{cluster.totp_password}\n{code_of(cluster.state)}\n")
    assert right.status == 0


def code_of(state: SimulatedState) -> str:
    """The code of the TOTP account now."""
    return totp(state.credentials.totp_secret, state.clock())


def test_a_dry_run_saves_nothing(pxm: Pxm, fleet: FleetThread, environment: Path) -> None:
    done = pxm(*register_arguments(fleet, 1, "dry", "--dry-run", "--json"), stdin=f"{fleet.clusters[1].password}\n")
    assert done.status == 0
    assert list(done.json) == ["steps"]
    assert [step["name"] for step in done.json["steps"]] == STEPS
    assert all(list(step) == ["name", "state", "ms", "cause", "message", "hint"] for step in done.json["steps"])
    assert {step["state"] for step in done.json["steps"]} == {"ok"}
    assert not (environment / "clusters.json").exists()
    assert not (environment / "secrets.vault").exists()
    words = pxm(*register_arguments(fleet, 1, "dry", "--dry-run"), stdin=f"{fleet.clusters[1].password}\n")
    assert [line.split()[0] for line in words.out.splitlines()] == [*STEPS, "Nothing"]


def test_a_dry_run_that_fails_has_steps_and_error(pxm: Pxm, fleet: FleetThread) -> None:
    done = pxm(*register_arguments(fleet, 1, "dry", "--dry-run", "--json"), stdin="not the password\n")
    assert done.status == 5
    assert [step["state"] for step in done.json["steps"]] == [*["ok"] * 5, "failed", *["skipped"] * 4]
    assert done.json["error"]["cause"] == "credentials"
    words = pxm(*register_arguments(fleet, 1, "dry", "--dry-run"), stdin="not the password\n")
    assert words.status == 5
    assert words.out.splitlines()[-1].split(maxsplit=2)[2] == "version, discovery, identity, token"
    assert words.err.startswith("pxm: ")


def test_a_wrong_password(pxm: Pxm, fleet: FleetThread, environment: Path) -> None:
    done = pxm(*register_arguments(fleet, 1, "x"), stdin="hunter2-wrong\n")
    assert done.status == 5
    assert done.out == ""
    what, probably, do = done.err.splitlines()
    assert what.startswith("pxm: ")
    assert "rejected the login of root@pam" in what
    assert probably.startswith("  The password is wrong")
    assert do.startswith("  Correct it")
    assert "hunter2-wrong" not in done.err
    assert not (environment / "clusters.json").exists()


def test_an_untrusted_certificate(pxm: Pxm, fleet: FleetThread) -> None:
    cluster = fleet.clusters[1]
    before = cluster.request_count
    arguments = ["register", "x", cluster.endpoint, "--user", "root@pam", "--password-stdin"]
    done = pxm(*arguments, "--json", stdin=f"{cluster.password}\n")
    assert done.status == 6
    error = done.json["error"]
    assert list(error) == ["code", "cause", "message", "hint", "certificate"]
    assert (error["code"], error["cause"]) == ("certificate_untrusted", "untrusted")
    shown = error["certificate"]
    assert list(shown) == ["sha256", "subject", "issuer", "names", "not_before", "not_after"]
    assert shown["sha256"] == cluster.fingerprint
    assert cluster.request_count == before
    assert cluster.fingerprint in pxm(*arguments, stdin="x\n").err


def test_another_fingerprint_and_another_authority(pxm: Pxm, fleet: FleetThread, tmp_path: Path) -> None:
    cluster, other = fleet.clusters[1], fleet.clusters[2]
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(other.ca_pem)
    arguments = ["register", "x", cluster.endpoint, "--user", "root@pam", "--password-stdin"]
    for trust, said in (
        (["--fingerprint", other.fingerprint], "A fingerprint of another node"),
        (["--ca-file", str(ca_file)], "The file is another cluster's"),
    ):
        done = pxm(*arguments, *trust, stdin="x\n")
        assert done.status == 6
        assert said in done.err


@pytest.mark.parametrize("spelling", ["{}", "sha256:{}", "SHA256 Fingerprint={}"])
def test_a_fingerprint_in_any_spelling(pxm: Pxm, fleet: FleetThread, spelling: str) -> None:
    cluster = fleet.clusters[1]
    given = spelling.format(cluster.fingerprint.replace(":", "").lower())
    arguments = ["register", "x", cluster.endpoint, "--user", "root@pam", "--password-stdin", "--dry-run"]
    assert pxm(*arguments, "--fingerprint", given, stdin=f"{cluster.password}\n").status == 0


def test_a_closed_port(pxm: Pxm) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = pxm(
        "register", "x", f"https://127.0.0.1:{port}", "--user", "root@pam", "--password-stdin", "--json", stdin="x\n"
    )
    assert done.status == 7
    assert (done.json["error"]["code"], done.json["error"]["cause"]) == ("unreachable", "refused")


def test_a_name_that_is_taken(pxm: Pxm, fleet: FleetThread, registered: Path) -> None:
    cluster = fleet.clusters[1]
    before = cluster.request_count
    done = pxm(*register_arguments(fleet, 1, "ALONE", "--json"), stdin=f"{cluster.password}\n")
    assert (done.status, done.json["error"]["code"]) == (4, "already_registered")
    assert cluster.request_count == before
    assert pxm("list", "--json").json["total"] == 2


@pytest.mark.parametrize(
    ("arguments", "stdin", "field"),
    [
        (["a\x1bb", "pve1", "--user", "root@pam"], "", "name"),
        (["a", "pve 1", "--user", "root@pam"], "", "endpoint"),
        (["a", "pve1", "--user", "ro ot", "--password-stdin"], "x\n", "user"),
        (["a", "pve1", "--user", "root@pam", "--password-stdin"], "", "password"),
        (["a", "pve1", "--user", "root@pam", "--password-stdin"], "\n", "password"),
        (["a", "pve1", "--user", "root@pam", "--password-stdin"], "x\x07y\n", "password"),
        (["a", "pve1", "--user", "root@pam", "--password-stdin"], "x" * 70_000, "password"),
        (["a", "pve1", "--user", "root@pam"], "x\n", "password"),
        (["a", "pve1", "--token-id", "root@pam", "--token-secret-stdin"], "x\n", "token_id"),
        (["a", "pve1", "--token-id", "root@pam!x"], "x\n", "token_secret"),
        (["a", "pve1", "--user", "root@pam", "--password-stdin", "--label", "env"], "x\n", "labels"),
        (["a", "pve1", "--user", "root@pam", "--password-stdin", "--fingerprint", "AA"], "x\n", "fingerprint"),
        (["a", "pve1", "--user", "root@pam", "--password-stdin", "--ca-file", "/nowhere.pem"], "x\n", "ca_file"),
        (["a", "pve1", "--user", "root@pam", "--password-stdin", "--ca-file", "/etc/hostname"], "x\n", "ca_file"),
    ],
)
def test_a_field_that_is_not_valid(pxm: Pxm, arguments: list[str], stdin: str, field: str) -> None:
    done = pxm("register", *arguments, "--json", stdin=stdin)
    assert done.status == 2
    assert done.json["error"]["code"] == "invalid"
    assert done.json["error"]["field"] == field


def test_how_the_endpoint_was_understood_is_said(pxm: Pxm) -> None:
    done = pxm("register", "x", "http://127.0.0.1:8007/#v1", "--user", "root@pam", "--password-stdin", stdin="x\n")
    assert done.status == 7
    assert done.err.startswith("pxm: note: https is used")
    assert "\npxm: note: 8007 is the port of Proxmox Backup Server.\n" in done.err


def test_options_of_later_versions_change_nothing(pxm: Pxm, fleet: FleetThread) -> None:
    arguments = register_arguments(fleet, 1, "later", "--dry-run", "--no-token", "--separate", "--json")
    assert pxm(*arguments, stdin=f"{fleet.clusters[1].password}\n").status == 0


def test_a_hostile_cluster_cannot_write_to_the_terminal(pxm: Pxm, fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    done = pxm(*register_arguments(fleet, 0, ""), stdin=f"{cluster.password}\n")
    assert done.status == 0
    shown = done.out + pxm("list").out + pxm("show", cluster.name).out
    assert cluster.name in shown
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert json.loads(pxm("list", "--json").out)["clusters"][0]["name"] == cluster.name


def test_log_and_data_hold_no_secret(program: Pxm, fleet: FleetThread, environment: Path) -> None:
    cluster = fleet.clusters[1]
    began = time.time()
    done = program(*register_arguments(fleet, 1, "logged"), stdin=f"{cluster.password}\n")
    assert done.status == 0
    log = environment / "state" / "pxm.log"
    assert "logged: registered" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    assert log.stat().st_mtime >= began - 1
    assert files_with(environment, cluster.password) == []
