"""Asks the simulated cluster what genuine Proxmox code was asked, and compares the answers.

The recordings lie beside the repository, not in it; without them these tests are skipped. What they prove
without it stands in `test_facts.py`.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.guest_details import details_of
from pxm_tui.simulator.inventory import GIB, Guest
from pxm_tui.simulator.releases import RELEASES as KNOWN
from pxm_tui.simulator.roles import privileges_of_roles
from pxm_tui.simulator.routes import table
from pxm_tui.simulator.tasks import Task, Work
from pxm_tui.simulator.volumes import Volume
from tests.fleet_fixtures import FleetFactory
from tests.simulator.recordings import RECORDINGS, RELEASES, Tally, prepare
from tests.simulator.replaying import NO_REPLY, Recording, freshen, give_tokens, read
from tests.simulator.shapes import differences
from tests.simulator.wire import Reply, Wire, login, unverified

pytestmark = pytest.mark.skipif(
    not RECORDINGS.exists(), reason="the recorded exchanges do not lie beside the repository"
)

# What a replay does not bring about.
LEFT_OUT = {
    "token-trailing-space": "the HTTP library strips trailing white space before anybody sees it",
    "qemu-termproxy": "the recording machine has no termproxy; see test_terminal",
    "qemu-vncwebsocket": "needs the ticket of a console that runs; see test_terminal",
    "tfa-user": "the recorded answer is an accident of the stand-in for second factors (500 in User.pm)",
}
NOT_SIMULATED = "the route is not simulated"
HEADERS_THAT_COUNT = {"connection", "content-type", "location", "server", "cache-control", "pragma"}
OPTIONAL: dict[str, set[str]] = {
    "cluster-resources": {"tags", "pool", "lock", "hastate"},
    "noquorum-resources": {"tags", "pool", "lock", "hastate"},
    "node-status": {"secureboot"},
    "node-dns": {"search"},
    "node-network": {"active"},
    "access-users": {"firstname", "lastname", "email", "comment", "keys"},
    "cluster-tasks": {"tokenid"},
    "task-list": {"tokenid"},
    "proxied-list": {"tags", "pid", "lock", "template"},
    "node-qemu": {"tags", "pid", "lock", "template", "diskread", "diskwrite"},
    "vm-list-running": {"tags", "pid", "lock", "template", "diskread", "diskwrite"},
    "vm-status": {"agent", "tags", "balloon", "nics", "blockstat", "diskread", "diskwrite"}
    | {"proxmox-support", "running-machine", "running-qemu"},
    "qemu-config": {"*"},
    "lxc-config": {"*"},
}
"""Keys that may be there or not, by the beginning of an exchange's name; the reasons stand in test_answers."""

EXACT = ("access-domains", "access-permissions-path", "forbidden", "token-get", "extjs", "delete")
"""Exchanges whose answers are the same to the last letter."""


def names_of(release: str) -> list[str]:
    found = {path.stem for path in (RECORDINGS / release).glob("*.txt")}
    return sorted(found - set(LEFT_OUT))


def is_served(recording: Recording) -> bool:
    """Tell whether the simulator has the route; what is none in any release counts as one that it has."""
    parts = [unquote(part) for part in recording.path.partition("?")[0].split("/") if part]
    found = table.find(KNOWN[recording.release], recording.method, parts[2:])
    return found is None or table.handler_of(found[0]) is not None


RECORDED = [read(release, name) for release in RELEASES for name in names_of(release)] if RECORDINGS.exists() else []
CASES = [recording for recording in RECORDED if is_served(recording)]

Setup = Callable[[ManualClock, SimulatedCluster], None]


def _lose_quorum(_clock: ManualClock, cluster: SimulatedCluster) -> None:
    cluster.lose_quorum()
    cluster.stop_listening(cluster.nodes[-1])


def _stop_the_peer(_clock: ManualClock, cluster: SimulatedCluster) -> None:
    cluster.stop_listening(cluster.nodes[-1])


def _wall_the_peer_in(_clock: ManualClock, cluster: SimulatedCluster) -> None:
    cluster.lose_quorum()
    cluster.drop_packets(cluster.nodes[-1])


def _use_a_recovery_key(_clock: ManualClock, cluster: SimulatedCluster) -> None:
    keys = cluster.state.accounts.users["totp@pve"].recovery_keys
    assert keys is not None
    del keys[0]


def _add_group(_clock: ManualClock, cluster: SimulatedCluster) -> None:
    cluster.state.accounts.groups["g1"] = "grüße & co"


def _add_volume(clock: ManualClock, cluster: SimulatedCluster) -> None:
    node = cluster.nodes[0]
    cluster.state.volumes.append(Volume("local", node, "local:iso/up1.iso", "iso", "raw", 100352, int(clock()) - 60))


def _add_machine(status: str) -> Setup:
    def add(clock: ManualClock, cluster: SimulatedCluster) -> None:
        guest = Guest("qemu", 120, "late", cluster.nodes[0], status, 1, GIB, GIB, phase=0.5, load=0.1)
        guest.started_at = None if status == "stopped" else clock() - 60
        guest.quiet_since = clock() - 30 if status == "paused" else None
        cluster.state.add_guest(guest)

    return add


def _hold_the_lock(clock: ManualClock, cluster: SimulatedCluster) -> None:
    _add_machine("running")(clock, cluster)
    guest = cluster.state.guest(120)
    assert guest is not None
    guest.holder = "somebody else"


def _take_the_agent_away(clock: ManualClock, cluster: SimulatedCluster) -> None:
    _add_machine("running")(clock, cluster)
    guest = cluster.state.guest(120)
    assert guest is not None
    details_of(guest).options.pop("agent", None)


def _run_tasks(clock: ManualClock, cluster: SimulatedCluster) -> None:
    """Let one task of a guest be over and another one run."""
    state = cluster.state
    for kind, seconds in (("qmstart", 1.0), ("qmshutdown", 1000.0)):

        def work(_task: Task, seconds: float = seconds) -> Work:
            yield seconds

        node = state.nodes[cluster.nodes[0]]
        state.tasks.start(node, work, clock(), kind=kind, subject=120, authid="root@pam!ci")
    clock.advance(30)


SETUPS: dict[str, Setup] = {
    "noquorum": _lose_quorum,
    "noquorum-dead-node-timeout": _wall_the_peer_in,
    "peer-proxy-down": _stop_the_peer,
    "tfa-recovery-reused": _use_a_recovery_key,
    "groups-list": _add_group,
    "volume": _add_volume,
    "vm-status-paused": _add_machine("paused"),
    "vm-lock-conflict": _hold_the_lock,
    "vm-monitor": _take_the_agent_away,
    "task-list-filter": _run_tasks,
    "task-running-list": _run_tasks,
    "vm-delete": _add_machine("stopped"),
    "vm-start": _add_machine("stopped"),
    "vm-missing": lambda _clock, _cluster: None,
    "vm-": _add_machine("running"),
    "vm-delete-running": _add_machine("running"),
}
"""What has to be so before an exchange, by the beginning of its name; the longest that fits counts."""


def chosen(table_of: dict[str, Any], name: str) -> Any:
    fitting = [start for start in table_of if name.startswith(start)]
    return table_of[max(fitting, key=len)] if fitting else None


def ask_again(fresh_fleet: FleetFactory, recording: Recording) -> Reply:
    """Bring about what was so when an exchange was recorded, and ask."""
    clock, cluster = prepare(fresh_fleet, recording.release)
    setup = chosen(SETUPS, recording.name)
    if setup is not None:
        setup(clock, cluster)
    give_tokens(cluster, recording)
    asked = freshen(clock, cluster, recording)
    headers = {key: value for key, value in asked.headers.items() if key != "Host"}
    with Wire(cluster.endpoint, None if recording.name == "plain-http" else unverified()) as wire:
        try:
            return wire.ask(asked.method, asked.path, headers, asked.body)
        except (EOFError, ConnectionResetError):
            return NO_REPLY


@pytest.mark.parametrize("recording", CASES, ids=[f"{case.release}-{case.name}" for case in CASES])
def test_recorded_exchange(fresh_fleet: FleetFactory, recording: Recording) -> None:
    came, recorded = ask_again(fresh_fleet, recording), recording.reply
    assert (came.status, independent(came.reason)) == (recorded.status, independent(recorded.reason))
    assert counted(came) == counted(recorded)
    if "json" not in "".join(recorded.values("Content-Type")) or not recorded.body:
        assert (
            last_line(came) == last_line(recorded)
            if recording.name == "task-log-download"
            else came.body == recorded.body
        )
        return
    assert independent(str(came.json.get("message"))) == independent(str(recorded.json.get("message")))
    assert came.json.get("errors") == recorded.json.get("errors")
    if recording.name.startswith(EXACT):
        assert in_order(came.json) == in_order(recorded.json)
    else:
        assert differences(came.json, recorded.json, chosen(OPTIONAL, recording.name) or set()) == []


def last_line(reply: Reply) -> bytes:
    """Give the last line of a task's log; what else it says is another story."""
    return reply.body.strip().splitlines()[-1]


def counted(reply: Reply) -> list[tuple[str, str]]:
    port = re.compile(r"(https://)[^/]+")
    return [(name, port.sub(r"\1", value)) for name, value in reply.headers if name.lower() in HEADERS_THAT_COUNT]


def independent(text: str) -> str:
    """Leave out how the machine of the recording failed to resolve a name, and numbers of its processes."""
    text = re.sub(r"(failed to get address info for: \w+): [^\n]*", r"\1", text)
    return re.sub(r"\.tmp\.\d+", ".tmp", text)


def in_order(document: Any) -> Any:
    data = document.get("data")
    if isinstance(data, list):
        entries = ({key: entry[key] for key in sorted(entry) if key != "comment"} for entry in data)
        return sorted(entries, key=str)
    if isinstance(data, str):
        return re.sub(r"[0-9A-F]{8}", "number", data)
    return document


def test_how_much_is_compared(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally(equal=[f"{case.release}-{case.name}" for case in CASES])
    compared = set(map(id, CASES))
    tally.left_out = {f"{case.release}-{case.name}": NOT_SIMULATED for case in RECORDED if id(case) not in compared}
    for release in RELEASES:
        present = {path.stem for path in (RECORDINGS / release).glob("*.txt")}
        tally.left_out |= {f"{release}-{name}": reason for name, reason in LEFT_OUT.items() if name in present}
    with capsys.disabled():
        print("\n" + tally.report("recorded exchanges (all that are compared must be equal)"))
    total = tally.compared + len(tally.left_out)
    assert total == sum(len(list((RECORDINGS / release).glob("*.txt"))) for release in RELEASES)
    assert tally.compared >= 0.95 * total


@pytest.mark.parametrize("release", RELEASES)
def test_recorded_roles(fresh_fleet: FleetFactory, release: str) -> None:
    _, cluster = prepare(fresh_fleet, release)
    recorded = read(release, "access-roles").reply.data
    expected = {role["roleid"]: set(filter(None, role["privs"].split(","))) for role in recorded if role["special"]}
    assert {name: set(held) for name, held in privileges_of_roles(cluster.state.release).items()} == expected


@pytest.mark.parametrize("release", RELEASES)
def test_recorded_capabilities(fresh_fleet: FleetFactory, release: str) -> None:
    _, cluster = prepare(fresh_fleet, release)
    assert login(cluster).data["cap"] == read(release, "ticket-ok-pam").reply.data["cap"]
    auditor = login(cluster, username="auditor@pve", password="auditor-pve-1").data
    assert auditor["cap"] == read(release, "ticket-ok-auditor").reply.data["cap"]
