"""A second node of a known cluster that has a certificate of its own, over real TLS; and servers that lie."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.domain.certificate import TrustMode
from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.steps import Step
from pxm_tui.services.dialog import Kinship, KnownAnswer, KnownQuestion
from pxm_tui.services.registration import Registration
from pxm_tui.services.requests import build_request
from pxm_tui.simulator.certificates import Certificate
from tests.fleet_fixtures import FleetFactory
from tests.proxmox.servers import REALMS, HostileServer, Line, Talk, authority, company_authority, http
from tests.proxmox.test_proposals import PUBLIC, Client, client_of, issue, system_store
from tests.services.recorder import Recorder

__all__ = ["system_store"]

COMPANY = company_authority()
TYPED = "9a8b7c6d-typed-by-a-person"
"""The secret of the login that a person gives for the server that lies."""


async def register_at(client: Client, node: str, *, trust: str = "pin", answer: KnownAnswer | None = None) -> Done:
    """Register by one node, and leave it at that one endpoint."""
    simulated, dialog = client.simulated, Recorder(known_answer=answer)
    trusted: dict[str, Any] = {"fingerprint": simulated.fingerprint_of(node)} if trust == "pin" else {}
    if trust == "file":
        trusted = {"trust_ca": COMPANY.own.pem}
    request = build_request(
        endpoint=simulated.endpoint_of(node), name=node, token_id=simulated.token_id,
        token_secret=simulated.token_secret, **trusted,
    )  # fmt: skip
    return Done(await client.services.clusters.register(request, dialog), dialog)


@dataclass
class Done:
    """A registration, and what was asked on the way."""

    found: Registration
    dialog: Recorder

    @property
    def cluster(self) -> Cluster:
        return self.found.cluster

    @property
    def kinds(self) -> list[Kinship]:
        return [asked.kind for asked in self.dialog.questions if isinstance(asked, KnownQuestion)]

    @property
    def identity(self) -> Step:
        return next(step for step in self.found.steps if step.name == "identity")


async def healthy_at(client: Client, cluster: Cluster, *, without: str) -> None:
    """The record works by its other endpoint alone."""
    client.simulated.stop_listening(without)
    report = await client.services.clusters.check(cluster.id, Snapshot(cluster.id), Recorder())
    client.simulated.listen_again(without)
    assert (report.error, report.cluster.status) == (None, Status.HEALTHY)


@pytest.mark.parametrize(("signer", "trust"), [(COMPANY, "pin"), (COMPANY, "file"), (PUBLIC, "system")])
async def test_a_node_with_its_own_certificate_of_a_cluster_that_is_pinned_to_its_authority(
    fresh_fleet: FleetFactory, tmp_path: Path, signer: object, trust: str
) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        own = client.present("pve2", signer)
        known = (await register_at(client, "pve1")).cluster
        assert known.trust.mode is TrustMode.PINNED_CA
        client.simulated.forget_requests()
        done = await register_at(client, "pve2", trust=trust, answer=KnownAnswer.ENDPOINT)
        assert (done.found.joined, done.kinds) == (True, [Kinship.VOUCHED])
        assert [node for node, path in client.asked() if path == "/nodes"] == ["pve2", "pve1"]
        assert done.cluster.endpoints == (client.endpoint("pve1"), client.endpoint("pve2"))
        assert done.cluster.trust == replace(known.trust, vouched=(own.pem,))
        assert await client.audited("vouch") == [
            {"endpoint": client.endpoint("pve2").url, "fingerprint": own.fingerprint}
        ]
        await healthy_at(client, done.cluster, without="pve1")


@pytest.mark.parametrize(
    ("signer", "trust", "mode"),
    [
        (COMPANY, "pin", TrustMode.PINNED_LEAF),
        (COMPANY, "file", TrustMode.CA_FILE),
        (PUBLIC, "system", TrustMode.SYSTEM),
    ],
)
@pytest.mark.parametrize("second", ["of the authority", "of its own"])
async def test_a_node_of_a_cluster_that_is_known_by_a_certificate_of_its_own(
    fresh_fleet: FleetFactory, tmp_path: Path, signer: object, trust: str, mode: TrustMode, second: str
) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        client.present("pve1", signer)
        if second == "of its own":
            client.present("pve2", COMPANY)
        known = (await register_at(client, "pve1", trust=trust)).cluster
        assert (known.trust.mode, known.trust.authority) == (mode, None)
        done = await register_at(client, "pve2", answer=KnownAnswer.ENDPOINT)
        assert (done.found.joined, done.kinds) == (True, [Kinship.VOUCHED])
        learned = mode is TrustMode.SYSTEM and second == "of the authority"
        assert done.cluster.trust.ca_fingerprint == (client.simulated.ca_fingerprint if learned else None)
        assert len(done.cluster.trust.vouched) == (0 if learned else 1)
        assert done.cluster.trust.mode is mode
        await healthy_at(client, done.cluster, without="pve1")


async def test_a_known_cluster_that_is_down_proves_nothing_and_the_line_adds_it_later(
    fresh_fleet: FleetFactory, tmp_path: Path
) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        client.present("pve2", COMPANY)
        known = (await register_at(client, "pve1")).cluster
        client.simulated.stop_listening("pve1")
        done = await register_at(client, "pve2", answer=KnownAnswer.ENDPOINT)
        assert (done.found.joined, done.identity.cause) == (False, "not_asked")
        assert f"`pxm edit pve1 --add-endpoint {client.endpoint('pve2').url}`" in done.identity.hint
        assert await client.services.clusters.list() == (known, done.cluster)


# Servers that lie


def pretending(presented: Certificate, *listed: str) -> Talk:
    """Be a Proxmox VE node of a cluster of one, and say this of its authority and nodes; record what is heard."""
    nodes = [{"node": f"pve{index}", "status": "online", "ssl_fingerprint": leaf} for index, leaf in enumerate(listed)]
    answers: dict[bytes, object] = {
        b"/access/domains": json.loads(REALMS)["data"],
        b"/certificates/info": [{"filename": "pve-root-ca.pem", "pem": presented.pem}],
        b"/version": {"version": "9.2.1", "release": "9.2"},
        b"/cluster/status": [{"type": "node", "name": "pve0", "online": 1, "local": 1, "ip": "127.0.0.1"}],
        b"/access/permissions": {"/": {"Sys.Audit": 1}},
        b"/cluster/resources": [],
        b"/nodes": nodes,
    }

    async def talk(line: Line) -> None:
        while request := await line.request():
            path = request.split(b" ", 2)[1]
            body = next(answer for end, answer in answers.items() if path.endswith(end))
            await line.send(http(json.dumps({"data": body}).encode()))

    return talk


@pytest.mark.parametrize(
    ("mode", "claim"),
    [
        ("pin", "its authority"),
        ("pin", "its certificate"),
        ("pin", "both"),
        ("system", "its certificate"),
        ("system", "both"),
    ],
)
async def test_a_server_that_lies_gets_nothing_of_the_known_cluster_and_no_place_in_it(
    fresh_fleet: FleetFactory, tmp_path: Path, mode: str, claim: str
) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        if mode == "system":
            client.present("pve1", PUBLIC)
        known = (await register_at(client, "pve1", trust=mode)).cluster
        client.simulated.forget_requests()
        leaf = issue(authority("another cluster's authority"), "pve2", "127.0.0.1")
        presented = client.simulated.state.authority.own if claim != "its certificate" else authority("another").own
        listed = (leaf.fingerprint, *([client.simulated.fingerprint] if claim != "its authority" else []))
        async with HostileServer(pretending(presented, *listed), leaf) as thief:
            dialog = Recorder(known_answer=KnownAnswer.ENDPOINT)
            request = build_request(
                endpoint=thief.endpoint.url, name="thief", token_id="monitor@pve!typed", token_secret=TYPED,
                fingerprint=leaf.fingerprint,
            )  # fmt: skip
            found = Done(await client.services.clusters.register(request, dialog), dialog)
        assert TYPED.encode() in thief.heard
        assert client.simulated.token_secret.encode() not in thief.heard
        assert client.simulated.token_id.encode() not in thief.heard
        assert (found.found.joined, found.kinds, found.identity.cause) == (False, [], "not_vouched_for")
        assert await client.services.clusters.list() == (known, found.cluster), "the known one is as it was"
        assert found.cluster.identity == leaf.fingerprint
        assert await client.audited("vouch") == []
        assert ("pve1", "/nodes") in client.asked(), "it was asked, and has denied it"
