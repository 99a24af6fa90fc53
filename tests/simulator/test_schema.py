"""The facts of the schema, and validation by them."""

import json
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.simulator.releases import RELEASES
from pxm_tui.simulator.routes import table
from pxm_tui.simulator.schema.facts import FACTS, Parameter, RouteFacts, facts_of_release, python_pattern
from pxm_tui.simulator.schema.validation import MISSING, UNKNOWN, Errors, check, check_value
from tests.simulator import reduce_schema

SCHEMAS = Path(__file__).resolve().parents[2].parent / "shared" / "proxmox"
NINE, EIGHT, SIX = RELEASES["9.2"], RELEASES["8.4"], RELEASES["6.4"]


def facts(method: str, path: str, release: str = "9.2") -> RouteFacts:
    return next(entry for entry in facts_of_release(release) if (entry.method, entry.path) == (method, path))


def problem(value: object, release: str = "9.2", **described: Any) -> str | None:
    errors = Errors()
    check_value(value, Parameter.from_facts(described), "it", errors, RELEASES[release])
    return errors.get("it")


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the official schemas do not lie beside the repository")
def test_the_facts_are_those_of_the_official_schemas() -> None:
    assert FACTS.read_text(encoding="utf-8") == reduce_schema.render(reduce_schema.reduce_all(SCHEMAS))


def test_the_facts_hold_no_texts() -> None:
    document = json.loads(FACTS.read_text(encoding="utf-8"))
    assert "pve-docs" in document["source"]
    allowed = {*reduce_schema.KEPT, "format", "items"}

    def look(parameter: dict[str, Any]) -> None:
        assert set(parameter) <= allowed
        for part in parameter["format"].values() if isinstance(parameter.get("format"), dict) else ():
            look(part)

    for parameter in document["parameters"]:
        look(parameter)


@pytest.mark.parametrize(("release", "count"), [("6.4", 505), ("7.4", 541), ("8.4", 606), ("9.2", 676)])
def test_every_route_of_every_release_is_known(release: str, count: int) -> None:
    everything = facts_of_release(release)
    assert len(everything) == count  # all of the schema, and the root
    for entry in everything:
        assert all(isinstance(parameter, Parameter) for parameter in entry.parameters.values())


def test_every_simulated_route_is_one_of_the_schema() -> None:
    known = {(entry.method, entry.path) for release in RELEASES for entry in facts_of_release(release)}
    assert {(route.method, route.path) for route in table.ROUTES} <= known
    assert len({(route.method, route.path) for route in table.ROUTES}) == len(table.ROUTES)


def test_a_pattern_of_perl() -> None:
    assert python_pattern(r"(?^:[A-Za-z][A-Za-z0-9\.\-_]+)").fullmatch("Tui-1")
    assert python_pattern(r"(?^i:[a-z]+)").fullmatch("ABC")
    assert python_pattern(r"(?^u:ü)").fullmatch("ü")


@pytest.mark.parametrize(
    ("value", "described", "expected"),
    [
        ("1", {"type": "boolean"}, None),
        (True, {"type": "boolean"}, None),
        ("true", {"type": "boolean"}, "type check ('boolean') failed - got 'true'"),
        ("+5", {"type": "integer"}, None),
        ("abc", {"type": "integer"}, "type check ('integer') failed - got 'abc'"),
        ("1.5", {"type": "integer"}, "type check ('integer') failed - got '1.5'"),
        (["1", "2"], {"type": "integer"}, "type check ('integer') failed - got ARRAY"),
        ({"a": 1}, {}, "type check ('string') failed - got HASH"),
        (True, {"type": "integer"}, "type check ('integer') failed - got JSON::PP::Boolean"),
        ("1.5e3", {"type": "number"}, None),
        ("five", {"type": "number"}, "type check ('number') failed - got 'five'"),
        ("99", {"type": "integer", "minimum": 100}, "value must have a minimum value of 100"),
        ("-1", {"type": "integer", "minimum": "0"}, "value must have a minimum value of 0"),
        ("5", {"type": "integer", "minimum": "0"}, None),
        ("0.25", {"type": "number", "minimum": 0.5}, "value must have a minimum value of 0.5"),
        (
            "9999999999",
            {"type": "integer", "maximum": 999_999_999},
            "value must have a maximum value of 999999999",
        ),
        ("x" * 41, {"maxLength": 40}, "value may only be 40 characters long"),
        ("short", {"minLength": 8}, "value must be at least 8 characters long"),
        ("no!", {"pattern": "(?^:[a-z]+)"}, "value does not match the regex pattern"),
        ("c", {"enum": ["a", "b"]}, "value 'c' does not have a value in the enumeration 'a, b'"),
        ("5", {"type": "array", "items": {"type": "integer"}}, None),
        ("5", {"type": "any"}, None),
    ],
)
def test_one_value(value: object, described: dict[str, Any], expected: str | None) -> None:
    assert problem(value, **described) == expected


def test_a_single_value_is_no_array_before_8() -> None:
    assert problem("5", "7.4", type="array", items={"type": "integer"}) == "type check ('array') failed"
    assert problem("x", "8.4", type="array", items={"type": "integer"}) is None
    errors = Errors()
    check_value(["1", "x"], Parameter.from_facts({"type": "array", "items": {"type": "integer"}}), "it", errors, NINE)
    assert errors == {"it[1]": "type check ('integer') failed - got 'x'"}


@pytest.mark.parametrize(
    ("form", "good", "bad", "told"),
    [
        ("pve-node", "pve-1", "pve_1", "value does not look like a valid node name\n"),
        ("pve-vmid", "100", "099", "value does not look like a valid VM ID\n"),
        ("pve-configid", "Tui_1", "1", "invalid configuration ID '1'\n"),
        ("pve-storage-id", "local-lvm", "-x", "storage ID '-x' contains illegal characters\n"),
        ("pve-userid", "me@pve", "bad", "value 'bad' does not look like a valid user name\n"),
        ("pve-userid", "me@pve", "x", "user name 'x' is too short\n"),
        ("pve-userid", "me@pve", "x" * 61 + "@pve", f"user name '{'x' * 61}@pve' is too long (65 > 64)\n"),
        ("pve-tokenid-list", "me@pve!tui,me@pve!b2", "me@pve", "value 'me@pve' does not look like a valid token ID\n"),
        ("pve-realm", "corp", "1corp", "value does not look like a valid realm\n"),
        ("pve-groupid", "ops", "a b", "group name 'a b' contains invalid characters\n"),
        ("pve-roleid-list", "A;B C", "A,B!", "role name 'B!' contains invalid characters\n"),
        ("pve-priv-list", "VM.Audit,Sys.Audit", "VM.Audit,VM.Fly", "invalid privilege 'VM.Fly'\n"),
        ("email-opt", "", "me", "value does not look like a valid email address\n"),
        ("pve-volume-id", "local:iso/x.iso", "x", "unable to parse volume ID 'x'\n"),
        ("pve-storage-content", "iso", "films", "invalid content type 'films'\n"),
        ("pve-task-status-type-list", "ok,Error", "odd", "invalid status 'odd'\n"),
        ("ip", "::1", "1.2.3", "value does not look like a valid IP address\n"),
        ("ipv4", "1.2.3.4", "::1", "value does not look like a valid IPv4 address\n"),
        ("CIDR", "10.0.0.0/8", "10.0.0.0", "value does not look like a valid CIDR network\n"),
        (
            "mac-addr",
            "BC:24:11:00:00:01",
            "BD:24:11:00:00:01",
            "value does not look like a valid unicast MAC address\n",
        ),
        ("dns-name", "a.b-c", "a..b", "value does not look like a valid DNS name\n"),
        ("address", "pve.lab", "a b", "value does not look like a valid address\n"),
    ],
)
def test_formats(form: str, good: str, bad: str, told: str) -> None:
    assert problem(good, format=form) is None
    assert problem(bad, format=form) == f"invalid format - {told}"


def test_what_a_release_knows_decides() -> None:
    assert problem("VM.Monitor", "8.4", format="pve-priv") is None
    assert problem("VM.Monitor", "9.2", format="pve-priv") == "invalid format - invalid privilege 'VM.Monitor'\n"
    assert problem("x", "9.2", format="pve-storage-id") == (
        "invalid format - storage ID 'x' cannot be shorter than 2 characters\n"
    )
    assert problem("x", "8.4", format="pve-storage-id") == (
        "invalid format - storage ID 'x' contains illegal characters\n"
    )
    assert problem("whatever", format="a-format-of-something-else") is None


def test_property_strings() -> None:
    known = facts("PUT", "/nodes/{node}/qemu/{vmid}/config")
    place = {"node": "pve1", "vmid": "100"}

    def told(text: str) -> str | None:
        return check({**place, "net0": text}, known, NINE).get("net0")

    assert told("virtio,bridge=vmbr0") is None
    assert told("virtio=BC:24:11:00:00:01,bridge=vmbr0") is None
    assert told("model=virtio,,firewall=1") is None
    assert told("virtio,bridge") == "invalid format - duplicate key in comma-separated list property: model\n"
    assert told("virtio,wheel=1") == "invalid format - invalid comma-separated list property: wheel\n"
    assert told("firewall=maybe") == (
        f"invalid format - format error\nnet0.model: {MISSING}\n"
        "net0.firewall: type check ('boolean') failed - got 'maybe'\n"
    )
    no_default = Parameter.from_facts({"format": {"size": {"optional": 1}}})
    errors = Errors()
    check_value("big", no_default, "it", errors, NINE)
    assert errors == {"it": "invalid format - value without key, but schema does not define a default key\n"}


def test_all_that_is_wrong_with_a_request() -> None:
    known = facts("GET", "/nodes/{node}/rrddata")
    found = check({"node": "a_b", "cf": "MEDIAN", "bogus": "1"}, known, NINE)
    assert found == {
        "node": "invalid format - value does not look like a valid node name\n",
        "timeframe": MISSING,
        "cf": "value 'MEDIAN' does not have a value in the enumeration 'AVERAGE, MAX'",
        "bogus": UNKNOWN,
    }
    login = {"username": "me@pve", "password": "x"}
    needs = check({**login, "path": "/vms"}, facts("POST", "/access/ticket"), NINE)
    assert needs == {"privs": "missing property required by 'path'"}
    old = check({**login, "new-format": "1"}, facts("POST", "/access/ticket", "6.4"), SIX)
    assert old == {"new-format": UNKNOWN}


def test_two_problems_of_one_parameter_are_joined() -> None:
    errors = Errors()
    errors.add("a", "one")
    errors.add("a", "two")
    assert errors == {"a": "one\\ntwo"}


def test_numbered_parameters() -> None:
    known = facts("PUT", "/nodes/{node}/qemu/{vmid}/config")
    assert known.parameter("net31") is known.parameter("net0") is not None
    assert known.parameter("net32") is known.parameter("net00") is known.parameter("wheel1") is None
    assert known.parameter("net") is None
    assert known.parameter("memory") is not None


def test_a_route_is_found_by_release() -> None:
    assert table.find(NINE, "GET", ["cluster", "ha", "rules"]) is not None
    assert table.find(EIGHT, "GET", ["cluster", "ha", "rules"]) is None
    assert table.find(SIX, "POST", ["access", "tfa"]) is not None
    assert table.find(EIGHT, "POST", ["access", "tfa"]) is None
    found = table.find(NINE, "GET", ["nodes", "pve1", "storage", "local", "content", "local:iso", "x.iso"])
    assert found is not None
    assert found[1] == {"node": "pve1", "storage": "local", "volume": "local:iso/x.iso"}
    assert table.find(NINE, "GET", ["nodes", "pve1", "wheels"]) is None
