"""List, get, check, repair and deregister."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pxm_tui.domain import connection_messages, login_messages
from pxm_tui.domain.certificate import ChangeVerdict
from pxm_tui.domain.cluster import Endpoint, LoginMethod, Status
from pxm_tui.domain.errors import NotFoundError, StorageError
from pxm_tui.domain.observation import Node, Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import StepState
from pxm_tui.services.ports import Credentials
from tests.fakes import Bench, FakeSecrets, FakeServer, certificate, cluster, make_bench, observation
from tests.services.recorder import Recorder

HERE = Endpoint("10.20.0.11")
PROD = cluster("fra-prod-1", number=1)
BACKUP = cluster("ams-backup", number=2, host="10.20.0.12", method=LoginMethod.PASSWORD)
BEFORE = Snapshot(PROD.id)


def bench(server: FakeServer | None = None) -> Bench:
    return make_bench([PROD, BACKUP], servers={"10.20.0.11": server or FakeServer(), "10.20.0.12": FakeServer()})


async def test_list() -> None:
    assert [found.name for found in await bench().services.clusters.list()] == ["ams-backup", "fra-prod-1"]


@pytest.mark.parametrize("wanted", ["fra-prod-1", " FRA-PROD-1 ", PROD.id])
async def test_get(wanted: str) -> None:
    assert (await bench().services.clusters.get(wanted)).id == PROD.id


@pytest.mark.parametrize("wanted", ["fra-prod", "", "550e8400"])
async def test_get_of_a_missing_one(wanted: str) -> None:
    with pytest.raises(NotFoundError):
        await bench().services.clusters.get(wanted)


async def test_get_by_the_beginning_of_the_id() -> None:
    only = replace(PROD, id="7c1b2f90-0000-4000-8000-000000000000")
    assert (await make_bench([only]).services.clusters.get("7c1b2f90")).name == PROD.name


async def test_deregister() -> None:
    found = bench()
    done = await found.services.clusters.deregister(PROD.id)
    assert done.to_json() == {
        "id": PROD.id,
        "name": "fra-prod-1",
        "revoked": None,
        "cleanup": ["pveum user token remove monitor@pve pxm"],
    }
    assert not await found.repository.exists(PROD.id)
    assert [key[0] for key in found.secrets.kept] == [BACKUP.id]
    assert "pveum user token remove" in found.services.journal.entries()[-1].text


async def test_deregister_of_a_password_login_leaves_nothing_to_clean_up() -> None:
    assert (await bench().services.clusters.deregister("ams-backup")).cleanup == ()


async def test_deregister_of_a_missing_one() -> None:
    with pytest.raises(NotFoundError):
        await bench().services.clusters.deregister("nobody")


async def test_deregister_needs_no_open_vault() -> None:
    found = make_bench([PROD], secrets=FakeSecrets("locked"))
    await found.services.clusters.deregister(PROD.id)
    assert await found.repository.list() == ()


async def test_a_check_saves_what_it_found() -> None:
    found = bench(FakeServer(observed=observation(nodes=5, offline={3}, guests=20)))
    report = await found.services.clusters.check(PROD.id, BEFORE, Recorder())
    assert report.cluster.status is Status.DEGRADED
    assert (await found.repository.find_by_id(PROD.id)) == report.cluster
    assert report.snapshot.nodes[0].guests == 4
    assert report.snapshot.rtt_ms == 12.0
    assert report.steps[0].name == "address"


@pytest.mark.parametrize(
    ("server", "status", "cause"),
    [
        (FakeServer(errors={"connect": connection_messages.timeout(HERE, 5)}), Status.UNREACHABLE, "timeout"),
        (FakeServer(certificate=certificate(seed=2)), Status.UNTRUSTED, "changed"),
        (FakeServer(tokens={}), Status.UNAUTHORIZED, "token"),
        (
            FakeServer(errors={"realms": connection_messages.not_proxmox(HERE, "nginx")}),
            Status.UNREACHABLE,
            "not_proxmox",
        ),
    ],
)
async def test_a_check_that_fails(server: FakeServer, status: Status, cause: str) -> None:
    found = bench(server)
    report = await found.services.clusters.check(PROD.id, BEFORE, Recorder())
    assert report.error is not None
    assert (report.cluster.status, report.error.cause) == (status, cause)
    assert report.cluster.node_count == PROD.node_count
    assert report.snapshot.errors[0].count == 1


async def test_what_is_no_proxmox_says_so_rather_than_that_the_login_failed() -> None:
    server = FakeServer(tokens={}, errors={"realms": connection_messages.not_proxmox(HERE, "a login page")})
    report = await bench(server).services.clusters.check(PROD.id, BEFORE, Recorder())
    assert report.error is not None
    assert report.error.cause == "not_proxmox"


async def test_a_token_that_got_no_answer_is_not_said_to_be_taken() -> None:
    cut = connection_messages.bad_answer(HERE, "ended in the middle (3 of 9 bytes)")
    server = FakeServer(errors={"version": cut})
    report = await bench(server).services.clusters.check(PROD.id, BEFORE, Recorder())
    login = next(step for step in report.steps if step.name == "login")
    assert (login.state, login.cause) == (StepState.WARNING, "unproven")
    assert "was sent; no answer says whether it was taken" in login.message


async def test_a_node_alone_without_quorum_is_said_to_be_alone() -> None:
    nodes = (Node("a", "online", local=True), Node("b", "offline"), Node("c", "offline"))
    server = FakeServer(observed=replace(observation(), quorate=False, nodes=nodes))
    report = await bench(server).services.clusters.check(PROD.id, BEFORE, Recorder())
    assert report.cluster.error is not None
    assert report.cluster.error.message.startswith("The node that answers sees none of the other 2; reading works")


async def test_a_changed_certificate_gets_no_credential_and_a_verdict() -> None:
    server = FakeServer(certificate=certificate(seed=2))
    report = await bench(server).services.clusters.check(PROD.id, BEFORE, Recorder())
    assert server.logins == 0
    assert report.error is not None
    assert report.error.probably == ChangeVerdict.NEW_KEY


async def test_a_password_is_sent_once_and_its_ticket_used_from_then_on() -> None:
    found = bench()
    for _ in range(3):
        await found.services.clusters.check(BACKUP.id, BEFORE, Recorder())
    assert found.gateway.servers["10.20.0.12"].logins == 1


async def test_a_ticket_that_ended_early_is_no_refusal_of_the_password() -> None:
    found = bench()
    server = found.gateway.servers["10.20.0.12"]
    await found.services.clusters.check(BACKUP.id, BEFORE, Recorder())
    server.errors["resume"] = login_messages.credentials(HERE, "root@pam", "permission denied - invalid PVE ticket")
    report = await found.services.clusters.check(BACKUP.id, BEFORE, Recorder())
    assert (report.error, server.logins) == (None, 2)
    server.refused_tickets = 1
    report = await found.services.clusters.check(BACKUP.id, BEFORE, Recorder())
    assert (report.error, server.logins) == (None, 3)
    assert not report.cluster.login.refused


async def test_a_lost_secret_is_told() -> None:
    found = bench()
    found.secrets.kept.clear()
    report = await found.services.clusters.check(PROD.id, BEFORE, Recorder())
    assert report.error is not None
    assert report.error.cause == "secret_missing"
    assert report.cluster.error is not None
    assert report.cluster.error.step == "login"


async def test_a_locked_vault_says_nothing_about_the_cluster() -> None:
    found = make_bench([PROD], servers={"10.20.0.11": FakeServer()}, secrets=FakeSecrets("locked"))
    with pytest.raises(StorageError):
        await found.services.clusters.check(PROD.id, BEFORE, Recorder())
    assert (await found.repository.find_by_id(PROD.id)) == PROD


async def test_the_same_failure_only_counts() -> None:
    found = bench(FakeServer(errors={"connect": connection_messages.timeout(HERE, 5)}))
    snapshot = BEFORE
    for _ in range(3):
        snapshot = (await found.services.clusters.check(PROD.id, snapshot, Recorder())).snapshot
    assert [(entry.step, entry.short, entry.count) for entry in snapshot.errors] == [("connect", "timed out", 3)]


async def test_logging_in_again_changes_the_login_only() -> None:
    found = bench(FakeServer(tokens={"monitor@pve!new": "new-secret"}))
    login = Credentials(LoginMethod.TOKEN, "monitor@pve", Secret("new-secret"), "monitor@pve!new")
    report = await found.services.clusters.log_in_again(PROD.id, login, BEFORE, Recorder())
    stored = await found.repository.find_by_id(PROD.id)
    assert stored is not None
    assert report.error is None
    assert stored.login.token_id == "monitor@pve!new"
    assert (stored.trust, stored.labels, stored.name) == (PROD.trust, PROD.labels, PROD.name)
    assert found.secrets.of(stored) == "new-secret"
    assert found.secrets.of(PROD) is None, "the one before is erased"


async def test_a_login_that_fails_again_changes_nothing() -> None:
    found = bench()
    login = Credentials(LoginMethod.PASSWORD, "root@pam", Secret("wrong"))
    report = await found.services.clusters.log_in_again(PROD.id, login, BEFORE, Recorder())
    assert report.error is not None
    assert (await found.repository.find_by_id(PROD.id)) == PROD
    assert found.secrets.of(PROD) == "right-secret"


async def test_comparing_and_trusting_a_changed_certificate() -> None:
    new = certificate(seed=2)
    found = bench(FakeServer(certificate=new))
    comparison = await found.services.clusters.compare_certificates(PROD.id)
    assert (comparison.trusted, comparison.shown) == (certificate(), new)
    report = await found.services.clusters.trust_again(PROD.id, comparison.shown, BEFORE, Recorder())
    assert report.error is None
    stored = await found.repository.find_by_id(PROD.id)
    assert stored is not None
    assert (stored.trust.fingerprint, stored.login) == (new.sha256, replace(PROD.login, refused=False))


async def test_a_probe_tells_steps_and_asks_nothing() -> None:
    found, dialog = bench(), Recorder()
    await found.services.clusters.probe(HERE, dialog)
    assert dialog.ended() == [("address", "ok"), ("connect", "ok"), ("certificate", "warning")]
    assert dialog.questions == []
    silent = Recorder()
    await found.services.clusters.probe(Endpoint("nowhere"), silent)
    assert silent.ended() == [("address", "failed")]
