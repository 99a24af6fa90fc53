"""Asks the simulated cluster every GET that genuine Proxmox code was asked and compares the shape of the answers.

What is compared: the status; of an error its reason phrase and the `errors`; of data the keys and JSON types of
each kind of object. The recordings lie beside the repository; without them these tests are skipped.
"""

import re
from typing import Any
from urllib.parse import quote, unquote

import pytest

from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.routes import table
from tests.fleet_fixtures import FleetFactory
from tests.simulator.recordings import ANSWERS, RELEASES, RecordedAnswer, Tally, add_tokens, prepare, recorded_answers
from tests.simulator.shapes import differences
from tests.simulator.wire import Reply, ask, token_header

pytestmark = pytest.mark.skipif(not ANSWERS.exists(), reason="the recorded answers do not lie beside the repository")

OPTIONS = "which options there are depends on what somebody set"
MACHINE = "the recording machine's"
OPTIONAL: dict[str, tuple[set[str], str]] = {
    "/access/users": ({"firstname", "lastname", "email", "comment", "keys"}, "texts that somebody filled in"),
    "/cluster/resources": ({"tags", "pool", "lock", "hastate"}, "only where there are any"),
    "/cluster/tasks": ({"tokenid"}, "only of tasks that a token started"),
    "/nodes/{node}/tasks": ({"tokenid"}, "only of tasks that a token started"),
    "/nodes/{node}/disks/list": (
        {"by_id_link", "~wearout"},
        f"{MACHINE} disks are virtio: no link, and N/A for the wear of which others tell percents",
    ),
    "/nodes/{node}/dns": ({"search"}, "only where a domain is set"),
    "/nodes/{node}/network": ({"active"}, "only of an interface that is up"),
    "/nodes/{node}/services/{service}/state": ({"active-state", "unit-state"}, f"{MACHINE} systemd does not run"),
    "/nodes/{node}/status": ({"secureboot"}, f"{MACHINE} firmware is a BIOS"),
    "/nodes/{node}/lxc": ({"tags"}, "only where there are any"),
    "/nodes/{node}/qemu": ({"tags"}, "only where there are any"),
    "/nodes/{node}/qemu/{vmid}/config": ({"*"}, OPTIONS),
    "/nodes/{node}/lxc/{vmid}/config": ({"*"}, OPTIONS),
    "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/config": ({"*"}, OPTIONS),
    "/nodes/{node}/lxc/{vmid}/status/current": ({"tags"}, "only where there are any"),
    "/nodes/{node}/qemu/{vmid}/status/current": (
        {"tags", "balloon", "nics", "blockstat", "diskread", "diskwrite"}
        | {"proxmox-support", "running-machine", "running-qemu"},
        "the recorded machine has no balloon and no card, and on 9.2 no monitor that answers",
    ),
}
"""Keys that may be there or not in the answers of a route, with the reason; `*` stands for all keys."""

ACCIDENTS = {
    "RRD error: realpath": "the recording machine had no round robin database",
    "can't use storage 'local' for backups": "the recording machine's storage takes no backups",
}
"""How the reasons of answers begin that tell of the recording machine alone, and what they tell."""


def translate(cluster: SimulatedCluster, answer: RecordedAnswer) -> str:
    """Put our task in the place of the recorded one in a path."""
    if "UPID" not in answer.path:
        return answer.path
    task = cluster.state.tasks.finished(cluster.nodes[0])[0]
    return re.sub(r"UPID[^/]*", quote(task.name, safe=":@!"), answer.path)


def run_a_task_of_a_token(clock: ManualClock, cluster: SimulatedCluster) -> None:
    """Stop a guest that stands still as a token, so that the newest task is one of a token's."""
    path = f"/api2/json/nodes/{cluster.nodes[0]}/qemu/101/status/stop"
    assert ask(cluster.endpoint, "POST", path, token_header(cluster)).status == 200
    clock.advance(60)


def compare(answer: RecordedAnswer, reply: Reply) -> str | None:
    """Say how our answer differs from the recorded one; None where it does not."""
    if reply.status != answer.status:
        return f"{reply.status} {reply.reason} instead of {answer.status} {answer.reason}"
    if answer.status != 200:
        if reply.reason != answer.reason:
            return f"{reply.reason} instead of {answer.reason}"
        ours, theirs = reply.json.get("errors"), (answer.document or {}).get("errors")
        return None if ours == theirs else f"{ours} instead of {theirs}"
    found = differences(reply.data, data_of(answer), OPTIONAL.get(answer.route, (set(), ""))[0])
    return "; ".join(found) or None


def data_of(answer: RecordedAnswer) -> Any:
    return answer.document["data"]


def is_served(cluster: SimulatedCluster, path: str) -> bool:
    parts = [unquote(part) for part in path.partition("?")[0].split("/") if part]
    found = table.find(cluster.state.release, "GET", parts)
    return found is not None and table.handler_of(found[0]) is not None


@pytest.mark.parametrize("release", RELEASES)
def test_recorded_answers(fresh_fleet: FleetFactory, release: str, capsys: pytest.CaptureFixture[str]) -> None:
    clock, cluster = prepare(fresh_fleet, release)
    add_tokens(cluster, "secret")
    run_a_task_of_a_token(clock, cluster)
    tally = Tally()
    for answer in recorded_answers(release):
        path = translate(cluster, answer)
        if not is_served(cluster, path):
            tally.left_out[answer.path] = "the route is not simulated"
            continue
        accident = next((why for begin, why in ACCIDENTS.items() if answer.reason.startswith(begin)), None)
        if accident is not None:
            tally.left_out[answer.path] = accident
            continue
        problem = compare(answer, ask(cluster.endpoint, "GET", f"/api2/json{path}", token_header(cluster)))
        if problem is None:
            tally.equal.append(answer.path)
        else:
            tally.different[answer.path] = problem
    with capsys.disabled():
        print("\n" + tally.report(f"answers of {release}"))
    assert tally.compared > 50
    assert tally.share >= 0.95
