"""Writing: the same bytes each time, nothing that a terminal acts on, and read back as it was."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest
import yaml

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod, Status
from pxm_tui.formats.reading import read_rows
from pxm_tui.services.exporting import EXPORT_FORMATS, export
from tests.fakes import NOW, certificate, cluster

LEAF, AUTHORITY = certificate(), certificate(seed=2)
OWN = "a@pve!pxm-jump1-anna-550e8400-2"


def registry() -> tuple[Cluster, ...]:
    """Clusters with everything that a person decides."""
    plain = cluster("fra-10", number=1)
    full = replace(
        cluster("서울-2", number=2),
        endpoints=(Endpoint("pve1.example.com"), Endpoint("2001:db8::1", 8443)),
        login=Login(LoginMethod.TOKEN, "a@pve", OWN, minted=True, expires_at=NOW, changed_at=NOW),
        labels=(("env", "prod"), ("note", "true"), ("site", "Frankfurt, am Main: #1 'x' \"y\"")),
        read_only=True,
        trust=Trust(
            TrustMode.PINNED_CA, LEAF.sha256, AUTHORITY.pem, AUTHORITY, LEAF, NOW, (LEAF.pem, certificate(seed=3).pem)
        ),
        status=Status.UNREACHABLE,
    )
    system = replace(cluster("null", number=3), trust=Trust(TrustMode.SYSTEM, LEAF.sha256, certificate=LEAF))
    password = replace(
        cluster("fra-9\u202egpj", number=4),
        login=Login(LoginMethod.PASSWORD, "root@pam", changed_at=NOW),
        trust=Trust(TrustMode.CA_FILE, LEAF.sha256, f"two\n{AUTHORITY.pem}{LEAF.pem}", None, LEAF, NOW),
    )
    return plain, full, system, password


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_the_same_registry_gives_the_same_bytes(form: str) -> None:
    clusters = registry()
    text = export(clusters, form)
    assert export(clusters[::-1], form) == text
    checked = tuple(replace(found, status=Status.DEGRADED, updated_at=NOW, last_seen_at=NOW) for found in clusters)
    assert export(checked, form) == text


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_what_was_written_is_read_as_it_was(form: str) -> None:
    clusters = {found.id: found for found in registry()}
    text = export(tuple(clusters.values()), form)
    rows = read_rows(text.encode(), form)
    assert [row.error for row in rows if not row.name.startswith("fra-9")] == [None, None, None]
    for row in rows:
        if row.error is not None or "\\u202e" in row.name:  # CSV has no escapes that would be read
            continue
        found = clusters[row.cluster_id or ""]
        assert (row.name, row.endpoints, row.labels, row.read_only) == (
            found.name, found.endpoints, found.labels, found.read_only,
        )  # fmt: skip
        assert row.created_at == found.created_at
        assert row.login is not None
        login = row.login
        assert found.login == Login(
            login.method, login.user, login.token_id, False, login.changed_at, login.minted, login.expires_at
        )
        assert row.trust is not None
        given, trust = row.trust, found.trust
        assert (given.mode, given.fingerprint, given.anchor_pem, given.vouched, given.trusted_at) == (
            trust.mode, trust.fingerprint, trust.anchor_pem, trust.vouched, trust.trusted_at,
        )  # fmt: skip
        assert given.certificate_pem == (trust.certificate.pem if trust.certificate else "")
        assert given.authority_pem == (trust.authority.pem if trust.authority else "")


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_signs_that_a_terminal_acts_on_are_escaped(form: str) -> None:
    text = export(registry(), form)
    assert "\u202e" not in text
    assert "\\u202e" in text
    assert "서울-2" in text


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_clones_are_told_apart(form: str) -> None:
    alone = replace(
        cluster("alone", number=3, host="10.0.0.3"),
        trust=Trust(TrustMode.PINNED_LEAF, certificate(seed=5).sha256, certificate(seed=5).pem),
    )
    text = export((cluster("lab", number=1), cluster("lab-clone", number=2), alone), form)
    assert [row.separate for row in read_rows(text.encode(), form)] == [False, True, True]


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_an_empty_registry(form: str) -> None:
    assert export((), form).endswith("\n")


FORMULAS = ('=HYPERLINK("https://evil.example")', "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "'=x", "''-x", "'x")


def test_no_cell_is_a_formula_and_all_are_read_as_they_were() -> None:
    clusters = [
        replace(cluster(name, number=number), labels=(("note", name),), login=Login(LoginMethod.PASSWORD, "=a@pve"))
        for number, name in enumerate(FORMULAS, start=1)
    ]
    text = export(clusters, "csv")
    cells = [cell for line in csv.reader(text.splitlines()[1:]) for cell in line]
    assert [cell for cell in cells if cell[:1] in {"=", "+", "-", "@"} and "BEGIN CERTIFICATE" not in cell] == []
    rows = read_rows(text.encode(), "csv")
    assert sorted(row.name for row in rows) == sorted(FORMULAS)
    assert {row.labels for row in rows} == {(("note", name),) for name in FORMULAS}
    assert {row.login.user for row in rows if row.login} == {"=a@pve"}


@pytest.mark.parametrize(("form", "written"), [("json", "\\udb40\\udc41"), ("yaml", "\\U000e0041")])
def test_signs_beyond_the_first_plane_are_written_so_that_they_are_read(form: str, written: str) -> None:
    text = export([replace(cluster("tag\U000e0041", number=1), labels=(("note", "a\U000e0041"),))], form)
    assert written.lower() in text.lower()
    assert "\U000e0041" not in text
    read = (json.loads if form == "json" else yaml.safe_load)(text)
    assert read["clusters"][0]["name"] == "tag\U000e0041"


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_no_control_character_of_a_damaged_registry_reaches_the_file(form: str) -> None:
    """Only a person's hand puts them there; `pxm export` may well go to a terminal."""
    evil = "a\x1b]0;owned\x07\x00b\r\x9bc\x7f"
    damaged = replace(cluster(evil), labels=(("note", evil), (f"k{evil}", "v")), own_name=evil)
    text = export([damaged], form)
    assert [sign for sign in text if (sign < " " and sign not in "\n\t") or "\x7f" <= sign <= "\x9f"] == []
    assert "owned" in text
