"""Asks the simulated cluster what genuine Proxmox code was asked, and compares the answers.

The recordings lie beside the repository, not in it; without them these tests are skipped.
"""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from pxm_tui.simulator.accounts import Token, User
from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.roles import privileges_of_roles
from pxm_tui.simulator.totp import totp
from tests.fleet_fixtures import FleetFactory
from tests.simulator.wire import Reply, Wire, login

RECORDINGS = Path(__file__).resolve().parents[2].parent / "shared" / "proxmox" / "exchanges"
RELEASES = ("9.2", "8.4", "6.4")
NODES = {"9.2": ("pve1", "pve2"), "8.4": ("pve84",), "6.4": ("pve64",)}
NOW = 1_795_386_306.0

PATTERNS = (
    *("ticket-*", "tfa-*", "tfa64-finish*", "tfa64-login", "token-*", "cookie-*", "csrf-*", "noauth*", "post-*csrf"),
    *("post-csrf-of-other-user", "method-*", "ctype-*", "json-bad", "delete-with-body", "unknown-*", "gzip"),
    *("trailing-slash", "double-slash", "params-get-unknown", "forbidden-403", "extjs-*", "no-format", "api-root"),
    *("access-domains", "access-permissions*", "nodes", "node-status", "node-version", "cluster-status"),
    *("cluster-resources*", "node-unknown", "node-invalid", "proxied-get", "proxied-400"),
)
# Other routes than the simulator has, or a state that a replay does not bring about.
LEFT_OUT = {
    "token-not-allowed-endpoint": "second factors are not managed yet",
    "token-post-no-csrf": "groups are not managed yet",
    "token-regen": "PUT is not there yet",
    "token-trailing-space": "the HTTP library strips trailing white space before anybody sees it",
    "tfa-user": "the route is not there yet",
    "tfa-recovery-reused": "needs the one before it",
    "method-not-implemented": "needs CSRF of a ticket; covered by test_transport",
    "delete-with-body": "needs a ticket; covered by test_transport",
}
OPTIONAL = {"tags", "pool", "lock"}
HEADERS_THAT_COUNT = {"connection", "content-type", "location", "server", "cache-control", "pragma"}


@dataclass(frozen=True)
class Recording:
    """One exchange as it was recorded."""

    release: str
    name: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None
    reply: Reply


def names_of(release: str) -> list[str]:
    found = {path.stem for pattern in PATTERNS for path in (RECORDINGS / release).glob(f"{pattern}.txt")}
    return sorted(found - set(LEFT_OUT))


CASES = [(release, name) for release in RELEASES for name in names_of(release)]


def read(release: str, name: str) -> Recording:
    text = (RECORDINGS / release / f"{name}.txt").read_text(errors="replace").replace("\r", "")
    head, _, rest = text.partition("# --- request ---\n")
    asked, _, came = rest.partition("# --- response")
    first, *lines = asked.strip("\n").split("\n")
    method, path, _ = first.split(" ", 2)
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    return Recording(release, name, method, path, headers, body_of(head.split("\n")[1]), reply_of(came))


def body_of(command: str) -> bytes | None:
    """Put the body together as curl did."""
    words = shlex.split(command.removeprefix("# "))
    parts = []
    for flag, value in pairwise(words):
        if flag in {"-d", "--data"}:
            parts.append(value)
        elif flag == "--data-urlencode":
            name, _, content = value.partition("=")
            parts.append(f"{name}={quote(content, safe='')}")
    return "&".join(parts).encode() if parts else None


def reply_of(text: str) -> Reply:
    head, _, body = text.partition("\n")[2].partition("\n\n")
    status_line, *lines = head.split("\n")
    _, status, reason = status_line.split(" ", 2)
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    return Reply(int(status), reason, headers, body.strip("\n").encode())


def prepare(fresh_fleet: FleetFactory, release: str) -> tuple[ManualClock, SimulatedCluster]:
    """Start a cluster with the accounts of the recordings."""
    clock = ManualClock(NOW)
    names = NODES[release]
    options = ClusterOptions(
        "testpve" if len(names) > 1 else names[0],
        release,
        nodes=len(names),
        guests=10,
        standalone=len(names) == 1,
        node_names=names,
        password="testpve-root-1",
    )
    cluster = fresh_fleet(options=FleetOptions(auth_delay=0, clock=clock, cluster_options=(options,))).clusters[0]
    accounts = cluster.state.accounts
    accounts.users["totp@pve"].password = "totp-pve-1"
    accounts.users["vmop@pve"] = User("vmop@pve", password="vmop-pve-1")
    accounts.grant("/vms/100", "user", "vmop@pve", "PVEVMUser")
    cluster.revoke("totp@pve")
    accounts.grant("/", "user", "totp@pve", "PVEAuditor")
    accounts.grant("/", "token", "admin@pve!sep", "PVEAuditor")
    return clock, cluster


def add_tokens(cluster: SimulatedCluster, recording: Recording) -> None:
    """Make the tokens of the recordings, with the secret that the request carries where it is a good one."""
    given = recording.headers.get("Authorization", "").rpartition("=")[2]
    bad = recording.name in {"token-wrong-secret"}
    secret = "another" if bad else given
    tokens = cluster.state.accounts.users["admin@pve"].tokens
    tokens["full"] = Token("full", secret, privsep=False, comment="full, privsep=0")
    tokens["sep"] = Token("sep", secret, comment="privsep, ACL PVEAuditor on /")
    tokens["sepnone"] = Token("sepnone", secret)
    tokens["old"] = Token("old", secret, privsep=False, expire=1_000_000_000)
    if recording.name in {"token-get", "token-list", "token-create-dup"}:
        tokens["tmp"] = Token("tmp", secret, privsep=False, comment="tmp")
    cluster.state.accounts.users["root@pam"].tokens["ci"] = Token("ci", secret, privsep=False)


def freshen(clock: ManualClock, cluster: SimulatedCluster, recording: Recording) -> Recording:
    """Put tickets and codes of this cluster in the place of the recorded ones."""
    tickets = cluster.state.tickets
    headers, body = dict(recording.headers), recording.body
    half = tickets.issue_half("totp@pve", {"totp": True, "recovery": list(range(10))}, clock())

    def fresh(match: re.Match[str]) -> str:
        recorded = unquote(match.group(0))
        user = recorded.split(":")[1]
        if recording.name in {"ticket-garbage", "token-and-cookie-bad", "ticket-tampered"}:
            return match.group(0)
        if user.startswith("!tfa!"):
            return quote(half, safe="")
        if user.startswith("tfa!"):
            return quote(tickets.issue_old_half(user.removeprefix("tfa!"), clock()), safe="")
        age = 7300 if recording.name == "ticket-expired" else 0
        return quote(tickets.issue(user, clock() - age), safe="")

    for name in ("Cookie", "Authorization"):
        if name in headers:
            headers[name] = re.sub(r"PVE(:|%3A)[^;\s]*", fresh, headers[name])
    if recording.name in {"post-csrf-ok", "token-create", "token-create-dup", "tfa64-finish", "tfa64-finish-bad"}:
        user = "totp@pve" if recording.name.startswith("tfa64") else "admin@pve"
        headers["CSRFPreventionToken"] = tickets.issue_csrf(user, clock())
    elif recording.name.startswith(("ctype", "json")):
        headers["CSRFPreventionToken"] = tickets.issue_csrf("admin@pve", clock())
    if body is not None:
        body = freshen_body(clock, cluster, recording, body, half)
        headers.pop("Content-Length", None)
    elif "Content-Length" in headers:
        body = b"-" * int(headers["Content-Length"])
    return Recording(
        recording.release, recording.name, recording.method, recording.path, headers, body, recording.reply
    )


def freshen_body(clock: ManualClock, cluster: SimulatedCluster, recording: Recording, body: bytes, half: str) -> bytes:
    text = body.decode()
    code = totp(cluster.totp_secret, clock())
    if recording.name == "ticket-renew":
        ticket = quote(cluster.state.tickets.issue("admin@pve", clock()), safe="")
        text = re.sub(r"password=.*", f"password={ticket}", text)
    if "tfa-challenge=PVE" in text:
        text = re.sub(r"tfa-challenge=[^&]*", f"tfa-challenge={quote(half, safe='')}", text)
    if recording.name in {"tfa-ok", "tfa64-finish"}:
        text = re.sub(r"(totp:|response=)\d{6}", rf"\g<1>{code}", text)
    if recording.name == "tfa-recovery-ok":
        text = re.sub(r"recovery:[\w-]+", f"recovery:{cluster.credentials.totp_recovery_keys[0]}", text)
    return text.encode()


def shape(value: Any) -> Any:
    """Reduce an answer to what a client relies on: keys, kinds, and single words as they are."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        shapes = {json.dumps(shape(item), sort_keys=True) for item in value}
        return sorted(shapes)
    if isinstance(value, bool) or value is None:
        return value
    return "text" if isinstance(value, str) else "number"


def same_data(name: str) -> Callable[[Any, Any], bool]:
    """Choose how to compare the bodies of one kind of exchange."""
    if name.startswith("cluster-resources"):
        return _same_kinds_of_entries
    if name.startswith(("access-domains", "access-permissions-path", "forbidden", "token-get", "extjs")):
        return lambda came, recorded: bool(_sorted(came) == _sorted(recorded))
    if name == "node-status":
        return lambda came, recorded: bool(_without_firmware(came) == _without_firmware(recorded))
    if name in {"access-permissions", "token-permissions"}:
        return lambda came, recorded: bool(came["data"]["/"] == recorded["data"]["/"])
    if name.startswith("token-list"):
        return lambda came, recorded: bool(
            {entry["tokenid"] for entry in recorded["data"]} <= {entry["tokenid"] for entry in came["data"]}
            and shape(came["data"]) == shape(recorded["data"])
        )
    return lambda came, recorded: bool(shape(came) == shape(recorded))


def _sorted(document: Any) -> Any:
    data = document.get("data")
    if isinstance(data, list):
        entries = ({key: entry[key] for key in sorted(entry) if key != "comment"} for entry in data)
        return sorted(entries, key=str)
    return document


def _without_firmware(document: Any) -> Any:
    """Leave out what only machines with UEFI have."""
    document["data"].get("boot-info", {}).pop("secureboot", None)
    return shape(document)


def _same_kinds_of_entries(came: Any, recorded: Any) -> bool:
    """Compare the keys that entries of one type and status have, where both sides have such."""

    def kinds(document: Any) -> dict[tuple[str, str], set[str]]:
        found: dict[tuple[str, str], set[str]] = {}
        for entry in document["data"]:
            kind = (entry["type"], entry.get("status", ""))
            found.setdefault(kind, set(entry)).intersection_update(set(entry) - OPTIONAL)
        return found

    left, right = kinds(came), kinds(recorded)
    return all(left[kind] == right[kind] for kind in set(left) & set(right)) and bool(set(left) & set(right))


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recorded exchanges do not lie beside the repository")
@pytest.mark.parametrize(("release", "name"), CASES, ids=[f"{release}-{name}" for release, name in CASES])
def test_recorded_exchange(fresh_fleet: FleetFactory, release: str, name: str) -> None:
    clock, cluster = prepare(fresh_fleet, release)
    recording = read(release, name)
    add_tokens(cluster, recording)
    asked = freshen(clock, cluster, recording)
    headers = {key: value for key, value in asked.headers.items() if key != "Host"}
    with Wire(cluster.endpoint) as wire:
        came = wire.ask(asked.method, asked.path, headers, asked.body)
    recorded = recording.reply
    assert came.status == recorded.status
    assert resolver_independent(came.reason) == resolver_independent(recorded.reason)
    assert counted(came) == counted(recorded)
    if "json" in "".join(recorded.values("Content-Type")) and recorded.body:
        assert resolver_independent(str(came.json.get("message"))) == resolver_independent(
            str(recorded.json.get("message"))
        )
        assert came.json.get("errors") == recorded.json.get("errors")
        compare = same_data(name)
        assert compare(came.json, recorded.json), (came.json, recorded.json)
    else:
        assert came.body == recorded.body


def counted(reply: Reply) -> list[tuple[str, str]]:
    return [(name, value) for name, value in reply.headers if name.lower() in HEADERS_THAT_COUNT]


def resolver_independent(text: str) -> str:
    """Leave out how the machine of the recording failed to resolve a name."""
    return re.sub(r"(failed to get address info for: \w+): [^\n]*", r"\1", text)


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recorded exchanges do not lie beside the repository")
@pytest.mark.parametrize("release", RELEASES)
def test_recorded_roles(fresh_fleet: FleetFactory, release: str) -> None:
    _, cluster = prepare(fresh_fleet, release)
    recorded = read(release, "access-roles").reply.data
    expected = {role["roleid"]: set(filter(None, role["privs"].split(","))) for role in recorded if role["special"]}
    assert {name: set(held) for name, held in privileges_of_roles(cluster.state.release).items()} == expected


@pytest.mark.skipif(not RECORDINGS.exists(), reason="the recorded exchanges do not lie beside the repository")
@pytest.mark.parametrize("release", RELEASES)
def test_recorded_capabilities(fresh_fleet: FleetFactory, release: str) -> None:
    _, cluster = prepare(fresh_fleet, release)
    assert login(cluster).data["cap"] == read(release, "ticket-ok-pam").reply.data["cap"]
    auditor = login(cluster, username="auditor@pve", password="auditor-pve-1").data
    assert auditor["cap"] == read(release, "ticket-ok-auditor").reply.data["cap"]
