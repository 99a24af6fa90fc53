"""Holds every answer to a GET against what the official schema says is returned.

Return schemas are incomplete, so they are lint: a key that the schema names has the type that it names, and a
key that it calls required is there. The schemas lie beside the repository; without them this is skipped.
"""

import json
from functools import cache
from typing import Any

import pytest

from pxm_tui.simulator.routes import table
from pxm_tui.simulator.schema.facts import RouteFacts, facts_of_release
from tests.fleet_fixtures import FleetFactory
from tests.simulator.api import VERSIONS, Api, start_api
from tests.simulator.recordings import SHARED
from tests.simulator.wire import login, session_headers

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="the official schemas do not lie beside the repository")

QUERIES: dict[str, dict[str, str]] = {
    "/nodes/{node}/qemu/{vmid}/feature": {"feature": "snapshot"},
    "/nodes/{node}/lxc/{vmid}/feature": {"feature": "snapshot"},
}
NOT_ASKED = {
    "vncwebsocket": "a websocket, see test_consoles",
    "rrd": "no picture",
    "exec-status": "needs a process",
    "file-read": "needs a file",
}
PARSED = "the handler gives the property string parsed, as the recorded answers show"
EXCEPTIONS = {
    ("/nodes/{node}/vzdump/defaults", ".fleecing"): PARSED,
    ("/nodes/{node}/vzdump/defaults", ".performance"): PARSED,
}
"""Path and key whose genuine answer is not as the schema says, with the reason."""
NUMBERS = ("integer", "number")


@cache
def returns_of(release: str) -> dict[str, Any]:
    paths = json.loads((SHARED / f"apidoc-{release}.json").read_text())["paths"]
    return {path: methods["GET"].get("returns", {}) for path, methods in paths.items() if "GET" in methods}


def place_of(api: Api, kind: str) -> dict[str, str]:
    """Choose what the placeholders of a path stand for."""
    guest = next(guest for guest in api.cluster.state.guests if guest.kind == kind and guest.status == "running")
    task = api.cluster.state.tasks.finished(guest.node)[0]
    return {
        "node": guest.node,
        "vmid": str(guest.vmid),
        "upid": task.name,
        "userid": "totp@pve",
        "tokenid": "ro",
        "groupid": "ops",
        "roleid": "PVEAuditor",
        "realm": "pve",
        "poolid": "prod",
        "storage": "local",
        "volume": "local:iso/debian-12.9.0-amd64-netinst.iso",
        "service": "pveproxy",
        "iface": "vmbr0",
        "snapname": "current",
    }


def path_of(api: Api, facts: RouteFacts) -> str | None:
    place = place_of(api, "lxc" if "/lxc" in facts.path else "qemu")
    if "{tokenid}" in facts.path:
        place["userid"] = "auditor@pve"
    try:
        return facts.path.format(**place)
    except KeyError:
        return None


def lint(value: Any, schema: Any, where: str) -> list[str]:
    """Say what of a value is not as its schema says."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    if kind == "array" and isinstance(value, list):
        return [problem for item in value for problem in lint(item, schema.get("items") or {}, f"{where}[]")]
    if kind == "object" and isinstance(value, dict):
        found = []
        for name, part in (schema.get("properties") or {}).items():
            if name in value:
                found += lint(value[name], part, f"{where}.{name}")
            elif not part.get("optional"):
                found.append(f"{where}.{name} is missing")
        return found
    return [] if fits(value, kind) else [f"{where} is {value!r}, not {kind}"]


def fits(value: Any, kind: str | None) -> bool:
    """Tell whether a value is of a type, as loosely as Perl takes it."""
    if value is None or kind in {None, "any", "null"}:
        return True
    if kind == "boolean":
        return value in {0, 1, "0", "1", ""}
    if kind in NUMBERS:
        return isinstance(value, int | float) or (isinstance(value, str) and value.replace(".", "", 1).isdigit())
    if kind == "string":
        return isinstance(value, str | int | float)
    return isinstance(value, list if kind == "array" else dict)


@pytest.mark.parametrize("release", VERSIONS)
def test_every_answer_is_as_the_schema_says(
    fresh_fleet: FleetFactory, release: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api = start_api(fresh_fleet, release, guests=24)
    api = api.as_user(session_headers(login(api.cluster).data))  # some paths want a ticket
    problems: dict[str, list[str]] = {}
    asked = 0
    for facts in facts_of_release(release):
        name = facts.path.rpartition("/")[2]
        path = path_of(api, facts)
        if facts.method != "GET" or table.handler_of(facts) is None or name in NOT_ASKED or path is None:
            continue
        query = dict(QUERIES.get(facts.path, {}))
        if "timeframe" in facts.parameters:
            query["timeframe"] = "hour"
        reply = api.ask("GET", path, **query)
        if reply.status != 200:
            assert reply.status == 500, (path, reply.status, reply.reason)
            continue
        asked += 1
        found = lint(reply.data, returns_of(release).get(facts.path, {}), "")
        unexcused = {problem for problem in found if (facts.path, problem.split(" ")[0]) not in EXCEPTIONS}
        if unexcused:
            problems[facts.path] = sorted(unexcused)
    with capsys.disabled():
        print(f"\nanswers of {release} linted against its schema: {asked}, with problems: {len(problems)}")
    assert problems == {}
    assert asked > 60


def test_lint_finds_what_is_wrong() -> None:
    schema = {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "vmid": {"type": "integer"},
                "name": {"type": "string", "optional": 1},
                "on": {"type": "boolean"},
            },
        },
    }
    assert lint([{"vmid": "100", "on": 1}], schema, "") == []
    assert lint([{"vmid": "many", "name": [], "on": "yes"}], schema, "") == [
        "[].vmid is 'many', not integer",
        "[].name is [], not string",
        "[].on is 'yes', not boolean",
    ]
    assert lint([{}], schema, "") == ["[].vmid is missing", "[].on is missing"]
    assert lint({}, schema, "") == [" is {}, not array"]
