"""Whole conversations with the simulated fleet, over real TLS, on every release."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from pxm_tui.domain.addresses import parse_endpoint
from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Endpoint, LoginMethod
from pxm_tui.domain.errors import CertificateError, LoginError, NotPermittedError, PxmError, UnreachableError
from pxm_tui.domain.observation import Observation, guest_counts, limits_of
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.api import Answer
from pxm_tui.proxmox.gateway import HttpProxmoxGateway
from pxm_tui.proxmox.session import HttpProxmoxSession
from pxm_tui.proxmox.timeouts import Timeouts
from pxm_tui.services.ports import CodeSource, Credentials, ProxmoxGateway, Ticket
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.thread import FleetThread
from pxm_tui.simulator.totp import totp
from tests.fleet_fixtures import FleetFactory
from tests.proxmox.servers import QUICK, Line, answering, http, meeting, nothing_left_behind, secured


class Timer:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def endpoint_of(cluster: SimulatedCluster) -> Endpoint:
    return parse_endpoint(cluster.endpoint).endpoint


def trust_of(cluster: SimulatedCluster) -> Trust:
    return Trust(TrustMode.CA_FILE, anchor_pem=cluster.ca_pem)


def password(user: str, secret: str) -> Credentials:
    return Credentials(LoginMethod.PASSWORD, user, Secret(secret))


def root(cluster: SimulatedCluster) -> Credentials:
    return password(cluster.username, cluster.password)


def token(token_id: str, secret: str) -> Credentials:
    return Credentials(LoginMethod.TOKEN, token_id.partition("!")[0], Secret(secret), token_id)


def typed(code: str, asked: list[tuple[str, ...]] | None = None) -> CodeSource:
    """Somebody who types this."""

    async def answer(kinds: tuple[str, ...]) -> Secret | None:
        if asked is not None:
            asked.append(kinds)
        return Secret(code) if code else None

    return answer


@asynccontextmanager
async def talking_to(
    cluster: SimulatedCluster, timer: Timer | None = None, early: bool = False
) -> AsyncIterator[HttpProxmoxSession]:
    """A session after its handshake."""
    gateway = HttpProxmoxGateway(QUICK, timer) if timer else HttpProxmoxGateway(QUICK)
    trust = trust_of(cluster)
    async with aclosing(gateway.open(endpoint_of(cluster), trust if early else None)) as session:
        await secured(session, trust)
        yield session


async def observed(cluster: SimulatedCluster, credentials: Credentials) -> Observation:
    """What this login sees."""
    async with talking_to(cluster) as session:
        await session.login(credentials, None)
        await session.version()
        return await session.observe()


def test_it_is_the_port_that_the_services_want() -> None:
    gateway: ProxmoxGateway = HttpProxmoxGateway()
    assert gateway.open(Endpoint("pve1")) is not None


@pytest.mark.parametrize("early", [False, True])
async def test_from_the_address_to_the_guests(cluster: SimulatedCluster, early: bool) -> None:
    with nothing_left_behind():
        async with talking_to(cluster, early=early) as session:
            realms = await session.realms()
            ticket = await session.login(root(cluster), None)
            version, found = await asyncio.gather(session.version(), session.observe())
    assert {(realm.name, realm.kind) for realm in realms} >= {("pam", "pam"), ("pve", "pve"), ("corp", "ldap")}
    assert ticket is not None
    assert ticket.user == "root@pam"
    assert version.startswith(cluster.name[1:])
    assert found.own_name == cluster.name
    assert not found.standalone
    assert found.quorate is True
    assert [(node.name, node.state) for node in found.nodes] == [("pve1", "online"), ("pve2", "online")]
    assert [node.local for node in found.nodes] == [True, False]
    assert found.nodes[0].address == endpoint_of(cluster).host
    assert all(node.memory_total and node.cpu is not None for node in found.nodes)
    assert len(found.guests) == 4
    assert limits_of(found.permissions) == ()
    assert 0 < found.rtt_ms < 2000


async def test_a_token_from_the_address_to_the_guests(cluster: SimulatedCluster) -> None:
    async with talking_to(cluster, early=True) as session:
        realms, ticket = await asyncio.gather(
            session.realms(), session.login(token(cluster.token_id, cluster.token_secret), None)
        )
        version, found = await asyncio.gather(session.version(), session.observe())
    assert realms
    assert ticket is None
    assert version.startswith(cluster.name[1:])
    assert len(found.guests) == 4


async def test_a_certificate_is_shown(cluster: SimulatedCluster) -> None:
    shown = await HttpProxmoxGateway(QUICK).read_certificate(endpoint_of(cluster))
    assert shown.sha256 == cluster.fingerprint


async def test_a_code_is_asked_for(cluster: SimulatedCluster) -> None:
    asked: list[tuple[str, ...]] = []
    code = totp(cluster.totp_secret, cluster.state.clock())
    async with talking_to(cluster) as session:
        credentials = password(cluster.totp_username, cluster.totp_password)
        ticket = await session.login(credentials, typed(f" {code[:3]} {code[3:]} ", asked))
        assert ticket is not None
        assert ticket.user == cluster.totp_username
        assert ticket.csrf
        assert await session.version()
    assert len(asked) == 1
    assert "totp" in asked[0]


async def test_without_a_code(cluster: SimulatedCluster) -> None:
    credentials = password(cluster.totp_username, cluster.totp_password)
    for source in (None, typed("")):
        async with talking_to(cluster) as session:
            with pytest.raises(LoginError) as caught:
                await session.login(credentials, source)
        assert caught.value.cause == "second_factor_needed"


async def test_a_wrong_code_is_not_tried_twice(fresh_fleet: FleetFactory) -> None:
    for release in ("6.4", "9.2"):
        cluster = fresh_fleet(ClusterOptions("lab", release, nodes=1, standalone=True)).clusters[0]
        asked: list[tuple[str, ...]] = []
        async with talking_to(cluster) as session:
            with pytest.raises(LoginError) as caught:
                await session.login(password(cluster.totp_username, cluster.totp_password), typed("000000", asked))
        assert caught.value.cause == "second_factor_wrong"
        assert len(asked) == 1


@pytest.mark.parametrize("release", ["8.4", "9.2"])
@pytest.mark.parametrize("upper", [False, True])
async def test_a_recovery_key(fresh_fleet: FleetFactory, release: str, upper: bool) -> None:
    cluster = fresh_fleet(ClusterOptions("lab", release, nodes=1, standalone=True)).clusters[0]
    key = cluster.credentials.totp_recovery_keys[3]
    credentials = password(cluster.totp_username, cluster.totp_password)
    async with talking_to(cluster) as session:
        assert await session.login(credentials, typed(key.upper().replace("-", "") if upper else key))
    async with talking_to(cluster) as session:
        with pytest.raises(LoginError) as caught:
            await session.login(credentials, typed(key))
    assert caught.value.cause == "second_factor_wrong"


@pytest.mark.parametrize(
    ("user", "secret"),
    [
        ("root@pam", "wrong"),
        ("ghost@pve", "wrong"),
        ("root@nowhere", "wrong"),
        ("disabled@pve", "disabled-pve-1"),
        ("expired@pve", "expired-pve-1"),
    ],
)
async def test_a_refused_login_is_tried_once(cluster: SimulatedCluster, user: str, secret: str) -> None:
    cluster.forget_requests()
    async with talking_to(cluster) as session:
        with pytest.raises(LoginError) as caught:
            await session.login(password(user, secret), None)
    assert caught.value.cause == "credentials"
    assert "authentication failure" in caught.value.message
    tries = [request for request in cluster.requests if request.method == "POST"]
    # 6.x refuses the parameter of the new way before it looks at the password
    assert len(tries) == (2 if cluster.name == "r6.4" else 1)


async def test_a_ticket_is_used_again(cluster: SimulatedCluster) -> None:
    timer = Timer()
    async with talking_to(cluster, timer) as session:
        ticket = await session.login(root(cluster), None)
    assert ticket is not None
    timer.now += 5399
    cluster.forget_requests()
    async with talking_to(cluster, timer) as session:
        assert await session.resume(ticket) == ticket
        assert await session.version()
    assert [request.method for request in cluster.requests] == ["GET"]


async def test_a_ticket_near_its_end_is_renewed(cluster: SimulatedCluster) -> None:
    timer = Timer()
    async with talking_to(cluster, timer) as session:
        ticket = await session.login(root(cluster), None)
        assert ticket is not None
        timer.now += 5400
        renewed = await session.resume(ticket)
        assert renewed.issued == timer.now
        assert renewed.user == ticket.user
        assert await session.version()


async def test_a_ticket_that_is_over_is_not_sent(cluster: SimulatedCluster) -> None:
    timer = Timer()
    over = Ticket("root@pam", Secret("PVE:root@pam:0::x"), Secret("0:x"), timer.now - 7200)
    due = Ticket("root@pam", Secret("PVE:root@pam:0::x"), Secret("0:x"), timer.now - 5400)
    cluster.forget_requests()
    async with talking_to(cluster, timer) as session:
        with pytest.raises(LoginError):
            await session.resume(over)
        assert cluster.request_count == 0
        with pytest.raises(LoginError) as caught:
            await session.resume(due)
    assert caught.value.cause == "credentials"


async def test_a_token_that_is_refused(fresh_fleet: FleetFactory) -> None:
    fleet = fresh_fleet(ClusterOptions("old", "6.4", nodes=1), ClusterOptions("new", "9.2", nodes=1))
    for cluster, words in ((fleet.cluster("old"), "expired"), (fleet.cluster("new"), "Authentication failed!")):
        cluster.expire_token(cluster.token_id)
        async with talking_to(cluster) as session:
            await session.login(token(cluster.token_id, cluster.token_secret), None)
            with pytest.raises(LoginError) as caught:
                await session.version()
        assert caught.value.cause == "token"
        assert words in caught.value.message
        assert sum(request.path.endswith("version") for request in cluster.requests) == 1


async def test_what_a_login_without_rights_sees(cluster: SimulatedCluster) -> None:
    found = await observed(cluster, password("nobody@pve", "nobody-pve-1"))
    assert found.quorate is None
    assert not found.standalone
    assert [node.name for node in found.nodes] == ["pve1", "pve2"]
    assert all(node.cpu is None and node.memory_used is None and node.address is None for node in found.nodes)
    assert guest_counts(found) == (None, None)
    assert len(limits_of(found.permissions)) == 4


async def test_what_a_login_for_guests_sees(cluster: SimulatedCluster) -> None:
    found = await observed(cluster, password("operator@pve", "operator-pve-1"))
    assert found.quorate is None
    assert len(found.guests) == 4
    assert "VM.PowerMgmt" in found.permissions["/vms"]


async def test_a_node_that_is_down(fresh_fleet: FleetFactory) -> None:
    cluster = fresh_fleet(ClusterOptions("lab", nodes=3)).clusters[0]
    cluster.take_offline("pve3")
    found = await observed(cluster, root(cluster))
    assert [node.state for node in found.nodes] == ["online", "online", "offline"]
    assert found.nodes[2].cpu is None
    assert found.quorate is True


async def test_no_quorum(fresh_fleet: FleetFactory) -> None:
    cluster = fresh_fleet(ClusterOptions("lab", nodes=3)).clusters[0]
    cluster.lose_quorum()
    found = await observed(cluster, root(cluster))
    assert found.quorate is False
    assert [node.state for node in found.nodes] == ["online", "offline", "offline"]


async def test_a_standalone_node(fleet: FleetThread) -> None:
    cluster = fleet.cluster("alone")
    found = await observed(cluster, root(cluster))
    assert found.standalone
    assert found.quorate is True
    assert found.own_name == found.nodes[0].name


async def test_a_hostile_name_arrives_as_it_is(fleet: FleetThread) -> None:
    cluster = fleet.clusters[0]
    assert (await observed(cluster, root(cluster))).own_name == "[/foo] [red] [@click=app.quit]x[/]"


async def test_a_silent_server_ends_at_the_limit(fresh_fleet: FleetFactory) -> None:
    cluster = fresh_fleet(ClusterOptions("lab", nodes=1)).clusters[0]
    cluster.fall_silent()
    gateway = HttpProxmoxGateway(Timeouts(2, 0.05, 2, 2))
    async with aclosing(gateway.open(endpoint_of(cluster), trust_of(cluster))) as session:
        await session.connect()
        with pytest.raises(UnreachableError) as caught:
            await session.secure(trust_of(cluster))
    assert caught.value.cause == "timeout"


async def test_a_changed_certificate_stops_a_pinned_cluster(fresh_fleet: FleetFactory) -> None:
    cluster = fresh_fleet(ClusterOptions("lab", nodes=1)).clusters[0]
    gateway = HttpProxmoxGateway(QUICK)
    before = await gateway.read_certificate(endpoint_of(cluster))
    trust = Trust(TrustMode.PINNED_LEAF, before.sha256, before.pem)
    cluster.reissue()
    cluster.forget_requests()
    async with aclosing(gateway.open(endpoint_of(cluster), trust, token=True)) as session:
        await session.connect()
        with pytest.raises(CertificateError) as caught:
            await session.secure(trust)
    assert caught.value.cause == "changed"
    assert caught.value.certificate is not None
    assert caught.value.certificate.public_key_sha256 == before.public_key_sha256
    assert cluster.request_count == 0


# What the simulated fleet does not do


def half_ticket(start: str) -> bytes:
    """The answer to a right password where a code is needed."""
    data = {"username": "anna@pve", "NeedTFA": 1, "CSRFPreventionToken": "6:x", "ticket": f"PVE:{start}:68D1::abc"}
    return http(json.dumps({"data": data}).encode())


def new_half_ticket(challenge: str) -> bytes:
    """The same, with the challenge of 7.1 and later."""
    return half_ticket(f"!tfa!{challenge}")


@pytest.mark.parametrize(
    ("challenge", "kinds", "code", "sent"),
    [
        ('{"yubico"%3Atrue}', ("yubico",), "cccccccbcjdifctrndncchkftchjlnbhvhtugdljibej", "yubico%3Accccc"),
        ('{"yubico"%3Atrue}', ("yubico",), "123456", "totp%3A123456"),
        ('{"recovery"%3A[]}', (), "123456", None),
        ('{"webauthn"%3A{}}', (), "123456", None),
        ('{"webauthn"%3A[1]}', ("webauthn",), "123456", None),
        ("nonsense", ("totp",), "123456", "totp%3A123456"),
        ("[1]", ("totp",), "123456", "totp%3A123456"),
    ],
)
async def test_kinds_of_second_factors(challenge: str, kinds: tuple[str, ...], code: str, sent: str | None) -> None:
    asked: list[tuple[str, ...]] = []
    refusal = http(b'{"data":null}', "401 authentication failure")
    async with meeting(answering(new_half_ticket(challenge), refusal)) as (server, session):
        await secured(session)
        with pytest.raises(LoginError) as caught:
            await session.login(password("anna@pve", "x"), typed(code, asked))
    if sent is None:
        assert caught.value.cause == "second_factor_needed"
        assert asked == []
        assert len(server.received) == 1
    else:
        assert caught.value.cause == "second_factor_wrong"
        assert asked == [kinds]
        assert sent in server.received[1].decode()


@pytest.mark.parametrize("code", ["abcd-1234-ef00-9999", "12345", "123456789", "12345a"])
async def test_what_cannot_be_a_code_spends_no_try(code: str) -> None:
    async with meeting(answering(new_half_ticket('{"totp"%3Atrue}'))) as (server, session):
        await secured(session)
        with pytest.raises(LoginError) as caught:
            await session.login(password("anna@pve", "x"), typed(code))
    assert caught.value.cause == "second_factor_needed"
    assert "needs a TOTP code, and what was given is none" in caught.value.message
    assert code not in str(caught.value.to_json())
    assert len(server.received) == 1


async def test_an_old_key_cannot_be_used_in_a_terminal() -> None:
    async with meeting(answering(half_ticket("u2f!anna@pve!challenge"))) as (_, session):
        await secured(session)
        with pytest.raises(LoginError) as caught:
            await session.login(password("anna@pve", "x"), typed("123456"))
    assert caught.value.cause == "second_factor_needed"
    assert "WebAuthn" in caught.value.probably
    assert "no code was given" not in caught.value.message


@pytest.mark.parametrize(
    ("status", "cause"),
    [("401 second factor is locked", "locked"), ("401 TFA blocked until tomorrow", "locked"), ("500 x", "bad_answer")],
)
async def test_what_a_server_may_say_of_a_code(status: str, cause: str) -> None:
    async with meeting(answering(new_half_ticket('{"totp"%3Atrue}'), http(b"", status))) as (_, session):
        await secured(session)
        with pytest.raises((LoginError, UnreachableError)) as caught:
            await session.login(password("anna@pve", "x"), typed("123456"))
    assert caught.value.cause == cause


@pytest.mark.parametrize(("seconds", "named"), [(0, False), (14, False), (40, True), (-40, True)])
async def test_clocks_that_differ_are_named(seconds: int, named: bool) -> None:
    now = datetime(2026, 11, 22, 14, 0, 0, tzinfo=UTC)
    date = (now + timedelta(seconds=seconds)).strftime("Date: %a, %d %b %Y %H:%M:%S GMT")
    refusal = http(b'{"data":null}', "401 authentication failure", date)
    async with meeting(answering(new_half_ticket('{"totp"%3Atrue}'), refusal)) as (server, _):
        gateway = HttpProxmoxGateway(QUICK, clock=lambda: now)
        async with aclosing(gateway.open(server.endpoint)) as session:
            await secured(session)
            with pytest.raises(LoginError) as caught:
                await session.login(password("anna@pve", "x"), typed("123456"))
    assert ("differ by 40 s" in caught.value.probably) == named


@pytest.mark.parametrize("date", ["Date: nonsense", "Date: Sun, 22 Nov 2026 14:00:00 -0000"])
async def test_a_strange_date_is_no_failure(date: str) -> None:
    refusal = http(b'{"data":null}', "401 authentication failure", date)
    async with meeting(answering(new_half_ticket('{"totp"%3Atrue}'), refusal)) as (_, session):
        await secured(session)
        with pytest.raises(LoginError) as caught:
            await session.login(password("anna@pve", "x"), typed("123456"))
    assert caught.value.cause == "second_factor_wrong"


@pytest.mark.parametrize(
    ("version", "cause"), [("6.3-2", "too_old"), ("5.4-3", "too_old"), ("later", "bad_answer"), ("", "bad_answer")]
)
async def test_versions_that_are_not_supported(version: str, cause: str) -> None:
    async with meeting(answering(http(b'{"data":{"version":"%s"}}' % version.encode()))) as (_, session):
        await secured(session)
        with pytest.raises(UnreachableError) as caught:
            await session.version()
    assert caught.value.cause == cause


async def test_a_ticket_that_cannot_be_made_says_why() -> None:
    refusal = http(b'{"data":null,"errors":{"username":"too long"}}', "400 Parameter verification failed.")
    async with meeting(answering(refusal)) as (_, session):
        await secured(session)
        with pytest.raises(UnreachableError, match="username: too long"):
            await session.login(password("anna@pve", "x"), None)


async def test_the_first_error_ends_the_other_reads() -> None:
    waiting = asyncio.Event()

    async def talk(line: Line) -> None:
        if b"/cluster/resources " not in await line.request():
            waiting.set()
            await line.reader.read()
            return
        await waiting.wait()
        await line.send(http(b"", "500 pve-cluster is down"))

    with nothing_left_behind():
        async with meeting(talk) as (_, session):
            await secured(session)
            with pytest.raises(UnreachableError, match="pve-cluster is down"):
                await session.observe()


async def test_what_each_node_runs(cluster: SimulatedCluster) -> None:
    async with talking_to(cluster) as session:
        await session.login(token(cluster.token_id, cluster.token_secret), None)
        found = await asyncio.gather(*(session.software(node) for node in cluster.nodes))
    assert [one.node for one in found] == list(cluster.nodes)
    assert all(one.known and one.manager.startswith(cluster.name[1:]) for one in found)
    assert all(one.kernel.endswith("-pve") for one in found)


async def test_who_may_not_audit_a_node_is_told_which_privilege_is_missing(cluster: SimulatedCluster) -> None:
    async with talking_to(cluster) as session:
        await session.login(password("nobody@pve", "nobody-pve-1"), None)
        with pytest.raises(NotPermittedError, match=r"the versions on pve1: Sys\.Audit on /nodes/pve1 is missing"):
            await session.software("pve1")


async def test_the_name_of_a_node_leads_nowhere_else(cluster: SimulatedCluster) -> None:
    async with talking_to(cluster) as session:
        await session.login(token(cluster.token_id, cluster.token_secret), None)
        with pytest.raises(PxmError):
            await session.software("../access/users?full=1&x=")
    assert not [request for request in cluster.requests if request.path.startswith("/api2/json/access/users")]


@pytest.mark.parametrize("before", [0, 3, 5000])
async def test_of_the_authorities_that_a_node_gives_few_are_looked_at(
    fresh_fleet: FleetFactory, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    cluster = fresh_fleet(ClusterOptions("lab", "9.2")).clusters[0]
    stranger = cluster.state.leaf(cluster.nodes[0]).pem
    files = [{"filename": "pve-root-ca.pem", "pem": pem} for pem in (*[stranger] * before, cluster.ca_pem)]
    answer = Answer(200, "OK", {"content-type": "application/json"}, json.dumps({"data": files}).encode(), 0.0)

    async def given(*_: object) -> Answer:
        return answer

    gateway = HttpProxmoxGateway(QUICK)
    pinned = Trust(TrustMode.PINNED_LEAF, cluster.fingerprint, stranger)
    async with aclosing(gateway.open(endpoint_of(cluster))) as session:
        await secured(session, pinned)
        monkeypatch.setattr(session, "_get", given)
        found = await session.authority()
        assert (found is not None) is (before < 4)
        assert len(session.claims.authorities) <= 2
