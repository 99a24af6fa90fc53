"""`pxm show`: what the login may, as the last check found it, and the lines that grant the rest."""

from __future__ import annotations

from pathlib import Path

from pxm_tui.simulator.thread import FleetThread
from tests.cli.conftest import Pxm, register_arguments


def test_a_token_that_may_look(registered: Path, pxm: Pxm) -> None:
    assert pxm("check", "alone").status == 0
    shown = pxm("show", "alone").out.splitlines()
    assert "sees        nodes, quorum, guests, storage, tasks, pools" in [line[:60].rstrip() for line in shown]
    assert "may         nothing" in shown
    assert any("power (VM.PowerMgmt on /vms)" in line for line in shown)
    assert "grant 1     To read logs, on a node:" in shown
    assert "            pveum role add Pxm-Sys-Syslog --privs Sys.Syslog" in shown


def test_who_may_everything(fleet: FleetThread, environment: Path, pxm: Pxm) -> None:
    arguments = register_arguments(fleet, 1, "x", "--no-token")
    assert pxm(*arguments, stdin=f"{fleet.clusters[1].password}\n").status == 0
    assert "rights      sees and may do everything" in pxm("show", "x").out


def test_json_stays_as_it_is(registered: Path, pxm: Pxm) -> None:
    assert "rights" not in pxm("show", "alone", "--json").json
