"""What cannot work on a cluster now, and why, before anything is tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pxm_tui.domain.cluster import Login, LoginMethod, Reason, Status
from pxm_tui.domain.observation import Permissions, Snapshot
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.hindrances import why_guarded, why_no_token, why_not_rotate, why_owner_needed
from tests.fakes import cluster, make_bench

PROD = cluster("prod")
SILENT = Reason("timeout", "timed out", "No answer.")


@pytest.mark.parametrize(
    ("changes", "run_read_only", "words"),
    [
        ({}, False, ""),
        ({"read_only": True}, False, "it is read-only, so no token can be made or removed"),
        ({}, True, "this run is read-only, so no token can be made or removed"),
        (
            {"status": Status.UNTRUSTED},
            False,
            "its certificate is not trusted, so no login is sent",
        ),
        (
            {"status": Status.UNREACHABLE, "error": SILENT},
            False,
            "it does not answer (timed out)",
        ),
        ({"quorate": False}, False, "it has no quorum and refuses every change; on a node: `pvecm status`"),
        ({"quorate": None}, False, ""),
        ({"status": Status.UNAUTHORIZED}, False, ""),
        ({"status": Status.UNKNOWN}, False, ""),
    ],
)
def test_rotating(changes: dict[str, Any], run_read_only: bool, words: str) -> None:
    record = replace(PROD, **changes)
    guard = make_bench([record], read_only=run_read_only).services.guard
    assert why_not_rotate(ClusterView(record, Snapshot(record.id)), guard) == words


async def test_what_is_said_to_be_impossible_is_refused_as_well() -> None:
    from tests.services.recorder import Recorder

    bench = make_bench([replace(PROD, read_only=True)])
    view = ClusterView(replace(PROD, read_only=True), Snapshot(PROD.id))
    assert why_not_rotate(view, bench.services.guard)
    done = await bench.services.tokens.rotate(PROD.id, view.snapshot, Recorder())
    assert done.error is not None
    assert done.error.cause == "read_only"


def test_a_token_for_a_password() -> None:
    open_guard, shut = (make_bench([PROD], read_only=found).services.guard for found in (False, True))
    assert why_no_token(None, open_guard) == why_no_token(PROD, open_guard) == why_guarded(PROD, open_guard) == ""
    assert why_no_token(None, shut) == "this run is read-only: none is made, the password is kept"
    guarded = replace(PROD, read_only=True)
    assert why_no_token(guarded, open_guard) == "it is read-only: none is made, the password is kept"


@pytest.mark.parametrize(
    ("login", "permissions", "needed"),
    [
        (PROD.login, {}, False),
        (PROD.login, {"/": frozenset({"Sys.Audit"})}, True),
        (PROD.login, {"/access": frozenset({"User.Modify"})}, False),
        (PROD.login, {"/access/groups": frozenset({"User.Modify"})}, False),
        (replace(PROD.login, refused=True), {}, True),
        (Login(LoginMethod.PASSWORD, "root@pam"), {"/": frozenset({"Sys.Audit"})}, False),
    ],
)
def test_when_the_owner_of_a_token_is_needed(login: Login, permissions: Permissions, needed: bool) -> None:
    assert bool(why_owner_needed(replace(PROD, login=login), permissions)) is needed
