"""What genuine Proxmox code answered, as a table of facts: what is asked, and the status, reason and keys that come.

The facts were taken from exchanges with Proxmox VE 9.2, 8.4 and 6.4 (`test_replay.py` replays all of them where
they are at hand). Without `message` in the body before 8.4; where a release is not named, the fact holds for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import NOW
from tests.simulator.recordings import NODES, RELEASES, add_tokens, prepare
from tests.simulator.wire import FORM, Reply, ask

SECRET = "12345678-1234-1234-1234-123456789abc"
ALL = ""
HERE = "HERE"
"""Stands for the node that is asked."""

INVALID = "Parameter verification failed."
UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"


@dataclass(frozen=True)
class Fact:
    """One request and what came.

    Attributes:
        who: `root`, `admin`, `auditor` or `nobody` (with a ticket and a CSRF token), `token` for a token with all
            rights, `limited` for one without any, or empty.
        expected: status and reason by release; under the empty name for all that are not named.
        keys: of `data`; of its first entry where it is a list; None where nobody looks.
        errors: the `errors` of a refused request.
    """

    name: str
    method: str
    path: str
    who: str
    expected: Mapping[str, tuple[int, str]]
    keys: frozenset[str] | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def ok(name: str, path: str, who: str = "token", keys: str = "", method: str = "GET", body: str | None = None) -> Fact:
    return Fact(name, method, path, who, {ALL: (200, "OK")}, frozenset(keys.split()) if keys else None, body=body)


def refused(
    name: str, path: str, status: int, reason: str, who: str = "token", method: str = "GET", body: str | None = None
) -> Fact:
    return Fact(name, method, path, who, {ALL: (status, reason)}, body=body)


def invalid(name: str, path: str, errors: Mapping[str, str], method: str = "GET", body: str | None = None) -> Fact:
    return Fact(name, method, path, "token", {ALL: (400, INVALID)}, errors=errors, body=body)


TICKET = "/access/ticket"
USERS = "/access/users"
MAYBE = "type check ('boolean') failed - got 'maybe'"

FACTS = (
    # Who asks
    Fact("no ticket", "GET", "/version", "", {ALL: (401, "No ticket")}),
    Fact("no ticket for what does not exist", "GET", "/nope", "", {ALL: (401, "No ticket")}),
    Fact(
        "garbage instead of a ticket",
        "GET",
        "/version",
        "",
        {"9.2": (401, "Authentication failed!"), ALL: (401, "permission denied - invalid PVE ticket")},
        headers={"Cookie": "PVEAuthCookie=PVE:root@pam:00000000::x"},
    ),
    Fact(
        "wrong secret of a token",
        "GET",
        "/version",
        "",
        {"9.2": (401, "Authentication failed!"), ALL: (401, "invalid token value!")},
        headers={"Authorization": "PVEAPIToken=admin@pve!full=wrong"},
    ),
    Fact(
        "unknown token",
        "GET",
        "/version",
        "",
        {"9.2": (401, "Authentication failed!"), ALL: (401, "no such token 'nope' for user 'admin@pve'")},
        headers={"Authorization": "PVEAPIToken=admin@pve!nope=x"},
    ),
    Fact(
        "missing CSRF token",
        "POST",
        "/access/groups",
        "admin",
        {ALL: (401, "Permission denied - invalid csrf token")},
        body="groupid=x",
        headers={"CSRFPreventionToken": ""},
    ),
    ok("realms without a ticket", "/access/domains", "", "realm type comment"),
    ok(
        "a login",
        TICKET,
        "",
        "username ticket CSRFPreventionToken cap",
        "POST",
        "username=auditor@pve&password=auditor-pve-1",
    ),
    refused("wrong password", TICKET, 401, "authentication failure", "", "POST", "username=admin@pve&password=x"),
    refused("unknown user", TICKET, 401, "authentication failure", "", "POST", "username=ghost@pve&password=x"),
    refused(
        "disabled user",
        TICKET,
        401,
        "authentication failure",
        "",
        "POST",
        "username=disabled@pve&password=disabled-pve-1",
    ),
    Fact(
        "a login without a password",
        "POST",
        TICKET,
        "",
        {ALL: (400, INVALID)},
        errors={"password": "property is missing and it is not optional"},
        body="username=admin@pve",
    ),
    # Paths and methods
    refused("unknown path", "/nope", 501, "Method 'GET /nope' not implemented"),
    refused("unknown method", "/version", 501, "Method 'POST /version' not implemented", method="POST"),
    refused(
        "unknown node",
        "/nodes/nosuch/status",
        500,
        "hostname lookup 'nosuch' failed - failed to get address info for: nosuch: Name or service not known",
    ),
    refused(
        "a guest that is not there",
        f"/nodes/{HERE}/qemu/999/status/current",
        500,
        f"Configuration file 'nodes/{HERE}/qemu-server/999.conf' does not exist",
    ),
    # Privileges
    refused("a list for nobody", "/cluster/status", 403, "Permission check failed (/, Sys.Audit)", "nobody"),
    refused(
        "a group by an auditor",
        "/access/groups",
        403,
        "Permission check failed (/access/groups, Group.Allocate)",
        "auditor",
        "POST",
        "groupid=zz",
    ),
    refused(
        "a start by an auditor",
        f"/nodes/{HERE}/qemu/100/status/start",
        403,
        "Permission check failed (/vms/100, VM.PowerMgmt)",
        "auditor",
        "POST",
        "",
    ),
    refused("a token without privileges", "/cluster/status", 403, "Permission check failed (/, Sys.Audit)", "limited"),
    refused(
        "a token where a ticket is needed",
        TICKET,
        403,
        "Permission check failed (URI '/access/ticket' not available with API token, need proper ticket.",
        method="POST",
        body="username=admin@pve&password=x",
    ),
    refused(
        "a user id that is none",
        USERS,
        500,
        "value 'bad' does not look like a valid user name",
        method="POST",
        body="userid=bad&enable=maybe&bogus=1",
    ),
    # Parameters
    invalid("an unknown parameter", "/version?foo=1", {"foo": UNKNOWN}),
    invalid("a number that is taken", "/cluster/nextid?vmid=100", {"vmid": "VM 100 already exists"}),
    invalid(
        "letters for a number", f"/nodes/{HERE}/qemu/abc/config", {"vmid": "type check ('integer') failed - got 'abc'"}
    ),
    invalid("a word for a boolean", f"/nodes/{HERE}/qemu/101/config", {"onboot": MAYBE}, "PUT", "onboot=maybe"),
    invalid("a semicolon that separates", f"/nodes/{HERE}/qemu/101/config", {"b": UNKNOWN}, "PUT", "tags=a;b"),
    invalid(
        "a key that comes twice",
        f"/nodes/{HERE}/qemu/101/config",
        {"name": "type check ('string') failed - got ARRAY"},
        "PUT",
        "name=x1&name=x2",
    ),
    invalid(
        "an equals sign that was not escaped",
        f"/nodes/{HERE}/qemu/101/config",
        {"net1": "invalid format - duplicate key in comma-separated list property: model\n"},
        "PUT",
        "net1=virtio,bridge=vmbr0",
    ),
    invalid("a storage that does not exist", f"/nodes/{HERE}/storage/nosuch/status", {"storage": "No such storage."}),
    invalid("a job that does not exist", "/cluster/backup/1", {"id": "No such job '1'"}),
    invalid(
        "a token that is there already",
        f"{USERS}/admin@pve/token/full",
        {"tokenid": "Token already exists."},
        "POST",
        "",
    ),
    # Handlers that die
    refused("a user that does not exist", f"{USERS}/ghost@pve", 500, "no such user ('ghost@pve')"),
    refused(
        "a group that does not exist",
        "/access/groups/g1",
        500,
        "delete group failed: group 'g1' does not exist",
        method="DELETE",
    ),
    refused("a resource that does not exist", "/cluster/ha/resources/vm:100", 500, "no such resource 'vm:100'"),
    # Shapes
    ok("the version", "/version", keys="version release repoid"),
    ok(
        "the nodes",
        "/nodes",
        keys="id node type status level cpu maxcpu mem maxmem disk maxdisk uptime ssl_fingerprint",
    ),
    ok(
        "a node",
        f"/nodes/{HERE}/status",
        keys="uptime idle cpu wait loadavg kversion pveversion cpuinfo memory swap ksm rootfs",
    ),
    ok(
        "the storages of a node",
        f"/nodes/{HERE}/storage",
        keys="storage type content active enabled shared total used avail used_fraction",
    ),
    ok("a user", f"{USERS}/admin@pve", keys="enable expire firstname lastname email groups tokens"),
    ok("the groups", "/access/groups", keys="groupid users comment"),
    ok("the roles", "/access/roles", keys="roleid privs special"),
    ok("the access control list", "/access/acl", keys="path type ugid roleid propagate"),
    ok("the tokens", f"{USERS}/admin@pve/token", keys="tokenid privsep expire"),
    ok("the log", "/cluster/log?max=1", keys="uid time pri tag pid node user msg id"),
    ok("guests without a backup", "/pools", keys="poolid comment"),
    ok("a subscription", f"/nodes/{HERE}/subscription", keys="status message url serverid"),
    ok("the clock", f"/nodes/{HERE}/time", keys="timezone time localtime"),
    ok(
        "the disks",
        f"/nodes/{HERE}/disks/list",
        keys="devpath model serial size type gpt health vendor wwn rpm used osdid wearout",
    ),
    ok("the network", f"/nodes/{HERE}/network", keys="iface type method method6 priority families"),
    ok("the high availability", "/cluster/ha/status/current", keys="id type node status quorate"),
    ok("its manager", "/cluster/ha/status/manager_status", keys="quorum manager_status"),
    ok("a new group", "/access/groups", method="POST", body="groupid=g3"),
)


def ask_as(fresh_fleet: FleetFactory, release: str, fact: Fact) -> Reply:
    _, cluster = prepare(fresh_fleet, release)
    add_tokens(cluster, SECRET)
    tickets, userid = cluster.state.tickets, {"root": "root@pam"}.get(fact.who, f"{fact.who}@pve")
    headers: dict[str, str] = dict(FORM) if fact.body is not None else {}
    if fact.who in {"token", "limited"}:
        name = "full" if fact.who == "token" else "sepnone"
        headers["Authorization"] = f"PVEAPIToken=admin@pve!{name}={SECRET}"
    elif fact.who:
        headers["Cookie"] = f"PVEAuthCookie={tickets.issue(userid, NOW)}"
        headers["CSRFPreventionToken"] = tickets.issue_csrf(userid, NOW)
    headers.update(fact.headers)
    path = fact.path.replace(HERE, NODES[release][0])
    body = None if fact.body is None else fact.body.encode()
    return ask(cluster.endpoint, fact.method, f"/api2/json{path}", headers, body)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("fact", FACTS, ids=[fact.name.replace(" ", "-") for fact in FACTS])
def test_fact(fresh_fleet: FleetFactory, release: str, fact: Fact) -> None:
    reply = ask_as(fresh_fleet, release, fact)
    status, reason = fact.expected.get(release, fact.expected.get(ALL, (0, "")))
    reason = reason.replace(HERE, NODES[release][0])
    assert (reply.status, reply.reason) == (status, reason)
    if status == 401 and "failure" not in reason:
        assert (reply.body, reply.values("Content-Type")) == (b"", [])
        return
    if status >= 400:
        assert reply.values("Connection") == ["close"]
        assert ("message" in reply.json) == (release != "6.4")
        assert reply.json.get("errors", {}) == fact.errors
    elif fact.keys is not None:
        data = reply.data[0] if isinstance(reply.data, list) else reply.data
        assert fact.keys <= set(data)
