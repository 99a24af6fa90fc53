"""Answers of genuine Proxmox VE, and the liberties that it takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.domain.cluster import Endpoint, LoginMethod
from pxm_tui.domain.errors import LoginError, NotPermittedError, UnreachableError
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.answers import (
    NodeEntry,
    Nodes,
    Permissions,
    Realms,
    Resources,
    Status,
    StatusEntry,
    TicketData,
    VersionData,
    complaint,
    read,
    said,
)
from pxm_tui.proxmox.api import Answer
from pxm_tui.proxmox.complaints import error_of, not_proxmox
from pxm_tui.proxmox.observing import observation_of
from pxm_tui.services.ports import Credentials

PVE = Endpoint("pve1")
EXCHANGES = Path(__file__).parents[3] / "shared" / "proxmox" / "exchanges"
RELEASES = ("6.4", "8.4", "9.2")
PASSWORD = Credentials(LoginMethod.PASSWORD, "anna@pve", Secret("x"))
TOKEN = Credentials(LoginMethod.TOKEN, "mon@pve", Secret("x"), "mon@pve!pxm")


def answer(body: object, status: int = 200, reason: str = "OK") -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, reason, {"content-type": "application/json;charset=UTF-8"}, data, 0.05)


def recorded(release: str, name: str) -> Answer:
    """The answer in a recorded exchange."""
    file = EXCHANGES / release / f"{name}.txt"
    if not file.exists():
        pytest.skip("the recorded exchanges are not on this machine")
    raw = file.read_bytes().partition(b"# --- response")[2].partition(b"\n")[2]
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    _, status, reason = first.split(" ", 2)
    headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines}
    return Answer(int(status), reason, headers, body.strip(), 0.05)


def observed(release: str) -> Any:
    return observation_of(
        read(PVE, Nodes, recorded(release, "nodes")),
        read(PVE, Status, recorded(release, "cluster-status")),
        read(PVE, Permissions, recorded(release, "access-permissions")),
        read(PVE, Resources, recorded(release, "cluster-resources")),
        rtt_ms=5,
    )


def test_a_genuine_cluster_of_two_nodes() -> None:
    found = observed("9.2")
    assert (found.own_name, found.standalone, found.quorate) == ("testpve", False, True)
    assert [(node.name, node.state, node.address, node.local) for node in found.nodes] == [
        ("pve1", "online", "10.77.0.11", True),
        ("pve2", "online", "10.77.0.12", False),
    ]
    assert all(node.cpu is not None and node.memory_total and node.uptime for node in found.nodes)
    assert {guest.node for guest in found.guests} <= {"pve1", "pve2"}
    assert any(guest.running for guest in found.guests)
    assert "Sys.Audit" in found.permissions["/"]


@pytest.mark.parametrize("release", ["6.4", "8.4"])
def test_a_genuine_standalone_node(release: str) -> None:
    found = observed(release)
    assert found.standalone
    assert found.quorate is True
    assert [node.name for node in found.nodes] == [found.own_name]
    assert found.guests


@pytest.mark.parametrize("release", RELEASES)
def test_genuine_realms_versions_and_tickets(release: str) -> None:
    realms = read(PVE, Realms, recorded(release, "access-domains"))
    assert {"pam", "pve"} <= {realm.realm for realm in realms or ()}
    assert read(PVE, VersionData, recorded(release, "token-ok")).version.startswith(release)
    ticket = read(PVE, TicketData, recorded(release, "ticket-ok-pam"))
    assert ticket.username == "root@pam"
    assert ticket.csrf
    assert not ticket.need_tfa
    assert read(PVE, TicketData, recorded(release, "tfa-challenge")).need_tfa


@pytest.mark.parametrize("release", RELEASES)
def test_genuine_complaints(release: str) -> None:
    refused = error_of(PVE, recorded(release, "forbidden-403"), "the guests", PASSWORD)
    assert isinstance(refused, NotPermittedError)
    wrong = recorded(release, "ticket-wrong-password")
    assert (wrong.status, said(wrong).strip()) == (401, "authentication failure")
    assert "foo" in (complaint(recorded(release, "ticket-unknown-param")).errors or {})
    token = error_of(PVE, recorded(release, "token-wrong-secret"), "the version", TOKEN)
    assert isinstance(token, LoginError)
    assert token.cause == "token"


def test_an_expired_token_is_told_where_the_server_tells() -> None:
    error = error_of(PVE, recorded("6.4", "token-expired"), "the version", TOKEN)
    assert error.probably == "It has expired."


def test_the_missing_privilege_is_named() -> None:
    body = {"data": None, "message": "Permission check failed (/nodes/pve1, Sys.Audit)\n"}
    error = error_of(PVE, answer(body, 403, "Permission check failed"), "the node", PASSWORD)
    assert "Sys.Audit on /nodes/pve1 is missing" in error.message
    bare = error_of(PVE, answer(b"", 403, "Permission check failed"), "the node", PASSWORD)
    assert isinstance(bare, NotPermittedError)


@pytest.mark.parametrize(("status", "reason"), [(500, "cluster not ready"), (595, "No route to host"), (599, "")])
def test_other_errors_of_the_server(status: int, reason: str) -> None:
    error = error_of(PVE, answer(b"", status, reason), "the nodes", PASSWORD)
    assert isinstance(error, UnreachableError)
    assert f"answered {status}" in error.message
    assert reason in error.message


def test_a_password_login_that_is_over() -> None:
    error = error_of(PVE, answer(b"", 401, "No ticket"), "the nodes", PASSWORD)
    assert isinstance(error, LoginError)
    assert error.cause == "credentials"
    assert isinstance(error_of(PVE, answer(b"", 401, "No ticket"), "the nodes", None), UnreachableError)


@pytest.mark.parametrize("body", [b"", b"text", b"[]", b'{"message":7}', b"[" * 5000, b'{"errors":[],"message":"x"}'])
def test_a_complaint_without_sense_leaves_the_reason(body: bytes) -> None:
    assert said(answer(body, 500, "the reason")) == "the reason"


def test_a_message_of_the_body_comes_first() -> None:
    body = {"data": None, "message": "first line\nsecond line\n", "errors": None}
    assert said(answer(body, 500, "first line")) == "first line\nsecond line"


def test_not_proxmox_unless_proxmox_says_that_it_failed() -> None:
    failed = Answer(500, "no quorum", {"server": "pve-api-daemon/3.0"}, b"", 0.05)
    assert not_proxmox(PVE, failed).cause == "bad_answer"
    assert not_proxmox(PVE, answer(b"", 500, "no quorum")).cause == "not_proxmox"


@pytest.mark.parametrize(
    ("given", "running", "template"),
    [
        ({"status": "running"}, True, False),
        ({"status": "stopped", "template": 1}, False, True),
        ({"status": "stopped", "template": "1"}, False, True),
        ({"status": "stopped", "template": ""}, False, False),
        ({"status": "stopped", "template": None}, False, False),
        ({"status": "unknown"}, False, False),
        ({"status": "running", "template": "no", "later": {"a": [1]}}, True, False),
        ({}, False, False),
    ],
)
def test_liberties_with_guests(given: dict[str, Any], running: bool, template: bool) -> None:
    body = {"data": [{"type": "qemu", "vmid": "104", "node": "pve1", **given}, {"type": "storage"}, {"type": "lxc"}]}
    resources = read(PVE, Resources, answer(body))
    (guest,) = observation_of([], None, {}, resources, rtt_ms=1).guests
    assert (guest.vmid, guest.running, guest.template) == (104, running, template)


@pytest.mark.parametrize(
    ("sent", "cpu", "memory"),
    [
        ({"cpu": 0.25, "mem": 1024}, 0.25, 1024),
        ({"cpu": "0.25", "mem": "1024"}, 0.25, 1024),
        ({"cpu": 0, "mem": 0}, 0.0, 0),
        ({}, None, None),
        ({"cpu": None, "mem": ""}, None, None),
        ({"cpu": "nonsense", "mem": [1]}, None, None),
        ({"cpu": "nan", "mem": "inf"}, None, None),
        ({"cpu": "-inf", "mem": 10**30}, None, None),
    ],
)
def test_liberties_with_figures(sent: dict[str, Any], cpu: float | None, memory: int | None) -> None:
    nodes = read(PVE, Nodes, answer({"data": [{"node": "pve1", "status": "online", **sent}]}))
    (node,) = observation_of(nodes, None, {}, [], rtt_ms=1).nodes
    assert (node.cpu, node.memory_used) == (cpu, memory)


STATES: dict[str, tuple[str | None, object, str]] = {
    "both online": ("online", 1, "online"),
    "as text": ("online", "1", "online"),
    "corosync knows first": ("online", 0, "offline"),
    "and that it is back": ("offline", 1, "online"),
    "no figures": ("unknown", 1, "unknown"),
    "no status allowed": ("offline", None, "offline"),
    "new word": ("fenced", None, "unknown"),
    "only corosync knows it": (None, 1, "online"),
    "dead before it was ever seen": (None, 0, "offline"),
}


@pytest.mark.parametrize(("told", "online", "state"), STATES.values(), ids=STATES.keys())
def test_the_state_of_a_node(told: str | None, online: object, state: str) -> None:
    nodes = [NodeEntry(node="pve1", status=told)] if told else []
    status = (
        None if online is None else [StatusEntry.model_validate({"type": "node", "name": "pve1", "online": online})]
    )
    (node,) = observation_of(nodes, status, {}, [], rtt_ms=1).nodes
    assert node.state == state


def test_a_cluster_that_hides_its_status() -> None:
    two = [NodeEntry(node="b", status="online"), NodeEntry(node="a", status="online")]
    found = observation_of(two, None, {}, [], rtt_ms=1)
    assert (found.own_name, found.standalone, found.quorate) == (None, False, None)
    assert [node.name for node in found.nodes] == ["a", "b"]
    assert observation_of(two[:1], None, {}, [], rtt_ms=1).own_name == "b"


def test_a_cluster_without_quorum() -> None:
    entries = [
        StatusEntry.model_validate({"type": "cluster", "name": "lab", "quorate": quorate}) for quorate in (0, "")
    ]
    assert observation_of([], entries[:1], {}, [], rtt_ms=1).quorate is False
    assert observation_of([], entries[1:], {}, [], rtt_ms=1).quorate is None


def test_a_privilege_is_held_when_it_is_named() -> None:
    found = observation_of([], None, {"/vms": {"VM.Audit": 0, "VM.PowerMgmt": 1}}, [], rtt_ms=1)
    assert found.permissions == {"/vms": frozenset({"VM.Audit", "VM.PowerMgmt"})}


def test_names_from_outside_stay_on_one_line() -> None:
    body = {"data": [{"node": "a\nb\u202ec" + "d" * 500}]}
    (entry,) = read(PVE, Nodes, answer(body))
    assert "\n" not in entry.node
    assert len(entry.node) == 200


def test_a_ticket_does_not_show_itself() -> None:
    entry = read(PVE, TicketData, answer({"data": {"ticket": "PVE:x:secret", "CSRFPreventionToken": "csrf"}}))
    assert "secret" not in repr(entry)
    assert "csrf" not in repr(entry).replace("csrf=", "")
    assert "secret" not in repr(answer(b"secret"))


def test_an_answer_of_another_kind_is_named() -> None:
    page = Answer(200, "OK", {"content-type": "text/html; charset=utf-8"}, b"<html>", 0.05)
    with pytest.raises(UnreachableError, match="is text/html where JSON was expected"):
        read(PVE, Nodes, page)
