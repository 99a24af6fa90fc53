"""`pxm serve token`: a token is shown once, or goes into a file of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Pxm


def test_a_new_token_is_shown_and_its_hash_kept(pxm: Pxm, environment: Path) -> None:
    done = pxm("serve", "token", "add", "grafana", "--role", "viewer")
    assert done.status == 0
    secret = done.out.strip()
    assert secret.startswith("pxm_")
    assert "grafana, viewer" in done.err
    assert secret not in done.err + (environment / "api-tokens.json").read_text()


def test_as_json(pxm: Pxm) -> None:
    done = pxm("serve", "token", "add", "ci", "--role", "admin", "--expires", "90", "--json")
    assert list(done.json) == ["name", "role", "token", "expires_at"]
    assert (done.json["name"], done.json["role"]) == ("ci", "admin")
    assert done.json["expires_at"].endswith("Z")
    assert pxm("serve", "token", "add", "for-ever", "--role", "viewer", "--json").json["expires_at"] is None


def test_into_a_new_private_file(pxm: Pxm, tmp_path: Path) -> None:
    path = tmp_path / "token"
    done = pxm("serve", "token", "add", "ci", "--role", "operator", "--out", str(path))
    assert done.status == 0
    secret = path.read_text()
    assert secret.startswith("pxm_")
    assert secret.endswith("\n")
    assert secret.strip() not in done.out + done.err
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("as_json", [False, True])
def test_an_existing_file_is_not_touched_and_no_token_made(pxm: Pxm, tmp_path: Path, as_json: bool) -> None:
    path = tmp_path / "token"
    path.write_text("mine")
    arguments = [
        "serve",
        "token",
        "add",
        "ci",
        "--role",
        "viewer",
        "--out",
        str(path),
        *(["--json"] if as_json else []),
    ]
    assert pxm(*arguments).status == 2
    assert path.read_text() == "mine"
    assert pxm("serve", "token", "list", "--json").json["total"] == 0


def test_a_name_that_is_taken_leaves_no_file(pxm: Pxm, tmp_path: Path) -> None:
    pxm("serve", "token", "add", "ci", "--role", "viewer")
    done = pxm("serve", "token", "add", "ci", "--role", "viewer", "--out", str(tmp_path / "token"))
    assert done.status == 4
    assert not (tmp_path / "token").exists()


def test_listing_and_revoking(pxm: Pxm) -> None:
    assert "pxm serve token add" in pxm("serve", "token", "list").err
    pxm("serve", "token", "add", "ci", "--role", "admin", "--expires", "1")
    pxm("serve", "token", "add", "grafana", "--role", "viewer")
    lines = pxm("serve", "token", "list").out.splitlines()
    assert [line.split()[:2] for line in lines] == [["NAME", "ROLE"], ["ci", "admin"], ["grafana", "viewer"]]
    found = pxm("serve", "token", "list", "--json").json
    assert found["total"] == 2
    assert set(found["tokens"][0]) == {"name", "role", "created_at", "expires_at"}
    assert pxm("serve", "token", "revoke", "ci").status == 0
    assert json.loads(pxm("serve", "token", "revoke", "grafana", "--json").out)["name"] == "grafana"
    assert pxm("serve", "token", "revoke", "ci").status == 3


def test_both_are_in_the_audit(pxm: Pxm) -> None:
    pxm("serve", "token", "add", "ci", "--role", "admin")
    pxm("serve", "token", "revoke", "ci")
    entries = pxm("audit", "--json").json["entries"]
    assert [(entry["action"], entry["facts"]) for entry in entries] == [
        ("api_token_add", {"api_token": "ci", "role": "admin"}),
        ("api_token_revoke", {"api_token": "ci", "role": "admin"}),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["token"],
        ["tokens", "list"],
        ["token", "add"],
        ["token", "add", "x"],
        ["token", "add", "x", "--role", "root"],
        ["token", "add", "a b", "--role", "viewer"],
        ["token", "add", "x", "--role", "viewer", "--expires", "soon"],
        ["token", "list", "--port", "80"],
        ["--role", "viewer"],
        ["--out", "file"],
        ["--port", "70000"],
        ["--port", "http"],
        ["--unix-socket", "/tmp/x", "--port", "1"],
        ["--tls-key", "x"],
        ["--rate-limit", "0"],
        ["--live-limit", "nan"],
        ["--host", "0.0.0.0"],
        ["--host", "not.an.address.invalid"],
        ["--tls-cert", "/nowhere"],
    ],
)
def test_wrong_usage(pxm: Pxm, arguments: list[str]) -> None:
    assert pxm("serve", *arguments).status == 2
