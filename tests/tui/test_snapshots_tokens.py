"""Pictures of the dialogs about tokens that pxm makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.tokens import TokenRole
from pxm_tui.services.dialog import TokenQuestion
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.screens.deregister import DeregisterDialog
from pxm_tui.tui.screens.rotate import RotateScreen
from pxm_tui.tui.screens.token import TokenDialog
from tests.fakes import NOW, cluster, make_bench
from tests.tui.staging import Stage

SIZES = [(80, 24), (160, 45), (44, 20)]
IDS = [f"{width}x{height}" for width, height in SIZES]
MADE = "root@pam!pxm-jump1-anna-550e8400"
QUESTION = TokenQuestion(
    token_id="anna@pve!pxm-jump1-anna-550e8400",
    user="anna@pve",
    role=TokenRole.OPERATOR,
    lines=(
        "pveum role add PxmOperator-1 --privs 'Datastore.AllocateSpace,Sys.Syslog,VM.Backup,VM.Console,"
        "VM.GuestAgent.Audit,VM.Migrate,VM.PowerMgmt,VM.Snapshot'",
        "pveum acl modify / --tokens 'anna@pve!pxm-jump1-anna-550e8400' --roles PVEAuditor,PxmOperator-1",
    ),
    full_control=True,
)

Compare = Callable[..., bool]


async def still(pilot: Pilot[Any]) -> None:
    await pilot.pause()


def minted(**changes: Any) -> Cluster:
    found = cluster("fra-prod-1", **changes)
    login = replace(found.login, user="root@pam", token_id=MADE, minted=True, expires_at=NOW + timedelta(days=314))
    return replace(found, login=login)


def view(record: Cluster) -> ClusterView:
    return ClusterView(record, Snapshot(record.id))


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize("status", [Status.HEALTHY, Status.UNREACHABLE])
def test_deregistering_a_cluster_whose_token_pxm_made(
    snap_compare: Compare, size: tuple[int, int], status: Status
) -> None:
    record = minted(status=status)
    bench = make_bench([record])
    app = Stage(bench, lambda: DeregisterDialog(bench.services, view(record)))
    assert snap_compare(app, terminal_size=size, run_before=still)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_rotating(snap_compare: Compare, size: tuple[int, int]) -> None:
    record = minted()
    bench = make_bench([record])
    app = Stage(bench, lambda: RotateScreen(bench.services, view(record)))
    assert snap_compare(app, terminal_size=size, run_before=still)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_a_token_that_needs_an_administrator(snap_compare: Compare, size: tuple[int, int]) -> None:
    bench = make_bench()
    app = Stage(bench, lambda: TokenDialog(QUESTION, bench.services))
    assert snap_compare(app, terminal_size=size, run_before=still)
