"""The record, and how a check changes it."""

import re
from dataclasses import replace
from datetime import timedelta

from pxm_tui.domain import connection_messages, login_messages
from pxm_tui.domain.cluster import CheckResult, Endpoint, Facts, Status, apply_check, reason_of
from pxm_tui.services.judge import answered, failed
from tests.fakes import NOW, cluster, observation

RECORD = cluster("fra-prod-1")
TIMEOUT = connection_messages.timeout(Endpoint("10.20.0.11"), 5)


def test_the_eight_fields_have_their_names() -> None:
    assert list(RECORD.to_json())[:8] == [
        "id",
        "name",
        "api_endpoint",
        "status",
        "proxmox_version",
        "node_count",
        "created_at",
        "updated_at",
    ]


def test_times_are_utc_to_the_second() -> None:
    for field in ("created_at", "updated_at", "last_seen_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", RECORD.to_json()[field])


def test_a_failure_keeps_the_last_figures_and_moves_updated_at_once() -> None:
    first = apply_check(RECORD, failed(RECORD, TIMEOUT, "connect", NOW))
    assert first.status is Status.UNREACHABLE
    assert (first.node_count, first.last_seen_at) == (RECORD.node_count, RECORD.last_seen_at)
    assert first.updated_at == NOW
    later = apply_check(first, failed(first, TIMEOUT, "connect", NOW + timedelta(minutes=5)))
    assert later.updated_at == NOW
    assert later.error is not None
    assert later.error.since == NOW


def test_another_cause_begins_anew() -> None:
    first = apply_check(RECORD, failed(RECORD, TIMEOUT, "connect", NOW))
    other = failed(first, connection_messages.refused(RECORD.endpoint), "connect", NOW + timedelta(minutes=5))
    changed = apply_check(first, other)
    assert changed.error is not None
    assert changed.error.since == NOW + timedelta(minutes=5)


def test_an_answer_fills_the_record() -> None:
    found = apply_check(RECORD, answered(RECORD, observation(nodes=5, guests=20, running=7), NOW))
    assert (found.node_count, found.nodes_online, found.guests_running, found.guests_total) == (5, 5, 7, 20)
    assert (found.status, found.last_seen_at) == (Status.HEALTHY, NOW)


def test_a_result_for_another_login_or_trust_is_dropped() -> None:
    result = failed(RECORD, TIMEOUT, "connect", NOW)
    for changed in (
        replace(RECORD, login=replace(RECORD.login, changed_at=NOW)),
        replace(RECORD, trust=replace(RECORD.trust, anchor_pem="x")),
        replace(RECORD, endpoints=(Endpoint("other"),)),
    ):
        assert apply_check(changed, result) is changed


def test_a_refusal_marks_the_login_and_a_timeout_does_not_unmark_it() -> None:
    refused = apply_check(RECORD, failed(RECORD, login_messages.token(RECORD.endpoint, "a@pve!b", ""), "login", NOW))
    assert refused.login.refused
    assert apply_check(refused, failed(refused, TIMEOUT, "connect", NOW)).login.refused
    assert not apply_check(refused, answered(refused, observation(), NOW)).login.refused


def test_an_expired_token_says_so_in_the_cell() -> None:
    error = login_messages.token(RECORD.endpoint, "a@pve!b", "token 'b' access expired")
    assert reason_of(error).short == "token expired"


def test_no_secret_has_a_place_in_a_record() -> None:
    facts = Facts("9.2", 1, 1, True, 0, 0, (), "x")
    text = repr(RECORD) + repr(CheckResult(RECORD.id, RECORD.basis(), NOW, Status.HEALTHY, None, facts))
    assert "right-secret" not in text
