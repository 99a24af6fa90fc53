"""The explanation of the selected row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pxm_tui.domain.cluster import Limit, Reason, Status
from pxm_tui.domain.observation import WATCHED
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.explain import Explanation, explain
from tests.fakes import NOW, cluster
from tests.tui.fleet import seen_bench


def _view(name: str) -> ClusterView:
    return next(view for view in seen_bench().services.fleet.load().clusters if view.cluster.name == name)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "서울-1",
            [
                "서울-1: node seoul-c is offline since 12:58; the other 2 of 3 have quorum.",
                "12 guests were last seen on seoul-c. Enter shows nodes and errors, y copies.",
            ],
        ),
        (
            "fra-stage",
            [
                "fra-stage: healthy, but its login may not see guests (VM.Audit on /vms).",
                "Enter shows its rights.",
            ],
        ),
        (
            "ber-edge-1",
            [
                "ber-edge-1: 10.30.0.11 shows another certificate than the one trusted on",
                "2025-11-03. Nothing with a credential has been sent since. c compares the",
                "certificates.",
            ],
        ),
    ],
)
def test_sentences(name: str, lines: list[str]) -> None:
    explanation = explain(_view(name), NOW)

    assert explanation.lines(79, 3) == lines


def test_a_login_that_may_see_nothing_still_names_the_key_that_helps() -> None:
    view = _view("fra-stage")
    blind = replace(view.cluster, limits=tuple(Limit(privilege, path) for privilege, path in WATCHED))

    assert explain(replace(view, cluster=blind), NOW).lines(78) == [
        "fra-stage: healthy, but its login may not see quorum, nodes' figures, guests,",
        "storage. Enter shows its rights.",
    ]


def test_a_login_that_was_refused_ends_in_the_key_that_helps() -> None:
    lines = explain(_view("lab-old"), NOW).lines(159)

    assert lines[0].startswith("lab-old: lab1.example.net rejected the token monitor@pve!pxm: ")
    assert lines[-1].endswith("It has expired. c logs in again.")


def test_the_last_sentence_of_what_happened_makes_room_for_the_key_that_helps() -> None:
    assert explain(_view("ber-edge-1"), NOW).lines(79) == [
        "ber-edge-1: 10.30.0.11 shows another certificate than the one trusted on",
        "2025-11-03. c compares the certificates.",
    ]


def test_a_certificate_that_has_ended_is_said_where_there_is_no_room_for_the_remedy() -> None:
    found = Explanation("x: healthy.", ("! The certificate expired.", "Make a new one on the node.", "https://x:8006."))

    assert found.lines(40, 1) == ["x: healthy. ! The certificate expired."]


@pytest.mark.parametrize("width", [30, 43, 60, 79, 100, 159, 250])
@pytest.mark.parametrize("name", ["서울-1", "dr-ams", "ber-edge-1", "lab-old", "fra-stage", "ams-prod-1"])
def test_two_lines_at_every_width(name: str, width: int) -> None:
    lines = explain(_view(name), NOW).lines(width)

    assert 1 <= len(lines) <= 2
    assert lines[0].startswith(f"{name}: ")


def test_what_does_not_fit_is_left_out_before_the_key_that_helps() -> None:
    explanation = Explanation("name: what happened.", ("More.", "And more."), "c helps.")

    assert explanation.lines(80) == ["name: what happened. More. And more. c helps."]
    assert explanation.lines(24) == ["name: what happened.", "More. And more. c helps."]
    assert explanation.lines(20) == ["name: what happened.", "More. c helps."]
    assert explanation.lines(12) == ["name: what", "happened."]


def test_other_states() -> None:
    unknown = ClusterView(cluster("new", status=Status.UNKNOWN), _view("dr-ams").snapshot)
    assert explain(unknown, NOW).head == "new: not checked yet."
    assert explain(unknown, NOW, checking=True).head.startswith("new: ")
    bare = replace(_view("dr-ams"), cluster=replace(_view("dr-ams").cluster, error=None))
    assert explain(bare, NOW).lines(79) == ["dr-ams: unreachable. c checks again."]
    quorum = Reason("no_quorum", "no quorum", "2 of 3 nodes answer each other.", do="On a node: `pvecm status`.")
    lost = ClusterView(cluster("q", status=Status.DEGRADED, error=quorum), _view("ams-backup").snapshot)
    assert "On a node: `pvecm status`." in explain(lost, NOW).more


ENDS = ("! The certificate ends in 9 days.", "! Its token expires on 2026-12-01, in 9 d.")


@pytest.mark.parametrize("name", ["ams-prod-1", "fra-stage", "서울-1", "dr-ams", "lab-old"])
def test_what_ends_soon_is_said_of_every_cluster_that_it_is_known_of(name: str) -> None:
    view = _view(name)
    soon = NOW + timedelta(days=9, hours=1)
    certificate = view.cluster.trust.certificate
    assert certificate is not None
    trust = replace(view.cluster.trust, certificate=replace(certificate, not_after=soon))
    login = replace(view.cluster.login, minted=True, expires_at=soon)
    ending = replace(view, cluster=replace(view.cluster, trust=trust, login=login))
    said = explain(ending, NOW).more

    assert set(ENDS) <= set(said)
    assert "Make another one: :rotate." in said
    assert not set(ENDS) & set(explain(view, NOW).more)


def test_nothing_is_said_of_the_end_of_what_is_not_trusted_or_has_ended() -> None:
    view = _view("ber-edge-1")
    certificate = view.cluster.trust.certificate
    assert certificate is not None
    trust = replace(view.cluster.trust, certificate=replace(certificate, not_after=NOW))
    login = replace(view.cluster.login, expires_at=NOW - timedelta(days=1))
    assert explain(replace(view, cluster=replace(view.cluster, trust=trust, login=login)), NOW).more == (
        explain(view, NOW).more
    )
