"""Refreshing a known cluster: what is asked again, what is kept from the last full check, and when all is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pxm_tui.domain import certificate_messages, connection_messages
from pxm_tui.domain.cluster import Cluster, Endpoint, Limit, LoginMethod, Status
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.observation import Observation, Snapshot
from pxm_tui.services.checking import Checker, Outcome
from pxm_tui.services.refreshing import FULL_EVERY
from tests.fakes import AUDITOR, Bench, FakeServer, certificate, cluster, make_bench, observation
from tests.services.recorder import Recorder

ENDPOINT = Endpoint("10.20.0.11")


class Watched:
    """One cluster that is refreshed again and again."""

    def __init__(self, *, method: LoginMethod = LoginMethod.TOKEN, observed: Observation | None = None) -> None:
        self.record: Cluster = cluster("fra-prod", method=method)
        self.server = FakeServer(observed=observed or observation())
        self.bench: Bench = make_bench([self.record], servers={ENDPOINT.host: self.server})
        self.checker: Checker = self.bench.services.clusters.means.checker()
        self.snapshot = Snapshot(self.record.id)

    async def refresh(self) -> Outcome:
        outcome = await self.checker.refresh(self.record, self.snapshot)
        self.snapshot = outcome.snapshot
        return outcome

    def asked(self) -> tuple[int, int]:
        """Full checks and refreshes that were answered."""
        return self.server.checks, self.server.refreshes


async def test_the_first_is_full_and_the_next_are_not() -> None:
    watched = Watched()
    first, second, third = [await watched.refresh() for _ in range(3)]
    assert watched.asked() == (1, 2)
    assert first.result == second.result == third.result
    assert replace(first.snapshot, rtts_ms=()) == replace(third.snapshot, rtts_ms=())
    assert third.snapshot.rtts_ms == (12.0, 12.0, 12.0)


async def test_after_ten_minutes_all_is_asked_again() -> None:
    watched = Watched()
    await watched.refresh()
    watched.server.observed = observation(version="9.3.1")
    watched.bench.clock.advance(FULL_EVERY - 1)
    kept = await watched.refresh()
    watched.bench.clock.advance(1)
    new = await watched.refresh()
    assert [found.result.facts and found.result.facts.proxmox_version for found in (kept, new)] == ["9.2.11", "9.3.1"]
    assert watched.asked() == (2, 1)


async def test_what_changes_by_the_minute_is_seen() -> None:
    watched = Watched()
    await watched.refresh()
    watched.server.observed = observation(guests=20, running=7, offline=(3,))
    outcome = await watched.refresh()
    facts = outcome.result.facts
    assert facts is not None
    assert (facts.guests_running, facts.guests_total, facts.nodes_online) == (7, 20, 2)
    assert outcome.result.status is Status.DEGRADED
    assert watched.asked() == (1, 1)


async def test_limits_and_rights_are_kept() -> None:
    watched = Watched(observed=observation(privileges=AUDITOR - {"Datastore.Audit"}))
    first = await watched.refresh()
    second = await watched.refresh()
    assert watched.asked() == (1, 1)
    assert second.result.facts is not None
    assert second.result.facts.limits == (Limit("Datastore.Audit", "/storage"),)
    assert second.snapshot.rights == first.snapshot.rights != ""


@pytest.mark.parametrize(
    "change",
    [
        lambda: observation(nodes=4),
        lambda: observation(quorate=None),
        lambda: observation(privileges=frozenset({"Sys.Audit"})),
        lambda: observation(guests=0, running=0),
        lambda: replace(observation(), own_name="another"),
    ],
    ids=["a node more", "status forbidden", "no guest may be seen", "no guests left", "another name"],
)
async def test_a_surprise_is_explained_by_a_full_check(change: Callable[[], Observation]) -> None:
    watched = Watched()
    await watched.refresh()
    watched.server.observed = change()
    surprised = await watched.refresh()
    assert watched.asked() == (2, 1)
    alone = Watched(observed=change())
    assert surprised.result == (await alone.refresh()).result
    await watched.refresh()
    assert watched.asked() == (2, 2)


ERRORS: list[tuple[str, PxmError]] = [
    ("resolve", connection_messages.unknown_host(ENDPOINT)),
    ("connect", connection_messages.refused(ENDPOINT)),
    ("secure", connection_messages.not_tls(ENDPOINT)),
    ("secure", certificate_messages.changed(ENDPOINT, "2025-11-03", certificate(seed=9))),
]


@pytest.mark.parametrize(("phase", "error"), ERRORS)
async def test_who_cannot_be_reached_is_judged_as_by_a_full_check(phase: str, error: PxmError) -> None:
    watched, alone = Watched(), Watched()
    await watched.refresh()
    watched.server.errors[phase] = alone.server.errors[phase] = error
    sessions = watched.server.sessions
    found, full = await watched.refresh(), await alone.refresh()
    assert found.result == full.result
    assert (found.steps, found.snapshot.errors) == (full.steps, full.snapshot.errors)
    assert watched.server.sessions == sessions + 1
    watched.server.errors.clear()
    await watched.refresh()
    assert watched.asked() == (1, 1)


async def test_a_refused_token_is_sent_once() -> None:
    watched, alone = Watched(), Watched()
    await watched.refresh()
    watched.server.tokens.clear()
    alone.server.tokens.clear()
    found, full = await watched.refresh(), await alone.refresh()
    assert found.result == full.result
    assert found.result.refused is True
    assert found.result.error is not None
    assert (found.result.error.cause, found.result.error.step) == ("token", "login")
    assert watched.server.logins == 2


async def test_an_answer_that_fails_is_named_by_a_full_check() -> None:
    watched, alone = Watched(), Watched()
    await watched.refresh()
    wrong = connection_messages.not_proxmox(ENDPOINT, "it sends text/html for the list of realms")
    watched.server.errors = {"refresh": connection_messages.bad_answer(ENDPOINT, "is text/html"), "realms": wrong}
    alone.server.errors = {"realms": wrong}
    found, full = await watched.refresh(), await alone.refresh()
    assert found.result == full.result
    assert found.result.error is not None
    assert (found.result.error.cause, found.result.error.step) == ("not_proxmox", "proxmox")
    sessions = watched.server.sessions
    await watched.refresh()
    assert watched.server.sessions == sessions + 1


async def test_a_ticket_is_used_and_one_that_ended_early_leads_to_one_login() -> None:
    watched = Watched(method=LoginMethod.PASSWORD)
    await watched.refresh()
    await watched.refresh()
    assert (watched.server.logins, watched.asked()) == (1, (1, 1))
    watched.server.refused_tickets = 1
    outcome = await watched.refresh()
    assert outcome.error is None
    assert (watched.server.logins, watched.asked()) == (2, (2, 1))
    await watched.refresh()
    assert (watched.server.logins, watched.asked()) == (2, (2, 2))


async def test_a_check_by_a_person_is_full() -> None:
    watched = Watched()
    await watched.refresh()
    outcome = await watched.checker.check(watched.record, watched.snapshot, Recorder())
    assert watched.asked() == (2, 0)
    assert [str(step.state) for step in outcome.steps] == ["ok"] * len(outcome.steps)


async def test_another_login_or_trust_is_checked_in_full() -> None:
    watched = Watched()
    await watched.refresh()
    login = replace(watched.record.login, changed_at=watched.bench.clock())
    watched.record = replace(watched.record, login=login)
    await watched.refresh()
    assert watched.asked() == (2, 0)
