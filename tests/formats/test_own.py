"""Rows of pxm's own: every field, every way to write it, and what is said of those that are wrong."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from pxm_tui.domain.certificate import TrustMode
from pxm_tui.domain.cluster import LoginMethod
from pxm_tui.domain.errors import InvalidError
from pxm_tui.formats import documents
from pxm_tui.formats.own import row_of, rows_of
from pxm_tui.formats.reading import read_rows
from pxm_tui.formats.rows import ImportRow
from tests.fakes import certificate

LEAF = certificate()
ROW: dict[str, Any] = {"name": "fra-1", "endpoint": "pve1", "username": "root@pam", "password": " a secret "}
TOKEN: dict[str, Any] = {"name": "fra-1", "endpoint": "pve1", "token_id": "a@pve!bb", "token_secret": "s"}


def row(**fields: Any) -> ImportRow:
    return row_of("row 1", {**ROW, **fields})


def test_the_fields_of_the_interface() -> None:
    found = row_of(
        "row 1",
        {
            "name": "fra-1",
            "api_endpoint": "https://pve1.example.com:8443/#v1:0",
            "username": "anna@corp-ad",
            "password": "a secret",
            "otp": "123456",
            "mint_token": False,
            "fingerprint": LEAF.sha256.replace(":", "").lower(),
            "labels": {"site": "fra", "env": "prod"},
        },
    )
    assert found.error is None
    assert [endpoint.url for endpoint in found.endpoints] == ["https://pve1.example.com:8443"]
    assert found.login is not None
    assert (found.login.method, found.login.user, found.login.mint) == (LoginMethod.PASSWORD, "anna@corp-ad", False)
    assert found.login.code is not None
    assert found.fingerprint == LEAF.sha256
    assert found.labels == (("env", "prod"), ("site", "fra"))
    assert "a secret" not in repr(found)
    assert "123456" not in repr(found)


def test_a_password_is_taken_as_it_stands_there() -> None:
    login = row().login
    assert login is not None
    assert login.secret is not None
    assert login.secret.reveal() == " a secret "


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ("env=prod site=fra", (("env", "prod"), ("site", "fra"))),
        (["env=prod"], (("env", "prod"),)),
        ({}, ()),
        (None, ()),
    ],
)
def test_labels_in_every_form(labels: object, found: object) -> None:
    assert row(labels=labels).labels == found


@pytest.mark.parametrize(
    ("endpoints", "count"),
    [(["pve1", "pve2"], 2), ("pve2 pve3", 3), ([{"url": "https://pve1:8006"}, {"url": "https://pve2:8006"}], 2)],
)
def test_endpoints_in_every_form(endpoints: object, count: int) -> None:
    found = row(endpoints=endpoints)
    assert found.endpoints[0].host == "pve1"
    assert len(found.endpoints) == count


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"endpoint": None}, "endpoint"),
        ({"endpoint": "https://root:hunted@pve1"}, "endpoint"),
        ({"endpoint": 8006}, "api_endpoint"),
        ({"endpoints": [8006]}, "endpoints"),
        ({"endpoints": {"a": 1}}, "endpoints"),
        ({"endpoints": [f"pve{number}" for number in range(99)]}, "endpoints"),
        ({"name": "x" * 65}, "name"),
        ({"name": 7}, "name"),
        ({"name": "half \ud800"}, "name"),
        ({"labels": {"env": "half \ud800"}}, "labels"),
        ({"username": "no spaces allowed"}, "user"),
        ({"username": None}, "username"),
        ({"username": "anna", "password": None}, "username"),
        ({"password": 12345}, "password"),
        ({"password": "hunted\nsecret"}, "password"),
        ({"password": "x" * 5000}, "password"),
        ({"token_id": "a@pve!bb"}, "password"),
        ({"token_id": "a@pve!bb", "password": None}, "username"),
        ({"token_secret": "hunted", "password": None}, "token_id"),
        ({"token_id": "pxm", "password": None}, "token_id"),
        ({"fingerprint": "AB:CD"}, "fingerprint"),
        ({"ca": "hunted"}, "ca"),
        ({"labels": "prod"}, "labels"),
        ({"labels": 7}, "labels"),
        ({"labels": {"env": 7}}, "labels"),
        ({"read_only": "perhaps"}, "read_only"),
        ({"guard": []}, "guard"),
        ({"id": "../../etc"}, "id"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"created_at": "2026-01-01T00:00:00"}, "created_at"),
        ({"passwort": "hunted"}, "passwort"),
        ({"login": {"usr": "x"}}, "login.usr"),
        ({"login": {"method": "hunted"}}, "login.method"),
        ({"trust": {"mode": "hunted"}}, "trust.mode"),
        ({"trust": {"mode": "pinned_leaf"}}, "trust.fingerprint"),
        ({"trust": {"mode": "pinned_ca", "fingerprint": LEAF.sha256}}, "trust.ca_fingerprint"),
        ({"trust": {"mode": "ca_file"}}, "trust.anchor_pem"),
        ({"trust": {"mode": "system", "vouched": 7}}, "trust.vouched"),
        ({"trust": {"mode": "system"}, "fingerprint": LEAF.sha256}, "trust"),
        ({"ca": LEAF.pem, "ca_file": "x.pem"}, "trust"),
    ],
)
def test_what_is_wrong_is_said_with_its_field_and_without_its_value(fields: dict[str, Any], field: str) -> None:
    found = row(**fields)
    assert found.error is not None
    assert found.error.field == field
    assert "hunted" not in found.error.message + found.error.hint
    assert found.endpoints == ()


def test_a_token_needs_no_second_factor() -> None:
    found = row_of("row 1", {**TOKEN, "otp": "123456"})
    assert found.error is not None
    assert found.error.field == "otp"


def test_a_row_that_is_none() -> None:
    entries: tuple[object, ...] = (None, "x", 7, [], True)
    for entry in entries:
        found = row_of("row 1", entry)
        assert found.error is not None


OWN = "a@pve!pxm-jump1-anna-11111111"


@pytest.mark.parametrize("token_id", ["a@pve!backup", "a@pve!pxm", "a@pve!pxm-backup", f"{OWN}x"])
def test_a_token_that_is_not_called_as_pxm_calls_its_own_is_not_pxm_s_to_remove(token_id: str) -> None:
    login = {"method": "token", "token_id": token_id, "minted": True}
    found = row_of("row 1", {"name": "a", "endpoint": "pve1", "login": login})
    assert found.error is None
    assert found.login is not None
    assert (found.login.token_id, found.login.minted) == (token_id, False)


def test_a_record_as_it_is_listed_is_understood_by_its_fingerprint() -> None:
    record = {
        "id": "11111111-2222-4333-8444-555555555555",
        "name": "fra-1",
        "api_endpoint": "https://pve1:8006",
        "status": "healthy",
        "proxmox_version": "9.2.11",
        "endpoints": [{"url": "https://pve1:8006"}],
        "login": {"method": "token", "user": "a@pve", "token_id": OWN, "minted": True, "expires_at": None},
        "labels": {"env": "prod"},
        "trust": {"mode": "pinned_leaf", "fingerprint": LEAF.sha256, "ca_fingerprint": None},
        "guard": {"read_only": True},
        "limits": [],
        "error": None,
    }
    (found,) = rows_of({"clusters": [record], "total": 1} | {"total": 1})
    assert found.error is None
    assert (found.fingerprint, found.trust, found.read_only) == (LEAF.sha256, None, True)
    assert found.login is not None
    assert (found.login.token_id, found.login.minted, found.login.secret) == (OWN, True, None)


def test_a_whole_trust() -> None:
    trust = {
        "mode": "pinned_ca",
        "fingerprint": LEAF.sha256,
        "ca_fingerprint": certificate(seed=2).sha256,
        "anchor_pem": certificate(seed=2).pem,
        "certificate_pem": LEAF.pem,
        "authority_pem": certificate(seed=2).pem,
        "vouched": [certificate(seed=3).pem, certificate(seed=4).pem],
        "trusted_at": "2026-11-22T10:30:00Z",
    }
    given = row(trust=trust).trust
    assert given is not None
    assert (given.mode, given.pin) == (TrustMode.PINNED_CA, certificate(seed=2).sha256)
    assert given.vouched == (certificate(seed=3).pem, certificate(seed=4).pem)
    assert row(trust=trust | {"vouched": "".join(trust["vouched"])}).trust == given


YAML = """\
- name: fra-1
  endpoint: pve1
  username: root@pam
  password: 0123
  read_only: yes
- {name: fra-2, endpoint: pve2, username: root@pam, password: 1e5, labels: {env: on}}
- {name: fra-3, endpoint: pve3, username: root@pam, password: ~}
- {name: fra-4, endpoint: pve4, username: root@pam, password: "null"}
- {name: !!python/object/apply:os.system [id], endpoint: pve5}
"""


@pytest.mark.parametrize("fast", [True, False])
def test_scalars_of_yaml_are_what_was_typed(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fast:
        monkeypatch.delattr(yaml, "CBaseLoader", raising=False)
    monkeypatch.setattr(documents, "_loader", documents._loader.__wrapped__)
    first, second, third, fourth, fifth = read_rows(YAML.encode(), "yaml")
    secrets = [found.login.secret for found in (first, second, third, fourth) if found.login]
    assert [secret.reveal() if secret else None for secret in secrets] == ["0123", "1e5", None, "null"]
    assert first.read_only
    assert second.labels == (("env", "on"),)
    assert fifth.error is not None


def test_csv_in_every_way_of_spreadsheets() -> None:
    text = (
        "\ufeffName;API Endpoint;Username;Password;label.env;Labels;read_only;login.changed_at\r\n"
        '"fra ""1""";pve1;root@pam;" a;b ";prod;site=fra;true;2026-01-01T00:00:00Z\r\n'
        "\r\n"
        ";;;\r\n"
        "fra-2;pve2;root@pam\r\n"
        "fra-3;pve3;root@pam;x;y;z;a;b;too many\r\n"
    )
    first, second, third = read_rows(text.encode(), "csv")
    assert (first.place, first.name, first.read_only) == ("line 2", 'fra "1"', True)
    assert first.labels == (("env", "prod"), ("site", "fra"))
    assert first.login is not None
    assert first.login.secret is not None
    assert first.login.secret.reveal() == " a;b "
    assert first.login.changed_at is not None
    assert (second.place, second.error) == ("line 5", None)
    assert third.error is not None
    assert (third.place, third.error.field) == ("line 6", "row")


def test_an_apostrophe_of_a_secret_stays() -> None:
    (found,) = read_rows(b"name,endpoint,username,password\na,pve1,root@pam,'=x\n", "csv")
    assert found.login is not None
    assert found.login.secret is not None
    assert found.login.secret.reveal() == "'=x"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:00"])
def test_a_time_that_is_none_in_this_zone_is_a_wrong_field(moment: str) -> None:
    found = row_of("row 1", {"name": "a", "endpoint": "pve1", "username": "root@pam", "created_at": moment})
    assert found.error is not None
    assert found.error.field == "created_at"


@pytest.mark.parametrize(("form", "row", "between"), [("json", "{}", ","), ("yaml", "- {}", "\n"), ("csv", "x", "\n")])
def test_nothing_is_made_of_more_rows_than_anybody_has(
    form: str, row: str, between: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pxm_tui.formats.documents.MOST_ROWS", 3)
    made: list[str] = []
    for module in ("own", "csv_rows"):
        monkeypatch.setattr(f"pxm_tui.formats.{module}.row_of", lambda place, _: made.append(place))
    text = between.join([row] * 1000)
    text = f"[{text}]" if form == "json" else f"endpoint\n{text}" if form == "csv" else text
    with pytest.raises(InvalidError, match="more than 3 rows"):
        read_rows(text.encode(), form)
    assert len(made) <= 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- a\n" * 400_000, "more than 10000 rows"),
        ("[" + "a," * 400_000 + "a]", "more than 10000 rows"),
        ("clusters:\n" + "- {name: a, endpoint: b}\n" * 100_000, "more than 10000 rows"),
        ("".join(f"k{number}: 1\n" for number in range(1_000_000)), "more than 1500000 values"),
    ],
)
def test_a_huge_file_of_yaml_is_refused_while_it_is_read(text: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made into objects as a whole it would take a minute; how much was read is counted, not timed."""
    loader = documents._loader()
    read: list[int] = []
    descend = loader.descend_resolver

    def count(self: Any, node: Any, index: Any) -> None:
        descend(self, node, index)
        read[:] = [self._values]

    monkeypatch.setattr(loader, "descend_resolver", count)
    with pytest.raises(InvalidError, match=why):
        read_rows(text.encode(), "yaml")
    assert read[0] <= documents.MOST_VALUES


def test_ten_thousand_full_rows_of_yaml_are_read() -> None:
    one = "- {name: n, endpoint: h, username: u@pam, password: p, labels: {env: prod}, fingerprint: x, ca: y}\n"
    assert len(read_rows((one * documents.MOST_ROWS).encode(), "yaml")) == documents.MOST_ROWS


def test_a_huge_file_of_another_program_is_refused_while_it_is_read() -> None:
    with pytest.raises(InvalidError, match="more than 10000 rows"):
        read_rows(b"pve: a\n\tx y\n\n" * 300_000, "pdm")
