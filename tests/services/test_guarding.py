"""The guard: what may not be changed, per cluster and for the whole run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pxm_tui.domain.errors import NotFoundError, NotPermittedError
from pxm_tui.domain.guard import is_named, names_to_type, wants_name
from tests.fakes import cluster, make_bench

PROD = cluster("fra-prod-1")
GUARDED = replace(PROD, read_only=True)


def test_a_writable_cluster_passes() -> None:
    guard = make_bench([PROD]).services.guard
    guard.require_writable(PROD, "make a token")
    guard.require_writable(None, "make a token")
    assert not guard.is_read_only(PROD)


def test_a_read_only_cluster_does_not() -> None:
    guard = make_bench([GUARDED]).services.guard
    with pytest.raises(NotPermittedError) as raised:
        guard.require_writable(GUARDED, "make a token")
    error = raised.value
    assert (error.cause, error.exit_status) == ("read_only", 8)
    assert error.message == (
        "Not allowed to make a token on fra-prod-1: the cluster is guarded as read-only. Nothing was sent."
    )
    assert ":read-only" in error.do


@pytest.mark.parametrize("one", [PROD, GUARDED, None])
def test_in_a_read_only_run_nothing_does(one: None) -> None:
    guard = make_bench([PROD], read_only=True).services.guard
    with pytest.raises(NotPermittedError, match="this run of pxm is read-only") as raised:
        guard.require_writable(one, "start guest 100")
    assert "--read-only" in raised.value.do


async def test_the_switch_is_kept_told_and_audited() -> None:
    bench = make_bench([PROD])
    guard = bench.services.guard
    found = await guard.switch(PROD.id, read_only=True)
    assert found.read_only
    assert (await bench.services.clusters.get(PROD.id)).read_only
    assert found.updated_at > PROD.updated_at
    assert not (await guard.switch(PROD.id, read_only=False)).read_only
    assert [(entry.action, entry.facts) for entry in bench.audit.kept] == [
        ("guard", (("now", "read-only"),)),
        ("guard", (("now", "writable"),)),
    ]
    assert bench.services.journal.entries()[0].text == "is read-only now"


async def test_a_cluster_that_is_gone_cannot_be_switched() -> None:
    with pytest.raises(NotFoundError):
        await make_bench([]).services.guard.switch(PROD.id, read_only=True)


async def test_a_read_only_cluster_can_be_deregistered_here() -> None:
    bench = make_bench([GUARDED], read_only=True)
    assert (await bench.services.clusters.deregister(GUARDED.id)).revoked is not True
    assert await bench.repository.list() == ()


@pytest.mark.parametrize(("env", "wants"), [("prod", True), ("PROD", True), ("test", False), ("", False)])
def test_production_wants_the_name(env: str, wants: bool) -> None:
    assert wants_name(cluster("x", env=env)) is wants


def test_what_counts_as_the_name() -> None:
    assert is_named(PROD, "  FRA-Prod-1 ")
    assert not is_named(PROD, "fra-prod")
    assert not is_named(PROD, PROD.short_id)
    assert not is_named(PROD, "")
    seoul = cluster("서울-1")
    assert names_to_type(seoul) == ("서울-1", seoul.short_id)
    assert is_named(seoul, seoul.short_id)
