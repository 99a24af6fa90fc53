"""The transport's habits: API.md §1, §5 and the recorded exchanges."""

import gzip
import json
import ssl
import zlib

import pytest

from pxm_tui.simulator import listener
from pxm_tui.simulator.fleet import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.thread import FleetThread
from tests.fleet_fixtures import FleetFactory
from tests.simulator.wire import FORM, Wire, ask, form, login, session_headers, token_header

STANDARD = ["Cache-Control", "Connection", "Date", "Pragma", "Server"]


def newest(fleet: FleetThread) -> SimulatedCluster:
    return fleet.clusters[0]


def oldest(fleet: FleetThread) -> SimulatedCluster:
    return fleet.clusters[2]


def test_headers_of_an_ordinary_answer(fleet: FleetThread) -> None:
    cluster = newest(fleet)
    reply = ask(cluster.endpoint, "GET", "/api2/json/version", token_header(cluster))
    assert (reply.status, reply.reason) == (200, "OK")
    assert reply.names == [*STANDARD, "Content-Length", "Content-Type", "Expires"]
    assert reply.values("Connection") == ["Keep-Alive"]
    assert reply.values("Content-Type") == ["application/json;charset=UTF-8"]
    assert reply.values("Server") == ["pve-api-daemon/3.0"]
    assert reply.values("Date") == reply.values("Expires")
    assert reply.data == {"version": "9.2.11", "release": "9.2", "repoid": "f6997e698c7933ea"}


def test_no_credential(fleet: FleetThread) -> None:
    for cluster in fleet.clusters:
        with Wire(cluster.endpoint) as wire:
            reply = wire.ask("GET", "/api2/json/version")
            assert (reply.status, reply.reason, reply.body) == (401, "No ticket", b"")
            assert reply.names == [*STANDARD, "Expires"]
            assert reply.values("Connection") == ["close"]
            assert wire.is_closed()


@pytest.mark.parametrize(
    ("path", "method"),
    [("/api2/json/access/domains", "GET"), ("/api2/json/version", "GET"), ("/api2/json/nodes", "GET")],
)
def test_unprotected_answers_keep_the_connection(fleet: FleetThread, method: str, path: str) -> None:
    cluster = newest(fleet)
    with Wire(cluster.endpoint) as wire:
        for _ in range(3):
            reply = wire.ask(method, path, token_header(cluster))
            assert reply.values("Connection") == ["Keep-Alive"]


def test_protected_answers_carry_both_connection_headers_and_close(fleet: FleetThread) -> None:
    cluster = newest(fleet)
    with Wire(cluster.endpoint) as wire:
        reply = wire.ask("GET", "/api2/json/cluster/status", token_header(cluster))
        assert reply.values("Connection") == ["close", "Keep-Alive"]
        assert wire.is_closed()
    assert login(cluster).values("Connection") == ["close", "Keep-Alive"]


def test_answers_of_a_peer_carry_its_connection_header_too(fleet: FleetThread) -> None:
    cluster = newest(fleet)
    reply = ask(cluster.endpoint, "GET", "/api2/json/nodes/pve2/version", token_header(cluster))
    assert reply.values("Connection") == ["Keep-Alive", "Keep-Alive"]


def test_the_hundredth_answer_closes(fleet: FleetThread) -> None:
    with Wire(newest(fleet).endpoint) as wire:
        replies = [wire.ask("GET", "/api2/json/access/domains") for _ in range(100)]
        assert {tuple(reply.values("Connection")) for reply in replies[:99]} == {("Keep-Alive",)}
        assert replies[99].values("Connection") == ["close"]
        assert wire.is_closed()


def test_idle_connections_are_closed(fresh_fleet: FleetFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    assert listener.IDLE == 5.0
    monkeypatch.setattr(listener, "IDLE", 0.03)
    cluster = fresh_fleet(ClusterOptions("idle", nodes=1, guests=0, standalone=True)).clusters[0]
    with Wire(cluster.endpoint) as wire:
        assert wire.ask("GET", "/api2/json/access/domains").status == 200
        assert wire.is_closed()


def test_a_client_that_asks_to_close_is_obeyed(fleet: FleetThread) -> None:
    with Wire(newest(fleet).endpoint) as wire:
        reply = wire.ask("GET", "/api2/json/access/domains", {"Connection": "close"})
        assert reply.values("Connection") == ["close"]
        assert wire.is_closed()


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH"])
def test_other_methods(fleet: FleetThread, method: str) -> None:
    for cluster in fleet.clusters:
        reply = ask(cluster.endpoint, method, "/api2/json/version")
        assert (reply.status, reply.reason) == (501, f"method '{method}' not available")
        assert reply.names == [*STANDARD, "Expires"]


def test_chunked_bodies(fleet: FleetThread) -> None:
    headers = {**FORM, "Transfer-Encoding": "chunked"}
    with Wire(newest(fleet).endpoint) as wire:
        reply = wire.ask("POST", "/api2/json/access/ticket", headers, None)
    assert (reply.status, reply.reason) == (501, "chunked transfer encoding not supported")
    assert reply.body == b"chunked transfer encoding not supported"


def test_bodies_where_there_may_be_none(fleet: FleetThread) -> None:
    for cluster in fleet.clusters:
        reply = ask(cluster.endpoint, "DELETE", "/api2/json/version", token_header(cluster), b"a=b")
        assert (reply.status, reply.reason) == (501, "Unexpected content for method 'DELETE'")
        told = cluster.state.release.message_in_body
        assert reply.body == (b"Unexpected content for method 'DELETE'" if told else b"")
        assert reply.values("Content-Type") == []


def test_other_content_types(fleet: FleetThread) -> None:
    headers = {"Content-Type": "text/plain"}
    reply = ask(newest(fleet).endpoint, "POST", "/api2/json/access/ticket", headers, b"x")
    assert (reply.status, reply.reason) == (506, "upload 'Content-Type 'text/plain' not implemented")
    assert reply.body == b"upload 'Content-Type 'text/plain' not implemented"
    assert ask(oldest(fleet).endpoint, "POST", "/api2/json/access/ticket", headers, b"x").body == b""


def test_body_limits(fleet: FleetThread) -> None:
    body = form(username="x" * 70_000, password="y")
    old = ask(oldest(fleet).endpoint, "POST", "/api2/json/access/ticket", FORM, body)
    assert (old.status, old.reason, old.body) == (501, "for data too large", b"")
    new = ask(newest(fleet).endpoint, "POST", "/api2/json/access/ticket", FORM, body)
    assert new.json["errors"] == {"username": "value may only be 64 characters long"}


def test_broken_json(fleet: FleetThread) -> None:
    headers = {"Content-Type": "application/json"}
    new = ask(newest(fleet).endpoint, "POST", "/api2/json/access/ticket", headers, b"{oops")
    text = '\'"\' expected, at character offset 1 (before "oops") at /usr/share/perl5/PVE/APIServer/AnyEvent.pm'
    assert (new.status, new.reason) == (500, f"{text} line 934.")
    assert new.body == f"{text} line 934.".encode()
    old = ask(oldest(fleet).endpoint, "POST", "/api2/json/access/ticket", headers, b"{oops")
    assert (old.status, old.reason, old.body) == (501, f"{text} line 844.", b"")


def test_json_login(fleet: FleetThread) -> None:
    cluster = newest(fleet)
    body = json.dumps({"username": cluster.username, "password": cluster.password}).encode()
    reply = ask(cluster.endpoint, "POST", "/api2/json/access/ticket", {"Content-Type": "application/json"}, body)
    assert reply.data["username"] == "root@pam"


def test_gzip_from_1024_bytes_on(fleet: FleetThread) -> None:
    cluster = newest(fleet)
    headers = {**token_header(cluster), "Accept-Encoding": "gzip"}
    long = ask(cluster.endpoint, "GET", "/api2/json/cluster/resources", headers)
    assert long.values("Content-Encoding") == ["gzip"]
    assert json.loads(gzip.decompress(long.body))["data"]
    short = ask(cluster.endpoint, "GET", "/api2/json/version", headers)
    assert short.values("Content-Encoding") == []


@pytest.mark.parametrize(
    ("version", "accepted", "encoding"),
    [
        ("9.2", "deflate", ["deflate"]),
        ("9.2", "deflate, gzip", ["gzip"]),
        ("7.4", "deflate", []),
    ],
)
def test_deflate_where_gzip_is_not_accepted(
    fresh_fleet: FleetFactory, version: str, accepted: str, encoding: list[str]
) -> None:
    cluster = fresh_fleet(ClusterOptions("packed", version, nodes=1, guests=10)).clusters[0]
    headers = {**token_header(cluster), "Accept-Encoding": accepted}
    reply = ask(cluster.endpoint, "GET", "/api2/json/cluster/resources", headers)
    assert reply.values("Content-Encoding") == encoding
    body = reply.body
    if encoding:
        body = gzip.decompress(body) if encoding == ["gzip"] else zlib.decompress(body)
    assert json.loads(body)["data"]


def test_unwanted_compression(fleet: FleetThread) -> None:
    cluster = newest(fleet)
    assert ask(cluster.endpoint, "GET", "/api2/json/cluster/resources", token_header(cluster)).data


@pytest.mark.parametrize("path", ["/api2/json/version/", "/api2/json//version", "//api2/json/version"])
def test_slashes(fleet: FleetThread, path: str) -> None:
    cluster = newest(fleet)
    status = ask(cluster.endpoint, "GET", path, token_header(cluster)).status
    assert status == (500 if path.startswith("//") else 200)


def test_paths_that_do_not_exist(fleet: FleetThread) -> None:
    new, old = newest(fleet), oldest(fleet)
    reply = ask(new.endpoint, "GET", "/api2/json/nonexistent", token_header(new))
    text = "Method 'GET /nonexistent' not implemented"
    assert (reply.status, reply.reason, reply.json) == (501, text, {"data": None, "message": text})
    reply = ask(old.endpoint, "POST", "/api2/json/version", token_header(old))
    assert (reply.status, reply.reason) == (501, "Method 'POST /version' not implemented")
    assert reply.json == {"data": None}
    reply = ask(new.endpoint, "GET", "/foo")
    assert (reply.status, reply.reason, reply.body) == (500, "no such file '/foo'", b"no such file '/foo'")
    reply = ask(old.endpoint, "GET", "/foo")
    assert (reply.status, reply.reason, reply.body) == (501, "no such file '/foo'", b"")
    reply = ask(new.endpoint, "GET", "/api2")
    assert (reply.status, reply.reason, reply.body) == (501, "no such uri", b"no such uri")
    reply = ask(new.endpoint, "GET", "/api2/xml/version", token_header(new))
    assert (reply.status, reply.reason) == (501, "no formatter for uri /version, xml")


def test_the_web_interface_needs_no_login(fleet: FleetThread) -> None:
    reply = ask(newest(fleet).endpoint, "GET", "/")
    assert reply.status == 200
    assert b"Proxmox Virtual Environment" in reply.body


def test_unknown_parameters(fleet: FleetThread) -> None:
    wrong = {"foo": "property is not defined in schema and the schema does not allow additional properties"}
    new, old = newest(fleet), oldest(fleet)
    reply = ask(new.endpoint, "GET", "/api2/json/version?foo=1&_dc=2", token_header(new))
    assert (reply.status, reply.reason) == (400, "Parameter verification failed.")
    assert reply.json == {"data": None, "errors": wrong, "message": "Parameter verification failed.\n"}
    reply = ask(old.endpoint, "GET", "/api2/json/version?foo=1", token_header(old))
    assert reply.json == {"data": None, "errors": wrong}


def test_extjs(fleet: FleetThread) -> None:
    cluster = newest(fleet)
    reply = ask(cluster.endpoint, "GET", "/api2/extjs/version", token_header(cluster))
    assert reply.json["success"] == 1
    reply = ask(cluster.endpoint, "GET", "/api2/extjs/nonexistent", token_header(cluster))
    text = "Method 'GET /nonexistent' not implemented"
    assert reply.status == 200
    assert reply.json == {"data": None, "success": 0, "status": 501, "message": text}
    body = form(username="root@pam", password="nope1")
    reply = ask(cluster.endpoint, "POST", "/api2/extjs/access/ticket", FORM, body)
    assert reply.values("Connection") == ["close", "Keep-Alive"]
    text = "authentication failure\n"
    assert reply.json == {"data": None, "success": 0, "status": "401", "message": text}


def test_plain_http_is_redirected_since_7_4(fleet: FleetThread) -> None:
    with Wire(newest(fleet).endpoint, context=None) as wire:
        reply = wire.ask("GET", "/api2/json/version?x=1")
        assert (reply.status, reply.reason, reply.body) == (301, "Moved Permanently", b"Moved Permanently")
        assert reply.values("Location") == [f"https://{wire.host}:{wire.port}/api2/json/version?x=1"]
        assert wire.is_closed()
    with Wire(newest(fleet).endpoint, context=None) as wire:
        assert wire.ask("POST", "/", FORM, b"a=b").status == 308
    with Wire(oldest(fleet).endpoint, context=None) as wire, pytest.raises((EOFError, ConnectionResetError)):
        wire.ask("GET", "/api2/json/version")


def test_too_many_headers_cut_the_connection(fleet: FleetThread) -> None:
    many = {f"X-{number}": "y" for number in range(70)}
    with pytest.raises((EOFError, OSError)):
        ask(newest(fleet).endpoint, "GET", "/api2/json/access/domains", many)
    with pytest.raises((EOFError, OSError)):
        ask(newest(fleet).endpoint, "GET", "/api2/json/access/domains", {"X": "y" * 9000})


@pytest.mark.parametrize("version", ["9.2", "7.4"])
@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (b"GET /api2/json/version HTTP/2.0\r\nHost: x\r\n\r\n", 506, "http protocol version 2.0 not supported"),
        (b"NOISE\r\n\r\n", 400, "bad request"),
        (b"GET /api2/json/version HTTP/1.1\r\nno header\r\n\r\n", 506, "unable to parse request header"),
    ],
    ids=["version", "line", "header"],
)
def test_what_is_no_request(fresh_fleet: FleetFactory, version: str, request_: bytes, status: int, reason: str) -> None:
    cluster = fresh_fleet(ClusterOptions("noise", version, nodes=1, guests=0)).clusters[0]
    with Wire(cluster.endpoint) as wire:
        wire.send(request_)
        reply = wire.read()
    assert (reply.status, reply.reason) == (status, reason)
    assert reply.body == (reason.encode() if version == "9.2" else b"")
    assert reply.values("Connection") == ["close"]
    assert reply.values("Server") == ["pve-api-daemon/3.0"]
    assert reply.values("Content-Type") == []


def test_a_line_without_end_gets_no_answer(fleet: FleetThread) -> None:
    with Wire(newest(fleet).endpoint) as wire:
        wire.send(b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n")
        with pytest.raises((EOFError, OSError)):
            wire.read()


def test_form_rules(fleet: FleetThread) -> None:
    cluster = newest(fleet)
    body = b"username=root;realm=pam;password=" + cluster.password.encode()
    assert ask(cluster.endpoint, "POST", "/api2/json/access/ticket", FORM, body).status == 200
    body = b"username=a&username=b&password=x"
    reply = ask(cluster.endpoint, "POST", "/api2/json/access/ticket", FORM, body)
    assert reply.json["errors"] == {"username": "type check ('string') failed - got ARRAY"}


def test_parameters_twice(fleet: FleetThread) -> None:
    cluster = newest(fleet)
    path = "/api2/json/nodes/pve1/version?node=pve2"
    conflict = "duplicate parameter (already defined in URI) with conflicting values!"
    reply = ask(cluster.endpoint, "GET", path, token_header(cluster))
    assert reply.json["errors"] == {"node": conflict}


def test_delays_are_the_simulated_networks(fresh_fleet: FleetFactory) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(round(seconds, 6))

    options = FleetOptions(clusters=1, nodes=1, guests=0, latency_ms=50, sleep=sleep)
    cluster = fresh_fleet(options=options).clusters[0]
    with Wire(cluster.endpoint) as wire:
        assert waited == [0.1]
        wire.ask("GET", "/api2/json/access/domains")
        wire.ask("GET", "/api2/json/access/domains")
        assert waited == [0.1, 0.05, 0.05]
        assert wire.ask("GET", "/api2/json/version").status == 401
        assert waited == [0.1, 0.05, 0.05, 3.0, 0.05]
    login(cluster, username="root@pam", password="wrong")
    assert waited[5:] == [0.1, 3.0, 0.05]


def test_tls_1_2_and_1_3(fleet: FleetThread) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        with Wire(newest(fleet).endpoint, context=context) as wire:
            assert wire.ask("GET", "/api2/json/access/domains").status == 200


def test_what_was_received_is_known(fresh_fleet: FleetFactory) -> None:
    cluster = fresh_fleet(ClusterOptions("log", nodes=2, guests=0)).clusters[0]
    ask(cluster.endpoint_of("pve2"), "GET", "/api2/json/access/domains")
    reply = login(cluster)
    ask(cluster.endpoint, "GET", "/api2/json/version", session_headers(reply.data))
    log = [(entry.node, entry.method, entry.path, entry.credential) for entry in cluster.requests]
    assert log == [
        ("pve2", "GET", "/api2/json/access/domains", False),
        ("pve1", "POST", "/api2/json/access/ticket", True),
        ("pve1", "GET", "/api2/json/version", True),
    ]
    assert (cluster.request_count, cluster.connection_count) == (3, 3)
    assert "cookie" in cluster.requests[2].headers
    cluster.forget_requests()
    assert (cluster.requests, cluster.request_count) == ([], 0)
