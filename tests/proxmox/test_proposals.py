"""The other nodes after a registration, over real TLS: own certificates, links, and somebody in between."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pxm_tui.bootstrap import build_services
from pxm_tui.domain.addresses import parse_endpoint
from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod, Status
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.loop import InlineRunner
from pxm_tui.proxmox.observing import addresses_of
from pxm_tui.services.bundle import Services
from pxm_tui.services.ports import Credentials
from pxm_tui.services.proposals import NOT_VOUCHED, PROPOSAL_LIMIT, Proposal
from pxm_tui.services.requests import build_request
from pxm_tui.settings import load_settings
from pxm_tui.simulator.certificates import Certificate
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.thread import FleetThread
from tests.fleet_fixtures import FleetFactory
from tests.proxmox.servers import HostileServer, authority, gateway, secured
from tests.proxmox.test_faults import TIMEOUTS
from tests.proxmox.test_middle import present_the_authority
from tests.services.recorder import Recorder

PUBLIC = authority("a publicly trusted one")
"""What the system store of these tests trusts."""
COMPANY = authority("a company's")
"""Trusted by nobody here."""


@dataclass
class Client:
    """The program's services, and a cluster of three nodes that is not registered yet."""

    fleet: FleetThread
    services: Services

    @property
    def simulated(self) -> SimulatedCluster:
        return self.fleet.clusters[0]

    def endpoint(self, node: str) -> Endpoint:
        host, _, port = self.simulated.endpoint_of(node).removeprefix("https://").rpartition(":")
        return Endpoint(host, int(port))

    def present(self, node: str, signer: object = COMPANY) -> Certificate:
        """Let a node have a certificate of its own."""
        found = issue(signer, node, self.endpoint(node).host)
        self.simulated.present(node, found)
        return found

    async def register(self, trust: TrustMode = TrustMode.PINNED_CA, *, token: bool = True) -> Registered:
        """Register it by its first node, and keep what works of the others."""
        simulated = self.simulated
        login = (
            {"token_id": simulated.token_id, "token_secret": simulated.token_secret}
            if token
            else {"user": simulated.username, "password": simulated.password}
        )
        trusted = {"fingerprint": simulated.fingerprint} if trust is not TrustMode.SYSTEM else {}
        request = build_request(endpoint=simulated.endpoint, **login, **trusted)
        done = await self.services.clusters.register(request, Recorder())
        assert done.cluster.trust.mode is trust
        simulated.forget_requests()
        taken, found = await self.services.clusters.edits.take_endpoints(done.cluster, done.snapshot.nodes)
        return Registered(done.cluster, taken, {one.node: one for one in found})

    async def status(self, cluster: Cluster) -> Status:
        """Check it as a person does."""
        report = await self.services.clusters.check(cluster.id, Snapshot(cluster.id), Recorder())
        assert all(not state.error for state in report.snapshot.endpoints)
        return report.cluster.status

    async def audited(self, action: str) -> list[dict[str, str | int]]:
        return [dict(entry.facts) for entry in await self.services.audit.entries() if entry.action == action]

    def asked(self) -> list[tuple[str, str]]:
        """Node and path of the requests since the registration."""
        return [(request.node, request.path.removeprefix("/api2/json")) for request in self.simulated.requests]


@dataclass
class Registered:
    """The record as it was saved, as it is after the proposals, and these by node."""

    before: Cluster
    cluster: Cluster
    found: dict[str, Proposal]


def issue(signer: object, node: str, address: str) -> Certificate:
    return signer.issue(node, domain="example.net", address=address, now=time.time())  # type: ignore[attr-defined,no-any-return]


@asynccontextmanager
async def client_of(fresh_fleet: FleetFactory, tmp_path: Path) -> AsyncIterator[Client]:
    fleet = fresh_fleet(ClusterOptions("lab", "9.2", nodes=3, guests=12))
    settings = load_settings({"data_dir": tmp_path / "data", **TIMEOUTS}, {"PXM_CONFIG": str(tmp_path / "none")})
    services = build_services(settings, InlineRunner(), passphrase=Secret("only in memory"))
    try:
        yield Client(fleet, services)
    finally:
        services.close()


@pytest.fixture(autouse=True)
def system_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The system's authorities are one: PUBLIC."""
    file = tmp_path / "system.pem"
    file.write_text(PUBLIC.own.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))


async def test_nodes_of_the_cluster_s_own_authority_are_kept_without_a_request(
    fresh_fleet: FleetFactory, tmp_path: Path
) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        done = await client.register()
        assert [one.url for one in done.cluster.endpoints] == client.simulated.endpoints
        assert client.asked() == []


@pytest.mark.parametrize("token", [True, False])
async def test_nodes_with_certificates_of_their_own_are_kept_in_one_conversation_with_the_registered_one(
    fresh_fleet: FleetFactory, tmp_path: Path, token: bool
) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        own = {client.present(node).fingerprint for node in ("pve2", "pve3")}
        done = await client.register(token=token)
        assert [one.url for one in done.cluster.endpoints] == client.simulated.endpoints
        assert all(one.vouched for one in done.found.values())
        assert len(done.cluster.trust.vouched) == 2
        assert done.cluster.trust.authority == done.before.trust.authority
        assert client.asked() == [("pve1", "/nodes")], "and the list of nodes is read once"
        vouched = await client.audited("vouch")
        assert {entry["fingerprint"] for entry in vouched} == own
        assert {entry["endpoint"] for entry in vouched} == set(client.simulated.endpoints[1:])
        client.simulated.take_offline("pve1")
        report = await client.services.clusters.check(done.cluster.id, Snapshot(done.cluster.id), Recorder())
        assert report.error is None, "what was kept can be used"


async def test_a_person_s_password_that_is_kept_serves_as_well(fresh_fleet: FleetFactory, tmp_path: Path) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        client.present("pve2")
        simulated = client.simulated
        request = build_request(
            endpoint=simulated.endpoint, user=simulated.username, password=simulated.password,
            fingerprint=simulated.fingerprint, mint_token=False,
        )  # fmt: skip
        done = await client.services.clusters.register(request, Recorder())
        assert done.cluster.login.method is LoginMethod.PASSWORD
        simulated.forget_requests()
        edits = client.services.clusters.edits
        taken, _ = await edits.take_endpoints(done.cluster, done.snapshot.nodes)
        assert [one.url for one in taken.endpoints] == simulated.endpoints
        assert client.asked() == [("pve1", "/nodes")], "by the ticket of the registration"


async def test_a_system_cluster_learns_the_authority_of_nodes_that_are_not_publicly_signed(
    fresh_fleet: FleetFactory, tmp_path: Path
) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        client.present("pve1", PUBLIC)
        done = await client.register(TrustMode.SYSTEM)
        assert done.before.trust.authority is None
        assert [one.url for one in done.cluster.endpoints] == client.simulated.endpoints
        trust = done.cluster.trust
        assert (trust.mode, trust.ca_fingerprint) == (TrustMode.SYSTEM, client.simulated.ca_fingerprint)
        assert trust.vouched == ()
        assert len(await client.audited("vouch")) == 1
        assert {node for node, _ in client.asked()} == {"pve1"}
        assert await client.status(done.cluster) is Status.HEALTHY


async def test_a_system_cluster_keeps_public_and_other_leaves_that_it_lists(
    fresh_fleet: FleetFactory, tmp_path: Path
) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        client.present("pve1", PUBLIC)
        client.present("pve2", PUBLIC)
        client.present("pve3", COMPANY)
        done = await client.register(TrustMode.SYSTEM)
        assert [one.url for one in done.cluster.endpoints] == client.simulated.endpoints
        assert done.cluster.trust.authority is None
        assert len(done.cluster.trust.vouched) == 2
        assert await client.status(done.cluster) is Status.HEALTHY


async def test_a_pinned_leaf_is_joined_by_what_the_cluster_lists(fresh_fleet: FleetFactory, tmp_path: Path) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        client.present("pve1", COMPANY)
        done = await client.register(TrustMode.PINNED_LEAF)
        assert [one.url for one in done.cluster.endpoints] == client.simulated.endpoints
        assert len(done.cluster.trust.vouched) == 2
        assert await client.status(done.cluster) is Status.HEALTHY


# Somebody in between


@pytest.mark.parametrize("trust", [TrustMode.PINNED_CA, TrustMode.SYSTEM, TrustMode.PINNED_LEAF])
@pytest.mark.parametrize("signer", ["public", "another cluster's authority"])
async def test_a_man_in_the_middle_at_a_proposed_address_gets_nothing_and_is_not_kept(
    fresh_fleet: FleetFactory, tmp_path: Path, trust: TrustMode, signer: str
) -> None:
    """His leaf is of the right name and address, even publicly valid, and he would list it; the cluster does not."""
    async with client_of(fresh_fleet, tmp_path) as client:
        if trust is not TrustMode.PINNED_CA:
            client.present("pve1", PUBLIC if trust is TrustMode.SYSTEM else COMPANY)
        there = client.endpoint("pve2")
        client.simulated.stop_listening("pve2")
        leaf = issue(PUBLIC if signer == "public" else authority(signer), "pve2", there.host)
        async with HostileServer(present_the_authority, leaf, there.host, there.port) as thief:
            done = await client.register(trust)
        assert thief.heard == b""
        assert done.cluster.endpoints == (client.endpoint("pve1"), client.endpoint("pve3"))
        assert done.found["pve2"].words == NOT_VOUCHED
        assert leaf.pem not in done.cluster.trust.vouched
        assert leaf.fingerprint not in {entry["fingerprint"] for entry in await client.audited("vouch")}
        assert {node for node, _ in client.asked()} == {"pve1"}


# Links


async def test_a_node_behind_another_address_is_found_by_its_link(fresh_fleet: FleetFactory, tmp_path: Path) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        client.simulated.tell_address("pve2", "127.255.255.250")
        client.simulated.tell_address("pve3", "")
        done = await client.register()
        assert [one.url for one in done.cluster.endpoints] == client.simulated.endpoints
        assert client.asked() == [("pve1", "/cluster/config/join")], "read once, for both"


async def test_a_link_and_a_certificate_of_its_own_take_one_conversation(
    fresh_fleet: FleetFactory, tmp_path: Path
) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        client.simulated.tell_address("pve2", "127.255.255.250")
        client.present("pve2")
        before = client.simulated.connection_count
        done = await client.register()
        assert [one.url for one in done.cluster.endpoints] == client.simulated.endpoints
        assert sorted(client.asked()) == [("pve1", "/cluster/config/join"), ("pve1", "/nodes")]
        assert before < client.simulated.connection_count


async def test_the_addresses_of_the_nodes_are_read_in_every_release(cluster: SimulatedCluster) -> None:
    cluster.tell_address("pve2", "10.99.0.2")
    async with aclosing(gateway().open(parse_endpoint(cluster.endpoint).endpoint, alone=True)) as session:
        await secured(session, Trust(TrustMode.CA_FILE, anchor_pem=cluster.ca_pem))
        user = cluster.token_id.partition("!")[0]
        secret = Secret(cluster.token_secret)
        await session.login(Credentials(LoginMethod.TOKEN, user, secret, cluster.token_id), None)
        addresses = {node: cluster.state.nodes[node].address for node in cluster.nodes}
        assert await session.node_addresses() == {
            "pve1": (addresses["pve1"],),
            "pve2": ("10.99.0.2", addresses["pve2"]),
        }


@pytest.mark.parametrize("version", ["6.4", "7.4", "9.2"])
async def test_a_standalone_node_has_none(fresh_fleet: FleetFactory, version: str) -> None:
    """500 before 7.1, 424 since (API.md 3.8)."""
    alone = fresh_fleet(ClusterOptions("alone", version, nodes=1, guests=1, standalone=True)).clusters[0]
    async with aclosing(gateway().open(parse_endpoint(alone.endpoint).endpoint, alone=True)) as session:
        await secured(session, Trust(TrustMode.CA_FILE, anchor_pem=alone.ca_pem))
        await session.login(Credentials(LoginMethod.PASSWORD, alone.username, Secret(alone.password)), None)
        with pytest.raises(PxmError):
            await session.node_addresses()


def test_addresses_are_read_from_what_genuine_nodes_answer() -> None:
    file = Path(__file__).parents[3] / "shared" / "proxmox" / "answers" / "get-9.2.jsonl"
    if not file.exists():
        pytest.skip("the recorded answers are not on this machine")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    found = [one["json"]["data"] for one in lines if one["route"] == "/cluster/config/join" and one["status"] == 200]
    entries = {entry["name"]: addresses_of(entry) for join in found for entry in join["nodelist"]}
    assert entries == {"pve1": ("10.77.0.11",), "pve2": ("10.77.0.12",)}


def test_of_each_node_the_links_follow_the_address_of_its_interface() -> None:
    entry = {"ring1_addr": "c", "name": "n", "ring0_addr": "b", "pve_addr": "a", "ring2_addr": "a", "ring3_addr": 7}
    assert addresses_of(entry) == ("a", "b", "c")
    assert addresses_of({}) == ()


async def test_without_the_privilege_the_links_are_not_read_and_nothing_is_said(
    fresh_fleet: FleetFactory, tmp_path: Path
) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        client.simulated.tell_address("pve2", "127.255.255.250")
        client.simulated.add_user("poor@pve", "poor-password")
        client.simulated.grant("/nodes", "poor@pve", "PVEAuditor")
        request = build_request(
            endpoint=client.simulated.endpoint, user="poor@pve", password="poor-password",
            fingerprint=client.simulated.fingerprint, mint_token=False,
        )  # fmt: skip
        done = await client.services.clusters.register(request, Recorder())
        client.simulated.forget_requests()
        taken, found = await client.services.clusters.edits.take_endpoints(done.cluster, done.snapshot.nodes)
        assert (taken.endpoints, found, client.asked()) == ((client.endpoint("pve1"),), (), [])


async def test_nodes_that_swallow_packets_hold_nothing_up_for_long(fresh_fleet: FleetFactory, tmp_path: Path) -> None:
    async with client_of(fresh_fleet, tmp_path) as client:
        client.simulated.drop_packets("pve2")
        client.simulated.tell_address("pve3", "127.255.255.250")
        done = await client.register()
        assert done.cluster.endpoints == (client.endpoint("pve1"), client.endpoint("pve3"))
        assert done.found["pve2"].words == "timed out"
        began = time.monotonic()
        await client.services.clusters.edits.find_endpoints(done.before, ())
        assert time.monotonic() - began < PROPOSAL_LIMIT
