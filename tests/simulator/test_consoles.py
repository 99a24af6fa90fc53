"""Terminals over a websocket, spoken byte by byte."""

import contextlib
import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from pxm_tui.simulator.shell import Shell
from pxm_tui.simulator.websocket import FrameError, FrameReader, accept_key, frame, unmask
from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import VERSIONS, Api, start_api
from tests.simulator.wire import Reply, Wire, login, session_headers

BINARY, CLOSE, PING, PONG = 2, 8, 9, 10
SERIAL_VM, PLAIN_VM, RUNNING_CT, STOPPED_CT = 107, 100, 102, 108
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Protocol": "binary",
}


def masked(opcode: int, content: bytes, *, first: int = 0x80) -> bytes:
    """Write a frame as a client does."""
    mask = os.urandom(4)
    length = len(content)
    if length < 126:
        size = bytes((0x80 | length,))
    elif length < 65536:
        size = bytes((0x80 | 126,)) + length.to_bytes(2, "big")
    else:
        size = bytes((0x80 | 127,)) + length.to_bytes(8, "big")
    return bytes((first | opcode,)) + size + mask + unmask(content, mask)


@dataclass
class Client:
    """The browser's end of a websocket."""

    wire: Wire

    def send(self, content: bytes, opcode: int = BINARY) -> None:
        self.wire.send(masked(opcode, content))

    def type(self, text: str) -> None:
        data = text.encode()
        self.send(b"0:%d:%s" % (len(data), data))

    def read(self) -> tuple[int, bytes]:
        first, second = self.wire.stream.read(2)
        assert first & 0x80
        assert not second & 0x80
        extended = {126: 2, 127: 8}.get(second, 0)
        length = int.from_bytes(self.wire.stream.read(extended), "big") if extended else second
        return first & 0x0F, self.wire.stream.read(length)

    def read_until(self, end: bytes) -> bytes:
        text = b""
        while not text.endswith(end):
            opcode, content = self.read()
            assert opcode == BINARY
            text += content
        return text


@pytest.fixture
def api(fresh_fleet: FleetFactory) -> Api:
    return start_api(fresh_fleet)


def as_root(api: Api) -> Api:
    return api.as_user(session_headers(login(api.cluster).data))


def upgrade(api: Api, path: str, opened: dict[str, Any], wire: Wire, **changes: object) -> Reply:
    """Ask for the websocket of a console."""
    asked = {"port": opened["port"], "vncticket": opened["ticket"], **changes}
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in asked.items())
    return wire.ask("GET", f"/api2/json{path}/vncwebsocket?{query}", api.headers | UPGRADE)


def handshake(api: Api, path: str, opened: dict[str, Any], wire: Wire) -> Client:
    """Switch to the websocket protocol and log in."""
    target = f"/api2/json{path}/vncwebsocket?port={opened['port']}&vncticket={quote(opened['ticket'], safe='')}"
    lines = {"Host": "localhost", **api.headers, **UPGRADE}
    head = f"GET {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    wire.send(head.encode() + b"\r\n")
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += wire.stream.readline()
    assert received == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: binary\r\n\r\n"
    )
    client = Client(wire)
    client.send(f"{opened['user']}:{opened['ticket']}\n".encode())
    return client


@pytest.mark.parametrize("version", VERSIONS)
def test_a_shell_on_a_node(fresh_fleet: FleetFactory, version: str) -> None:
    api = as_root(start_api(fresh_fleet, version))
    opened = api.post("/nodes/pve1/termproxy")
    assert opened["user"] == "root@pam"
    assert int(opened["port"]) == 5900
    assert opened["upid"].split(":")[5:7] == ["vncshell", ""]
    with Wire(api.cluster.endpoint) as wire:
        client = handshake(api, "/nodes/pve1", opened, wire)
        assert client.read() == (BINARY, b"OK")
        assert client.read_until(b"root@pve1:~# ").startswith(b"Linux pve1 ")
        client.send(b"1:120:40:")
        client.send(b"2")
        client.type("stty size\r")
        assert client.read_until(b"# ") == b"stty size\r\nrows 40; columns 120;\r\nroot@pve1:~# "
        client.type("ech")
        client.type("x\x7fo grüße\r")
        assert client.read_until(b"# ").endswith("\r\ngrüße\r\nroot@pve1:~# ".encode())
        client.send(b"abc", PING)
        assert client.read() == (PONG, b"abc")
        client.type("exit\r")
        client.read_until(b"logout\r\n")
        assert wire.is_closed()
    assert api.wait(opened["upid"]) == "OK"


def test_input_in_pieces_and_rubbish(api: Api) -> None:
    root = as_root(api)
    opened = root.post("/nodes/pve1/termproxy")
    with Wire(api.cluster.endpoint) as wire:
        client = handshake(root, "/nodes/pve1", opened, wire)
        client.read_until(b"# ")
        client.send(b"xyz0:4")
        client.send(b":pw")
        client.send(b"d\r1:80")
        assert client.read_until(b"# ") == b"pwd\r\n/root\r\nroot@pve1:~# "
        client.send(b":25:0:5:stty\r")
        assert b"rows 25; columns 80" in client.read_until(b"# ")


@pytest.mark.parametrize("vmid", [SERIAL_VM, RUNNING_CT])
def test_a_shell_in_a_guest(api: Api, vmid: int) -> None:
    guest = api.guest(vmid)
    opened = api.post(f"{api.path(vmid)}/termproxy")
    assert opened["user"] == "root@pam!fleet"
    assert opened["upid"].split(":")[5:7] == ["vncproxy", str(vmid)]
    assert opened["upid"].split(":")[1] == "pve1"
    with Wire(api.cluster.endpoint) as wire:
        client = handshake(api, api.path(vmid), opened, wire)
        assert client.read() == (BINARY, b"OK")
        client.read_until(f"root@{guest.name}:~# ".encode())
        client.type("hostname\r")
        assert client.read_until(b"# ").split(b"\r\n")[1] == guest.name.encode()
        client.send(b"", CLOSE)
        assert wire.is_closed()


def test_guests_without_a_terminal(api: Api) -> None:
    for vmid, text in ((PLAIN_VM, b"unable to find a serial interface\r\n"), (STOPPED_CT, b"CT 108 not running\r\n")):
        opened = api.post(f"{api.path(vmid)}/termproxy")
        with Wire(api.cluster.endpoint) as wire:
            client = handshake(api, api.path(vmid), opened, wire)
            assert client.read() == (BINARY, b"OK")
            assert client.read() == (BINARY, text)
            assert wire.is_closed()
    reply = api.ask("POST", f"{api.path(PLAIN_VM)}/termproxy", serial="serial1")
    assert (reply.status, reply.reason) == (500, "serial interface 'serial1' is not defined")


def test_a_wrong_login_line_closes_without_a_word(api: Api) -> None:
    opened = api.post(f"{api.path(SERIAL_VM)}/termproxy")
    with Wire(api.cluster.endpoint) as wire:
        handshake(api, api.path(SERIAL_VM), opened | {"user": "root@pam"}, wire)
        assert wire.is_closed()
    assert api.wait(opened["upid"]).startswith("command '/usr/bin/termproxy 5900 --path /vms/107 --perm VM.Console")


def test_tickets_are_bound_and_short_lived(api: Api) -> None:
    opened = api.post(f"{api.path(SERIAL_VM)}/termproxy")
    other = as_root(api)
    for asker, path, changes in (
        (api, api.path(RUNNING_CT), {}),
        (other, api.path(SERIAL_VM), {}),
        (api, api.path(SERIAL_VM), {"vncticket": "PVEVNC:00000000::x"}),
        (api, api.path(SERIAL_VM), {"vncticket": "rubbish"}),
    ):
        with Wire(api.cluster.endpoint) as wire:
            reply = upgrade(asker, path, opened, wire, **changes)
            assert (reply.status, reply.reason) == (401, "permission denied - invalid PVEVNC ticket")
    api.clock.advance(41)
    with Wire(api.cluster.endpoint) as wire:
        assert upgrade(api, api.path(SERIAL_VM), opened, wire).status == 401


def test_who_comes_too_late_or_without_a_websocket(api: Api) -> None:
    opened = api.post(f"{api.path(SERIAL_VM)}/termproxy")
    path = f"{api.path(SERIAL_VM)}/vncwebsocket"
    assert api.get(path, port=5900, vncticket=opened["ticket"]) == {"port": 5900}
    api.clock.advance(11)
    with Wire(api.cluster.endpoint) as wire:
        reply = upgrade(api, api.path(SERIAL_VM), opened, wire)
        assert (reply.status, reply.reason) == (500, "connect to 'localhost:5900' failed: Connection refused")
    assert "failed: exit code 1" in api.wait(opened["upid"])
    assert api.ask("GET", path, port=80, vncticket="x").json["errors"] == {
        "port": "value must have a minimum value of 5900"
    }


def test_ports_are_counted_up_and_used_again(api: Api) -> None:
    ports = [int(api.post("/nodes/pve1/qemu/100/termproxy")["port"]) for _ in range(3)]
    assert ports == [5900, 5901, 5902]
    api.clock.advance(11)
    assert int(api.post("/nodes/pve1/qemu/100/termproxy")["port"]) == 5900


def test_stopping_the_task_ends_the_session(api: Api) -> None:
    opened = api.post(f"{api.path(SERIAL_VM)}/termproxy")
    with Wire(api.cluster.endpoint) as wire:
        client = handshake(api, api.path(SERIAL_VM), opened, wire)
        client.read_until(b"# ")
        assert api.ask("DELETE", f"/nodes/pve1/tasks/{opened['upid']}").status == 200
        assert wire.is_closed()
    assert api.wait(opened["upid"]) == "received interrupt"


@pytest.mark.parametrize(
    "rubbish",
    [
        frame(BINARY, b"without a mask"),
        masked(BINARY, b"a fragment", first=0),
        masked(BINARY, b"compressed", first=0xC0),
        masked(0, b"continued"),
        masked(BINARY, b"x" * (128 * 1024 + 1)),
    ],
    ids=["without a mask", "a fragment", "compressed", "continued", "too long"],
)
def test_frames_that_end_the_connection(api: Api, rubbish: bytes) -> None:
    opened = api.post(f"{api.path(SERIAL_VM)}/termproxy")
    with Wire(api.cluster.endpoint) as wire:
        client = handshake(api, api.path(SERIAL_VM), opened, wire)
        client.read_until(b"# ")
        with contextlib.suppress(OSError):  # the server may hang up before it has all of it
            wire.send(rubbish)
            assert wire.is_closed()


@pytest.mark.parametrize("version", ["8.4", "7.4", "6.4"])
def test_tokens_on_older_releases(fresh_fleet: FleetFactory, version: str) -> None:
    api = start_api(fresh_fleet, version)
    opened = api.post(f"{api.path(SERIAL_VM)}/termproxy")
    with Wire(api.cluster.endpoint) as wire:
        handshake(api, api.path(SERIAL_VM), opened, wire)
        assert wire.is_closed()
    reply = api.ask("POST", "/nodes/pve1/termproxy")
    assert (reply.status, reply.reason) == (500, "value 'root@pam!fleet' does not look like a valid user name")
    admin = login(api.cluster, username="admin@pve", password="admin-pve-1").data
    reply = api.as_user(session_headers(admin)).ask("POST", "/nodes/pve1/termproxy")
    if version == "8.4":
        assert reply.status == 200
    else:
        assert (reply.status, reply.reason) == (403, "Permission check failed (realm pve != pam)")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_screen_greets(fresh_fleet: FleetFactory, version: str) -> None:
    api = start_api(fresh_fleet, version)
    path = api.path(PLAIN_VM)
    opened = api.post(f"{path}/vncproxy", websocket=1)
    assert (opened["user"], opened["port"]) == ("root@pam!fleet", "5900")
    assert opened["cert"] == api.cluster.ca_pem
    assert ("password" in opened) == (version == "9.2")
    target = f"/api2/json{path}/vncwebsocket?port=5900&vncticket={quote(opened['ticket'], safe='')}"
    lines = {"Host": "localhost", **api.headers, **UPGRADE}
    head = f"GET {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with Wire(api.cluster.endpoint) as wire:
        wire.send(head.encode() + b"\r\n")
        while wire.stream.readline() != b"\r\n":
            pass
        client = Client(wire)
        assert client.read() == (BINARY, b"RFB 003.008\n")
        client.send(b"", CLOSE)
        assert wire.is_closed()
    assert api.wait(opened["upid"]) == "OK"


def test_others_than_root_log_in(api: Api) -> None:
    opened = api.post("/nodes/pve1/termproxy")
    with Wire(api.cluster.endpoint) as wire:
        client = handshake(api, "/nodes/pve1", opened, wire)
        client.read_until(b"login: ")
        client.type("root\r")
        client.read_until(b"Password: ")
        client.type("wrong\r")
        assert b"Login incorrect" in client.read_until(b"login: ")
        client.type("root\r")
        client.read_until(b"Password: ")
        client.type(api.cluster.password + "\r")
        assert api.cluster.password.encode() not in client.read_until(b"root@pve1:~# ")
    reply = api.ask("POST", "/nodes/pve1/termproxy", cmd="upgrade")
    assert reply.reason == "Permission check failed (user != root@pam)"


def test_frames_come_in_pieces() -> None:
    reader = FrameReader()
    content = os.urandom(70_000)
    data = masked(BINARY, b"") + masked(BINARY, b"x" * 200) + masked(BINARY, content)
    found = [found for start in range(0, len(data), 999) for found in reader.feed(data[start : start + 999])]
    assert found == [(BINARY, b""), (BINARY, b"x" * 200), (BINARY, content)]
    with pytest.raises(FrameError):
        FrameReader().feed(frame(BINARY, b""))


def test_the_key_of_the_standard() -> None:
    assert accept_key(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_frames_of_every_length() -> None:
    for length in (0, 125, 126, 65535, 65536):
        written = frame(BINARY, b"x" * length)
        assert written.endswith(b"x" * length)
        assert len(written) - length == {0: 2, 125: 2, 126: 4, 65535: 4, 65536: 10}[length]


def test_keys_of_a_keyboard() -> None:
    written: list[bytes] = []
    shell = Shell("here", written.append, uptime=90061)
    shell.receive("\x1b[A\x1b[1;5Cno\x03uptime\r\nnonsense a\r\x0cls\x04\x7f\x7f\x04never seen\r")
    text = b"".join(written).decode()
    assert "up 1 days, 25:01" not in text
    assert "up 1 days, 1:01" in text
    assert "no^C\r\n" in text
    assert "-bash: nonsense: command not found" in text
    assert shell.ended
    assert "never" not in text
