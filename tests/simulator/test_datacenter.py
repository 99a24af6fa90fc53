"""What belongs to the whole cluster: log, numbers, options, joining, high availability, backups, pools, storages."""

import pytest

from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import Api, start_api
from tests.simulator.wire import ask, login, session_headers, token_header


def as_user(api: Api, name: str) -> Api:
    password = f"{name.partition('@')[0]}-pve-1"
    return api.as_user(session_headers(login(api.cluster, username=name, password=password).data))


def test_the_log_tells_of_logins_and_tasks(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    nobody = as_user(api, "nobody@pve")
    login(api.cluster, username="nobody@pve", password="wrong")
    api.do(api.path(103) + "/status/start")
    entries = api.get("/cluster/log", max=500)
    messages = [entry["msg"] for entry in entries]
    assert "successful auth for user 'nobody@pve'" in messages
    failure = next(entry for entry in entries if entry["msg"] == "authentication failure; user=nobody@pve")
    assert (failure["pri"], failure["user"], failure["tag"]) == (3, "root@pam", "pvedaemon")
    assert any(":qmstart:103:root@pam!fleet: OK" in message for message in messages)
    assert [entry["time"] for entry in entries] == sorted((entry["time"] for entry in entries), reverse=True)
    assert len({entry["id"] for entry in entries}) == len(entries)
    assert len(api.get("/cluster/log", max=2)) == 2
    assert nobody.get("/cluster/log") == []


@pytest.mark.parametrize("version", ["9.2", "6.4"])
def test_the_next_number(fresh_fleet: FleetFactory, version: str) -> None:
    api = start_api(fresh_fleet, version)
    assert api.get("/cluster/nextid") == "112"
    assert api.get("/cluster/nextid", vmid=500) == "500"
    taken = api.ask("GET", "/cluster/nextid", vmid=100)
    assert taken.json["errors"] == {"vmid": "VM 100 already exists"}
    too_small = api.ask("GET", "/cluster/nextid", vmid=99)
    assert too_small.status == 400


def test_options_by_release_and_privilege(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    options = api.get("/cluster/options")
    assert options["keyboard"] == "en-us"
    assert set(options["allowed-tags"]) <= {"prod", "web", "dev", "db"}
    assert set(as_user(api, "nobody@pve").get("/cluster/options")) == {"tag-style", "allowed-tags"}
    old = start_api(fresh_fleet, "6.4", seed=2)
    assert old.get("/cluster/options") == {"keyboard": "en-us"}


def test_how_to_join(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    join = api.get("/cluster/config/join", node="pve2")
    assert join["preferred_node"] == "pve2"
    assert join["totem"]["cluster_name"] == "lab"
    assert {node["pve_fp"] for node in join["nodelist"]} == {
        api.cluster.fingerprint_of(node) for node in api.cluster.nodes
    }
    nodes = {node["node"]: node for node in api.get("/cluster/config/nodes")}
    assert nodes["pve1"]["nodeid"] == "1"
    assert api.get("/cluster/config/totem") == join["totem"]
    assert as_user(api, "nobody@pve").ask("GET", "/cluster/config/join").reason == (
        "Permission check failed (/, Sys.Audit)"
    )


def test_the_cluster_may_say_that_a_node_is_elsewhere_than_at_its_link(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    link = api.cluster.state.nodes["pve2"].address
    api.cluster.tell_address("pve2", "10.99.0.2")

    def status() -> dict[str, str]:
        return {node["name"]: node.get("ip", "") for node in api.get("/cluster/status") if node["type"] == "node"}

    def join() -> tuple[str, str]:
        return next(
            (node["pve_addr"], node["ring0_addr"])
            for node in api.get("/cluster/config/join")["nodelist"]
            if node["name"] == "pve2"
        )

    assert (status()["pve2"], join()) == ("10.99.0.2", ("10.99.0.2", link))
    api.cluster.tell_address("pve2", "")
    assert (status()["pve2"], join()) == ("", (link, link))


@pytest.mark.parametrize(("version", "status"), [("9.2", 424), ("7.4", 424), ("6.4", 500)])
def test_a_lonely_node_has_nothing_to_join(fresh_fleet: FleetFactory, version: str, status: int) -> None:
    options = ClusterOptions("alone", version, nodes=1, guests=1, standalone=True)
    cluster = fresh_fleet(options=FleetOptions(auth_delay=0, cluster_options=(options,))).clusters[0]
    headers = token_header(cluster)
    reply = ask(cluster.endpoint, "GET", "/api2/json/cluster/config/join", headers)
    assert (reply.status, reply.reason) == (status, "node is not in a cluster, no join info available!")
    assert ask(cluster.endpoint, "GET", "/api2/json/cluster/config/nodes", headers).data == []
    assert ask(cluster.endpoint, "GET", "/api2/json/cluster/config/totem", headers).data is None


def test_high_availability(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet, guests=24)
    resources = {resource["sid"]: resource for resource in api.get("/cluster/ha/resources")}
    assert len(resources) == 2
    entries = api.get("/cluster/ha/status/current")
    assert {entry["type"] for entry in entries} == {"quorum", "master", "lrm", "service", "fencing"}
    services = {entry["sid"]: entry for entry in entries if entry["type"] == "service"}
    assert set(services) == set(resources)
    assert all(service["state"] == "started" for service in services.values())
    sid = next(iter(resources))
    assert api.get(f"/cluster/ha/resources/{sid}")["sid"] == sid
    assert api.ask("GET", "/cluster/ha/resources/vm:999").reason == "no such resource 'vm:999'"
    assert {resource["type"] for resource in api.get("/cluster/ha/resources", type="vm")} <= {"vm"}
    api.cluster.lose_quorum()
    quorum = api.get("/cluster/ha/status/current")[0]
    assert (quorum["quorate"], quorum["status"]) == (0, "No quorum on node 'pve1'!")
    assert api.ask("GET", "/cluster/ha/groups").reason == "cannot index groups: ha groups have been migrated to rules"


def test_backups(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet, guests=24)
    (job,) = api.get("/cluster/backup")
    included = {int(vmid) for vmid in job["vmid"].split(",")}
    missed = {guest["vmid"] for guest in api.get("/cluster/backup-info/not-backed-up")}
    assert missed == {guest.vmid for guest in api.cluster.state.guests} - included
    assert api.get(f"/cluster/backup/{job['id']}")["storage"] == "nas"
    assert api.ask("GET", "/cluster/backup/none").json["errors"] == {"id": "No such job 'none'"}
    old = start_api(fresh_fleet, "6.4", guests=24, seed=2)
    assert old.get("/cluster/backup")[0]["starttime"] == "21:00"
    assert old.get("/cluster/backupinfo/not_backed_up")


def test_pools(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    api.post("/pools", poolid="test", comment="Testing")
    assert api.ask("POST", "/pools", poolid="test").reason == "create pool failed: pool 'test' already exists"
    api.ask("PUT", "/pools/test", vms="105,106", storage="nas")
    members = api.get("/pools/test")["members"]
    assert {member["vmid"] for member in members if "vmid" in member} == {105, 106}
    assert {member["storage"] for member in members if "storage" in member} == {"nas"}
    assert {member["type"] for member in api.get("/pools/test", type="storage")["members"]} == {"storage"}
    assert api.get("/pools", poolid="test")[0]["comment"] == "Testing"
    api.ask("PUT", "/access/acl", path="/pool/test", roles="PVEVMUser,PVEPoolUser", users="nobody@pve")
    mine = as_user(api, "nobody@pve")
    assert {guest["vmid"] for guest in mine.get("/cluster/resources", type="vm")} == {105, 106}
    assert [pool["poolid"] for pool in mine.get("/pools")] == ["test"]
    assert mine.ask("GET", "/pools/prod").reason == "Permission check failed (/pool/prod, Pool.Audit)"
    assert api.ask("DELETE", "/pools/test").reason == "delete pool failed: pool 'test' is not empty"
    api.ask("PUT", "/pools/test", vms="105,106", storage="nas", delete=1)
    gone = api.ask("PUT", "/pools/test", vms="105", delete=1)
    assert gone.reason == "update pools failed: VM 105 is not a pool member"
    assert api.ask("DELETE", "/pools/test").status == 200
    assert api.ask("GET", "/pools/test").reason == "pool 'test' does not exist"


def test_storages_and_what_they_hold(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    configured = {storage["storage"]: storage for storage in api.get("/storage")}
    assert configured["nas"]["shared"] == 1
    assert api.get("/storage/local")["path"] == "/var/lib/vz"
    assert api.ask("GET", "/storage/none").reason == "storage 'none' does not exist"
    assert [storage["storage"] for storage in api.get("/storage", type="nfs")] == ["nas"]
    stores = {storage["storage"]: storage for storage in api.get("/nodes/pve1/storage")}
    for store in stores.values():
        assert store["used"] + store["avail"] == store["total"]
        assert store["used_fraction"] == pytest.approx(store["used"] / store["total"])
    assert {storage["storage"] for storage in api.get("/nodes/pve1/storage", content="images")} == {"local-lvm"}
    assert api.get("/nodes/pve1/storage/nas/status")["total"] == stores["nas"]["total"]
    unknown = api.ask("GET", "/nodes/pve1/storage/none/status")
    assert unknown.json["errors"] == {"storage": "No such storage."}
    assert as_user(api, "nobody@pve").get("/nodes/pve1/storage") == []


def test_content_follows_from_guests(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    for node in api.cluster.nodes:
        disks = api.get(f"/nodes/{node}/storage/local-lvm/content")
        here = {guest.vmid for guest in api.cluster.state.guests if guest.node == node}
        assert {disk["vmid"] for disk in disks} == here
    volumes = api.get("/nodes/pve1/storage/nas/content")
    assert {volume["content"] for volume in volumes} == {"backup", "iso"}
    backups = api.get("/nodes/pve1/storage/nas/content", content="backup", vmid=100)
    assert {backup["vmid"] for backup in backups} == {100}
    volid = backups[0]["volid"]
    one = api.get(f"/nodes/pve1/storage/nas/content/{volid}")
    assert (one["size"], one["path"]) == (backups[0]["size"], f"/mnt/pve/nas/dump/{volid.partition('/')[2]}")
    escaped = volid.replace(":", "%3A").replace("/", "%2F")
    raw = ask(api.cluster.endpoint, "GET", f"/api2/json/nodes/pve1/storage/nas/content/{escaped}", api.headers)
    assert raw.data == one
