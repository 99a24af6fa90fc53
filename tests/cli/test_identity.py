"""Two nodes of one cluster, a copy of it, and certificates that change, with their exit statuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.thread import FleetThread
from tests.cli.conftest import Done, Pxm
from tests.cli.person import Person
from tests.fleet_fixtures import FleetFactory


@pytest.fixture
def lab(fresh_fleet: FleetFactory) -> FleetThread:
    """One cluster of two nodes."""
    return fresh_fleet(ClusterOptions("lab", "9.2", nodes=2, guests=3))


def arguments(lab: FleetThread, name: str, node: int, *more: str) -> list[str]:
    cluster = lab.clusters[0]
    return [
        "register", name, cluster.endpoints[node], "--token-id", cluster.token_id, "--token-secret-stdin",
        "--fingerprint", cluster.fingerprint_of(cluster.nodes[node]), *more,
    ]  # fmt: skip


def register(pxm: Pxm, lab: FleetThread, name: str, node: int, *more: str) -> Done:
    return pxm(*arguments(lab, name, node, *more), stdin=f"{lab.clusters[0].token_secret}\n")


def test_the_authority_is_pinned_and_is_the_identity(pxm: Pxm, lab: FleetThread) -> None:
    trust = register(pxm, lab, "lab", 0, "--json").json["trust"]
    cluster = lab.clusters[0]
    assert trust == {"mode": "pinned_ca", "fingerprint": cluster.fingerprint, "ca_fingerprint": cluster.ca_fingerprint}


def test_a_second_node_is_known_and_the_line_adds_it(pxm: Pxm, lab: FleetThread) -> None:
    first = register(pxm, lab, "lab", 0, "--json").json
    only = lab.clusters[0].endpoints
    if len(first["endpoints"]) > 1:
        assert pxm("edit", "lab", "--remove-endpoint", only[1]).status == 0
    again = register(pxm, lab, "other", 1, "--json")
    assert (again.status, again.json["error"]["code"]) == (4, "already_registered")
    assert f"pxm edit lab --add-endpoint {only[1]}" in again.json["error"]["hint"]
    steps = register(pxm, lab, "other", 1, "--json", "--dry-run")
    assert steps.status == 4
    assert [step["name"] for step in steps.json["steps"] if step["state"] == "failed"] == ["identity"]
    assert pxm("edit", "lab", "--add-endpoint", only[1]).status == 0
    assert [found["url"] for found in pxm("show", "lab", "--json").json["endpoints"]] == only
    same = register(pxm, lab, "other", 1, "--json")
    assert "is an endpoint of" in same.json["error"]["message"]


def test_a_copy_is_registered_separately(pxm: Pxm, lab: FleetThread) -> None:
    assert register(pxm, lab, "lab", 0).status == 0
    assert register(pxm, lab, "copy", 0, "--separate").status == 0
    assert pxm("list", "--json").json["total"] == 2


@pytest.mark.parametrize(
    ("answers", "status", "total"),
    [(["endpoint"], 0, 1), (["what", "separate"], 0, 2), ([""], 4, 1)],
)
def test_a_person_is_asked(
    pxm: Pxm, lab: FleetThread, environment: Path, answers: list[str], status: int, total: int
) -> None:
    assert register(pxm, lab, "lab", 0, "--json").status == 0
    pxm("edit", "lab", "--remove-endpoint", lab.clusters[0].endpoints[1])
    words = [word for word in arguments(lab, "other", 1) if word != "--token-secret-stdin"]
    with Person(*words) as person:
        person.sees("Secret of the token")
        person.types(f"{lab.clusters[0].token_secret}\n")
        person.sees("belongs to lab")
        for answer in answers:
            person.sees("Type endpoint, separate or no: ")
            person.types(f"{answer}\n")
        if answers == ["endpoint"]:
            person.sees("to lab, which logs in there as")
        assert person.ends() == status
    assert pxm("list", "--json").json["total"] == total


def test_a_renewal_is_silent_and_another_authority_stops_everything(pxm: Pxm, lab: FleetThread) -> None:
    cluster = lab.clusters[0]
    assert register(pxm, lab, "lab", 0).status == 0
    cluster.reissue()
    assert pxm("check", "lab").status == 0
    assert pxm("show", "lab", "--json").json["trust"]["fingerprint"] == cluster.fingerprint
    cluster.replace_authority()
    cluster.forget_requests()
    refused = pxm("check", "lab", "--json")
    assert (refused.status, cluster.request_count) == (6, 0)
    assert pxm("edit", "lab", "--fingerprint", cluster.fingerprint).status == 0
    assert pxm("show", "lab", "--json").json["trust"]["ca_fingerprint"] == cluster.ca_fingerprint
    assert pxm("check", "lab").status == 0
