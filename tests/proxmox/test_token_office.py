"""Tokens, roles and access lists of the simulated fleet, on every release (API.md §2.4, §2.6, §2.7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from pxm_tui.domain.addresses import parse_endpoint
from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import LoginMethod
from pxm_tui.domain.errors import LoginError, NotPermittedError, UnreachableError
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.tokens import AUDITOR_ROLE, OPERATOR_ROLE, TokenRole, is_within, operator_privileges, roles_of
from pxm_tui.proxmox.gateway import HttpProxmoxGateway
from pxm_tui.proxmox.tokens import HttpTokenOffice
from pxm_tui.services.ports import Credentials
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.thread import FleetThread

END = datetime(2027, 10, 2, tzinfo=UTC)


@asynccontextmanager
async def office(cluster: SimulatedCluster, credentials: Credentials | None = None) -> AsyncIterator[HttpTokenOffice]:
    """The cluster's tokens, for root or for somebody else."""
    endpoint = parse_endpoint(cluster.endpoint).endpoint
    who = credentials or Credentials(LoginMethod.PASSWORD, cluster.username, Secret(cluster.password))
    trust = Trust(TrustMode.CA_FILE, anchor_pem=cluster.ca_pem)
    async with aclosing(HttpProxmoxGateway().open(endpoint, trust)) as session:
        await session.resolve()
        await session.connect()
        await session.secure(trust)
        await session.login(who, None)
        yield session.tokens()


@pytest.mark.parametrize("role", [TokenRole.AUDITOR, TokenRole.OPERATOR])
async def test_a_token_of_a_role_may_do_what_the_role_says_and_goes_with_its_rights(
    cluster: SimulatedCluster, role: TokenRole
) -> None:
    name = f"pxm-{role}"
    token_id = f"{cluster.username}!{name}"
    async with office(cluster) as tokens:
        if role is TokenRole.OPERATOR and OPERATOR_ROLE not in await tokens.roles():
            await tokens.create_role(OPERATOR_ROLE, operator_privileges(cluster.name.removeprefix("r")))
        secret = await tokens.mint(cluster.username, name, separated=True, expires_at=END, comment="made by pxm")
        assert await tokens.rights_of(token_id, secret) == {}
        await tokens.grant(token_id, roles_of(role))
        rights = await tokens.rights_of(token_id, secret)
        assert {"Sys.Audit", "VM.Audit", "Datastore.Audit"} <= rights["/"]
        assert is_within(rights, role)
        assert ("VM.PowerMgmt" in rights["/vms"]) is (role is TokenRole.OPERATOR)
        assert name in await tokens.names(cluster.username)
        assert await tokens.revoke(cluster.username, name)
        assert not await tokens.revoke(cluster.username, name)
        with pytest.raises(LoginError) as caught:
            await tokens.rights_of(token_id, secret)
        assert caught.value.cause == "token"


async def test_a_plain_token_may_do_what_its_owner_may_and_ends_when_it_was_told(cluster: SimulatedCluster) -> None:
    async with office(cluster) as tokens:
        secret = await tokens.mint(cluster.username, "plain", separated=False, expires_at=END, comment="")
        try:
            assert "Permissions.Modify" in (await tokens.rights_of(f"{cluster.username}!plain", secret))["/"]
        finally:
            await tokens.revoke(cluster.username, "plain")
        past = datetime.now(UTC) - timedelta(days=1)
        over = await tokens.mint(cluster.username, "over", separated=False, expires_at=past, comment="")
        with pytest.raises(LoginError):
            await tokens.rights_of(f"{cluster.username}!over", over)
        await tokens.revoke(cluster.username, "over")


async def test_a_name_that_is_taken_is_told(cluster: SimulatedCluster) -> None:
    async with office(cluster) as tokens:
        await tokens.mint(cluster.username, "twice", separated=True, expires_at=END, comment="")
        with pytest.raises(NotPermittedError) as caught:
            await tokens.mint(cluster.username, "twice", separated=True, expires_at=END, comment="")
        assert caught.value.cause == "token_exists"
        await tokens.revoke(cluster.username, "twice")


async def test_a_role_that_is_there_stays_as_it_is(cluster: SimulatedCluster) -> None:
    async with office(cluster) as tokens:
        await tokens.create_role("PxmTest", frozenset({"VM.Audit"}))
        await tokens.create_role("PxmTest", frozenset({"VM.Audit", "VM.PowerMgmt"}))
        assert (await tokens.roles())["PxmTest"] == {"VM.Audit"}
        assert AUDITOR_ROLE in await tokens.roles()


async def test_a_token_may_not_make_tokens(cluster: SimulatedCluster) -> None:
    given = Credentials(LoginMethod.TOKEN, cluster.username, Secret(cluster.token_secret), cluster.token_id)
    async with office(cluster) as tokens:
        secret = await tokens.mint(cluster.username, "separated", separated=True, expires_at=END, comment="")
    separated = Credentials(LoginMethod.TOKEN, cluster.username, secret, f"{cluster.username}!separated")
    async with office(cluster, separated) as tokens:
        with pytest.raises(NotPermittedError) as caught:
            await tokens.mint(cluster.username, "another", separated=True, expires_at=END, comment="")
        assert caught.value.exit_status == 8
        with pytest.raises(NotPermittedError):
            await tokens.revoke(cluster.username, "separated")
    async with office(cluster, given) as tokens:
        assert await tokens.revoke(cluster.username, "separated")


async def test_without_quorum_a_write_says_so() -> None:
    options = FleetOptions(auth_delay=0, seed=79, cluster_options=(ClusterOptions("torn", "9.2", nodes=3, guests=3),))
    with FleetThread(options) as fleet:
        torn = fleet.clusters[0]
        async with office(torn) as tokens:
            torn.lose_quorum()
            with pytest.raises(UnreachableError) as caught:
                await tokens.mint(torn.username, "late", separated=True, expires_at=END, comment="")
    assert "no quorum" in caught.value.message
