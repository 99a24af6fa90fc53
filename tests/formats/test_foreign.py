"""The configurations of other programs: pvetui, proxxx, Proxmox Datacenter Manager."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pxm_tui.domain.cluster import LoginMethod
from pxm_tui.domain.errors import InvalidError
from pxm_tui.formats.fields import NOT_TAKEN_OVER
from pxm_tui.formats.reading import format_of, read_rows
from pxm_tui.formats.rows import ImportRow

SAMPLES = Path(__file__).parent.parent.parent.parent / "shared" / "import-samples"
FINGERPRINT = ":".join(["AB"] * 32)


def read(text: str, form: str, shadow: str = "") -> tuple[ImportRow, ...]:
    return read_rows(text.encode(), form, shadow.encode())


def secret_of(found: ImportRow) -> str | None:
    assert found.error is None, found.error
    assert found.login is not None
    return found.login.secret.reveal() if found.login.secret else None


PVETUI = """\
profiles:
  a:
    addr: https://10.0.0.11:8006
    user: root
    realm: pam
    token_id: tui
    token_secret: "s-1"
    insecure: true
    groups: [production, europe]
    ssh_user: root
  b:
    addr: "https://lab.example.com"
    user: ops@pve
    password: s-2
default_profile: a
"""


def test_pvetui() -> None:
    first, second = read(PVETUI, "yaml")
    assert (first.place, first.name, secret_of(first)) == ("profiles.a", "a", "s-1")
    assert first.login is not None
    assert (first.login.method, first.login.token_id) == (LoginMethod.TOKEN, "root@pam!tui")
    assert first.labels == (("group", "production,europe"),)
    assert first.notes == (NOT_TAKEN_OVER,)
    assert second.login is not None
    assert (second.login.user, secret_of(second), second.notes) == ("ops@pve", "s-2", ())
    assert [endpoint.url for endpoint in second.endpoints] == ["https://lab.example.com:8006"]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("    password: ENC[AES256_GCM,data:hunted]\n", "password"),
        ("    token_id: tui\n    password: hunted\n", "password"),
        ("    password: x\n    insecure: hunted\n", "insecure"),
        ("    password: x\n    groups: hunted\n", "groups"),
        ("    token_secret: hunted\n", "token_id"),
    ],
)
def test_pvetui_with_something_wrong(line: str, field: str) -> None:
    (found,) = read(f"profiles:\n  a:\n    addr: pve1\n    user: root\n    realm: pam\n{line}", "pvetui")
    assert found.error is not None
    assert (found.place, found.error.field) == ("profiles.a", field)
    assert "hunted" not in found.error.message + found.error.hint


PROXXX = """\
[profiles.a]
url = "https://10.0.0.11:8006"
user = "root@pam"
auth = "token"
token_id = "proxxx"
token_secret = "s-1"
password = "of no use"
verify_tls = false
read_only = true

[profiles.b]
url = "https://lab.example.com:8006"
user = "ops@pve"
auth = "password"
password = "s-2"
verify_tls = true
"""


def test_proxxx() -> None:
    first, second = read(PROXXX, "proxxx")
    assert first.login is not None
    assert (first.login.token_id, secret_of(first), first.read_only) == ("root@pam!proxxx", "s-1", True)
    assert first.notes == (NOT_TAKEN_OVER,)
    assert second.login is not None
    assert (second.login.user, secret_of(second), second.read_only, second.notes) == ("ops@pve", "s-2", False, ())


def test_proxxx_with_something_wrong() -> None:
    (found,) = read('[profiles.a]\nurl = "pve1"\nuser = "a@pve"\nauth = "hunted"\n', "proxxx")
    assert found.error is not None
    assert (found.error.field, "hunted" in found.error.message) == ("auth", False)
    with pytest.raises(InvalidError, match="profiles"):
        read("[other]\n", "proxxx")


PDM = f"""\
# remotes
pve: fra
\tauthid root@pam!pdm-admin
\tnodes 10.0.0.11:8006,fingerprint={FINGERPRINT}
\tnodes 10.0.0.12
\tnodes 10.0.0.13,fingerprint={FINGERPRINT}
\ttoken s-1
\tweb-url https://pve.example.com

pve: ams
\tauthid root@pam!pdm
\tnodes hostname=ams1.example.com
\ttoken -

pbs: backup
\tauthid root@pam!pdm
\tnodes 10.0.0.20:8007
\ttoken hunted
"""


def test_pdm() -> None:
    first, second, third = read(PDM, "pdm", "pve: ams\n\ttoken s-2\n\npbs: ams\n\ttoken other\n")
    assert (first.place, first.name, secret_of(first), first.fingerprint) == ("pve: fra", "fra", "s-1", FINGERPRINT)
    assert [endpoint.url for endpoint in first.endpoints] == [
        f"https://10.0.0.{number}:8006" for number in (11, 12, 13)
    ]
    assert first.login is not None
    assert first.login.token_id == "root@pam!pdm-admin"
    assert len(first.notes) == 1
    assert (secret_of(second), second.fingerprint, second.endpoints[0].host) == ("s-2", None, "ams1.example.com")
    assert (third.name, third.skip) == ("backup", "Proxmox Backup Server, which is no cluster")


def test_pdm_without_its_shadow_has_no_secret() -> None:
    assert secret_of(read(PDM, "pdm")[1]) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\tauthid hunted\n", "line 1 belongs to nothing"),
        ("pve: a\nhunted\n", "line 2 is neither"),
    ],
)
def test_pdm_that_is_none(text: str, words: str) -> None:
    with pytest.raises(InvalidError) as caught:
        read(text, "pdm")
    assert words in caught.value.message
    assert "hunted" not in caught.value.message


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ("\tauthid root@pam\n\tnodes a\n", "token_id"),
        ("\tauthid root@pam!x\n\ttoken hunted\n", "endpoint"),
        ("\tauthid root@pam!x\n\tnodes a\n\ttoken hunted\n\ttoken hunted\n", "token"),
        ("\tauthid root@pam!x\n\tnodes a,fingerprint=AB\n", "fingerprint"),
    ],
)
def test_pdm_with_something_wrong(lines: str, field: str) -> None:
    (found,) = read(f"pve: a\n{lines}", "pdm")
    assert found.error is not None
    assert found.error.field == field
    assert "hunted" not in found.error.message


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")
@pytest.mark.parametrize(
    ("name", "count"), [("pvetui-config.yml", 2), ("proxxx-config.toml", 2), ("pdm-remotes.cfg", 2)]
)
def test_the_samples(name: str, count: int) -> None:
    found: Any = read_rows((SAMPLES / name).read_bytes(), format_of(name))
    assert len(found) == count
    assert all(row.error is None for row in found)
