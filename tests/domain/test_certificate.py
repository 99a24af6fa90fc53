"""Comparing certificates, and the names they are made for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pxm_tui.domain.certificate import ChangeVerdict, compare, names_host
from tests.fakes import NOW, certificate

OLD = replace(certificate(), not_after=NOW + timedelta(days=10))


@pytest.mark.parametrize(
    ("changes", "days_to_the_end", "verdict"),
    [
        ({}, 10, ChangeVerdict.RENEWED),
        ({}, -3, ChangeVerdict.RENEWED),
        ({}, 300, ChangeVerdict.REMADE),
        ({"issuer": "CN=Other"}, 10, ChangeVerdict.CUSTOM),
        ({"public_key_sha256": "x"}, 10, ChangeVerdict.NEW_KEY),
        ({"public_key_sha256": "x", "issuer": "CN=Other"}, 10, ChangeVerdict.FOREIGN),
    ],
)
def test_verdicts(changes: dict[str, str], days_to_the_end: int, verdict: ChangeVerdict) -> None:
    old = replace(OLD, not_after=NOW + timedelta(days=days_to_the_end))
    assert compare(old, replace(OLD, **changes), NOW) is verdict  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("fra1", True),
        ("FRA1.example.net", True),
        ("10.20.0.11", True),
        ("0:0:0:0:0:0:0:1", True),
        ("fra2", False),
        ("10.20.0.12", False),
        ("a.wild.net", True),
        ("a.b.wild.net", False),
        ("wild.net", False),
    ],
)
def test_named_hosts(host: str, named: bool) -> None:
    assert names_host((*certificate().names, "*.wild.net"), host) is named
