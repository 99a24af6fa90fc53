"""What the nodes run, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pxm_tui.domain.cluster import Limit, Login, LoginMethod
from pxm_tui.domain.observation import Node
from pxm_tui.domain.software import ClusterSoftware, NodeSoftware, unseen
from tests.fakes import TOP_PATHS, cluster

NEW = ("9.2.11", "6.17.2-1-pve")
OLD = ("9.2.6", "6.14.11-4-pve")
PROD = cluster("fra-prod-1")


def runs(node: str, what: tuple[str, str] = NEW) -> NodeSoftware:
    return NodeSoftware(node, *what)


def hidden(node: str) -> NodeSoftware:
    return NodeSoftware(node, missing=Limit("Sys.Audit", f"/nodes/{node}"))


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([runs("pve1")], "pve-manager 9.2.11, kernel 6.17.2-1-pve on pve1"),
        ([runs(f"pve{n}") for n in range(1, 6)], "pve-manager 9.2.11, kernel 6.17.2-1-pve on all 5 nodes"),
        (
            [runs("pve1"), runs("pve2"), runs("pve3", OLD)],
            "mixed: pve-manager 9.2.11 on pve1 and pve2, 9.2.6 on pve3; "
            "kernel 6.17.2-1-pve on pve1 and pve2, 6.14.11-4-pve on pve3",
        ),
        (
            [*(runs(f"pve{n}", OLD) for n in range(1, 6)), runs("pve6", (OLD[0], NEW[1]))],
            "mixed: pve-manager 9.2.6 on 6 nodes; kernel 6.14.11-4-pve on 5 nodes, 6.17.2-1-pve on pve6",
        ),
        (
            [runs("pve1"), runs("pve2"), NodeSoftware("pve3", problem="offline")],
            "pve-manager 9.2.11, kernel 6.17.2-1-pve on pve1 and pve2; pve3: offline",
        ),
        (
            [runs("pve1"), hidden("pve2"), hidden("pve3")],
            "pve-manager 9.2.11, kernel 6.17.2-1-pve on pve1; not allowed to see the others: "
            "Sys.Audit on /nodes/pve2 and Sys.Audit on /nodes/pve3 is missing",
        ),
        ([hidden("pve1"), hidden("pve2")], "not allowed to see them: Sys.Audit on /nodes is missing"),
        ([NodeSoftware("pve1")], "pve-manager ?, kernel ? on pve1"),
        ([], "no node is online"),
    ],
)
def test_words(nodes: list[NodeSoftware], words: str) -> None:
    assert ClusterSoftware(tuple(nodes)).words() == words


def test_one_kernel_behind_is_mixed() -> None:
    assert not ClusterSoftware((runs("pve1"), runs("pve2"), hidden("pve3"))).mixed
    assert ClusterSoftware((runs("pve1"), runs("pve2", (NEW[0], OLD[1])))).mixed


@pytest.mark.parametrize(
    ("login", "whom"),
    [
        (PROD.login, "--tokens 'monitor@pve!pxm'"),
        (Login(LoginMethod.PASSWORD, "anna@pve"), "--users 'anna@pve'"),
    ],
)
def test_the_command_that_grants_it(login: Login, whom: str) -> None:
    found = ClusterSoftware((hidden("pve1"), hidden("pve2")))
    (line,) = found.commands(replace(PROD, login=login))
    assert line.replace("'", "") == f"pveum acl modify /nodes --roles PVEAuditor {whom}".replace("'", "")
    (line,) = ClusterSoftware((runs("pve1"), hidden("pve2"))).commands(PROD)
    assert line.startswith("pveum acl modify /nodes/pve2 --roles PVEAuditor ")


def test_nodes_that_are_not_asked() -> None:
    nodes = [Node("pve1", "online"), Node("pve2", "online"), Node("pve3", "offline")]
    audit = frozenset({"Sys.Audit"})
    assert unseen(PROD, dict.fromkeys(TOP_PATHS, audit), nodes) == {"pve3": NodeSoftware("pve3", problem="offline")}
    some = unseen(PROD, {"/nodes/pve1": audit}, nodes)
    assert some == {"pve2": hidden("pve2"), "pve3": hidden("pve3")}
    assert set(unseen(PROD, {}, nodes)) == {"pve3"}
