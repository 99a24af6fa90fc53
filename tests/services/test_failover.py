"""Several endpoints of one cluster: which is asked, when another is, and what is remembered of each."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from pxm_tui.domain import connection_messages
from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod, Status
from pxm_tui.domain.errors import PxmError, UnreachableError
from pxm_tui.domain.observation import EndpointState, Snapshot
from pxm_tui.domain.steps import StepState
from pxm_tui.services.checking import Checker, Outcome
from pxm_tui.services.dialog import Silent
from pxm_tui.services.endpoints import FAILOVER_LIMIT, LOOK_AGAIN
from tests.fakes import NOW, Bench, FakeServer, certificate, cluster, make_bench, observation
from tests.services.recorder import Recorder
from tests.services.test_fleet import settle, watching

FIRST, SECOND, THIRD = (Endpoint(f"10.20.0.{number}") for number in (11, 12, 13))
ALL = (FIRST, SECOND, THIRD)


class Cared:
    """One cluster with three endpoints."""

    def __init__(self, method: LoginMethod = LoginMethod.TOKEN, snapshot: Snapshot | None = None) -> None:
        self.record: Cluster = replace(cluster("fra-prod", method=method), endpoints=ALL)
        self.servers = {endpoint: FakeServer() for endpoint in ALL}
        by_host = {endpoint.host: server for endpoint, server in self.servers.items()}
        self.bench: Bench = make_bench([self.record], servers=by_host)
        self.checker: Checker = self.bench.services.clusters.means.checker()
        self.snapshot = snapshot or Snapshot(self.record.id)

    def fail(self, endpoint: Endpoint, phase: str = "connect", error: PxmError | None = None) -> None:
        self.servers[endpoint].errors[phase] = error or connection_messages.refused(endpoint)

    def mend(self, endpoint: Endpoint) -> None:
        self.servers[endpoint].errors.clear()

    async def refresh(self) -> Outcome:
        outcome = await self.checker.refresh(self.record, self.snapshot)
        self.snapshot = outcome.snapshot
        return outcome

    async def look(self) -> None:
        await self.checker.endpoints.look_around(self.record)

    def asked(self) -> list[int]:
        """Answers by endpoint."""
        return [server.checks + server.refreshes for server in self.servers.values()]

    def used(self) -> Endpoint | None:
        return self.snapshot.endpoint_in_use


def arrived(error: UnreachableError) -> UnreachableError:
    error.may_have_arrived = True
    return error


async def test_the_registered_endpoint_is_asked_and_the_session_stays_there() -> None:
    cared = Cared()
    for _ in range(3):
        await cared.refresh()
    assert cared.asked() == [3, 0, 0]
    assert cared.used() == FIRST
    assert cared.record.to_json()["api_endpoint"] == FIRST.url


@pytest.mark.parametrize(
    ("phase", "error"),
    [
        ("resolve", connection_messages.unknown_host(FIRST)),
        ("connect", connection_messages.timeout(FIRST, 5)),
        ("connect", connection_messages.no_route(FIRST, "10.20.0.11")),
        ("secure", connection_messages.closed(FIRST)),
        ("realms", connection_messages.not_proxmox(FIRST, "nginx")),
        ("observe", connection_messages.bad_answer(FIRST, "ended in the middle")),
        ("observe", connection_messages.server_failed(FIRST, 596, "Connection timed out")),
    ],
)
async def test_another_is_asked_at_once_where_it_does_not_answer(phase: str, error: PxmError) -> None:
    cared = Cared()
    cared.fail(FIRST, phase, error)
    outcome = await cared.refresh()
    assert outcome.result.status is Status.HEALTHY
    assert cared.servers[SECOND].checks == 1
    assert cared.used() == SECOND
    await cared.refresh()
    assert cared.servers[SECOND].refreshes == 1
    assert cared.record.endpoint == FIRST


async def test_a_refresh_that_loses_its_endpoint_goes_on_with_a_full_check_elsewhere() -> None:
    cared = Cared()
    await cared.refresh()
    cared.fail(FIRST)
    await cared.refresh()
    await cared.refresh()
    assert [server.checks for server in cared.servers.values()] == [1, 1, 0]
    assert [server.refreshes for server in cared.servers.values()] == [0, 1, 0]


async def test_one_that_hangs_delays_the_search_for_another_by_no_more_than_itself() -> None:
    cared = Cared()
    cared.fail(FIRST)
    cared.servers[SECOND].gates["connect"] = asyncio.Event()
    assert (await cared.refresh()).error is None
    assert cared.asked() == [0, 0, 1]


async def test_a_cluster_is_unreachable_when_no_endpoint_answers_and_its_reason_is_the_registered_one_s() -> None:
    cared = Cared()
    cared.fail(FIRST, error=connection_messages.timeout(FIRST, 5))
    await cared.refresh()
    cared.fail(SECOND)
    cared.fail(THIRD)
    outcome = await cared.refresh()
    assert outcome.result.status is Status.UNREACHABLE
    assert outcome.result.error is not None
    assert (outcome.result.error.cause, outcome.result.error.message[:24]) == ("timeout", "No answer from 10.20.0.1")
    assert [(state.error, state.in_use) for state in cared.snapshot.endpoints] == [
        ("timed out", False),
        ("refused", False),
        ("refused", False),
    ]
    cared.mend(THIRD)
    assert (await cared.refresh()).error is None
    assert cared.used() == THIRD


async def test_no_further_one_is_tried_when_the_last_took_too_long() -> None:
    cared = Cared()

    class Hanging(FakeServer):
        async def phase(self, name: str) -> None:
            if name == "observe":
                cared.bench.clock.advance(FAILOVER_LIMIT + 1)
                raise connection_messages.timeout(FIRST, 10)

    cared.bench.gateway.servers[FIRST.host] = Hanging()
    assert (await cared.refresh()).result.status is Status.UNREACHABLE
    assert (await cared.refresh()).error is None
    assert cared.used() == SECOND


async def test_it_returns_to_the_registered_one_when_a_look_finds_it_again() -> None:
    cared = Cared()
    cared.fail(FIRST)
    await cared.refresh()
    sessions = cared.servers[FIRST].sessions
    cared.mend(FIRST)
    await cared.look()
    assert cared.servers[FIRST].sessions == sessions
    cared.bench.clock.advance(15)
    await cared.look()
    assert cared.servers[FIRST].sessions == sessions + 1
    assert cared.servers[FIRST].logins == 0
    await cared.refresh()
    assert cared.used() == FIRST


async def test_the_pauses_between_looks_grow() -> None:
    cared = Cared()
    cared.fail(FIRST)
    await cared.refresh()
    looks = []
    for seconds in (14, 1, 29, 1, 59, 1, 119, 1, 299, 1, 300):
        cared.bench.clock.advance(seconds)
        before = cared.servers[FIRST].sessions
        await cared.look()
        looks.append(cared.servers[FIRST].sessions - before)
    assert looks == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1]


async def test_one_that_shakes_hands_but_does_not_answer_is_left_alone_longer_and_longer() -> None:
    cared = Cared()
    cared.fail(FIRST, "observe", connection_messages.timeout(FIRST, 10))
    pauses = []
    for _ in range(3):
        assert (await cared.refresh()).error is None
        pause = 0
        while cared.snapshot.endpoints[0].error:
            cared.bench.clock.advance(15)
            pause += 15
            await cared.look()
            cared.snapshot = replace(cared.snapshot, endpoints=cared.checker.endpoints.states(cared.record))
        pauses.append(pause)
    assert pauses == [15, 30, 60]


async def test_those_not_in_use_are_looked_at_one_by_one_and_rarely() -> None:
    cared = Cared()
    await cared.refresh()
    for _ in range(4):
        await cared.look()
    assert [server.sessions for server in cared.servers.values()] == [1, 1, 1]
    cared.bench.clock.advance(LOOK_AGAIN)
    await cared.look()
    assert [server.sessions for server in cared.servers.values()] == [1, 2, 1]
    assert [server.logins for server in cared.servers.values()] == [1, 0, 0]


async def test_another_certificate_that_no_other_endpoint_vouches_for_stops_the_cluster() -> None:
    cared = Cared()
    cared.servers[FIRST].certificate = certificate(seed=2)
    outcome = await cared.refresh()
    assert outcome.result.status is Status.UNTRUSTED
    assert [server.logins for server in cared.servers.values()] == [0, 1, 0]


async def test_one_with_another_certificate_is_never_taken_instead() -> None:
    cared = Cared()
    cared.fail(FIRST)
    cared.servers[SECOND].certificate = certificate(seed=2)
    await cared.refresh()
    # the third is asked, and asked whether it knows the second's certificate
    assert [server.logins for server in cared.servers.values()] == [0, 0, 2]
    assert cared.snapshot.endpoints[1].error == "cert changed"


async def test_a_password_that_may_have_arrived_is_not_sent_elsewhere() -> None:
    cared = Cared(LoginMethod.PASSWORD)
    cared.fail(FIRST, "login", arrived(connection_messages.timeout(FIRST, 10)))
    outcome = await cared.refresh()
    assert outcome.result.status is Status.UNREACHABLE
    assert [server.logins for server in cared.servers.values()] == [1, 0, 0]
    assert (await cared.refresh()).error is None
    assert [server.logins for server in cared.servers.values()] == [1, 1, 0]


async def test_nor_where_it_went_to_something_that_is_no_proxmox() -> None:
    cared = Cared(LoginMethod.PASSWORD)
    cared.servers[FIRST].passwords.clear()
    cared.fail(FIRST, "realms", connection_messages.not_proxmox(FIRST, "nginx"))
    assert (await cared.refresh()).result.status is Status.UNREACHABLE
    assert [server.logins for server in cared.servers.values()] == [1, 0, 0]


async def test_a_password_that_was_not_sent_is() -> None:
    cared = Cared(LoginMethod.PASSWORD)
    cared.fail(FIRST, "login", connection_messages.refused(FIRST))
    assert (await cared.refresh()).error is None
    assert [server.logins for server in cared.servers.values()] == [1, 1, 0]


async def test_a_wrong_password_is_tried_once() -> None:
    cared = Cared(LoginMethod.PASSWORD)
    for server in cared.servers.values():
        server.passwords.clear()
    assert (await cared.refresh()).result.status is Status.UNAUTHORIZED
    assert [server.logins for server in cared.servers.values()] == [1, 0, 0]


async def test_a_ticket_is_good_at_the_other_endpoint() -> None:
    cared = Cared(LoginMethod.PASSWORD)
    await cared.refresh()
    cared.fail(FIRST)
    assert (await cared.refresh()).error is None
    assert [server.logins for server in cared.servers.values()] == [1, 0, 0]
    assert cared.used() == SECOND


async def test_a_refused_token_is_confirmed_once_elsewhere() -> None:
    cared = Cared()
    for server in cared.servers.values():
        server.tokens.clear()
    assert (await cared.refresh()).result.status is Status.UNAUTHORIZED
    assert sum(server.logins for server in cared.servers.values()) == 2


async def test_a_token_that_one_node_alone_refuses_is_good() -> None:
    cared = Cared()
    cared.servers[FIRST].tokens.clear()
    outcome = await cared.refresh()
    assert outcome.result.status is Status.HEALTHY
    assert cared.used() == SECOND
    assert cared.snapshot.endpoints[0].error == "token expired"


async def test_what_an_earlier_run_knew_is_taken_over() -> None:
    states = (EndpointState(FIRST, error="timed out", since=NOW), EndpointState(SECOND, in_use=True, rtt_ms=9))
    cared = Cared(snapshot=Snapshot(cluster("fra-prod").id, endpoints=states))
    await cared.refresh()
    assert cared.asked() == [0, 1, 0]
    await cared.look()
    await cared.refresh()
    assert cared.used() == FIRST


async def test_a_check_by_a_person_looks_at_all_and_says_what_is_passed_over() -> None:
    cared = Cared()
    cared.fail(FIRST)
    dialog = Recorder()
    report = await cared.bench.services.clusters.check(cared.record.id, cared.snapshot, dialog)
    connect = next(step for step in report.steps if step.name == "connect")
    assert connect.state is StepState.WARNING
    assert connect.cause == "endpoint_down"
    assert "10.20.0.11:8006: refused" in connect.message
    assert StepState.FAILED not in {step.state for step in dialog.steps}
    assert [bool(state.error) for state in report.snapshot.endpoints] == [True, False, False]
    assert all(server.sessions for server in cared.servers.values())
    assert report.cluster.endpoints == ALL


async def test_a_check_by_a_person_says_how_the_others_do_now_and_not_how_they_did() -> None:
    cared = Cared()
    for endpoint in ALL:
        cared.fail(endpoint)
    await cared.refresh()
    for endpoint in (FIRST, SECOND):
        cared.mend(endpoint)
    dialog = Recorder()
    report = await cared.bench.services.clusters.check(cared.record.id, cared.snapshot, dialog)
    connect = next(step for step in report.steps if step.name == "connect")
    assert connect.message == "10.20.0.11:8006 answered; not used: 10.20.0.13:8006: refused"
    assert dialog.steps[-1] == connect
    cared.mend(THIRD)
    report = await cared.bench.services.clusters.check(cared.record.id, report.snapshot, Recorder())
    assert next(step for step in report.steps if step.name == "connect").state is StepState.OK


async def test_a_look_at_one_that_failed_after_the_handshake_sees_whether_proxmox_answers() -> None:
    cared = Cared()
    cared.fail(FIRST, "realms", connection_messages.not_proxmox(FIRST, "a login page"))
    assert (await cared.refresh()).error is None
    assert cared.used() == SECOND
    report = await cared.bench.services.clusters.check(cared.record.id, cared.snapshot, Recorder())
    connect = next(step for step in report.steps if step.name == "connect")
    assert connect.message == "10.20.0.12:8006 answered; not used: 10.20.0.11:8006: not Proxmox VE"
    assert cared.servers[FIRST].logins == 1, "only the refresh, which did not know"
    cared.mend(FIRST)
    report = await cared.bench.services.clusters.check(cared.record.id, report.snapshot, Recorder())
    assert [state.error for state in report.snapshot.endpoints] == ["", "", ""]


async def test_a_new_trust_is_tried_at_all_endpoints_before_they_are_said_to_fail() -> None:
    cared = Cared()
    new = certificate(seed=9)
    for server in cared.servers.values():
        server.certificate = new
    cared.fail(THIRD)
    service = cared.bench.services.clusters
    stopped = await service.check(cared.record.id, cared.snapshot, Recorder())
    assert [state.error for state in stopped.snapshot.endpoints] == ["", "cert changed", "refused"]
    dialog = Recorder()
    report = await service.trust_again(cared.record.id, new, stopped.snapshot, dialog)
    connect = next(step for step in report.steps if step.name == "connect")
    assert connect.message == "10.20.0.11:8006 answered; not used: 10.20.0.13:8006: refused"
    assert "cert changed" not in " ".join(step.message for step in dialog.steps)
    assert [state.error for state in report.snapshot.endpoints] == ["", "", "refused"]


async def test_when_a_cluster_is_back_its_other_endpoints_are_looked_at_at_once() -> None:
    cared = Cared()
    for endpoint in ALL:
        cared.fail(endpoint)
    for _ in range(4):
        await cared.refresh()
    for endpoint in ALL:
        cared.mend(endpoint)
    assert (await cared.refresh()).error is None
    await cared.look()
    assert [state.error for state in cared.checker.endpoints.states(cared.record)] == ["", "", ""]


async def test_a_person_who_refreshes_has_those_that_fail_looked_at_again() -> None:
    cared = Cared()
    cared.fail(SECOND)
    async with watching(cared.bench) as (fleet, hand):
        cared.fail(FIRST)
        await hand.tick(15)
        cared.mend(FIRST)
        cared.mend(SECOND)
        await fleet.refresh()
        await settle()
        assert [state.error for state in fleet.view().clusters[0].snapshot.endpoints] == ["", "", ""]


async def test_an_endpoint_fails_since_it_fails_in_that_way() -> None:
    cared = Cared()
    cared.fail(FIRST)
    await cared.refresh()
    cared.bench.clock.advance(60)
    await cared.look()
    cared.fail(FIRST, error=connection_messages.timeout(FIRST, 5))
    cared.bench.clock.advance(60)
    await cared.look()
    (first, *_) = cared.checker.endpoints.states(cared.record)
    assert (first.error, first.since) == ("timed out", NOW + timedelta(seconds=120))


async def test_a_check_that_fails_everywhere_reports_the_failure() -> None:
    cared = Cared()
    for endpoint in ALL:
        cared.fail(endpoint)
    dialog = Recorder()
    report = await cared.bench.services.clusters.check(cared.record.id, cared.snapshot, dialog)
    assert report.cluster.status is Status.UNREACHABLE
    assert ("connect", "failed") in dialog.ended()


async def test_one_endpoint_has_no_list_of_them() -> None:
    cared = Cared()
    cared.record = replace(cared.record, endpoints=(FIRST,))
    await cared.refresh()
    assert cared.snapshot.endpoints == ()


async def test_an_endpoint_that_was_removed_is_not_shown() -> None:
    cared = Cared()
    cared.fail(FIRST)
    await cared.refresh()
    cared.record = replace(cared.record, endpoints=(FIRST, THIRD))
    await cared.refresh()
    assert [state.endpoint for state in cared.snapshot.endpoints] == [FIRST, THIRD]
    assert cared.used() == THIRD


async def test_the_watch_goes_over_at_once_and_comes_back_after_a_pause() -> None:
    cared = Cared()
    async with watching(cared.bench) as (fleet, hand):
        assert fleet.view().clusters[0].endpoint == FIRST
        cared.fail(FIRST)
        await hand.tick(15)
        found = fleet.view().clusters[0]
        assert (found.cluster.status, found.endpoint, found.tries) == (Status.HEALTHY, SECOND, 0)
        cared.mend(FIRST)
        await hand.tick(15)
        await hand.tick(15)
        assert fleet.view().clusters[0].endpoint == FIRST


async def test_the_watch_looks_at_no_endpoint_of_a_cluster_that_waits_for_a_person() -> None:
    cared = Cared(LoginMethod.PASSWORD)
    for server in cared.servers.values():
        server.passwords.clear()
    async with watching(cared.bench) as (_, hand):
        await hand.tick(700)
        await settle()
        assert [server.sessions for server in cared.servers.values()] == [1, 0, 0]


async def test_silence_needs_nobody() -> None:
    cared = Cared()
    outcome = await cared.checker.check(cared.record, cared.snapshot, Silent())
    assert outcome.result.facts is not None
    assert outcome.result.facts.node_count == len(observation().nodes)


def _running(recorder: Recorder) -> list[tuple[str, str]]:
    return [(step.name, step.message) for step in recorder.steps if step.state is StepState.RUNNING and step.message]


async def test_while_a_second_opinion_is_asked_for_the_steps_say_so() -> None:
    cared = Cared()
    cared.servers[FIRST].tokens.clear()
    recorder = Recorder()
    outcome = await cared.checker.check(cared.record, cared.snapshot, recorder)
    assert outcome.error is None
    refused = f"{FIRST.authority} refused the token"
    said = _running(recorder)
    assert said[0] == ("login", f"{refused}; looking for another")
    assert ("connect", f"{refused}; asking {SECOND.authority}") in said
    assert ("discovery", f"{refused}; asking {SECOND.authority}") in said


async def test_while_another_endpoint_is_asked_the_steps_say_why() -> None:
    cared = Cared()
    cared.fail(FIRST)
    recorder = Recorder()
    await cared.checker.check(cared.record, cared.snapshot, recorder)
    said = _running(recorder)
    assert said[0] == ("connect", f"{FIRST.authority}: refused; looking for another")
    assert ("connect", f"{FIRST.authority}: refused; asking {SECOND.authority}") in said


async def test_one_endpoint_alone_has_nothing_to_say_of_others() -> None:
    cared = Cared()
    cared.record = replace(cared.record, endpoints=(FIRST,))
    cared.servers[FIRST].tokens.clear()
    recorder = Recorder()
    await cared.checker.check(cared.record, cared.snapshot, recorder)
    assert _running(recorder) == []
