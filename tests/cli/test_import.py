"""`pxm import` and `pxm export`: verdicts, what is trusted, going on, and that a registry comes back as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.thread import FleetThread
from tests.cli.conftest import PROGRAM, Done, Pxm
from tests.cli.person import Person
from tests.fleet_fixtures import FleetFactory

NAMES = ("fra-1", "fra-2", "ams-1")


@pytest.fixture
def three(fresh_fleet: FleetFactory) -> FleetThread:
    """Three small clusters."""
    return fresh_fleet(*(ClusterOptions(name, nodes=1, guests=2, standalone=True) for name in NAMES))


def rows_for(fleet: FleetThread, **more: object) -> list[dict[str, Any]]:
    """A row a cluster, with its token."""
    return [
        {
            "name": cluster.name,
            "endpoint": cluster.endpoint,
            "token_id": cluster.token_id,
            "token_secret": cluster.token_secret,
            "fingerprint": cluster.fingerprint,
            **more,
        }
        for cluster in fleet.clusters
    ]


def written(path: Path, content: object) -> str:
    """Write a file that only its owner can read; gives its name."""
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return str(path)


def verdicts(done: Done) -> dict[str, str]:
    """Each row's verdict, by its name."""
    return {row["name"] or row["row"]: row["verdict"] for row in done.json["rows"]}


def test_all_rows_are_registered_and_a_second_run_leaves_them_alone(
    pxm: Pxm, three: FleetThread, tmp_path: Path
) -> None:
    file = written(tmp_path / "fleet.json", {"clusters": rows_for(three, labels={"env": "prod"}, read_only=True)})
    done = pxm("import", file, "--json")
    assert (done.status, done.err) == (0, "")
    assert done.json["total"] == 3
    assert verdicts(done) == dict.fromkeys(NAMES, "registered")
    listed = {record["name"]: record for record in pxm("list", "--json").json["clusters"]}
    assert {name: record["status"] for name, record in listed.items()} == dict.fromkeys(NAMES, "healthy")
    assert listed["fra-1"]["labels"] == {"env": "prod"}
    assert listed["fra-1"]["guard"] == {"read_only": True}
    for cluster in three.clusters:
        cluster.forget_requests()
    again = pxm("import", file, "--json")
    assert (again.status, verdicts(again)) == (0, dict.fromkeys(NAMES, "already_registered"))
    assert [cluster.request_count for cluster in three.clusters] == [0, 0, 0]


def test_what_failed_is_said_for_each_row_and_the_rest_is_registered(
    pxm: Pxm, three: FleetThread, tmp_path: Path
) -> None:
    good, wrong, dead = rows_for(three)
    wrong["token_secret"] = "99999999-2222-3333-4444-555555555555"
    three.clusters[2].stop_listening()
    malformed = {"name": "typo", "endpoint": "pve1", "token_id": "a@pve!b", "fingerprnt": "AA"}
    file = written(tmp_path / "fleet.json", [good, wrong, dead, malformed])
    done = pxm("import", file, "--json")
    assert done.status == 10
    found = {row["name"]: row for row in done.json["rows"]}
    assert {name: row["verdict"] for name, row in found.items()} == {
        "fra-1": "registered", "fra-2": "failed", "ams-1": "failed", "typo": "failed",
    }  # fmt: skip
    assert (found["fra-2"]["error"]["code"], found["fra-2"]["error"]["cause"]) == ("login_failed", "token")
    assert (found["ams-1"]["error"]["code"], found["ams-1"]["error"]["cause"]) == ("unreachable", "refused")
    assert (found["typo"]["row"], found["typo"]["error"]["field"]) == ("row 4", "fingerprnt")
    assert all(found[name]["error"]["hint"] for name in ("fra-2", "ams-1", "typo"))
    assert [record["name"] for record in pxm("list", "--json").json["clusters"]] == ["fra-1"]
    text = pxm("import", file)
    assert text.status == 10
    assert [line.split()[0] for line in text.out.splitlines()] == ["NAME", "fra-1", "fra-2", "ams-1", "typo"]
    assert [line.split(maxsplit=3)[-1] for line in text.out.splitlines()[2:4]] == ["token invalid", "refused"]
    assert text.out.splitlines()[4].endswith("invalid: fingerprnt")
    assert "row 4, fingerprnt: There is no field fingerprnt." in text.err
    assert "99999999" not in done.out + text.out + text.err


def test_going_on_after_one_was_mended(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    rows = rows_for(three)
    right, rows[1]["token_secret"] = rows[1]["token_secret"], "99999999-2222-3333-4444-555555555555"
    assert pxm("import", written(tmp_path / "fleet.json", rows)).status == 10
    rows[1]["token_secret"] = right
    done = pxm("import", written(tmp_path / "fleet.json", rows), "--json")
    assert done.status == 0
    assert verdicts(done) == {"fra-1": "already_registered", "fra-2": "registered", "ams-1": "already_registered"}


def test_a_dry_run_saves_nothing(pxm: Pxm, three: FleetThread, environment: Path, tmp_path: Path) -> None:
    done = pxm("import", written(tmp_path / "fleet.json", rows_for(three)), "--dry-run", "--json")
    assert (done.status, verdicts(done)) == (0, dict.fromkeys(NAMES, "ready"))
    assert pxm("list", "--json").json["total"] == 0
    assert not (environment / "secrets.vault").exists()


def test_without_a_fingerprint_nobody_is_trusted(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    rows = rows_for(three)
    del rows[0]["fingerprint"]
    done = pxm("import", written(tmp_path / "fleet.json", rows), "--json")
    assert done.status == 10
    error = done.json["rows"][0]["error"]
    assert (error["code"], error["cause"]) == ("certificate_untrusted", "untrusted")
    assert error["certificate"]["sha256"] == three.clusters[0].fingerprint


def test_an_import_never_changes_the_trust_of_a_registered_cluster(
    pxm: Pxm, three: FleetThread, tmp_path: Path
) -> None:
    rows = rows_for(three)
    assert pxm("import", written(tmp_path / "fleet.json", rows)).status == 0
    before = pxm("export").out
    rows[0] |= {"fingerprint": three.clusters[1].fingerprint, "labels": {"env": "other"}, "read_only": True}
    done = pxm("import", written(tmp_path / "fleet.json", rows), "--json")
    assert (done.status, done.json["rows"][0]["verdict"]) == (0, "already_registered")
    assert done.json["rows"][0]["notes"] == ["its trust is another one than the file's and stays"]
    assert pxm("export").out == before


def test_a_name_that_is_taken_by_another_cluster(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    first, second, _ = rows_for(three)
    assert pxm("import", written(tmp_path / "one.json", [first])).status == 0
    done = pxm("import", written(tmp_path / "two.json", [second | {"name": "FRA-1"}]), "--json")
    assert done.status == 10
    assert done.json["rows"][0]["error"]["code"] == "already_registered"


def test_rows_of_one_cluster_and_rows_of_one_name(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    first, second, third = rows_for(three)
    rows = [first, first | {"name": "twin"}, second | {"name": "Fra-1"}, third]
    done = pxm("import", written(tmp_path / "fleet.json", rows), "--json")
    assert [row["verdict"] for row in done.json["rows"]] == ["registered", "skipped", "failed", "registered"]
    assert done.json["rows"][1]["notes"] == ["the same endpoint as row 1"]
    assert done.json["rows"][2]["error"]["field"] == "name"


def test_csv_and_yaml(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    first, second, third = three.clusters
    lines = ["name;endpoint;username;password;fingerprint;label.env"]
    lines += [f"{c.name};{c.endpoint};root@pam;{c.password};{c.fingerprint};lab" for c in (first, second)]
    done = pxm("import", written(tmp_path / "fleet.csv", "\n".join(lines)), "--no-token", "--json")
    assert (done.status, verdicts(done)) == (0, {"fra-1": "registered", "fra-2": "registered"})
    text = (
        f"- name: ''\n  endpoint: {third.endpoint}\n  token_id: {third.token_id}\n"
        f"  token_secret: {third.token_secret}\n  fingerprint: {third.fingerprint}\n"
    )
    done = pxm("import", written(tmp_path / "fleet.yaml", text), "--json")
    assert (done.status, done.json["rows"][0]["name"]) == (0, "ams-1")
    labels = {record["name"]: record["labels"] for record in pxm("list", "--json").json["clusters"]}
    assert labels == {"fra-1": {"env": "lab"}, "fra-2": {"env": "lab"}, "ams-1": {}}


def test_passwords_make_tokens_unless_told_otherwise(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"name": c.name, "endpoint": c.endpoint, "username": "root@pam", "password": c.password,
         "fingerprint": c.fingerprint}
        for c in three.clusters
    ]  # fmt: skip
    rows[1]["mint_token"] = False
    rows[2]["read_only"] = True
    before = [cluster.token_ids() for cluster in three.clusters]
    done = pxm("import", written(tmp_path / "fleet.json", rows), "--token-role", "operator", "--json")
    assert (done.status, verdicts(done)) == (0, dict.fromkeys(NAMES, "registered"))
    logins = [row["cluster"]["login"] for row in done.json["rows"]]
    assert [login["method"] for login in logins] == ["token", "password", "password"]
    assert logins[0]["minted"]
    after = [cluster.token_ids() for cluster in three.clusters]
    assert [len(now) - len(then) for now, then in zip(after, before, strict=True)] == [1, 0, 0]
    assert pxm("check", "--json").status == 0


def test_pvetui_and_its_insecure_profiles(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    cluster = three.clusters[0]
    user, _, token = cluster.token_id.partition("!")
    name, _, realm = user.partition("@")
    text = (
        f"profiles:\n  fra-1:\n    addr: {cluster.endpoint}\n    user: {name}\n    realm: {realm}\n"
        f"    token_id: {token}\n    token_secret: {cluster.token_secret}\n    insecure: true\n"
        "    groups: [production]\ndefault_profile: fra-1\n"
    )
    done = pxm("import", written(tmp_path / "config.yml", text), "--json")
    assert done.status == 10
    row = done.json["rows"][0]
    assert row["row"] == "profiles.fra-1"
    assert row["error"]["code"] == "certificate_untrusted"
    assert row["error"]["certificate"]["sha256"] == cluster.fingerprint
    assert row["notes"] == ["the file switches certificate verification off; that is not taken over"]
    assert pxm("list", "--json").json["total"] == 0
    with Person("import", str(tmp_path / "config.yml")) as person:
        person.sees("is not trusted yet.")
        person.sees("fingerprint that you expect: ")
        person.types(f"{cluster.fingerprint}\n")
        person.sees("registered")
        assert person.ends() == 0
    record = pxm("show", "fra-1", "--json").json
    assert (record["labels"], record["login"]["token_id"]) == ({"group": "production"}, cluster.token_id)
    assert record["trust"]["fingerprint"] == cluster.fingerprint


def test_questions_are_asked_one_after_the_other(three: FleetThread, environment: Path, tmp_path: Path) -> None:
    rows = rows_for(three)
    for row in rows:
        del row["fingerprint"]
    with Person("import", written(tmp_path / "fleet.json", rows)) as person:
        for answer in ("yes", "no", "yes"):
            person.sees("The certificate of ")
            asked = person.sees("paste the fingerprint that you expect: ")
            assert "The certificate of " not in asked
            person.types(f"{answer}\n")
        person.sees("NAME")
        assert person.ends() == 10
        assert person.seen.count("registered") == 2
        assert person.seen.count("not trusted") == 1
        assert "put its fingerprint into the row" in person.seen


def test_proxxx(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    cluster = three.clusters[0]
    user, _, token = cluster.token_id.partition("!")
    text = (
        f'[profiles.fra-1]\nurl = "{cluster.endpoint}"\nuser = "{user}"\nauth = "token"\ntoken_id = "{token}"\n'
        f'token_secret = "{cluster.token_secret}"\nverify_tls = false\nread_only = true\n'
    )
    done = pxm("import", written(tmp_path / "config.toml", text), "--json")
    assert (done.status, done.json["rows"][0]["error"]["code"]) == (10, "certificate_untrusted")


def test_pdm_with_its_tokens_elsewhere(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    first, second, _ = three.clusters
    remotes = "".join(
        f"pve: {c.name}\n\tauthid {c.token_id}\n\tnodes {c.endpoint.removeprefix('https://')},"
        f"fingerprint={c.fingerprint}\n\ttoken {'-' if c is second else c.token_secret}\n\n"
        for c in (first, second)
    )
    remotes += "pbs: backup\n\tauthid root@pam!pdm\n\tnodes 10.0.0.20:8007\n\ttoken -\n"
    file = written(tmp_path / "remotes.cfg", remotes)
    written(tmp_path / "remotes.shadow", f"pve: fra-2\n\ttoken {second.token_secret}\n")
    done = pxm("import", file, "--json")
    assert done.status == 0
    assert verdicts(done) == {"fra-1": "registered", "fra-2": "registered", "backup": "skipped"}
    assert "Backup Server" in done.json["rows"][2]["notes"][0]


def test_pdm_whose_tokens_cannot_be_read(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    cluster = three.clusters[0]
    address = cluster.endpoint.removeprefix("https://")
    text = f"pve: fra-1\n\tauthid {cluster.token_id}\n\tnodes {address},fingerprint={cluster.fingerprint}\n\ttoken -\n"
    done = pxm("import", written(tmp_path / "remotes.cfg", text), "--json")
    assert done.status == 10
    assert "remotes.shadow cannot be read" in done.err
    assert verdicts(done) == {"fra-1": "unauthorized"}
    record = pxm("show", "fra-1", "--json").json
    assert (record["status"], record["error"]["cause"]) == ("unauthorized", "secret_missing")
    assert record["trust"]["fingerprint"] == cluster.fingerprint


def test_without_a_secret_a_certificate_is_not_trusted_blindly(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    cluster = three.clusters[0]
    row = {"name": "x", "endpoint": cluster.endpoint, "username": "root@pam"}
    done = pxm("import", written(tmp_path / "fleet.json", [row]), "--json")
    assert (done.status, done.json["rows"][0]["error"]["code"]) == (10, "certificate_untrusted")
    assert pxm("list", "--json").json["total"] == 0


@pytest.mark.parametrize("form", ["json", "yaml", "csv"])
def test_an_export_comes_back_as_it_was(
    form: str, pxm: Pxm, three: FleetThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_for(three, labels={"env": "prod", "site": "Frankfurt am Main"})
    rows[0] |= {"name": "서울-1", "read_only": True, "endpoints": [rows[0]["endpoint"], "https://spare.example:8443"]}
    rows[1] |= {"fingerprint": None, "ca": three.clusters[1].ca_pem}
    assert pxm("import", written(tmp_path / "fleet.json", rows)).status == 0
    exported = pxm("export", "--format", form)
    assert (exported.status, exported.err) == (0, "")
    assert pxm("export", "--format", form).out == exported.out
    assert not any(cluster.token_secret in exported.out for cluster in three.clusters)
    records = pxm("list", "--json").json["clusters"]
    before = [cluster.request_count for cluster in three.clusters]

    monkeypatch.setenv("PXM_DATA_DIR", str(tmp_path / "elsewhere"))
    done = pxm("import", written(tmp_path / f"fleet.{form}", exported.out), "--json")
    assert done.status == 10
    assert {row["verdict"] for row in done.json["rows"]} == {"unauthorized"}
    assert [cluster.request_count for cluster in three.clusters] == before
    assert pxm("export", "--format", form).out == exported.out
    back = pxm("list", "--json").json["clusters"]
    assert [record["id"] for record in back] == [record["id"] for record in records]
    for key in ("name", "api_endpoint", "endpoints", "login", "labels", "trust", "guard", "created_at"):
        assert [record[key] for record in back] == [record[key] for record in records]
    assert {record["status"] for record in back} == {"unauthorized"}
    again = pxm("import", str(tmp_path / f"fleet.{form}"), "--json")
    assert (again.status, {row["verdict"] for row in again.json["rows"]}) == (0, {"already_registered"})


def test_an_export_with_its_secrets_added_logs_in(
    pxm: Pxm, three: FleetThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pxm("import", written(tmp_path / "fleet.json", rows_for(three, read_only=True))).status == 0
    document = json.loads(pxm("export").out)
    for entry in document["clusters"]:
        entry["token_secret"] = next(c.token_secret for c in three.clusters if c.name == entry["name"])
    monkeypatch.setenv("PXM_DATA_DIR", str(tmp_path / "elsewhere"))
    done = pxm("import", written(tmp_path / "again.json", document), "--json")
    assert (done.status, verdicts(done)) == (0, dict.fromkeys(NAMES, "registered"))
    assert [row["cluster"]["id"] for row in done.json["rows"]] == [entry["id"] for entry in document["clusters"]]
    assert pxm("check", "--json").status == 0


@pytest.mark.parametrize("form", ["json", "yaml", "csv"])
def test_vouched_leaves_and_a_token_of_our_own_come_back(
    form: str, pxm: Pxm, three: FleetThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pxm("import", written(tmp_path / "fleet.json", rows_for(three))).status == 0
    document = json.loads(pxm("export").out)
    first, *others = document["clusters"]
    first["trust"]["vouched"] = [other["trust"]["certificate_pem"] for other in others]
    own = f"{first['login']['user']}!pxm-jump1-anna-550e8400"
    first["login"] |= {"token_id": own, "minted": True, "expires_at": "2027-01-02T03:04:05Z"}
    for entry in document["clusters"]:
        entry["separate"] = True  # for now they share leaves
    monkeypatch.setenv("PXM_DATA_DIR", str(tmp_path / "elsewhere"))
    done = pxm("import", written(tmp_path / "more.json", document))
    assert done.status == 10
    assert "3 rows have no secret in the file." in done.err
    assert json.loads(pxm("export").out) == document
    text = pxm("export", "--format", form).out
    monkeypatch.setenv("PXM_DATA_DIR", str(tmp_path / "again"))
    assert pxm("import", written(tmp_path / f"again.{form}", text)).status == 10
    assert json.loads(pxm("export").out) == document


def test_a_trust_that_contradicts_itself_is_refused(
    pxm: Pxm, three: FleetThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pxm("import", written(tmp_path / "fleet.json", rows_for(three))).status == 0
    entries = json.loads(pxm("export").out)["clusters"]
    entries[0]["trust"]["anchor_pem"] = entries[1]["trust"]["anchor_pem"]
    entries[1]["trust"]["fingerprint"] = "AB" * 32
    entries[2]["trust"]["certificate_pem"] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    monkeypatch.setenv("PXM_DATA_DIR", str(tmp_path / "elsewhere"))
    done = pxm("import", written(tmp_path / "bad.json", entries), "--json")
    assert done.status == 10
    assert {row["error"]["code"] for row in done.json["rows"]} == {"invalid"}
    assert all(row["error"]["field"].startswith("trust.") for row in done.json["rows"])
    assert pxm("list", "--json").json["total"] == 0


def test_an_id_that_is_taken_is_not_used_twice(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    first, second, _ = rows_for(three)
    assert pxm("import", written(tmp_path / "one.json", [first])).status == 0
    taken = pxm("show", "fra-1", "--json").json["id"]
    done = pxm("import", written(tmp_path / "two.json", [second | {"id": taken}]), "--json")
    assert (done.status, verdicts(done)) == (0, {"fra-1": "already_registered"})


def test_a_file_that_others_can_read_is_warned_about(pxm: Pxm, three: FleetThread, tmp_path: Path) -> None:
    file = Path(written(tmp_path / "fleet.json", rows_for(three)))
    file.chmod(0o644)
    done = pxm("import", str(file), "--dry-run", "--json")
    assert done.status == 0
    assert "others on this machine can read it" in done.err
    assert done.json["total"] == 3


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.json", '{"clusters": [{"password": "hunted-secret"}', "is no JSON: line 1, column"),
        ("x.json", '{"a": "hunted-secret"}', "no list of clusters"),
        ("x.json", "[]", "holds no cluster"),
        pytest.param("x.json", "[" * 100_000, "is nested too deeply", id="deep"),
        ("x.yaml", "password: *hunted-secret", "is no YAML: line"),
        pytest.param("x.json", f"[{'1' * 5000}]", "is no JSON", id="digits"),
        pytest.param("x.toml", f"a = {'1' * 5000}", "is no TOML", id="digits of TOML"),
        ("x.yaml", "a: [hunted-secret", "is no YAML: line"),
        ("x.yaml", "a: 1\na: hunted-secret\n", "twice"),
        ("x.toml", "a = hunted-secret", "is no TOML: line 1"),
        ("x.csv", "hunted-secret,b\n1,2\n", "no heading"),
        ("x.csv", 'name,endpoint\n"hunted-secret,b\n', "is no CSV"),
        ("x.csv", "name,endpoint,login\na,b,hunted-secret\n", "has a column login"),
        ("remotes.cfg", "hunted-secret\n", "line 1 is neither"),
        ("x.conf", "hunted-secret", "does not say what it is"),
    ],
)
def test_a_file_that_is_nothing_is_said_without_quoting_it(
    name: str, content: str, words: str, pxm: Pxm, tmp_path: Path
) -> None:
    done = pxm("import", written(tmp_path / name, content), "--json")
    error = done.json["error"]
    assert (done.status, error["code"]) == (2, "invalid")
    assert words in error["message"]
    assert "hunted-secret" not in done.out + done.err


def test_a_file_that_is_not_there_or_too_large(pxm: Pxm, tmp_path: Path) -> None:
    assert pxm("import", str(tmp_path / "none.json")).status == 2
    done = pxm("import", written(tmp_path / "large.json", "[" + " " * 17_000_000 + "]"), "--json")
    assert (done.status, "larger than" in done.json["error"]["message"]) == (2, True)


def test_a_list_on_stdin(program: Pxm, three: FleetThread) -> None:
    done = program("import", "-", "--format", "json", "--json", stdin=json.dumps(rows_for(three)))
    assert (done.status, verdicts(done)) == (0, dict.fromkeys(NAMES, "registered"))


def test_without_a_secret_store_nothing_is_contacted(
    pxm: Pxm, three: FleetThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PXM_VAULT_PASSPHRASE_FILE")
    for cluster in three.clusters:
        cluster.forget_requests()
    done = pxm("import", written(tmp_path / "fleet.json", rows_for(three)), "--json")
    assert (done.status, done.json["error"]["code"]) == (9, "storage_unusable")
    assert [cluster.request_count for cluster in three.clusters] == [0, 0, 0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_what_is_done_and_says_what_is_not(
    number: signal.Signals, pxm: Pxm, three: FleetThread, tmp_path: Path
) -> None:
    for cluster in three.clusters[1:]:
        cluster.fall_silent()
    file = written(tmp_path / "fleet.json", rows_for(three))
    running = subprocess.Popen(
        [*PROGRAM, "import", file, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        while not pxm("list", "--json").json["total"]:
            assert running.poll() is None
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 128 + number
    assert {row["name"]: row["verdict"] for row in json.loads(out)["rows"]} == {
        "fra-1": "registered", "fra-2": "not_run", "ams-1": "not_run",
    }  # fmt: skip
    assert "not done: fra-2, ams-1." in err
    for cluster in three.clusters[1:]:
        cluster.speak_again()
    again = pxm("import", file, "--json")
    assert (again.status, sorted(verdicts(again).values())) == (0, ["already_registered", "registered", "registered"])


def test_progress_is_shown_on_a_terminal_alone(three: FleetThread, environment: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "fleet.json", rows_for(three))
    with Person("import", file, "--dry-run") as person:
        person.sees("1 of 3")
        person.sees("3 of 3")
        assert person.ends() == 0
    reader, writer = os.pipe()
    done = subprocess.run(
        [*PROGRAM, "import", file], stdout=writer, stderr=subprocess.PIPE, text=True, check=True, timeout=60
    )
    os.close(reader)
    os.close(writer)
    assert done.stderr == ""
