"""Users, groups, roles, the access control list, and second factors that lock."""

import pytest

from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.second_factors import FACTOR_FAILURES, LOCKED_FOR, TOTP_FAILURES
from pxm_tui.simulator.totp import totp
from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import Api, start_api
from tests.simulator.wire import Reply, login, session_headers


def as_user(api: Api, name: str, password: str = "") -> Api:
    data = login(api.cluster, username=name, password=password or f"{name.partition('@')[0]}-pve-1").data
    return api.as_user(session_headers(data))


def second_step(cluster: SimulatedCluster, half: str, answer: str) -> Reply:
    return login(cluster, username=cluster.totp_username, password=answer, tfa_challenge=half)


def half_ticket(cluster: SimulatedCluster) -> str:
    reply = login(cluster, username=cluster.totp_username, password=cluster.totp_password)
    assert reply.data["NeedTFA"] == 1
    ticket: str = reply.data["ticket"]
    return ticket


def test_a_user_from_birth_to_death(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    api.post("/access/users", userid="new@pve", password="new-pve-1", comment="fresh", groups="ops")
    assert api.get("/access/users/new@pve") == {
        "enable": 1,
        "expire": 0,
        "comment": "fresh",
        "email": "",
        "groups": ["ops"],
        "tokens": None,
    }
    assert api.get("/access/groups/ops")["members"] == ["new@pve", "operator@pve"]
    mine = as_user(api, "new@pve", "new-pve-1")
    assert mine.get("/nodes")
    again = api.ask("POST", "/access/users", userid="new@pve")
    assert again.reason == "create user failed: user 'new@pve' already exists"
    assert api.ask("PUT", "/access/users/new@pve", enable=0).status == 200
    assert login(api.cluster, username="new@pve", password="new-pve-1").status == 401
    assert api.ask("PUT", "/access/users/new@pve", groups="guests", append=1).status == 200
    assert api.get("/access/users/new@pve")["groups"] == ["guests", "ops"]
    assert api.ask("PUT", "/access/users/new@pve", groups="nowhere").reason == (
        "update user failed: no such group 'nowhere'"
    )
    api.ask("PUT", "/access/acl", path="/vms", roles="PVEVMUser", users="new@pve")
    assert api.ask("DELETE", "/access/users/new@pve").status == 200
    assert api.ask("GET", "/access/users/new@pve").reason == "no such user ('new@pve')"
    assert all(entry["ugid"] != "new@pve" for entry in api.get("/access/acl"))


def test_who_sees_which_users(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    everybody = {user["userid"] for user in api.get("/access/users")}
    assert {user["userid"] for user in as_user(api, "auditor@pve").get("/access/users")} == everybody
    assert [user["userid"] for user in as_user(api, "nobody@pve").get("/access/users")] == ["nobody@pve"]
    api.ask("PUT", "/access/acl", path="/access/groups/ops", roles="PVEUserAdmin", users="nobody@pve")
    seen = {user["userid"] for user in as_user(api, "nobody@pve").get("/access/users")}
    assert seen == {"nobody@pve", "operator@pve"}
    full = {user["userid"]: user for user in api.get("/access/users", full=1)}
    assert full["operator@pve"]["groups"] == "ops"
    assert [token["tokenid"] for token in full["auditor@pve"]["tokens"]] == ["ro"]
    assert {user["userid"] for user in api.get("/access/users", enabled=0)} == {"disabled@pve"}


@pytest.mark.parametrize(("version", "shortest"), [("9.2", 8), ("7.4", 5)])
def test_passwords(fresh_fleet: FleetFactory, version: str, shortest: int) -> None:
    api = start_api(fresh_fleet, version)
    mine = as_user(api, "nobody@pve")
    short = mine.ask("PUT", "/access/password", userid="nobody@pve", password="x" * (shortest - 1))
    assert short.status == 400
    fields = {"userid": "nobody@pve", "password": "changed-1"}
    if version == "9.2":
        missing = mine.ask("PUT", "/access/password", **fields)
        assert missing.json["errors"] == {"confirmation-password": "password is required to modify user"}
        assert mine.ask("PUT", "/access/password", **fields, confirmation_password="wrong").status == 401
        fields["confirmation_password"] = "nobody-pve-1"
    assert mine.ask("PUT", "/access/password", **fields).status == 200
    assert login(api.cluster, username="nobody@pve", password="changed-1").status == 200
    other = mine.ask("PUT", "/access/password", userid="auditor@pve", password="changed-2", confirmation_password="x")
    assert (other.status, other.reason) == (403, "Permission check failed")
    admin = as_user(api, "admin@pve")
    assert admin.ask("PUT", "/access/password", userid="root@pam", password="changed-3").status == 403
    token = api.ask("PUT", "/access/password", userid="nobody@pve", password="changed-4")
    assert token.reason == (
        "Permission check failed (URI '/access/password' not available with API token, need proper ticket."
    )


def test_groups(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    api.post("/access/groups", groupid="night", comment="Nachtwächter")
    listed = {group["groupid"]: group for group in api.get("/access/groups")}
    assert listed["night"] == {"groupid": "night", "users": "", "comment": "Nachtwächter"}
    assert api.ask("POST", "/access/groups", groupid="night").reason == (
        "create group failed: group 'night' already exists"
    )
    api.ask("PUT", "/access/users/operator@pve", groups="night", append=1)
    api.ask("PUT", "/access/groups/night", comment="")
    assert api.get("/access/groups/night") == {"members": ["operator@pve"]}
    assert as_user(api, "nobody@pve").get("/access/groups") == []
    assert api.ask("DELETE", "/access/groups/night").status == 200
    assert api.get("/access/users/operator@pve")["groups"] == ["ops"]
    assert api.ask("GET", "/access/groups/night").reason == "group 'night' does not exist"
    assert api.ask("PUT", "/access/groups/night").reason == "update group failed: group 'night' does not exist"


def test_a_role_of_ones_own_gives_what_it_says(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    api.post("/access/roles", roleid="Watch", privs="VM.Audit,Sys.Audit")
    assert api.get("/access/roles/Watch") == {"Sys.Audit": 1, "VM.Audit": 1}
    listed = {role["roleid"]: role for role in api.get("/access/roles")}
    assert listed["Watch"] == {"roleid": "Watch", "privs": "Sys.Audit,VM.Audit", "special": 0}
    assert listed["PVEAuditor"]["special"] == 1
    mine = as_user(api, "nobody@pve")
    assert mine.get("/cluster/resources", type="vm") == []
    api.ask("PUT", "/access/acl", path="/", roles="Watch", users="nobody@pve", propagate=0)
    assert mine.get("/access/permissions", path="/") == {"/": {"Sys.Audit": 0, "VM.Audit": 0}}
    assert mine.get("/cluster/resources", type="vm") == []
    api.ask("PUT", "/access/acl", path="/", roles="Watch", users="nobody@pve")
    assert len(mine.get("/cluster/resources", type="vm")) == 12
    assert mine.get("/cluster/status")
    api.ask("PUT", "/access/roles/Watch", privs="Datastore.Audit", append=1)
    assert set(api.get("/access/roles/Watch")) == {"VM.Audit", "Sys.Audit", "Datastore.Audit"}
    api.ask("PUT", "/access/roles/Watch", privs="VM.Audit")
    assert mine.ask("GET", "/cluster/status").reason == "Permission check failed (/, Sys.Audit)"
    assert api.ask("DELETE", "/access/roles/Watch").status == 200
    assert mine.get("/cluster/resources", type="vm") == []


@pytest.mark.parametrize(
    ("method", "path", "fields", "told"),
    [
        ("POST", "/access/roles", {"roleid": "PVEMine"}, "Parameter verification failed."),
        ("POST", "/access/roles", {"roleid": "NoAccess"}, "create role failed: role 'NoAccess' already exists"),
        ("PUT", "/access/roles/PVEAdmin", {}, "update role failed: auto-generated role 'PVEAdmin' cannot be modified"),
        ("DELETE", "/access/roles/Nobody", {}, "delete role failed: role 'Nobody' does not exist"),
        ("GET", "/access/roles/Nobody", {}, "role 'Nobody' does not exist"),
        ("GET", "/access/domains/moon", {}, "domain 'moon' does not exist"),
        (
            "PUT",
            "/access/acl",
            {"path": "/", "roles": "No", "users": "a@pve"},
            "ACL update failed: role 'No' does not exist",
        ),
        (
            "PUT",
            "/access/acl",
            {"path": "/", "roles": "PVEAdmin", "users": "ghost@pve"},
            "ACL update failed: user 'ghost@pve' does not exist",
        ),
        (
            "PUT",
            "/access/acl",
            {"path": "/", "roles": "PVEAdmin", "groups": "ghosts"},
            "ACL update failed: group 'ghosts' does not exist",
        ),
        (
            "PUT",
            "/access/acl",
            {"path": "/", "roles": "PVEAdmin", "tokens": "root@pam!no1"},
            "ACL update failed: no such token 'no1' for user 'root@pam'",
        ),
    ],
)
def test_what_access_control_refuses(
    fresh_fleet: FleetFactory, method: str, path: str, fields: dict[str, str], told: str
) -> None:
    assert start_api(fresh_fleet).ask(method, path, **fields).reason == told


def test_paths_and_subjects_of_the_access_control_list(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    bad = api.ask("PUT", "/access/acl", path="/moon", roles="PVEAdmin", users="nobody@pve")
    assert bad.json["errors"] == {"path": "invalid ACL path '/moon'"}
    nobody = api.ask("PUT", "/access/acl", path="/", roles="PVEAdmin")
    assert set(nobody.json["errors"]) == {"users", "groups", "tokens"}
    api.ask("PUT", "/access/acl", path="/vms/100/", roles="PVEVMUser", groups="ops")
    assert {"path": "/vms/100", "type": "group", "ugid": "ops", "roleid": "PVEVMUser", "propagate": 1} in api.get(
        "/access/acl"
    )
    assert as_user(api, "nobody@pve").get("/access/acl") == []
    api.ask("PUT", "/access/acl", path="/vms/100", roles="PVEVMUser", groups="ops", delete=1)
    assert all(entry["type"] != "group" for entry in api.get("/access/acl"))


def test_who_may_hand_on_what(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    api.ask("PUT", "/access/acl", path="/vms", roles="PVEVMAdmin", users="nobody@pve")
    mine = as_user(api, "nobody@pve")
    given = mine.ask("PUT", "/access/acl", path="/vms/100", roles="PVEVMUser", users="operator@pve")
    assert given.status == 200
    more = mine.ask("PUT", "/access/acl", path="/vms/100", roles="PVEAdmin", users="operator@pve")
    assert more.json["errors"]["role"].startswith("Cannot add role 'PVEAdmin' - requires 'Permissions.Modify'")
    elsewhere = mine.ask("PUT", "/access/acl", path="/nodes", roles="PVEVMUser", users="operator@pve")
    assert elsewhere.reason == "Permission check failed (/nodes, Permissions.Modify)"


def test_a_token_is_changed(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    path = "/access/users/root@pam/token/limited"
    assert api.ask("PUT", path, comment="mine", expire=2_000_000_000, privsep=0).data == {
        "comment": "mine",
        "expire": 2_000_000_000,
        "privsep": 0,
    }
    fresh = api.ask("PUT", path, regenerate=1).data
    assert fresh["full-tokenid"] == "root@pam!limited"
    limited = api.as_user({"Authorization": f"PVEAPIToken=root@pam!limited={fresh['value']}"})
    assert limited.get("/version")
    assert "comment" not in api.ask("PUT", path, delete="comment").data


def test_wrong_codes_lock_the_codes(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    cluster = api.cluster
    half = half_ticket(cluster)
    for _ in range(TOTP_FAILURES):
        assert second_step(cluster, half, "totp:000000").status == 401
    good = totp(cluster.totp_secret, api.clock())
    assert second_step(cluster, half, f"totp:{good}").status == 401
    listed = {user["userid"]: user for user in api.get("/access/users")}
    assert listed[cluster.totp_username]["totp-locked"] == 1
    key = cluster.credentials.totp_recovery_keys[0]
    assert second_step(cluster, half, f"recovery:{key}").status == 200
    api.clock.advance(60)
    good = totp(cluster.totp_secret, api.clock())
    assert second_step(cluster, half, f"totp:{good}").status == 200


def test_an_administrator_unlocks(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    half = half_ticket(api.cluster)
    for _ in range(TOTP_FAILURES):
        second_step(api.cluster, half, "totp:000000")
    path = f"/access/users/{api.cluster.totp_username}/unlock-tfa"
    assert api.ask("PUT", path).data == 1
    assert api.ask("PUT", path).data == 0
    assert second_step(api.cluster, half, f"totp:{totp(api.cluster.totp_secret, api.clock())}").status == 200


def test_a_hundred_wrong_factors_lock_all_for_an_hour(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    user = api.cluster.state.accounts.users[api.cluster.totp_username]
    user.factor_failures = FACTOR_FAILURES - 1
    half = half_ticket(api.cluster)
    assert second_step(api.cluster, half, "recovery:0000-0000-0000-0000").status == 401
    key = api.cluster.credentials.totp_recovery_keys[0]
    assert second_step(api.cluster, half, f"recovery:{key}").status == 401
    listed = {entry["userid"]: entry for entry in api.get("/access/users")}
    assert listed[user.userid]["tfa-locked-until"] == int(api.clock()) + LOCKED_FOR
    api.clock.advance(LOCKED_FOR + 1)
    assert second_step(api.cluster, half, f"recovery:{key}").status == 200


def test_old_releases_do_not_lock(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet, "7.4")
    user = api.cluster.state.accounts.users[api.cluster.totp_username]
    fields = {"username": user.userid, "password": api.cluster.totp_password, "new_format": "1"}
    half = login(api.cluster, **fields).data["ticket"]
    for _ in range(TOTP_FAILURES + 1):
        bad = {"username": user.userid, "tfa_challenge": half, "new_format": "1", "password": "totp:000000"}
        assert login(api.cluster, **bad).status == 401
    assert not user.totp_locked


def test_lists_of_second_factors(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    userid = api.cluster.totp_username
    (entry,) = api.get("/access/tfa")
    assert entry["userid"] == userid
    assert [factor["type"] for factor in entry["entries"]] == ["recovery", "totp"]
    assert api.get(f"/access/tfa/{userid}") == entry["entries"]
    identity = entry["entries"][1]["id"]
    assert api.get(f"/access/tfa/{userid}/{identity}")["description"] == "phone"
    assert api.ask("GET", f"/access/tfa/{userid}/none").status == 404
    assert api.get(f"/access/users/{userid}/tfa") == {"user": "oath"}
    assert api.get(f"/access/users/{userid}/tfa", multiple=1) == {"types": ["recovery", "totp"]}
    assert api.get("/access/tfa/nobody@pve") == []
    assert api.get("/access/domains/pve")["type"] == "pve"


def test_changes_need_a_quorum(fresh_fleet: FleetFactory) -> None:
    api = start_api(fresh_fleet)
    api.cluster.lose_quorum()
    reply = api.ask("POST", "/access/users", userid="new@pve")
    assert (reply.status, reply.reason) == (500, "create user failed: cfs-lock 'file-user_cfg' error: no quorum!")
    assert api.get("/access/users")
