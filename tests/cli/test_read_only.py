"""`--read-only`, by flag, file and environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from pxm_tui.cli.parser import parse
from pxm_tui.cli.session import settings_of
from pxm_tui.cli.ui_terminal import ui_settings
from pxm_tui.domain.errors import InvalidError
from pxm_tui.settings import load_settings
from pxm_tui.simulator.control import SimulatedCluster
from tests.cli.conftest import Pxm
from tests.fleet_fixtures import FleetFactory


@pytest.mark.parametrize("argv", [["--read-only", "check"], ["check", "--read-only"], ["show", "x", "--read-only"]])
def test_the_flag_may_stand_before_and_behind_the_command(environment: Path, argv: list[str]) -> None:
    arguments = parse(argv)
    assert arguments is not None
    assert settings_of(arguments).read_only


def test_without_it_clusters_may_be_changed(environment: Path) -> None:
    arguments = parse(["check"])
    assert arguments is not None
    assert not settings_of(arguments).read_only


def test_the_terminal_ui_takes_it(environment: Path) -> None:
    arguments = parse(["--read-only"])
    assert arguments is not None
    assert ui_settings(arguments).read_only


def test_the_file_and_the_environment_set_it(environment: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("read_only = true\n")
    assert load_settings({}, {"PXM_CONFIG": str(config)}).read_only
    assert load_settings({}, {"PXM_CONFIG": str(tmp_path / "none"), "PXM_READ_ONLY": "on"}).read_only
    with pytest.raises(InvalidError, match="neither"):
        load_settings({}, {"PXM_CONFIG": str(tmp_path / "none"), "PXM_READ_ONLY": "perhaps"})


def test_deregistering_stays_possible(registered: Path, pxm: Pxm) -> None:
    done = pxm("deregister", "old-timer", "--yes", "--read-only", "--json")
    assert done.status == 0
    assert done.json["revoked"] is not True


def writes(cluster: SimulatedCluster) -> list[tuple[str, str]]:
    """The requests that could have changed something; a login is none."""
    asked = [(request.method, request.path) for request in cluster.requests]
    return [(method, path) for method, path in asked if method != "GET" and not path.endswith("/access/ticket")]


def test_nothing_but_reads_and_logins_arrives(fresh_fleet: FleetFactory, environment: Path, pxm: Pxm) -> None:
    cluster = fresh_fleet().clusters[1]
    arguments = [
        "register", "x", cluster.endpoint, "--user", cluster.username, "--password-stdin",
        "--fingerprint", cluster.fingerprint, "--json",
    ]  # fmt: skip
    kept = pxm("--read-only", *arguments, stdin=f"{cluster.password}\n")
    assert (kept.status, kept.json["login"]["method"]) == (0, "password")
    assert pxm("check", "--read-only").status == 0
    refused = pxm("rotate", "x", "--read-only", "--json")
    assert refused.status == 8
    assert refused.json["clusters"][0]["error"]["cause"] == "read_only"
    assert pxm("deregister", "x", "--yes", "--read-only").status == 0
    assert writes(cluster) == []
    assert pxm(*arguments, stdin=f"{cluster.password}\n").json["login"]["minted"]
    assert writes(cluster) != [], "without it a token is made"
