"""Logging in: API.md §2 and the recorded exchanges."""

from typing import Any
from urllib.parse import quote

import pytest

from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.thread import FleetThread
from pxm_tui.simulator.totp import totp
from tests.fleet_fixtures import STANDARD_CLUSTERS, FleetFactory
from tests.simulator.wire import FORM, Reply, ask, form, login, session_headers, token_header

NOW = 1_790_000_000.0
OLD = ClusterOptions("old", "6.4", nodes=1, guests=0, standalone=True)
MIDDLE = ClusterOptions("middle", "7.4", nodes=1, guests=0, standalone=True)
NEW = ClusterOptions("new", "9.2", nodes=2, guests=0)


def with_clock(fresh_fleet: FleetFactory, *clusters: ClusterOptions) -> tuple[ManualClock, FleetThread]:
    clock = ManualClock(NOW)
    options = FleetOptions(auth_delay=0, clock=clock, cluster_options=clusters)
    return clock, fresh_fleet(options=options)


def get(cluster: SimulatedCluster, path: str, headers: dict[str, str]) -> Reply:
    return ask(cluster.endpoint, "GET", f"/api2/json{path}", headers)


def assert_refused(reply: Reply, *, message: bool = True) -> None:
    assert (reply.status, reply.reason) == (401, "authentication failure")
    body: dict[str, Any] = {"data": None}
    assert reply.json == ({**body, "message": "authentication failure\n"} if message else body)
    assert reply.values("Connection") == ["close"]


def test_realms_are_public(fleet: FleetThread) -> None:
    for cluster in fleet.clusters:
        realms = ask(cluster.endpoint, "GET", "/api2/json/access/domains").data
        kinds = {realm["realm"]: realm["type"] for realm in realms}
        assert kinds == {"pam": "pam", "pve": "pve", "corp": "ldap"}
        assert ask(cluster.endpoint, "GET", "/api2/json/access/ticket").json == {"data": None}


def test_password(fleet: FleetThread) -> None:
    for cluster in fleet.clusters:
        data = login(cluster).data
        assert data["username"] == "root@pam"
        assert data["ticket"].startswith("PVE:root@pam:")
        assert data["cap"]["vms"]["VM.PowerMgmt"] == 1
        assert data.get("clustername") == (None if cluster.name == "alone" else cluster.name)
        assert get(cluster, "/version", session_headers(data)).status == 200


def test_realm_as_a_parameter(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    assert login(cluster, username="admin", realm="pve", password="admin-pve-1").data["username"] == "admin@pve"


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("root@pam", "wrong"),
        ("ghost@pve", "x"),
        ("admin@nowhere", "admin-pve-1"),
        ("admin", "admin-pve-1"),
        ("disabled@pve", "disabled-pve-1"),
        ("expired@pve", "expired-pve-1"),
        ("root@pam", "ünïcode"),
    ],
)
def test_every_refusal_is_the_same(fleet: FleetThread, username: str, password: str) -> None:
    for cluster in fleet.clusters:
        assert_refused(login(cluster, username=username, password=password), message=cluster.name != "old-timer")


def test_missing_parameters(fleet: FleetThread) -> None:
    reply = ask(fleet.clusters[0].endpoint, "POST", "/api2/json/access/ticket")
    missing = "property is missing and it is not optional"
    assert reply.reason == "Parameter verification failed."
    assert reply.json["errors"] == {"username": missing, "password": missing}
    reply = login(fleet.clusters[0], username="a@pve", password="x", path="/")
    assert reply.json["errors"] == {"privs": "missing property required by 'path'"}


def test_checking_privileges_gives_no_ticket(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    who = {"username": "auditor@pve", "password": "auditor-pve-1", "path": "/"}
    assert login(cluster, **who, privs="Sys.Audit,VM.Audit").data == {"username": "auditor@pve"}
    assert_refused(login(cluster, **who, privs="Sys.Modify"))


def test_no_login_with_a_token(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    body = form(username=cluster.username, password=cluster.password)
    reply = ask(cluster.endpoint, "POST", "/api2/json/access/ticket", {**FORM, **token_header(cluster)}, body)
    assert reply.status == 403
    text = "Permission check failed (URI '/access/ticket' not available with API token, need proper ticket."
    assert reply.reason == text
    assert reply.json["message"] == text + "\n)\n"


def test_tickets_end_after_two_hours(fresh_fleet: FleetFactory) -> None:
    clock, fleet = with_clock(fresh_fleet, NEW, OLD)
    for cluster, reason in (
        (fleet.clusters[0], "Authentication failed!"),
        (fleet.clusters[1], "permission denied - invalid PVE ticket"),
    ):
        headers = session_headers(login(cluster).data)
        clock.advance(7199)
        assert get(cluster, "/version", headers).status == 200
        clock.advance(1)
        reply = get(cluster, "/version", headers)
        assert (reply.status, reply.reason, reply.body) == (401, reason, b"")


def test_renewal(fresh_fleet: FleetFactory) -> None:
    clock, fleet = with_clock(fresh_fleet, NEW)
    cluster = fleet.clusters[0]
    first = login(cluster).data
    clock.advance(7000)
    second = login(cluster, username="root@pam", password=first["ticket"]).data
    clock.advance(7000)
    assert get(cluster, "/version", session_headers(second)).status == 200
    assert_refused(login(cluster, username="root@pam", password=first["ticket"]))
    for_another = login(cluster, username="admin@pve", password=second["ticket"]).data
    assert for_another["username"] == "admin@pve"
    assert_refused(login(cluster, username="root@pam", password=for_another["ticket"]))


def test_tickets_of_a_cluster_are_good_on_each_node_and_nowhere_else(fleet: FleetThread) -> None:
    cluster, other = fleet.clusters[0], fleet.clusters[2]
    headers = session_headers(login(cluster).data)
    for endpoint in cluster.endpoints:
        assert ask(endpoint, "GET", "/api2/json/version", headers).status == 200
    assert get(other, "/version", headers).reason == "permission denied - invalid PVE ticket"


def test_where_a_ticket_may_stand(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    ticket = login(cluster).data["ticket"]
    encoded = quote(ticket, safe="")
    for header in (
        {"Cookie": f"PVEAuthCookie={ticket}"},
        {"Cookie": f"a=b; PVEAuthCookie={encoded}; c=d"},
        {"Authorization": f"PVEAuthCookie={encoded}"},
    ):
        assert get(cluster, "/version", header).status == 200
    assert get(cluster, "/version", {"Authorization": f"Bearer {ticket}"}).reason == "No ticket"


def test_a_cookie_beats_a_token(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    headers = {"Cookie": "PVEAuthCookie=PVE:root@pam:00000000::x", **token_header(cluster)}
    assert get(cluster, "/version", headers).reason == "Authentication failed!"


def test_csrf(fresh_fleet: FleetFactory) -> None:
    clock, fleet = with_clock(fresh_fleet, NEW)
    cluster = fleet.clusters[0]
    data = login(cluster).data
    other = login(cluster, username="admin@pve", password="admin-pve-1").data
    path = "/api2/json/access/users/root@pam/token/fresh"
    for wrong in (None, "12345678:AAAA", other["CSRFPreventionToken"]):
        headers = session_headers(data) | {"CSRFPreventionToken": wrong or ""}
        reply = ask(cluster.endpoint, "POST", path, headers)
        assert (reply.status, reply.reason) == (401, "Permission denied - invalid csrf token")
        assert reply.body == b""
    clock.advance(60)
    assert ask(cluster.endpoint, "POST", path, session_headers(data)).status == 200


def test_disabled_while_logged_in(fresh_fleet: FleetFactory) -> None:
    fleet = fresh_fleet(NEW, OLD)
    for cluster, reason in (
        (fleet.clusters[0], "Authentication failed!"),
        (fleet.clusters[1], "user 'admin@pve' is disabled"),
    ):
        headers = session_headers(login(cluster, username="admin@pve", password="admin-pve-1").data)
        cluster.disable_user("admin@pve")
        assert get(cluster, "/version", headers).reason == reason
        cluster.enable_user("admin@pve")
        assert get(cluster, "/version", headers).status == 200


def first_step(cluster: SimulatedCluster, **more: str) -> dict[str, Any]:
    fields = {"username": cluster.totp_username, "password": cluster.totp_password, **more}
    data: dict[str, Any] = login(cluster, **fields).data
    return data


def second_step(cluster: SimulatedCluster, half: dict[str, Any], password: str) -> Reply:
    fields = {"username": cluster.totp_username, "password": password, "tfa_challenge": half["ticket"]}
    return login(cluster, **fields)


def test_second_factor(fresh_fleet: FleetFactory) -> None:
    clock, fleet = with_clock(fresh_fleet, NEW)
    cluster = fleet.clusters[0]
    half = first_step(cluster)
    assert half["NeedTFA"] == 1
    assert "cap" not in half
    assert half["clustername"] == "new"
    assert half["ticket"].startswith('PVE:!tfa!{"totp"%3Atrue,"recovery"%3A[0,1,2,3,4,5,6,7,8,9]}:')
    assert get(cluster, "/version", session_headers(half)).reason == "Authentication failed!"
    assert_refused(second_step(cluster, half, "totp:000000"))
    assert_refused(second_step(cluster, half, "000000"))
    assert_refused(second_step(cluster, {"ticket": "xx"}, f"totp:{totp(cluster.totp_secret, clock())}"))
    full = second_step(cluster, half, f"totp:{totp(cluster.totp_secret, clock())}").data
    assert full["username"] == cluster.totp_username
    assert get(cluster, "/version", session_headers(full)).status == 200
    renewed = login(cluster, username=cluster.totp_username, password=full["ticket"]).data
    assert "NeedTFA" not in renewed


def test_a_code_is_good_once(fresh_fleet: FleetFactory) -> None:
    clock, fleet = with_clock(fresh_fleet, NEW)
    cluster = fleet.clusters[0]
    code = f"totp:{totp(cluster.totp_secret, clock())}"
    assert second_step(cluster, first_step(cluster), code).status == 200
    assert_refused(second_step(cluster, first_step(cluster), code))
    clock.advance(30)
    assert second_step(cluster, first_step(cluster), f"totp:{totp(cluster.totp_secret, clock())}").status == 200


def test_recovery_keys_are_used_up(fresh_fleet: FleetFactory) -> None:
    cluster = fresh_fleet(NEW).clusters[0]
    key = cluster.credentials.totp_recovery_keys[3]
    assert second_step(cluster, first_step(cluster), f"recovery:{key}").status == 200
    half = first_step(cluster)
    assert "[0,1,2,4,5,6,7,8,9]" in half["ticket"]
    assert_refused(second_step(cluster, half, f"recovery:{key}"))


def test_one_step_with_a_code(fresh_fleet: FleetFactory) -> None:
    clock, fleet = with_clock(fresh_fleet, NEW, OLD)
    new, old = fleet.clusters
    code = totp(new.totp_secret, clock())
    assert_refused(login(new, username=new.totp_username, password=new.totp_password, otp=code))
    assert "cap" in first_step(new, otp=f"totp:{code}")
    assert_refused(login(new, username="admin@pve", password="admin-pve-1", otp="123456"))
    assert "cap" in first_step(old, otp=totp(old.totp_secret, clock()))
    assert "cap" in login(old, username="admin@pve", password="admin-pve-1", otp="123456").data
    assert_refused(login(old, username=old.totp_username, password=old.totp_password, otp="000000"), message=False)


def test_old_second_factor(fresh_fleet: FleetFactory) -> None:
    clock, fleet = with_clock(fresh_fleet, OLD)
    cluster = fleet.clusters[0]
    half = first_step(cluster)
    assert half["ticket"].startswith("PVE:tfa!totp@pve:")
    assert get(cluster, "/version", session_headers(half)).reason == "No ticket"
    headers = {**FORM, **session_headers(half)}
    path = "/api2/json/access/tfa"
    assert_refused(ask(cluster.endpoint, "POST", path, headers, form(response="000000")), message=False)
    code = totp(cluster.totp_secret, clock())
    data = ask(cluster.endpoint, "POST", path, headers, form(response=code)).data
    assert set(data) == {"ticket", "cap"}
    assert get(cluster, "/version", session_headers({**half, **data})).status == 200
    assert_refused(
        ask(cluster.endpoint, "POST", path, {**FORM, **session_headers(login(cluster).data)}, form(response=code)),
        message=False,
    )


def test_new_format_is_unknown_to_6(fleet: FleetThread) -> None:
    old = fleet.clusters[2]
    reply = login(old, username="root@pam", password=old.password, new_format="1")
    assert reply.status == 400
    assert list(reply.json["errors"]) == ["new-format"]


def test_7_knows_both_ways(fresh_fleet: FleetFactory) -> None:
    clock, fleet = with_clock(fresh_fleet, MIDDLE)
    cluster = fleet.clusters[0]
    who = {"username": cluster.totp_username, "password": cluster.totp_password}
    assert_refused(login(cluster, **who), message=False)  # recovery keys are beyond the old way
    half = first_step(cluster, new_format="1")
    assert half["ticket"].startswith("PVE:!tfa!")
    code = f"totp:{totp(cluster.totp_secret, clock())}"
    assert second_step(cluster, half, code).status == 200
    boolean = login(cluster, **who, new_format="true")
    assert boolean.json["errors"] == {"new-format": "type check ('boolean') failed - got 'true'"}


def test_the_standard_fleet_has_a_hostile_cluster() -> None:
    assert STANDARD_CLUSTERS[0].name == "[/foo] [red] [@click=app.quit]x[/]"
