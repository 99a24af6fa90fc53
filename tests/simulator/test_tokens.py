"""API tokens: API.md §2.4 and the recorded exchanges."""

import re

import pytest

from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.thread import FleetThread
from tests.fleet_fixtures import FleetFactory
from tests.simulator.wire import FORM, Reply, ask, form, login, session_headers, token_header

BASE = "/api2/json/access/users/root@pam/token"


def one(fresh_fleet: FleetFactory, version: str = "9.2", nodes: int = 3) -> SimulatedCluster:
    return fresh_fleet(ClusterOptions("one", version, nodes=nodes, guests=10)).clusters[0]


def with_token(cluster: SimulatedCluster, value: str, path: str = "/version") -> Reply:
    headers = {"Authorization": f"PVEAPIToken={value}"}
    return ask(cluster.endpoint, "GET", f"/api2/json{path}", headers)


def test_a_token_needs_no_csrf_and_keeps_its_secret(fresh_fleet: FleetFactory) -> None:
    cluster = one(fresh_fleet)
    headers = {**FORM, **token_header(cluster)}
    reply = ask(cluster.endpoint, "POST", f"{BASE}/tmp", headers, form(privsep="0", expire="0", comment="x y"))
    assert reply.values("Connection") == ["close", "Keep-Alive"]
    data = reply.data
    assert data["full-tokenid"] == "root@pam!tmp"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", data["value"])
    assert data["info"] == {"privsep": "0", "expire": "0", "comment": "x y"}
    assert with_token(cluster, f"root@pam!tmp={data['value']}").status == 200
    shown = ask(cluster.endpoint, "GET", f"{BASE}/tmp", headers).data
    assert shown == {"privsep": 0, "expire": 0, "comment": "x y"}
    listed = ask(cluster.endpoint, "GET", BASE, headers).data
    assert {"tokenid": "tmp", **shown} in listed
    assert "root@pam!tmp" in cluster.token_ids()


def test_defaults_of_a_new_token(fresh_fleet: FleetFactory) -> None:
    cluster = one(fresh_fleet)
    data = ask(cluster.endpoint, "POST", f"{BASE}/sep", token_header(cluster)).data
    assert data["info"] == {"privsep": 1}
    assert with_token(cluster, f"root@pam!sep={data['value']}", "/access/permissions").data == {}


def test_creating_twice_and_deleting(fresh_fleet: FleetFactory) -> None:
    cluster = one(fresh_fleet)
    headers = session_headers(login(cluster).data)
    assert ask(cluster.endpoint, "POST", f"{BASE}/tmp", headers).status == 200
    again = ask(cluster.endpoint, "POST", f"{BASE}/tmp", headers)
    assert again.json["errors"] == {"tokenid": "Token already exists."}
    gone = ask(cluster.endpoint, "DELETE", f"{BASE}/tmp", headers)
    assert (gone.status, gone.json) == (200, {"data": None})
    missing = ask(cluster.endpoint, "GET", f"{BASE}/tmp", headers)
    assert (missing.status, missing.reason) == (500, "no such token 'tmp' for user 'root@pam'")
    assert ask(cluster.endpoint, "DELETE", f"{BASE}/tmp", headers).status == 500
    nobody = ask(cluster.endpoint, "GET", "/api2/json/access/users/ghost@pve/token", headers)
    assert (nobody.status, nobody.reason) == (500, "no such user ('ghost@pve')")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"privsep": "true"}, {"privsep": "type check ('boolean') failed - got 'true'"}),
        ({"expire": "soon"}, {"expire": "type check ('integer') failed - got 'soon'"}),
        ({"expire": "-5"}, {"expire": "value must have a minimum value of 0"}),
    ],
)
def test_wrong_parameters(fleet: FleetThread, body: dict[str, str], errors: dict[str, str]) -> None:
    cluster = fleet.clusters[0]
    headers = {**FORM, **token_header(cluster)}
    reply = ask(cluster.endpoint, "POST", f"{BASE}/never", headers, form(**body))
    assert reply.json["errors"] == errors


def test_a_name_that_is_none(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    reply = ask(cluster.endpoint, "POST", f"{BASE}/1", token_header(cluster))
    assert reply.json["errors"] == {"tokenid": "value does not match the regex pattern"}


def test_who_may_look_at_tokens(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    own = session_headers(login(cluster, username="nobody@pve", password="nobody-pve-1").data)
    assert ask(cluster.endpoint, "GET", "/api2/json/access/users/nobody@pve/token", own).data == []
    other = ask(cluster.endpoint, "GET", BASE, own)
    assert (other.status, other.reason) == (403, "Permission check failed")
    bad = ask(cluster.endpoint, "GET", "/api2/json/access/users/bad/token", own)
    assert (bad.status, bad.reason) == (500, "value 'bad' does not look like a valid user name")
    old = fleet.clusters[2]
    own = session_headers(login(old, username="nobody@pve", password="nobody-pve-1").data)
    refused = ask(old.endpoint, "GET", BASE, own)
    assert refused.reason == "Permission check failed"


@pytest.mark.parametrize("version", ["6.4", "8.4", "9.2"])
def test_refusals(fresh_fleet: FleetFactory, version: str) -> None:
    clock = ManualClock(1_790_000_000.0)
    only = ClusterOptions("one", version, nodes=1, guests=0, standalone=True)
    cluster = fresh_fleet(options=FleetOptions(auth_delay=0, clock=clock, cluster_options=(only,))).clusters[0]
    secret = cluster.add_token("admin@pve!old", privsep=False, expire=int(clock()) + 60)
    assert with_token(cluster, f"admin@pve!old={secret}").status == 200
    assert with_token(cluster, f"admin%40pve%21old={secret}").status == 200
    header = {"Authorization": f"PVEAPIToken admin@pve!old={secret}"}
    assert ask(cluster.endpoint, "GET", "/api2/json/version", header).status == 200
    clock.advance(60)
    expected = {
        f"admin@pve!old={secret}": "token 'old' access expired" if version != "6.4" else "token expired",
        f"admin@pve!nope={secret}": "no such token 'nope' for user 'admin@pve'",
        "root@pam!fleet=00000000-0000-0000-0000-000000000000": "invalid token value!",
        "root@pam!fleet": "no tokenid specified",
        f"ghost@pve!a={secret}": "no such user ('ghost@pve')",
        f"disabled@pve!a={secret}": "user 'disabled@pve' is disabled",
        f"expired@pve!a={secret}": "user 'expired@pve' access expired",
    }
    for value, reason in expected.items():
        reply = with_token(cluster, value)
        assert (reply.status, reply.body) == (401, b"")
        assert reply.reason == (reason if version != "9.2" else "Authentication failed!")


def test_expiring_and_deleting_from_outside(fresh_fleet: FleetFactory) -> None:
    cluster = one(fresh_fleet)
    value = f"{cluster.token_id}={cluster.token_secret}"
    cluster.expire_token(cluster.token_id)
    assert with_token(cluster, value).reason == "Authentication failed!"
    cluster.delete_token(cluster.token_id)
    assert cluster.token_id not in cluster.token_ids()


def test_permissions_of_others(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    root = token_header(cluster)
    path = "/api2/json/access/permissions?userid=operator@pve&path=/vms/100"
    data = ask(cluster.endpoint, "GET", path, root).data
    assert data["/vms/100"]["VM.PowerMgmt"] == 1
    nobody = session_headers(login(cluster, username="nobody@pve", password="nobody-pve-1").data)
    reply = ask(cluster.endpoint, "GET", path, nobody)
    assert reply.reason == "Permission check failed (/access, Sys.Audit)"
    for who in ("ghost@pve", "root@pam!ghost", "ghost@pve!ghost", "root@pam!limited"):
        path = f"/api2/json/access/permissions?userid={who}"
        assert ask(cluster.endpoint, "GET", path, root).data == {}
        assert ask(cluster.endpoint, "GET", path + "&path=/vms/100", root).data == {"/vms/100": {}}
    full = ask(cluster.endpoint, "GET", "/api2/json/access/permissions", root).data
    assert len(full["/"]) == 47
    assert {"/", "/nodes", "/vms/100"} <= set(full)


def test_grants_to_a_separated_token(fresh_fleet: FleetFactory) -> None:
    cluster = one(fresh_fleet)
    cluster.add_user("u@pve", "secret", role="PVEAuditor", path="/nodes")
    secret = cluster.add_token("u@pve!t")
    cluster.grant("/", "u@pve!t", "Administrator")
    held = with_token(cluster, f"u@pve!t={secret}", "/access/permissions").data
    assert "Sys.Audit" in held["/nodes"]
    assert "Sys.Modify" not in held["/nodes"]
    assert "/" not in held
    cluster.revoke("u@pve!t")
    assert with_token(cluster, f"u@pve!t={secret}", "/access/permissions").data == {}


def test_no_changes_without_quorum(fresh_fleet: FleetFactory) -> None:
    cluster = one(fresh_fleet)
    cluster.lose_quorum()
    reply = ask(cluster.endpoint, "POST", f"{BASE}/tmp", token_header(cluster))
    assert reply.status == 500
    assert reply.reason == "generating token failed: cfs-lock 'file-user_cfg' error: no quorum!"
    reply = ask(cluster.endpoint, "DELETE", f"{BASE}/fleet", token_header(cluster))
    assert reply.reason == "deleting token failed: cfs-lock 'file-user_cfg' error: no quorum!"
    cluster.regain_quorum()
    assert ask(cluster.endpoint, "POST", f"{BASE}/tmp", token_header(cluster)).status == 200


def test_changing_a_password(fresh_fleet: FleetFactory) -> None:
    cluster = one(fresh_fleet)
    cluster.set_password("root@pam", "another")
    assert login(cluster).status == 401
    assert login(cluster, username="root@pam", password="another").status == 200
