"""Somebody in between: for each way of trusting, no byte of a credential leaves, whatever is put in the way."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod, Status
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.certificates import read_certificate
from pxm_tui.services.checking import Checker
from pxm_tui.services.dialog import Silent
from pxm_tui.simulator.certificates import Certificate, CertificateAuthority
from tests.fakes import FakeSecrets
from tests.proxmox.servers import (
    AUTHORITY,
    LEAF,
    REALMS,
    HostileServer,
    Line,
    Talk,
    authority,
    gateway,
    http,
    leaf,
    record_everything,
    self_signed,
)
from tests.proxmox.test_authority import der, sending_the_authority

SECRET = "s3cret-of-the-token-or-password"
PUBLIC = authority("a publicly trusted one")
"""What the system store of these tests trusts; LEAF is the genuine node's, of AUTHORITY."""
PUBLIC_LEAF = leaf(PUBLIC)
MODES = list(TrustMode)
NAMED, ELSEWHERE = "127.0.0.1", "127.0.0.2"
"""Every leaf here is made for the first; NAT and aliases lead to the second."""


@pytest.fixture(autouse=True)
def system_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The system's authorities are one: PUBLIC."""
    file = tmp_path / "system.pem"
    file.write_text(PUBLIC.own.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))


def trust_of(mode: TrustMode) -> Trust:
    """As a registration of the genuine cluster has left it."""
    shown = read_certificate(der(PUBLIC_LEAF if mode is TrustMode.SYSTEM else LEAF))
    own = read_certificate(der(AUTHORITY.own))
    anchor = {TrustMode.SYSTEM: "", TrustMode.PINNED_LEAF: LEAF.pem}.get(mode, AUTHORITY.own.pem)
    known = None if mode is TrustMode.PINNED_LEAF else own
    return Trust(mode, shown.sha256, anchor, known, shown, datetime(2026, 1, 2, tzinfo=UTC))


def record(mode: TrustMode, method: LoginMethod, *endpoints: Endpoint) -> Cluster:
    """The registered cluster."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    token_id = "monitor@pve!pxm" if method is LoginMethod.TOKEN else None
    login = Login(method, "monitor@pve" if token_id else "root@pam", token_id)
    return Cluster("id-1", "lab", endpoints, login, trust_of(mode), now, now)


async def check(cluster: Cluster) -> Status:
    """Check as a person does, then as the watch does."""
    secrets = FakeSecrets()
    await secrets.put(cluster.id, cluster.login, Secret(SECRET))
    checker = Checker(secrets, gateway(), lambda: datetime.now(UTC), time.monotonic)
    outcome = await checker.check_everywhere(cluster, Snapshot(cluster.id), Silent())
    again = await checker.refresh(cluster, outcome.snapshot)
    assert again.result.status is outcome.result.status
    return outcome.result.status


async def present_the_authority(line: Line) -> None:
    """Claim to be the known cluster: its realms, its authority, its list of nodes; record the rest."""
    own = [{"filename": "pve-root-ca.pem", "pem": AUTHORITY.own.pem}]
    nodes = [{"node": "pve1", "status": "online", "ssl_fingerprint": leaf(PUBLIC).fingerprint}]
    while request := await line.request():
        body = own if b"/certificates/info" in request else nodes if b"/nodes" in request else json.loads(REALMS)
        await line.send(http(json.dumps({"data": body}).encode()))


async def plain_http(line: Line) -> None:
    """A downgrade: as pveproxy answers plain HTTP, to whoever speaks it."""
    await line.request()
    await line.send(b"HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n")


ATTACKS: dict[str, tuple[Talk, Certificate | None, set[TrustMode]]] = {
    "another authority": (record_everything, leaf(authority("another")), set(MODES)),
    "a leaf of the right name": (record_everything, self_signed(), set(MODES)),
    "a publicly valid leaf": (record_everything, PUBLIC_LEAF, set(MODES) - {TrustMode.SYSTEM}),
    "a downgrade to plain HTTP": (plain_http, None, set(MODES)),
    "the cluster's authority sent along": (
        present_the_authority, sending_the_authority(authority("another")), set(MODES)
    ),
    "the cluster's authority presented": (present_the_authority, leaf(authority("another")), set(MODES)),
    "the cluster's authority as a leaf": (present_the_authority, self_signed(), set(MODES)),
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("method", list(LoginMethod))
async def test_no_credential_leaves(mode: TrustMode, attack: str, method: LoginMethod) -> None:
    talk, shown, modes = ATTACKS[attack]
    if mode not in modes:
        pytest.skip("a valid certificate of the right name is what `system` means")
    async with HostileServer(talk, shown) as server:
        status = await check(record(mode, method, server.endpoint))
        assert status is (Status.UNREACHABLE if shown is None else Status.UNTRUSTED)
        assert SECRET.encode() not in server.heard
        assert b"GET" not in server.heard
        assert b"POST" not in server.heard
        assert shown is None or server.heard == b""


@pytest.mark.parametrize("mode", [TrustMode.SYSTEM, TrustMode.CA_FILE])
async def test_a_valid_leaf_of_another_name_hears_nothing_where_names_are_compared(mode: TrustMode) -> None:
    signer = PUBLIC if mode is TrustMode.SYSTEM else authority("a company's")
    trust = replace(trust_of(mode), anchor_pem=signer.own.pem if mode is TrustMode.CA_FILE else "", authority=None)
    async with HostileServer(record_everything, leaf(signer), ELSEWHERE) as server:
        known = replace(record(mode, LoginMethod.TOKEN, server.endpoint), trust=trust)
        assert await check(known) is Status.UNTRUSTED
        assert server.heard == b""


def genuine(mode: TrustMode) -> Certificate:
    """What the genuine node shows."""
    return PUBLIC_LEAF if mode is TrustMode.SYSTEM else LEAF


REDIRECTS = ("301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("method", list(LoginMethod))
async def test_a_redirect_is_not_followed(mode: TrustMode, status: str, method: LoginMethod) -> None:
    async with AsyncExitStack() as stack:
        thief = await stack.enter_async_context(HostileServer(record_everything, genuine(mode)))
        redirect = http(b"", status, f"Location: {thief.endpoint.url}/api2/json/access/ticket")
        server = await stack.enter_async_context(HostileServer(saying(redirect), genuine(mode)))
        assert await check(record(mode, method, server.endpoint)) is not Status.HEALTHY
        assert (thief.connections, thief.heard) == (0, b"")


def saying(answer: bytes) -> Callable[[Line], Awaitable[None]]:
    """The same to everything."""

    async def talk(line: Line) -> None:
        while await line.request():
            await line.send(answer)

    return talk


@pytest.mark.parametrize("mode", MODES)
async def test_the_genuine_node_is_spoken_to(mode: TrustMode) -> None:
    async with HostileServer(saying(http(REALMS)), genuine(mode)) as server:
        await check(record(mode, LoginMethod.TOKEN, server.endpoint))
        assert b"Authorization: PVEAPIToken=monitor@pve!pxm=" in server.heard


@dataclass(frozen=True)
class Way:
    """How a pinned cluster is addressed: a name, IPv4, IPv6, and an address that no certificate names."""

    host: str
    address: str


@pytest.mark.parametrize(
    "way",
    [
        Way("localhost", "127.0.0.1"),
        Way("127.0.0.1", "127.0.0.1"),
        Way("::1", "::1"),
        Way("127.0.0.9", "127.0.0.9"),
    ],
)
@pytest.mark.parametrize("shown", [LEAF, leaf(), leaf(name="pve7")])
async def test_a_pinned_authority_is_trusted_under_every_address(way: Way, shown: Certificate) -> None:
    trust = trust_of(TrustMode.PINNED_CA)
    async with HostileServer(saying(http(REALMS)), shown, way.address) as server:
        endpoint = Endpoint(way.host, server.endpoint.port)
        session = gateway().open(endpoint, trust)
        try:
            await session.resolve()
            await session.connect()
            assert (await session.secure(trust)).sha256 == shown.fingerprint
            assert await session.realms()
        finally:
            await session.aclose()


async def test_a_server_that_claims_to_be_a_known_cluster_is_not_taken_for_it() -> None:
    """Even where a person has trusted its leaf: its authority is somebody else's, and it has not signed."""
    thief = leaf(CertificateAuthority("thief", now=time.time()))
    async with HostileServer(present_the_authority, thief) as server:
        session = gateway().open(server.endpoint)
        try:
            await session.resolve()
            await session.connect()
            await session.secure(Trust(TrustMode.PINNED_LEAF, thief.fingerprint, thief.pem))
            assert await session.authority() is None
        finally:
            await session.aclose()


async def test_a_thief_at_one_endpoint_is_not_vouched_for_by_itself() -> None:
    async with AsyncExitStack() as stack:
        thief = leaf(PUBLIC)
        one = await stack.enter_async_context(HostileServer(present_the_authority, thief))
        two = await stack.enter_async_context(HostileServer(present_the_authority, thief))
        known = record(TrustMode.PINNED_CA, LoginMethod.TOKEN, one.endpoint, two.endpoint)
        assert await check(known) is Status.UNTRUSTED
        assert one.heard + two.heard == b""
