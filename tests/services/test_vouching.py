"""Trust as a set: certificates that the cluster itself vouches for, and trust that is changed by a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from pxm_tui.domain import certificate_messages, connection_messages
from pxm_tui.domain.certificate import Certificate, Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod, Status, after, apply_check
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.steps import StepState
from pxm_tui.services.repairs import CheckReport
from tests.fakes import NOW, Bench, FakeServer, certificate, cluster, make_bench
from tests.services.recorder import Recorder

FIRST, SECOND, THIRD = "10.20.0.11", "10.20.0.12", "10.20.0.13"
CUSTOM = certificate(seed=7)
CA = certificate(seed=50)
ENDPOINTS = (Endpoint(FIRST), Endpoint(SECOND), Endpoint(THIRD))


def pinned(method: LoginMethod = LoginMethod.TOKEN, trust: Trust | None = None) -> Cluster:
    known = Trust(TrustMode.PINNED_CA, certificate().sha256, CA.pem, CA, certificate())
    return replace(cluster("fra", method=method), endpoints=ENDPOINTS, trust=trust or known)


class Nodes:
    """Three nodes, the first of which shows a certificate of its own."""

    def __init__(self, record: Cluster, *, listed: bool = True, by_system: bool = False) -> None:
        known = frozenset({CUSTOM.sha256, certificate().sha256}) if listed else frozenset({certificate().sha256})
        fine = FakeServer(authority=CA, node_fingerprints=known, trusted_by_system=by_system)
        self.servers = {FIRST: FakeServer(certificate=CUSTOM, node_fingerprints=frozenset({CUSTOM.sha256}))}
        self.servers |= {host: replace(fine, errors={}) for host in (SECOND, THIRD)}
        self.bench: Bench = make_bench([record], servers=self.servers)
        self.record = record

    async def check(self) -> CheckReport:
        return await self.bench.services.clusters.check(self.record.id, Snapshot(self.record.id), Recorder())

    async def stored(self) -> Cluster:
        found = await self.bench.repository.find_by_id(self.record.id)
        assert found is not None
        return found

    @property
    def logins(self) -> list[int]:
        return [server.logins for server in self.servers.values()]


async def test_a_leaf_that_another_node_knows_is_added_and_not_asked_about() -> None:
    nodes, dialog = Nodes(pinned()), Recorder()
    report = await nodes.bench.services.clusters.check(nodes.record.id, Snapshot(nodes.record.id), dialog)
    assert (report.error, dialog.questions) == (None, [])
    stored = await nodes.stored()
    assert stored.trust.vouched == (CUSTOM.pem,)
    assert stored.trust.mode is TrustMode.PINNED_CA
    assert stored.identity == nodes.record.identity
    assert nodes.logins == [1, 1, 0]
    words = [entry.text for entry in nodes.bench.services.journal.entries()]
    assert any(CUSTOM.sha256 in text and FIRST in text for text in words)
    assert "vouch" in [entry.action for entry in await nodes.bench.services.audit.entries()]
    assert (await nodes.check()).error is None
    assert nodes.logins[1] == 1, "what is vouched for is not asked about again"


async def test_a_leaf_that_no_other_node_knows_stays_untrusted() -> None:
    nodes = Nodes(pinned(), listed=False)
    report = await nodes.check()
    assert report.cluster.status is Status.UNTRUSTED
    assert (await nodes.stored()).trust == nodes.record.trust
    assert nodes.logins == [0, 1, 0], "nothing goes to the one in doubt, and one word is enough"


async def test_the_one_in_doubt_is_not_asked_about_itself() -> None:
    nodes = Nodes(replace(pinned(), endpoints=ENDPOINTS[:1]))
    assert (await nodes.check()).cluster.status is Status.UNTRUSTED
    assert nodes.logins == [0, 0, 0]


async def test_one_that_does_not_answer_is_passed_over() -> None:
    nodes = Nodes(pinned())
    nodes.servers[SECOND].errors["connect"] = connection_messages.refused(Endpoint(SECOND))
    assert (await nodes.check()).error is None
    assert (await nodes.stored()).trust.vouched == (CUSTOM.pem,)


async def test_a_refused_login_is_not_tried_at_the_next_one() -> None:
    nodes = Nodes(pinned(LoginMethod.PASSWORD))
    for server in nodes.servers.values():
        server.passwords = {}
    assert (await nodes.check()).cluster.status is Status.UNTRUSTED
    assert nodes.logins == [0, 1, 0]


async def test_what_runs_out_is_nothing_that_the_cluster_can_mend() -> None:
    nodes = Nodes(pinned())
    nodes.servers[FIRST].errors["secure"] = certificate_messages.expired(Endpoint(FIRST), CUSTOM)
    report = await nodes.check()
    assert report.error is not None
    assert (report.error.cause, nodes.logins) == ("expired", [0, 0, 0])


async def test_a_leaf_that_no_node_has_any_more_is_forgotten() -> None:
    gone = certificate(seed=8)
    record = pinned()
    nodes = Nodes(replace(record, trust=replace(record.trust, vouched=(gone.pem,))))
    await nodes.check()
    assert (await nodes.stored()).trust.vouched == (CUSTOM.pem,)


async def test_a_system_cluster_learns_the_authority_of_the_nodes_that_are_not_publicly_signed() -> None:
    trust = Trust(TrustMode.SYSTEM, certificate().sha256, certificate=certificate())
    nodes = Nodes(pinned(trust=trust), by_system=True)
    nodes.servers[FIRST].authority = CA
    assert (await nodes.check()).error is None
    learned = (await nodes.stored()).trust
    assert (learned.mode, learned.authority, learned.vouched) == (TrustMode.SYSTEM, CA, ())


async def test_a_check_that_learns_the_authority_of_another_record_says_so_once() -> None:
    trust = Trust(TrustMode.SYSTEM, certificate().sha256, certificate=certificate())
    nodes = Nodes(pinned(trust=trust), by_system=True)
    nodes.servers[FIRST].authority = CA
    await nodes.bench.repository.save(TWIN)
    for _ in range(2):
        assert (await nodes.check()).error is None
    (words,) = nodes.bench.services.clusters.means.twins.take()
    assert '"fra" and "twin" have the same authority' in words
    assert words in [entry.text for entry in nodes.bench.services.journal.entries() if entry.failure]


async def test_a_certificate_that_is_accepted_may_turn_out_to_be_that_of_another_record() -> None:
    found = one(FakeServer(certificate=CUSTOM, authority=CA))
    await found.repository.save(TWIN)
    await accept(found, CUSTOM)
    assert len(found.services.clusters.means.twins.take()) == 1
    await accept(found, CUSTOM)
    assert found.services.clusters.means.twins.take() == ()


async def test_a_renewed_leaf_of_the_authority_is_kept_in_the_record() -> None:
    nodes = Nodes(replace(pinned(), endpoints=ENDPOINTS[1:2]))
    nodes.servers[SECOND].certificate = CUSTOM
    assert (await nodes.check()).error is None
    stored = await nodes.stored()
    assert (stored.trust.fingerprint, stored.trust.certificate) == (CUSTOM.sha256, CUSTOM)
    assert (stored.identity, stored.trust.vouched) == (CA.sha256, ())


async def test_what_a_check_learned_outlives_the_next_one_that_builds_on_it() -> None:
    nodes = Nodes(pinned())
    checker = nodes.bench.services.clusters.means.checker()
    first = await checker.refresh(nodes.record, Snapshot(nodes.record.id))
    grown = apply_check(nodes.record, first.result)
    second = await checker.refresh(grown, first.snapshot)
    assert apply_check(nodes.record, second.result) is nodes.record
    joined = after(first.result, second.result)
    assert apply_check(nodes.record, joined).trust.vouched == (CUSTOM.pem,)


TWIN = replace(
    cluster("twin", number=2, host="10.20.0.19"),
    trust=Trust(TrustMode.PINNED_CA, certificate().sha256, CA.pem, CA, certificate()),
)
ONE = replace(cluster("fra"), endpoints=(Endpoint(FIRST),))


def one(server: FakeServer) -> Bench:
    return make_bench([ONE], servers={FIRST: server})


async def accept(found: Bench, shown: Certificate) -> CheckReport:
    return await found.services.clusters.trust_again(ONE.id, shown, Snapshot(ONE.id), Recorder())


async def test_a_certificate_that_is_not_shown_any_more_changes_nothing_and_sends_nothing() -> None:
    server = FakeServer(certificate=CUSTOM)
    found = one(server)
    report = await accept(found, certificate(seed=3))
    assert report.error is not None
    assert (report.error.cause, server.logins) == ("untrusted", 0)
    assert await found.repository.find_by_id(ONE.id) == ONE


async def test_a_login_that_has_ended_does_not_stand_in_the_way() -> None:
    found = one(FakeServer(certificate=CUSTOM, tokens={}))
    report = await accept(found, CUSTOM)
    assert report.error is not None
    assert report.error.cause == "token"
    stored = await found.repository.find_by_id(ONE.id)
    assert stored is not None
    assert (stored.trust.fingerprint, stored.status) == (CUSTOM.sha256, Status.UNAUTHORIZED)


async def test_accepting_a_changed_certificate_pins_the_authority_that_signed_it() -> None:
    found = one(FakeServer(certificate=CUSTOM, authority=CA))
    report = await accept(found, CUSTOM)
    stored = await found.repository.find_by_id(ONE.id)
    assert stored == report.cluster
    assert (stored.trust.mode, stored.trust.anchor_pem) == (TrustMode.PINNED_CA, CA.pem)
    assert (stored.trust.fingerprint, stored.identity) == (CUSTOM.sha256, CA.sha256)
    assert (stored.login, stored.labels, stored.name) == (ONE.login, ONE.labels, ONE.name)


async def test_what_somebody_else_trusts_meanwhile_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    found = one(FakeServer(certificate=CUSTOM, authority=CA))
    theirs = replace(ONE, trust=Trust(TrustMode.PINNED_LEAF, certificate(seed=9).sha256, certificate(seed=9).pem))
    update = found.repository.update

    async def update_after_them(cluster_id: str, change: Callable[[Cluster], Cluster]) -> Cluster | None:
        await found.repository.save(theirs)
        return await update(cluster_id, change)

    monkeypatch.setattr(found.repository, "update", update_after_them)
    with pytest.raises(InvalidError) as caught:
        await accept(found, CUSTOM)
    assert caught.value.cause == "changed_meanwhile"
    assert await found.repository.find_by_id(ONE.id) == theirs


async def test_an_endpoint_that_was_only_looked_at_is_asked_about_after_the_check() -> None:
    nodes = Nodes(pinned())
    nodes.servers[FIRST].certificate, nodes.servers[THIRD].certificate = certificate(), CUSTOM
    for host in (FIRST, THIRD):
        nodes.servers[host].authority = None if host == THIRD else CA
        nodes.servers[host].node_fingerprints = nodes.servers[SECOND].node_fingerprints
    report = await nodes.check()
    assert report.error is None
    assert (await nodes.stored()).trust.vouched == (CUSTOM.pem,)
    assert [state.error for state in report.snapshot.endpoints] == ["", "", ""]


async def test_a_certificate_that_ends_soon_is_a_warning_of_the_check() -> None:
    soon = replace(certificate(), not_after=NOW + timedelta(days=6))
    found = make_bench([ONE], servers={FIRST: FakeServer(certificate=soon)})
    report = await found.services.clusters.check(ONE.id, Snapshot(ONE.id), Recorder())
    step = next(step for step in report.steps if step.name == "certificate")
    assert (step.state, step.cause) == (StepState.WARNING, "expires_soon")
    assert "ends in 6 days, which is urgent" in step.message
    assert "pvecm updatecerts" in step.do
