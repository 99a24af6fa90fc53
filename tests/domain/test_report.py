"""Reports for tickets."""

from datetime import timedelta

from pxm_tui import __version__
from pxm_tui.domain import connection_messages
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.observation import EndpointState, Node, Snapshot
from pxm_tui.domain.report import check_report, registration_report
from pxm_tui.domain.steps import Step, StepState
from tests.fakes import NOW, cluster


def test_a_check_is_reported_line_by_line() -> None:
    which = cluster("dr-ams", host="10.40.0.11", version="7.4-16", seen_seconds_ago=238 * 60)
    snapshot = Snapshot(which.id, nodes=(Node("dr-ams-1", "online", local=True), Node("dr-ams-2", "online")))
    steps = (
        Step("address", StepState.OK, 0, message="10.40.0.11"),
        Step.of_error("connect", 5001, connection_messages.timeout(which.endpoint, 5)),
        *(Step(name, StepState.SKIPPED) for name in ("certificate", "proxmox", "login", "version", "discovery")),
    )
    assert check_report(which, snapshot, steps, at=NOW, machine="jump1") == (
        f"pxm {__version__} check of dr-ams, 2026-11-22 14:02:10 UTC, from jump1",
        "cluster      dr-ams (id 550e8400), Proxmox VE 7.4-16, last seen 10:04 UTC",
        "endpoint     https://10.40.0.11:8006 (node dr-ams-1)",
        "address      ok         0 ms   10.40.0.11",
        "connect      failed  5001 ms   timeout: No answer from 10.40.0.11:8006 within 5 s.",
        "not run      certificate, proxmox, login, version, discovery",
    )


def test_the_endpoint_of_the_report_is_the_one_that_answered() -> None:
    second = Endpoint("10.20.0.12")
    states = (EndpointState(Endpoint("10.20.0.11"), error="refused"), EndpointState(second, in_use=True))
    snapshot = Snapshot("x", nodes=(Node("fra2", "online", local=True),), endpoints=states)
    rows = check_report(cluster("x"), snapshot, (), at=NOW, machine="jump1")
    assert rows[2] == "endpoint     https://10.20.0.12:8006 (node fra2)"


def test_a_cluster_of_another_day_is_reported_with_the_date() -> None:
    which = cluster("x", seen_seconds_ago=timedelta(days=2).total_seconds())
    rows = check_report(which, Snapshot(which.id), (), at=NOW, machine="jump1")
    assert rows[1].endswith("last seen 2026-11-20 14:02 UTC")
    assert rows[2] == "endpoint     https://10.20.0.11:8006"


def test_control_characters_stay_out_of_a_report() -> None:
    which = cluster("a\x1b[31mb\nc")
    rows = check_report(which, Snapshot(which.id), (), at=NOW, machine="jump1")
    assert all("\n" not in row and "\x1b" not in row for row in rows)


def test_a_registration_is_reported_without_a_cluster() -> None:
    steps = (
        Step("address", StepState.OK, 0, message="10.20.0.11, port 8006"),
        Step("connect", StepState.WARNING, 12, cause="odd", message="answered"),
        Step("save", StepState.WAITING),
    )
    assert registration_report(Endpoint("10.20.0.11"), steps, at=NOW, machine="jump1") == (
        f"pxm {__version__} registration of 10.20.0.11:8006, 2026-11-22 14:02:10 UTC, from jump1",
        "endpoint     https://10.20.0.11:8006",
        "address      ok         0 ms   10.20.0.11, port 8006",
        "connect      warning   12 ms   odd: answered",
        "not run      save",
    )
