"""`pxm vault`: who opens the secrets, shown and changed, on a terminal and from scripts."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import PASSPHRASE, Pxm
from tests.cli.person import Person

NEW = "another staple, please"


@pytest.fixture
def asked(registered: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A vault whose passphrase no file holds."""
    monkeypatch.delenv("PXM_VAULT_PASSPHRASE_FILE")
    return registered


def vault_of(data: Path) -> str:
    return (data / "secrets.vault").read_text(encoding="utf-8")


def test_what_is_in_use_is_shown(pxm: Pxm, asked: Path) -> None:
    done = pxm("vault")
    assert done.status == 0
    assert "secrets.vault, 2 secrets" in done.out
    assert "Key      your passphrase" in done.out
    found = pxm("vault", "--json").json
    assert (found["mode"], found["exists"], found["open"], found["asks"]) == ("passphrase", True, False, True)
    assert found["secrets"] == 2


def test_a_file_that_holds_the_passphrase_is_said(pxm: Pxm, registered: Path) -> None:
    assert "Key      a passphrase read from a file" in pxm("vault").out
    assert pxm("vault", "--json").json["asks"] is False


def test_before_anything_is_kept(pxm: Pxm, environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not there yet" in pxm("vault").out
    assert "a passphrase read from a file" in pxm("vault").out
    monkeypatch.delenv("PXM_VAULT_PASSPHRASE_FILE")
    assert "yet to be chosen" in pxm("vault").out
    assert not (environment / "secrets.vault").exists()


def test_a_script_changes_the_passphrase(
    pxm: Pxm, asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = pxm("vault", "passphrase", "--passphrase-stdin", stdin=f"{PASSPHRASE}\n{NEW}\n")
    assert (done.status, done.err) == (0, "")
    file = tmp_path / "new"
    file.write_text(f"{NEW}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PXM_VAULT_PASSPHRASE_FILE", str(file))
    assert pxm("vault", "--json").json["open"] is True
    monkeypatch.setenv("PXM_VAULT_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    assert pxm("check", "alone").status == 9


@pytest.mark.parametrize(
    ("stdin", "cause", "field"),
    [
        (f"guessed\n{NEW}\n", "passphrase", "current"),
        (f"{PASSPHRASE}\nshort\n", "passphrase", "passphrase"),
        (f"{PASSPHRASE}\n", "passphrase", "passphrase"),
        ("", "current", "current"),
    ],
)
def test_what_cannot_be_a_passphrase_changes_nothing(pxm: Pxm, asked: Path, stdin: str, cause: str, field: str) -> None:
    before = vault_of(asked)
    done = pxm("vault", "passphrase", "--passphrase-stdin", "--json", stdin=stdin)
    assert done.status == 2
    assert (done.json["error"]["cause"], done.json["error"]["field"]) == (cause, field)
    assert vault_of(asked) == before
    assert "guessed" not in done.out + done.err


def test_nobody_is_asked_without_a_terminal(pxm: Pxm, asked: Path) -> None:
    done = pxm("vault", "passphrase")
    assert done.status == 2
    assert "Give it on stdin with --passphrase-stdin." in done.err


def test_without_a_keyring_the_passphrase_stays(pxm: Pxm, asked: Path) -> None:
    before = vault_of(asked)
    done = pxm("vault", "keyring", "--passphrase-stdin", stdin=f"{PASSPHRASE}\n")
    assert done.status == 9
    assert "no keyring here" in done.err
    assert vault_of(asked) == before


def test_a_file_that_is_out_of_date_is_told(pxm: Pxm, registered: Path) -> None:
    done = pxm("vault", "passphrase", "--passphrase-stdin", stdin=f"{NEW}\n")
    assert done.status == 0
    assert f"Write the new passphrase into {os.environ['PXM_VAULT_PASSPHRASE_FILE']}" in done.err


@pytest.mark.parametrize("arguments", [("hunter2",), ("lock", "--passphrase-stdin"), ("--passphrase-stdin",)])
def test_wrong_usage_repeats_nothing(pxm: Pxm, environment: Path, arguments: tuple[str, ...]) -> None:
    done = pxm("vault", *arguments)
    assert done.status == 2
    assert "hunter2" not in done.err


def test_a_person_changes_it_and_no_key_is_seen(asked: Path) -> None:
    with Person("vault", "passphrase") as person:
        person.sees("Present passphrase: ")
        assert person.hidden()
        person.types(f"{PASSPHRASE}\n")
        person.sees("New passphrase: ")
        person.types(f"{NEW}\n")
        before = person.sees("Again: ")
        person.types(f"{NEW}\n")
        assert person.ends() == 0
        assert PASSPHRASE not in before + person.seen
        assert NEW not in before + person.seen
    assert json.loads(vault_of(asked))["mode"] == "passphrase"


def test_two_that_differ_change_nothing(asked: Path) -> None:
    before = vault_of(asked)
    with Person("vault", "passphrase") as person:
        for prompt, answer in (("Present passphrase: ", PASSPHRASE), ("New passphrase: ", NEW), ("Again: ", "other")):
            person.sees(prompt)
            person.types(f"{answer}\n")
        assert person.ends() == 2
        assert "The two are not the same." in person.seen
    assert vault_of(asked) == before


def test_a_lock_says_what_the_next_use_takes(pxm: Pxm, asked: Path) -> None:
    assert "the next use asks for the passphrase" in pxm("vault", "lock").out
    assert pxm("vault", "lock", "--json").json["open"] is False


def test_a_change_is_audited(pxm: Pxm, asked: Path) -> None:
    pxm("vault", "passphrase", "--passphrase-stdin", stdin=f"guessed\n{NEW}\n")
    pxm("vault", "passphrase", "--passphrase-stdin", stdin=f"{PASSPHRASE}\n{NEW}\n")
    entries = [entry for entry in pxm("audit", "--json").json["entries"] if entry["action"] == "change_secrets"]
    assert [entry["result"] for entry in entries] == ["passphrase", "done"]
    assert NEW not in json.dumps(entries)


def test_a_run_erases_old_secrets_that_no_record_names(pxm: Pxm, registered: Path) -> None:
    """As a kill leaves them; one that was put just now is perhaps about to be named."""
    content = json.loads(vault_of(registered))
    known = [entry["kind"] for entry in content["entries"]]
    one, now = content["entries"][0], datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content["entries"] += [
        one | {"kind": "token 5e1f root@pam!left", "created_at": "2026-01-01T00:00:00Z"},
        one | {"cluster": "of nobody", "created_at": "2026-01-01T00:00:00Z"},
        one | {"kind": "token 5e1f root@pam!young", "created_at": now},
    ]
    (registered / "secrets.vault").write_text(json.dumps(content))
    assert pxm("check", "--json").status == 0
    left = [entry["kind"] for entry in json.loads(vault_of(registered))["entries"]]
    assert left == [*known, "token 5e1f root@pam!young"]
