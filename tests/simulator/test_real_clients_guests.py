"""proxmoxer at work on guests: power actions with their tasks watched, snapshots, copies, configuration."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import VERSIONS, Api, start_api, verification

proxmoxer = pytest.importorskip("proxmoxer")
tools = pytest.importorskip("proxmoxer.tools")

RUNNING_VM, STOPPED_VM, RUNNING_CT = 100, 103, 102


pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture(params=VERSIONS)
def api(fresh_fleet: FleetFactory, request: pytest.FixtureRequest) -> Api:
    return start_api(fresh_fleet, request.param)


@pytest.fixture
def client(api: Api, tmp_path: Path) -> Iterator[Any]:
    """A proxmoxer client that has logged in with the password and verifies the certificate."""
    place = urlsplit(api.cluster.endpoint)
    authority = tmp_path / "ca.pem"
    authority.write_text(api.cluster.ca_pem)
    settings = {"user": api.cluster.username, "password": api.cluster.password, "verify_ssl": verification(authority)}
    connected = proxmoxer.ProxmoxAPI(f"{place.hostname}:{place.port}", **settings)
    yield connected
    connected._store["session"].close()


@pytest.fixture
def watch(api: Api, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give proxmoxer's own way to wait for a task; instead of sleeping it moves the cluster's clock."""
    monkeypatch.setattr(tools.tasks, "time", SimpleNamespace(sleep=api.clock.advance, monotonic=api.clock))

    def wait(client: Any, upid: str) -> str:
        assert tools.Tasks.decode_upid(upid)["user"] == "root@pam"
        return str(tools.Tasks.blocking_status(client, upid, timeout=300, polling_interval=1)["exitstatus"])

    return wait


@pytest.mark.parametrize("vmid", [RUNNING_VM, RUNNING_CT])
def test_power_actions_are_watched_to_their_end(api: Api, client: Any, watch: Any, vmid: int) -> None:
    guest = api.guest(vmid)
    found = getattr(client.nodes(guest.node), guest.kind)(vmid)
    for action, status in (("shutdown", "stopped"), ("start", "running"), ("reboot", "running"), ("stop", "stopped")):
        assert watch(client, getattr(found.status, action).post()) == "OK"
        assert found.status.current.get()["status"] == status
    assert watch(client, found.status.start.post()) == "OK"
    with pytest.raises(proxmoxer.ResourceException) as refused:
        client.nodes(guest.node).lxc(RUNNING_CT if guest.kind == "lxc" else 999).status.start.post(skiplock="maybe")
    assert refused.value.status_code == 400


def test_failures_come_as_exit_statuses(api: Api, client: Any, watch: Any) -> None:
    status = client.nodes("pve1").qemu(RUNNING_VM).status
    upid = status.start.post()
    assert watch(client, upid) == "VM 100 already running"
    log = tools.Tasks.decode_log(client.nodes("pve1").tasks(upid).log.get())
    assert log == "TASK ERROR: VM 100 already running"
    assert client.nodes("pve1").tasks.get(limit=1, errors=1)[0]["upid"] == upid


def test_snapshots(api: Api, client: Any, watch: Any) -> None:
    snapshots = client.nodes("pve1").qemu(STOPPED_VM).snapshot
    for name in ("first", "second"):
        assert watch(client, snapshots.post(snapname=name, description="by proxmoxer")) == "OK"
    assert {entry["name"]: entry.get("parent") for entry in snapshots.get()} == {
        **{"first": None, "second": "first", "current": "second"},
    }
    assert watch(client, snapshots("first").rollback.post()) == "OK"
    assert watch(client, snapshots("second").delete()) == "OK"
    assert [entry["name"] for entry in snapshots.get()] == ["first", "current"]


def test_copy_configure_move_and_destroy(api: Api, client: Any, watch: Any) -> None:
    newid = int(client.cluster.nextid.get())
    assert watch(client, client.nodes("pve1").qemu(STOPPED_VM).clone.post(newid=newid, name="copy")) == "OK"
    copy = client.nodes("pve1").qemu(newid)
    copy.config.put(description="from a client: ä & ö = 1;2", memory=2048)
    assert copy.config.get()["description"] == "from a client: ä & ö = 1;2"
    assert watch(client, copy.migrate.post(target="pve3")) == "OK"
    with pytest.raises(proxmoxer.ResourceException) as gone:
        copy.status.current.get()
    assert gone.value.status_code == 500
    assert "does not exist" in str(gone.value)
    assert watch(client, client.nodes("pve3").qemu(newid).delete(purge=1)) == "OK"
    assert newid not in {int(guest["vmid"]) for guest in client.cluster.resources.get(type="vm")}


def test_a_backup(api: Api, client: Any, watch: Any) -> None:
    upid = client.nodes("pve1").vzdump.post(vmid=RUNNING_VM, storage="nas", mode="snapshot", compress="zstd")
    assert client.nodes("pve1").qemu(RUNNING_VM).status.current.get()["lock"] == "backup"
    assert watch(client, upid) == "OK"
    stored = client.nodes("pve1").storage("nas").content.get(content="backup", vmid=RUNNING_VM)
    assert any(volume["ctime"] == int(upid.split(":")[4], 16) for volume in stored)
