"""The other nodes of a cluster that was just registered: which become endpoints, and what is asked about them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pxm_tui.domain import certificate_messages, connection_messages, login_messages
from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod
from pxm_tui.domain.errors import NotPermittedError, PxmError
from pxm_tui.domain.observation import Node
from pxm_tui.domain.secret import Secret
from pxm_tui.services import proposals
from pxm_tui.services.ports import Ticket
from pxm_tui.services.proposals import MOST_PROPOSED, NOT_VOUCHED, Proposal, proposed
from tests.fakes import Bench, FakeServer, certificate, cluster, make_bench

FIRST, SECOND, THIRD = (Endpoint(f"10.20.0.{number}") for number in (11, 12, 13))
LINK = Endpoint("10.99.0.12")
CA = certificate(seed=50)
OWN, OTHER = certificate(seed=7), certificate(seed=8)
NODES = (
    Node("pve1", "online", FIRST.host, local=True),
    Node("pve2", "online", SECOND.host),
    Node("pve3", "online", THIRD.host),
)
PINNED = Trust(TrustMode.PINNED_CA, certificate().sha256, CA.pem, CA, certificate())


class Found:
    """A cluster of three nodes, of which the first was registered."""

    def __init__(self, trust: Trust = PINNED, method: LoginMethod = LoginMethod.TOKEN) -> None:
        self.record: Cluster = replace(cluster("fra", method=method), trust=trust)
        self.first, self.second, self.third = (FakeServer(authority=CA) for _ in range(3))
        self.link = FakeServer(authority=CA)
        servers = {FIRST: self.first, SECOND: self.second, THIRD: self.third, LINK: self.link}
        self.bench: Bench = make_bench([self.record], servers={one.host: server for one, server in servers.items()})
        self.nodes: tuple[Node, ...] = NODES

    async def take(self) -> tuple[Cluster, dict[str, Proposal]]:
        """Register is over: keep what works; the stored record and what was found, by node."""
        service = self.bench.services.clusters.edits
        kept, found = await service.take_endpoints(self.record, self.nodes)
        assert await self.bench.repository.find_by_id(self.record.id) == kept
        return kept, {one.node: one for one in found}

    def vouches_for(self, *shown: str) -> None:
        self.first.node_fingerprints = frozenset({certificate().sha256, *shown})

    async def audited(self, action: str) -> list[str]:
        entries = await self.bench.services.audit.entries()
        return [str(dict(entry.facts).get("endpoint")) for entry in entries if entry.action == action]


def test_the_other_nodes_are_proposed_at_the_same_port_in_the_order_of_their_names() -> None:
    record = replace(cluster("fra-prod"), endpoints=(Endpoint("10.20.0.11", 443), Endpoint("10.20.0.19", 443)))
    nodes = [
        Node("n10", "online", "10.20.0.20"),
        Node("n1", "online", "10.20.0.11", local=True),
        Node("n2", "online", "10.20.0.12"),
        Node("n3", "offline", "2001:0DB8::1"),
        Node("n4", "online", None),
        Node("n5", "online", "evil.example/@"),
        Node("n6", "online", "10.20.0.12"),
        Node("n7", "online", "10.20.0.19"),
        Node("n8", "online", "fe80::1%\x1b[2J]@evil.example"),
    ]
    assert [(node.name, endpoint and endpoint.authority) for node, endpoint in proposed(record, nodes)] == [
        ("n2", "10.20.0.12:443"),
        ("n3", "[2001:db8::1]:443"),
        ("n4", None),
        ("n5", None),
        ("n6", None),
        ("n8", None),
        ("n10", "10.20.0.20:443"),
    ]
    many = [Node(str(number), "online", f"10.1.{number}.1") for number in range(100)]
    assert len(proposed(record, many)) == MOST_PROPOSED


async def test_those_that_work_are_kept_behind_the_registered_one_and_nobody_is_asked() -> None:
    found = Found()
    kept, nodes = await found.take()
    assert kept.endpoints == (FIRST, SECOND, THIRD)
    assert [one.words for one in nodes.values()] == ["answers, 1 ms"] * 2
    assert [server.logins for server in (found.first, found.second, found.third)] == [0, 0, 0]
    assert (found.first.sessions, found.second.sessions) == (0, 1)
    assert kept.trust == PINNED
    assert await found.audited("vouch") == []


async def test_a_node_with_a_certificate_of_its_own_is_kept_where_the_registered_one_lists_it() -> None:
    found = Found()
    found.second.certificate, found.second.authority = OWN, None
    found.vouches_for(OWN.sha256)
    kept, nodes = await found.take()
    assert kept.endpoints == (FIRST, SECOND, THIRD)
    assert kept.trust == replace(PINNED, vouched=(OWN.pem,))
    assert nodes["pve2"].words == "answers, 1 ms; own certificate"
    assert [server.logins for server in (found.first, found.second, found.third)] == [1, 0, 0]
    assert await found.audited("vouch") == [SECOND.url]


async def test_one_that_is_not_listed_stays_out_and_is_named() -> None:
    found = Found()
    found.second.certificate, found.second.authority = OWN, None
    found.second.node_fingerprints = frozenset({OWN.sha256})
    found.vouches_for()
    kept, nodes = await found.take()
    assert (kept.endpoints, kept.trust) == ((FIRST, THIRD), PINNED)
    assert (nodes["pve2"].works, nodes["pve2"].words) == (False, NOT_VOUCHED)
    assert found.second.logins == 0, "what it says of itself is never asked"
    assert await found.audited("vouch") == []


@pytest.mark.parametrize("same", [True, False])
async def test_an_endpoint_of_another_cluster_is_not_taken_but_that_of_a_copy_is(same: bool) -> None:
    found = Found()
    trust = PINNED if same else Trust(TrustMode.PINNED_LEAF, OWN.sha256, OWN.pem, certificate=OWN)
    await found.bench.repository.save(replace(cluster("other", number=2), endpoints=(SECOND,), trust=trust))
    found.second.certificate, found.second.authority = OWN, None
    found.vouches_for(OWN.sha256)
    kept, nodes = await found.take()
    assert kept.endpoints == ((FIRST, SECOND, THIRD) if same else (FIRST, THIRD))
    assert kept.trust.vouched == ((OWN.pem,) if same else ())
    if not same:
        assert nodes["pve2"].words == "of another cluster"
        assert found.second.sessions == 0


async def test_all_doubts_are_settled_in_one_conversation() -> None:
    found = Found()
    found.second.certificate, found.second.authority = OWN, None
    found.third.certificate, found.third.authority = OTHER, None
    found.vouches_for(OWN.sha256, OTHER.sha256)
    kept, _ = await found.take()
    assert kept.endpoints == (FIRST, SECOND, THIRD)
    assert (found.first.sessions, found.first.logins) == (1, 1)


async def test_a_certificate_that_has_run_out_is_nothing_to_ask_about() -> None:
    found = Found()
    found.second.errors["secure"] = certificate_messages.expired(SECOND, OWN)
    found.vouches_for(OWN.sha256)
    kept, nodes = await found.take()
    assert (kept.endpoints, kept.trust) == ((FIRST, THIRD), PINNED)
    assert nodes["pve2"].words == "cert expired"


async def test_a_system_cluster_learns_the_authority_of_its_other_nodes() -> None:
    found = Found(Trust(TrustMode.SYSTEM, certificate().sha256, certificate=certificate()))
    found.first.trusted_by_system = True
    found.vouches_for()
    kept, nodes = await found.take()
    assert kept.endpoints == (FIRST, SECOND, THIRD)
    assert (kept.trust.mode, kept.trust.authority, kept.trust.vouched) == (TrustMode.SYSTEM, CA, ())
    assert [one.words for one in nodes.values()] == ["answers, 1 ms"] * 2
    assert found.first.logins == 1
    assert await found.audited("vouch") == [SECOND.url]


async def test_a_system_cluster_takes_a_public_leaf_only_where_the_cluster_lists_it() -> None:
    """The system's authorities vouch for strangers, too."""
    found = Found(Trust(TrustMode.SYSTEM, certificate().sha256, certificate=certificate()))
    found.first.trusted_by_system = found.second.trusted_by_system = found.third.trusted_by_system = True
    found.first.authority = found.second.authority = found.third.authority = None
    found.second.certificate, found.third.certificate = OWN, OTHER
    found.vouches_for(OWN.sha256)
    kept, nodes = await found.take()
    assert kept.endpoints == (FIRST, SECOND)
    assert kept.trust.vouched == (OWN.pem,)
    assert nodes["pve3"].words == NOT_VOUCHED


@pytest.mark.parametrize("phase", ["connect", "secure", "login", "node_fingerprints"])
async def test_a_registered_endpoint_that_cannot_be_asked_is_tried_once(phase: str) -> None:
    found = Found()
    for server in (found.second, found.third):
        server.certificate, server.authority = OWN, None
    found.vouches_for(OWN.sha256)
    error: PxmError = login_messages.token(FIRST, "monitor@pve!pxm", "no such token")
    found.first.errors[phase] = connection_messages.refused(FIRST) if phase == "connect" else error
    kept, nodes = await found.take()
    assert kept == found.record
    assert {one.words for one in nodes.values()} == {NOT_VOUCHED}
    assert found.first.sessions == 1


async def test_the_login_of_the_registration_is_used_where_there_is_one() -> None:
    found = Found(method=LoginMethod.PASSWORD)
    ticket = Ticket("root@pam", Secret("PVE:ticket"), Secret("csrf"), 1000.0)
    found.bench.services.clusters.means.checker().keep_ticket(found.record.id, ticket)
    found.first.code = "123456"
    found.second.certificate, found.second.authority = OWN, None
    found.vouches_for(OWN.sha256)
    kept, _ = await found.take()
    assert kept.endpoints == (FIRST, SECOND, THIRD)
    assert found.first.logins == 0


# Other addresses of a node


def refuse(server: FakeServer, endpoint: Endpoint) -> None:
    server.errors["connect"] = connection_messages.refused(endpoint)


async def test_a_node_that_is_not_where_the_status_says_is_found_at_its_link() -> None:
    found = Found()
    refuse(found.second, SECOND)
    found.first.node_addresses = {
        "pve2": (SECOND.host, "pve2.cluster", "10.99.0.11", LINK.host),
        "pve3": ("10.99.0.13",),
    }
    kept, nodes = await found.take()
    assert kept.endpoints == (FIRST, LINK, THIRD), "in the order of the nodes, one each"
    assert nodes["pve2"].look.endpoint == LINK
    assert (found.first.sessions, found.first.logins, found.link.logins) == (1, 1, 0)


async def test_a_node_without_an_address_is_found_at_its_link() -> None:
    found = Found()
    found.nodes = (NODES[0], replace(NODES[1], address=None), NODES[2])
    found.first.node_addresses = {"pve2": (LINK.host,)}
    kept, _ = await found.take()
    assert kept.endpoints == (FIRST, LINK, THIRD)


async def test_a_link_that_shows_what_the_cluster_knows_is_taken_in_place_of_a_stranger() -> None:
    found = Found()
    found.second.certificate, found.second.authority = OTHER, None
    found.link.certificate, found.link.authority = OWN, None
    found.vouches_for(OWN.sha256)
    found.first.node_addresses = {"pve2": (SECOND.host, LINK.host)}
    kept, _ = await found.take()
    assert kept.endpoints == (FIRST, LINK, THIRD)
    assert kept.trust.vouched == (OWN.pem,)
    assert found.first.logins == 1


async def test_the_first_address_is_the_one_that_is_named_where_none_works() -> None:
    found = Found()
    refuse(found.second, SECOND)
    found.link.errors["connect"] = connection_messages.timeout(LINK, 1)
    found.first.node_addresses = {"pve2": (SECOND.host, LINK.host)}
    kept, nodes = await found.take()
    assert kept.endpoints == (FIRST, THIRD)
    assert (nodes["pve2"].look.endpoint, nodes["pve2"].words) == (SECOND, "refused")


async def test_one_that_does_not_answer_does_not_keep_its_other_address_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proposals, "PATIENCE", 0.001)
    found = Found()
    found.second.gates["connect"] = asyncio.Event()
    found.first.node_addresses = {"pve2": (SECOND.host, LINK.host)}
    kept, _ = await found.take()
    assert kept.endpoints == (FIRST, LINK, THIRD)


async def test_all_of_it_ends_in_time_with_what_was_found_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposals, "PROPOSAL_LIMIT", 0.2)
    monkeypatch.setattr(proposals, "PATIENCE", 0.001)
    found = Found()
    refuse(found.second, SECOND)
    found.first.gates["connect"] = asyncio.Event()
    kept, nodes = await found.take()
    assert kept.endpoints == (FIRST, THIRD)
    assert (nodes["pve2"].look.endpoint, nodes["pve2"].words) == (SECOND, "refused")
    found.second.errors.clear()
    found.second.gates["secure"] = asyncio.Event()
    _, nodes = await found.take()
    assert nodes["pve2"].words == "timed out"


async def test_where_the_addresses_may_not_be_read_nothing_is_said_about_it() -> None:
    found = Found()
    refuse(found.second, SECOND)
    found.first.errors["node_addresses"] = NotPermittedError("privileges", "no")
    kept, nodes = await found.take()
    assert kept.endpoints == (FIRST, THIRD)
    assert nodes["pve2"].words == "refused"


async def test_a_node_that_the_cluster_itself_calls_offline_is_not_searched_for() -> None:
    found = Found()
    found.nodes = (*NODES[:2], replace(NODES[2], state="offline"))
    refuse(found.third, THIRD)
    kept, nodes = await found.take()
    assert kept.endpoints == (FIRST, SECOND)
    assert nodes["pve3"].words == "refused"
    assert found.first.sessions == 0


async def test_where_the_status_may_not_be_seen_nobody_is_asked() -> None:
    found = Found()
    found.nodes = tuple(replace(node, address=None, local=False) for node in NODES)
    assert await found.take() == (found.record, {})
    assert found.first.sessions == 0


# Keeping


async def test_what_was_proven_under_a_trust_that_is_not_the_record_s_any_more_is_not_kept() -> None:
    found = Found()
    service = found.bench.services.clusters.edits
    proposals_found = await service.find_endpoints(found.record, found.nodes)
    changed = replace(found.record, trust=Trust(TrustMode.PINNED_LEAF, OWN.sha256, OWN.pem, None, OWN))
    await found.bench.repository.save(changed)
    assert await service.keep_endpoints(found.record, proposals_found) == changed
    assert await found.audited("edit") == []


async def test_what_was_learned_meanwhile_stays() -> None:
    found = Found()
    found.second.certificate, found.second.authority = OWN, None
    found.vouches_for(OWN.sha256)
    service = found.bench.services.clusters.edits
    proposals_found = await service.find_endpoints(found.record, found.nodes)
    await found.bench.repository.save(replace(found.record, trust=replace(PINNED, vouched=(OTHER.pem,))))
    kept = await service.keep_endpoints(found.record, proposals_found)
    assert kept.trust.vouched == (OTHER.pem, OWN.pem)


# Registered twice


def twins(words: list[str]) -> list[str]:
    return [text for text in words if "registered twice" in text]


async def test_a_cluster_that_learns_its_authority_late_and_has_that_of_another_record_says_so() -> None:
    found = Found(Trust(TrustMode.SYSTEM, certificate().sha256, certificate=certificate()))
    found.first.trusted_by_system = True
    found.vouches_for(OWN.sha256)
    found.second.certificate = OWN
    other = replace(cluster("fra old", number=2, host="10.20.0.19"), trust=PINNED)
    await found.bench.repository.save(other)
    found.bench.services.fleet.load()
    kept, _ = await found.take()
    assert kept.trust.authority == CA
    journal = twins([entry.text for entry in found.bench.services.journal.entries() if entry.failure])
    assert len(journal) == 1
    assert '"fra" and "fra old" have the same authority' in journal[0]
    assert "`pxm deregister fra`, then `pxm edit 'fra old' --add-endpoint https://10.20.0.11:8006`" in journal[0]
    found.bench.services.fleet.pass_on_notices()
    assert twins(list(found.bench.services.fleet.view().notices)) == journal
    assert twins([entry.text for entry in found.bench.services.journal.entries()]) == journal, "and is logged once"
    assert await found.bench.repository.find_by_id(other.id) == other, "nothing is merged"
    assert found.bench.services.clusters.means.twins.take() == ()


async def test_a_leaf_that_is_vouched_for_does_not_say_again_that_there_is_a_copy() -> None:
    found = Found()
    found.second.certificate, found.second.authority = OWN, None
    found.vouches_for(OWN.sha256)
    await found.bench.repository.save(replace(cluster("copy", number=2, host="10.20.0.19"), trust=PINNED))
    kept, _ = await found.take()
    assert kept.trust.vouched == (OWN.pem,)
    assert found.bench.services.clusters.means.twins.take() == ()
