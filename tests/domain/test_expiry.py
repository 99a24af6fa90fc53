"""When certificates end: silent, then a warning, then an urgent one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.expiry import leaf_warning, warnings
from tests.fakes import NOW, certificate

TRUST = Trust(TrustMode.PINNED_CA)


@pytest.mark.parametrize(
    ("days", "words", "do"),
    [
        (31, None, ""),
        (30, "ends in 30 days", "renews it by itself 14 days before"),
        (10, "ends in 10 days", "pvecm updatecerts --force"),
        (7, "ends in 7 days, which is urgent", "pvecm updatecerts --force"),
        (1, "ends in 1 day, which is urgent", "pvecm"),
        (0, "ends today, which is urgent", "pvecm"),
        (-1, "expired on 2026-11-21", "pvecm"),
    ],
)
def test_a_leaf_of_proxmox(days: int, words: str | None, do: str) -> None:
    shown = replace(certificate(), not_after=NOW + timedelta(days=days))
    found = leaf_warning(shown, NOW)
    if words is None:
        assert found is None
    else:
        assert found is not None
        assert words in found[0]
        assert do in found[1]


def test_a_certificate_of_another_issuer_is_renewed_as_it_was_made() -> None:
    shown = replace(certificate(), issuer="CN=R11, O=Let's Encrypt", not_after=NOW + timedelta(days=20))
    found = leaf_warning(shown, NOW)
    assert found is not None
    assert "pvenode acme cert renew" in found[1]


def test_the_authority_is_watched_as_well() -> None:
    fine = certificate()
    for days, words in ((31, None), (30, "authority ends in 30 days"), (7, "urgent"), (-3, "authority expired on")):
        own = replace(certificate(seed=50), not_after=NOW + timedelta(days=days))
        found = warnings(fine, replace(TRUST, authority=own), NOW)
        assert (found is None) == (words is None)
        assert words is None or (found is not None and words in found[0])
    assert warnings(None, TRUST, NOW) is None
