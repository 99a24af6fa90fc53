"""`pxm demo` and `pxm demo --serve`: a fleet of its own, which ends with whoever started it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pxm_tui.bootstrap import inline_services
from pxm_tui.cli.commands import demo
from pxm_tui.cli.fleet_process import FleetProcess, SimulatedEndpoint
from pxm_tui.domain.errors import InternalError
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.loop import InlineRunner
from pxm_tui.services.faults import FaultControl
from pxm_tui.settings import load_settings
from pxm_tui.simulator_client import HttpFaultInjector
from tests.cli.conftest import PROGRAM, Pxm
from tests.cli.person import Person

LINE_KEYS = [
    "name", "endpoint", "fingerprint", "ca_file", "username", "password", "token_id", "token_secret",
    "totp_username", "totp_password", "totp_secret",
]  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serving_until_told(environment: Path, number: signal.Signals) -> None:
    arguments = [
        "demo",
        "--serve",
        "--clusters",
        "2",
        "--nodes",
        "1",
        "--guests",
        "3",
        "--pve",
        "8.4",
        "--latency-ms",
        "1",
    ]
    with subprocess.Popen(
        [*PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        described = [json.loads(child.stdout.readline()) for _ in range(2)]
        child.send_signal(number)
        assert child.wait(30) == 0
        assert child.stderr.read() == ""
    assert [list(cluster) for cluster in described] == [LINE_KEYS] * 2
    assert described[0]["username"] == "root@pam"
    assert described[0]["endpoint"].rpartition(":")[2].isdigit()


def test_help_of_serving(pxm: Pxm) -> None:
    assert "--latency-ms" in pxm("demo", "--help").out
    assert pxm("demo", "--serve", "--pve", "1.0", "--json").json["error"]["cause"] == "usage"


def test_the_fleet_ends_when_its_parent_closes_the_pipe(environment: Path) -> None:
    with FleetProcess() as fleet:
        found = fleet.endpoints(4)
        host, _, port = found[0].endpoint.removeprefix("https://").partition(":")
        socket.create_connection((host, int(port))).close()
    assert [endpoint.name for endpoint in found] == ["fra-prod", "ams-stage", "dr-site", "demo-fourth"]
    assert fleet._child.returncode == 0  # its address may belong to another test's fleet by now


def test_after_its_clusters_the_fleet_says_where_it_takes_orders(environment: Path) -> None:
    with FleetProcess() as fleet:
        found = fleet.endpoints(4)
        faults = HttpFaultInjector(fleet.control(), InlineRunner())
        broken = asyncio.run(faults.set("fra-prod", "down"))
        assert broken.urls[0] == found[0].endpoint
        host, _, port = found[0].endpoint.removeprefix("https://").partition(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port))).close()


def test_a_scenario_that_cannot_be_played_is_refused_before_anything_is_served(pxm: Pxm, tmp_path: Path) -> None:
    script = tmp_path / "script.toml"
    script.write_text('[[fault]]\nat = 1\ncluster = "sim-01"\nfault = "dwn"\n')
    done = pxm("demo", "--serve", "--scenario", str(script))
    assert done.status == 2
    assert f"{script}: entry 1 (line 1): there is no fault 'dwn'" in done.err.replace("\n", " ")


def test_a_scenario_is_played(environment: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text('[{"at": 0, "cluster": "sim-01", "fault": "down"}]')
    arguments = ["demo", "--serve", "--clusters", "1", "--guests", "0", "--scenario", str(script)]
    with subprocess.Popen([*PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        cluster, control = (json.loads(child.stdout.readline()) for _ in range(2))
        address = FaultControl(control["control_url"], Secret(control["control_token"]))
        listed = asyncio.run(HttpFaultInjector(address, InlineRunner()).clusters())
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    assert [(one.name, one.node) for one in listed[0].active] == [("down", "pve1"), ("down", "pve2"), ("down", "pve3")]
    assert listed[0].urls[0] == cluster["endpoint"]


def test_a_fleet_that_does_not_start_is_said(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with FleetProcess() as fleet, pytest.raises(InternalError, match="did not start"):
        fleet.endpoints(4)


def test_three_clusters_are_registered_one_of_them_in_trouble(environment: Path, tmp_path: Path) -> None:
    settings = load_settings({"data_dir": tmp_path / "demo"}, {"PXM_CONFIG": str(tmp_path / "none")})
    passphrase = Secret("only in memory")

    async def registered() -> list[tuple[str, str, str]]:
        async with inline_services(settings, passphrase) as services:
            await demo.register_all(services, three)
            return [(found.name, found.environment, str(found.status)) for found in await services.clusters.list()]

    with FleetProcess() as fleet:
        three = fleet.endpoints(4)[:3]
        assert asyncio.run(registered()) == [
            ("ams-stage", "staging", "healthy"),
            ("dr-site", "dr", "degraded"),
            ("fra-prod", "prod", "healthy"),
        ]
    assert not environment.exists()


def test_a_demo_that_cannot_register_says_why(environment: Path, tmp_path: Path) -> None:
    settings = load_settings({"data_dir": tmp_path / "demo"}, {"PXM_CONFIG": str(tmp_path / "none")})
    nobody = SimulatedEndpoint("a", "https://127.0.0.1:1", "AB" * 32, "root@pam", "pw", "root@pam!demo", "secret")

    async def register() -> None:
        async with inline_services(settings, Secret("only in memory")) as services:
            await demo.register_all(services, [nobody] * 3)

    with pytest.raises(InternalError, match="refuses port 1"):
        asyncio.run(register())


def test_a_defect_in_the_demo_leaves_no_log(pxm: Pxm, environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def misspelled(instead: str) -> None:
        raise KeyError(instead)

    monkeypatch.setattr(demo, "need_terminal", misspelled)
    done = pxm("demo")
    assert done.status == 1
    assert done.err.startswith("pxm: unexpected error, KeyError in test_demo.py:")
    assert not environment.exists()


@pytest.mark.parametrize(
    ("endpoint", "shown"), [("https://127.0.0.4:8006", "127.0.0.4"), ("https://127.0.0.4:8010", "127.0.0.4:8010")]
)
def test_the_fourth_is_shown_as_it_can_be_typed(endpoint: str, shown: str) -> None:
    fourth = demo.to_register(SimulatedEndpoint("a", endpoint, "AA", "root@pam", "pw", "root@pam!demo", "secret"))
    assert (fourth.endpoint, fourth.user, fourth.password) == (shown, "root@pam", "pw")


@pytest.mark.parametrize("leave", ["q", "SIGTERM"])
def test_the_demo_on_a_terminal(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leave: str) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with Person("demo", "--refresh", "off") as person:
        person.sees("DEMO")
        person.sees("Register a fourth:")
        assert list((tmp_path / "temporary").iterdir())
        if leave == "q":
            person.types("q")
        else:
            person.interrupts(signal.SIGTERM)
        status = person.ends()
        assert status == (0 if leave == "q" else status)
        assert person.seen.count("\x1b[?1049l") == 1
        assert "Traceback" not in person.seen
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not environment.exists()
