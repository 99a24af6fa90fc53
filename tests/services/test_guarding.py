"""The guard: what may not be changed, per cluster and for the whole run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pxm_tui.domain.cluster import Cluster, LoginMethod
from pxm_tui.domain.errors import NotFoundError, NotPermittedError
from pxm_tui.domain.guard import is_named, names_to_type, wants_name
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import StepState
from pxm_tui.domain.tokens import TokenIntent
from pxm_tui.services.owners import Key
from pxm_tui.services.ports import Credentials
from pxm_tui.services.requests import RegistrationRequest
from tests.fakes import Bench, FakeServer, cluster, make_bench
from tests.services.recorder import Recorder

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
    assert "--no-read-only" in error.do


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


# What the guard keeps from a cluster

TOKEN = "root@pam!pxm-jump1-anna-550e8400"
HOST = "10.20.0.11"


def minted(*, read_only: bool) -> Cluster:
    """A cluster whose token pxm made."""
    login = replace(PROD.login, user="root@pam", token_id=TOKEN, minted=True)
    return replace(PROD, login=login, read_only=read_only)


def guarded_bench(record: Cluster | None, *, whole_run: bool) -> Bench:
    server = FakeServer(tokens={TOKEN: "right-secret"}, grants=[(TOKEN, ("PVEAuditor",))], trusted_by_system=True)
    return make_bench([record] if record else [], servers={HOST: server}, read_only=whole_run)


def root() -> Key:
    return Key(Credentials(LoginMethod.PASSWORD, "root@pam", Secret("right-password")))


@pytest.mark.parametrize("whole_run", [True, False])
async def test_no_token_is_rotated(whole_run: bool) -> None:
    record = minted(read_only=not whole_run)
    bench = guarded_bench(record, whole_run=whole_run)
    done = await bench.services.tokens.rotate(record.id, Snapshot(record.id), Recorder(), key=root())
    assert isinstance(done.error, NotPermittedError)
    assert done.cluster == record
    server = bench.gateway.servers[HOST]
    assert (server.token_writes, server.sessions) == ([], 0)


@pytest.mark.parametrize("whole_run", [True, False])
async def test_deregistering_revokes_nothing_and_names_what_is_left(whole_run: bool) -> None:
    record = minted(read_only=not whole_run)
    bench = guarded_bench(record, whole_run=whole_run)
    done = await bench.services.clusters.deregister(record.id, key=root(), dialog=Recorder())
    assert (done.revoked, done.cleanup) == (False, ("pveum user token remove root@pam pxm-jump1-anna-550e8400",))
    assert bench.gateway.servers[HOST].token_writes == []
    assert await bench.repository.list() == ()


async def test_a_registration_makes_no_token_in_a_read_only_run_and_says_so() -> None:
    bench = guarded_bench(None, whole_run=True)
    bench.intents.ended.append(TokenIntent("c", f"https://{HOST}:8006", None, "root@pam", "left"))
    request = RegistrationRequest.model_validate({"endpoint": HOST, "user": "root@pam", "password": "right-password"})
    found = await bench.services.clusters.register(request, Recorder())
    assert found.cluster.login.method is LoginMethod.PASSWORD
    step = next(step for step in found.steps if step.name == "token")
    assert (step.state, step.cause) == (StepState.WARNING, "read_only")
    assert bench.gateway.servers[HOST].token_writes == [], "what another run has left is not removed either"
