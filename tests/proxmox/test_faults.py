"""How the client takes each fault of a cluster: a named error or finding in time, and nothing lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pxm_tui.bootstrap import build_services
from pxm_tui.domain.certificate import ChangeVerdict
from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.loop import InlineRunner
from pxm_tui.services.bundle import Services
from pxm_tui.services.registration import RegistrationFailedError
from pxm_tui.services.repairs import CheckReport
from pxm_tui.services.requests import RegistrationRequest, build_request
from pxm_tui.settings import load_settings
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.faults import FAULTS
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.thread import FleetThread
from pxm_tui.simulator.totp import totp
from tests.fleet_fixtures import FleetFactory
from tests.services.recorder import Recorder

TIMEOUTS = {"connect_timeout": 1.5, "tls_timeout": 1.5, "first_byte_timeout": 2.0, "answer_timeout": 5.0}
PATIENCE = 30.0
"""Seconds in which a check has ended, whatever happens."""


@dataclass
class Client:
    """The program's services with one cluster registered.

    Attributes:
        record: the cluster as it was registered.
    """

    fleet: FleetThread
    services: Services
    record: Cluster

    async def check(self) -> CheckReport:
        """Check it as a person does, in time."""
        async with asyncio.timeout(PATIENCE):
            return await self.services.clusters.check(self.record.id, Snapshot(self.record.id), Recorder())

    def set(self, fault: str, node: str | None = None, value: object = None) -> None:
        self.fleet.fleet.run(lambda: self.fleet.fleet.faults.set("lab", fault, node, value))

    def clear(self, fault: str) -> None:
        self.fleet.fleet.run(lambda: self.fleet.fleet.faults.clear("lab", fault))


def by_token(cluster: SimulatedCluster, trust: str) -> RegistrationRequest:
    given = {"trust_ca": cluster.ca_pem} if trust == "ca_file" else {"fingerprint": cluster.fingerprint}
    return build_request(
        endpoint=cluster.endpoint, name="lab", token_id=cluster.token_id, token_secret=cluster.token_secret, **given
    )


def by_password(cluster: SimulatedCluster) -> RegistrationRequest:
    return build_request(
        endpoint=cluster.endpoint,
        name="lab",
        user=cluster.username,
        password=cluster.password,
        mint_token=False,
        fingerprint=cluster.fingerprint,
    )


@asynccontextmanager
async def registered(
    fresh_fleet: FleetFactory, tmp_path: Path, *, login: str = "token", trust: str = "pinned"
) -> AsyncIterator[Client]:
    """Register a cluster of three nodes through the service that registers real ones."""
    fleet = fresh_fleet(ClusterOptions("lab", "9.2", nodes=3, guests=12))
    settings = load_settings({"data_dir": tmp_path / "data", **TIMEOUTS}, {"PXM_CONFIG": str(tmp_path / "none")})
    services = build_services(settings, InlineRunner(), passphrase=Secret("only in memory"))
    cluster = fleet.clusters[0]
    request = by_password(cluster) if login == "password" else by_token(cluster, trust)
    try:
        done = await services.clusters.register(request, Recorder())
        yield Client(fleet, services, done.cluster)
    finally:
        services.close()


def what_came(report: CheckReport) -> tuple[str, str]:
    return str(report.cluster.status), "" if report.cluster.error is None else report.cluster.error.cause


def kept(cluster: Cluster) -> tuple[object, ...]:
    """What no fault may take from a record."""
    return (
        cluster.id,
        cluster.name,
        cluster.endpoints,
        cluster.labels,
        (cluster.trust.mode, cluster.trust.anchor_pem, cluster.trust.authority, cluster.trust.vouched),
        replace(cluster.login, refused=False),
        cluster.node_count,
        cluster.proxmox_version,
        cluster.created_at,
    )


CASES: list[tuple[str, str | None, object, str, str]] = [
    ("down", None, None, "unreachable", "refused"),
    ("drop-packets", None, None, "unreachable", "timeout"),
    ("hang", None, None, "unreachable", "timeout"),
    ("node-offline", "pve3", None, "degraded", "node_offline"),
    ("node-offline", None, None, "unreachable", "refused"),
    ("slow", None, 100, "healthy", ""),
    ("slow", None, 5000, "unreachable", "timeout"),
    ("cut-body", None, None, "unreachable", "bad_answer"),
    ("garbage", None, None, "unreachable", "bad_answer"),
    ("html", None, None, "unreachable", "not_proxmox"),
    ("huge-body", None, 24, "unreachable", "bad_answer"),
    ("server-error", None, 500, "unreachable", "bad_answer"),
    ("server-error", None, 503, "unreachable", "bad_answer"),
    ("server-error", None, 595, "unreachable", "bad_answer"),
    ("server-error", None, 596, "unreachable", "bad_answer"),
    ("dead-peer", "pve2", 595, "healthy", ""),
    ("dead-peer", "pve2", 596, "healthy", ""),
    ("no-quorum", None, None, "degraded", "no_quorum"),
    ("certificate-renewed", None, None, "healthy", ""),
    ("certificate-replaced", None, None, "untrusted", "changed"),
    ("certificate-expired", None, None, "healthy", ""),
    ("login-disabled", None, "root@pam", "unauthorized", "token"),
    ("tfa-locked", None, None, "healthy", ""),
    ("token-revoked", None, None, "unauthorized", "token"),
    ("privileges-taken", None, None, "healthy", ""),
    ("clock-skew", None, 10_800, "healthy", ""),
    ("clock-skew", None, -10_800, "healthy", ""),
    ("storage-full", None, None, "healthy", ""),
    ("task-fails", None, None, "healthy", ""),
    ("task-hangs", None, None, "healthy", ""),
]
"""Fault, node, value; status and cause of the cluster that has it."""


def test_no_fault_is_left_out() -> None:
    assert {case[0] for case in CASES} == {fault.name for fault in FAULTS}


@pytest.mark.parametrize(("fault", "node", "value", "status", "cause"), CASES)
async def test_a_fault_is_named_and_nothing_is_lost(
    fresh_fleet: FleetFactory, tmp_path: Path, fault: str, node: str | None, value: object, status: str, cause: str
) -> None:
    async with registered(fresh_fleet, tmp_path) as client:
        client.set(fault, node, value)
        report = await client.check()
        assert what_came(report) == (status, cause)
        stored = await client.services.clusters.get(client.record.id)
        assert kept(stored) == kept(client.record)
        assert (stored.error is None) == (not cause)
        client.clear(fault)
        assert what_came(await client.check()) == ("healthy", "")
        assert kept(await client.services.clusters.get(client.record.id)) == kept(client.record)


@pytest.mark.parametrize(
    ("fault", "status", "cause"),
    [
        ("certificate-renewed", "healthy", ""),
        ("certificate-replaced", "untrusted", "changed"),
        ("certificate-expired", "untrusted", "expired"),
    ],
)
async def test_certificates_where_an_authority_is_trusted(
    fresh_fleet: FleetFactory, tmp_path: Path, fault: str, status: str, cause: str
) -> None:
    async with registered(fresh_fleet, tmp_path, trust="ca_file") as client:
        client.set(fault)
        before = client.fleet.clusters[0].request_count
        assert what_came(await client.check()) == (status, cause)
        assert (client.fleet.clusters[0].request_count > before) == (not cause)
        client.clear(fault)
        assert what_came(await client.check()) == ("healthy", "")


async def test_a_certificate_of_another_authority_gets_no_request_and_a_verdict(
    fresh_fleet: FleetFactory, tmp_path: Path
) -> None:
    async with registered(fresh_fleet, tmp_path) as client:
        client.fleet.clusters[0].forget_requests()
        client.set("certificate-replaced")
        report = await client.check()
        assert report.error is not None
        assert report.error.probably == ChangeVerdict.NEW_KEY
        assert client.fleet.clusters[0].request_count == 0


async def test_privileges_that_are_gone_are_listed_and_never_shown_as_nothing(
    fresh_fleet: FleetFactory, tmp_path: Path
) -> None:
    async with registered(fresh_fleet, tmp_path) as client:
        assert (client.record.limits, client.record.guests_total) == ((), 11)
        client.set("privileges-taken")
        found = (await client.check()).cluster
        assert {limit.privilege for limit in found.limits} >= {"VM.Audit", "Sys.Audit"}
        assert (found.guests_total, found.guests_running) == (None, None)
        client.clear("privileges-taken")
        found = (await client.check()).cluster
        assert (found.limits, found.guests_total) == ((), 11)


async def test_a_disabled_login_with_a_password(fresh_fleet: FleetFactory, tmp_path: Path) -> None:
    async with registered(fresh_fleet, tmp_path, login="password") as client:
        client.set("login-disabled", None, "root@pam")
        assert what_came(await client.check()) == ("unauthorized", "credentials")
        assert kept(await client.services.clusters.get("lab")) == kept(client.record)


@pytest.mark.parametrize("seconds", [10_800, -10_800])
async def test_a_clock_that_jumps_ends_a_ticket_and_not_the_login(
    fresh_fleet: FleetFactory, tmp_path: Path, seconds: int
) -> None:
    async with registered(fresh_fleet, tmp_path, login="password") as client:
        assert what_came(await client.check()) == ("healthy", "")
        for wrong in (True, False):
            if wrong:
                client.set("clock-skew", None, seconds)
            else:
                client.clear("clock-skew")
            assert what_came(await client.check()) == ("healthy", "")
            assert not (await client.services.clusters.get("lab")).login.refused


REFUSED = {
    "tfa-locked": ("second_factor_wrong", "locked"),
    "login-disabled": ("credentials",),
    "html": ("not_proxmox",),
    "cut-body": ("bad_answer",),
    "hang": ("timeout",),
}


@pytest.mark.parametrize("fault", REFUSED)
async def test_a_registration_that_fails_leaves_nothing_behind(
    fresh_fleet: FleetFactory, tmp_path: Path, fault: str
) -> None:
    async with registered(fresh_fleet, tmp_path) as client:
        await client.services.clusters.deregister(client.record.id)
        cluster = client.fleet.clusters[0]
        client.set(fault)
        with pytest.raises(RegistrationFailedError) as caught:
            async with asyncio.timeout(PATIENCE):
                await client.services.clusters.register(with_code(cluster), coded(cluster))
        assert caught.value.error.cause in REFUSED[fault]
        assert await client.services.clusters.list() == ()
        client.clear(fault)
        done = await client.services.clusters.register(with_code(cluster), coded(cluster, step=1))
        assert done.cluster.status is Status.HEALTHY


def with_code(cluster: SimulatedCluster) -> RegistrationRequest:
    return build_request(
        endpoint=cluster.endpoint,
        name="lab",
        user=cluster.totp_username,
        password=cluster.totp_password,
        fingerprint=cluster.fingerprint,
    )


def coded(cluster: SimulatedCluster, step: int = 0) -> Recorder:
    """Somebody with the device that shows codes; each is good once."""
    return Recorder(codes=[totp(cluster.totp_secret, time.time() + 30 * step)])


async def test_one_cluster_in_trouble_does_not_hurt_another(fresh_fleet: FleetFactory, tmp_path: Path) -> None:
    async with registered(fresh_fleet, tmp_path) as client:
        other = fresh_fleet(ClusterOptions("other", "8.4", nodes=1, guests=2)).clusters[0]
        request = build_request(
            endpoint=other.endpoint,
            name="other",
            token_id=other.token_id,
            token_secret=other.token_secret,
            fingerprint=other.fingerprint,
        )
        done = await client.services.clusters.register(request, Recorder())
        for fault in ("hang", "garbage", "huge-body", "cut-body"):
            client.set(fault)
            check = client.services.clusters.check(done.cluster.id, Snapshot(done.cluster.id), Recorder())
            async with asyncio.timeout(PATIENCE):
                troubled, fine = await asyncio.gather(client.check(), check)
            assert troubled.cluster.status is Status.UNREACHABLE
            assert what_came(fine) == ("healthy", "")


async def test_the_watched_fleet_takes_one_after_the_other(fresh_fleet: FleetFactory, tmp_path: Path) -> None:
    async with registered(fresh_fleet, tmp_path) as client:
        watched = client.services.fleet
        watched.load()
        changed = asyncio.Event()

        async def becomes(status: str, cause: str) -> None:
            async with asyncio.timeout(PATIENCE):
                while True:
                    found = watched.view().clusters[0].cluster
                    if (str(found.status), found.error.cause if found.error else "") == (status, cause):
                        return
                    changed.clear()
                    await changed.wait()

        watching = asyncio.create_task(watched.watch(changed.set))
        try:
            for fault, node, value, status, cause in CASES:
                if status == "healthy":
                    continue
                client.set(fault, node, value)
                await watched.refresh()
                await becomes(status, cause)
                client.clear(fault)
                if status in {"unauthorized", "untrusted"}:
                    report = await client.check()
                    await watched.adopt(report.cluster, report.snapshot)
                else:
                    await watched.refresh()
                await becomes("healthy", "")
            assert kept(watched.view().clusters[0].cluster) == kept(client.record)
            assert not watching.done()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
