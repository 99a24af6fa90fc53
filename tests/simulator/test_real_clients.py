"""Programs that others wrote for Proxmox VE, run against the simulator: proxmoxer and prometheus-pve-exporter."""

import gc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.thread import FleetThread
from pxm_tui.simulator.totp import totp
from tests.simulator.api import verification

proxmoxer = pytest.importorskip("proxmoxer")
exporter = pytest.importorskip("pve_exporter.collector")

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the exporter leaves its session to the collector
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
]

MODERN, ALONE, OLD = 0, 1, 2


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Close what the clients forget, while its warning is ignored."""
    yield
    gc.collect()


class Clients:
    """Makes clients of a cluster that verify its certificate."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def settings(self, cluster: SimulatedCluster, node: int = 0) -> tuple[str, dict[str, Any]]:
        place = urlsplit(cluster.endpoints[node])
        authority = self._folder / f"{place.hostname}.pem"
        authority.write_text(cluster.ca_pem)
        return f"{place.hostname}:{place.port}", {"verify_ssl": verification(authority)}

    def login(self, cluster: SimulatedCluster, user: str = "", password: str = "", **more: Any) -> Any:
        host, settings = self.settings(cluster)
        given = {"user": user or cluster.username, "password": password or cluster.password}
        return proxmoxer.ProxmoxAPI(host, **given, **settings, **more)

    def token(self, cluster: SimulatedCluster, node: int = 0) -> Any:
        host, settings = self.settings(cluster, node)
        user, _, name = cluster.token_id.partition("!")
        return proxmoxer.ProxmoxAPI(host, user=user, token_name=name, token_value=cluster.token_secret, **settings)

    def scrape(self, cluster: SimulatedCluster, user: str, password: str) -> str:
        host, settings = self.settings(cluster)
        every = exporter.CollectorsOptions(*[True] * len(exporter.CollectorsOptions._fields))
        config = {"user": user, "password": password, **settings}
        metrics: bytes = exporter.collect_pve(config, host, True, True, every)
        return metrics.decode()


@pytest.fixture
def clients(tmp_path: Path) -> Clients:
    return Clients(tmp_path)


@pytest.mark.parametrize("index", [MODERN, ALONE, OLD])
def test_proxmoxer_logs_in_and_looks_around(fleet: FleetThread, clients: Clients, index: int) -> None:
    cluster = fleet.clusters[index]
    api = clients.login(cluster)
    assert api.version.get()["release"] == cluster.state.release.name
    assert sorted(node["node"] for node in api.nodes.get()) == sorted(cluster.nodes)
    machines = api.cluster.resources.get(type="vm")
    assert {machine["vmid"] for machine in machines} == {guest.vmid for guest in cluster.state.guests}
    for node in cluster.nodes:
        assert api.nodes(node).status.get()["cpuinfo"]["cpus"] == cluster.state.nodes[node].cores
        assert {store["storage"] for store in api.nodes(node).storage.get()} == {"local", "local-lvm", "nas"}
    assert api.pools("prod").get()["members"]


@pytest.mark.parametrize("index", [MODERN, ALONE, OLD])
def test_proxmoxer_uses_a_token(fleet: FleetThread, clients: Clients, index: int) -> None:
    cluster = fleet.clusters[index]
    api = clients.token(cluster, node=len(cluster.nodes) - 1)
    assert api.cluster.status.get()
    assert "/" in api.access.permissions.get()


def test_proxmoxer_answers_a_challenge(fleet: FleetThread, clients: Clients) -> None:
    cluster = fleet.clusters[ALONE]
    code = totp(cluster.totp_secret, cluster.state.clock())
    api = clients.login(cluster, cluster.totp_username, cluster.totp_password, otp=code)
    assert api.version.get()["version"] == cluster.state.release.version


def test_proxmoxer_is_refused(fleet: FleetThread, clients: Clients) -> None:
    cluster = fleet.clusters[MODERN]
    with pytest.raises(proxmoxer.AuthenticationError):
        clients.login(cluster, "auditor@pve", "wrong")
    api = clients.login(cluster, "auditor@pve", "auditor-pve-1")
    with pytest.raises(proxmoxer.ResourceException) as refused:
        api.access.groups.post(groupid="mine")
    assert refused.value.status_code == 403
    assert "Permission check failed (/access/groups, Group.Allocate)" in str(refused.value)
    with pytest.raises(proxmoxer.ResourceException) as wrong:
        api.nodes("pve1").tasks.get(limit="many")
    assert wrong.value.errors == {"limit": "type check ('integer') failed - got 'many'"}


@pytest.mark.parametrize("index", [MODERN, ALONE])  # it asks for paths that came with Proxmox VE 7
def test_the_exporter_scrapes_everything(fleet: FleetThread, clients: Clients, index: int) -> None:
    cluster = fleet.clusters[index]
    cluster.state.not_simulated.clear()
    metrics = clients.scrape(cluster, "auditor@pve", "auditor-pve-1")
    families = set(re.findall(r"^# TYPE (\w+)", metrics, re.MULTILINE))
    wanted = {"pve_up", "pve_node_info", "pve_guest_info", "pve_storage_info", "pve_cpu_usage_ratio"}
    assert wanted | {"pve_version_info", "pve_subscription_status", "pve_onboot_status"} <= families
    running = sum(guest.running and guest.status == "running" for guest in cluster.state.guests)
    assert len(re.findall(r'^pve_up\{id="(?:qemu|lxc)/\d+"\} 1\.0$', metrics, re.MULTILINE)) == running
    assert not cluster.state.not_simulated
