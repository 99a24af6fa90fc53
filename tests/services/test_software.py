"""Reading what the nodes run: who is asked, with which login, and what is said where that fails."""

from __future__ import annotations

from typing import Any

from pxm_tui.domain import connection_messages, login_messages
from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.software import ClusterSoftware
from pxm_tui.services.software import KEPT_FOR
from tests.fakes import Bench, FakeSecrets, FakeServer, cluster, make_bench, observation
from tests.services.recorder import Recorder

HERE = Endpoint("10.20.0.11")
PROD = cluster("prod")


def bench_of(server: FakeServer, record: Cluster = PROD, **options: Any) -> Bench:
    return make_bench([record], servers={HERE.host: server}, **options)


def seen(record: Cluster = PROD, **changes: Any) -> Snapshot:
    found = observation(**changes)
    return Snapshot(record.id, nodes=found.nodes, permissions=found.permissions)


async def read(bench: Bench, snapshot: Snapshot | None = None, record: Cluster = PROD) -> ClusterSoftware:
    return await bench.services.software.read(record, snapshot or seen())


async def test_each_node_that_is_online_is_asked_once() -> None:
    server = FakeServer()
    found = await read(bench_of(server), seen(offline={2}))
    assert sorted(server.software_asked) == ["fra-prod1", "fra-prod3"]
    assert server.logins == 1
    assert found.words() == ("pve-manager 9.2.11, kernel 6.17.2-1-pve on fra-prod1 and fra-prod3; fra-prod2: offline")


async def test_who_may_not_see_it_asks_nobody() -> None:
    server = FakeServer()
    found = await read(bench_of(server), seen(privileges=frozenset({"VM.Audit"})))
    assert server.sessions == 0
    assert found.words() == "not allowed to see them: Sys.Audit on /nodes is missing"


async def test_a_node_that_fails_hides_no_other() -> None:
    software = {
        "fra-prod2": connection_messages.server_failed(HERE, 595, "no route"),
        "fra-prod3": login_messages.missing_privilege("the versions", "Sys.Audit", "/nodes/fra-prod3"),
    }
    found = await read(bench_of(FakeServer(software=dict(software))))
    assert [node.known for node in found.nodes] == [True, False, False]
    assert "fra-prod3: Sys.Audit on /nodes/fra-prod3 is missing" in found.words()


async def test_what_stops_all_is_said_once() -> None:
    refused = connection_messages.refused(HERE)
    found = await read(bench_of(FakeServer(errors={"connect": refused})))
    assert found.problem == refused.message.removesuffix(".")
    assert found.words().startswith("not read: ")


async def test_a_password_is_never_sent_for_it() -> None:
    record = cluster("prod", method=LoginMethod.PASSWORD)
    server = FakeServer()
    bench = bench_of(server, record)
    found = await read(bench, seen(record), record)
    assert server.logins == 0
    assert found.words() == "not read: The login of this run is over"
    report = await bench.services.clusters.check(record.id, Snapshot(record.id), Recorder())
    assert report.error is None
    logins = server.logins
    found = await read(bench, report.snapshot, record)
    assert server.logins == logins
    assert all(node.known for node in found.nodes)


async def test_a_refused_token_is_tried_once() -> None:
    server = FakeServer(tokens={"monitor@pve!pxm": "another-secret"})
    found = await read(bench_of(server))
    assert server.logins == 1
    assert server.software_asked == []
    assert "rejected the token" in found.problem


async def test_a_locked_store_asks_nobody() -> None:
    class Locked(FakeSecrets):
        async def get(self, cluster_id: str, login: Login) -> Any:
            from pxm_tui.domain.messages import secrets_locked

            raise secrets_locked("The secret store is locked.")

    server = FakeServer()
    found = await read(bench_of(server, secrets=Locked("pass phrase")))
    assert server.software_asked == []
    assert found.words() == "not read: the secrets are locked"


async def test_it_is_kept_for_a_while() -> None:
    bench = bench_of(FakeServer())
    kept = bench.services.software.kept
    assert kept(PROD.id) is None
    found = await read(bench)
    bench.clock.advance(KEPT_FOR - 1)
    assert kept(PROD.id) is found
    bench.clock.advance(2)
    assert kept(PROD.id) is None


async def test_a_failure_is_not_kept() -> None:
    server = FakeServer(software={"fra-prod2": connection_messages.server_failed(HERE, 595, "no route")})
    bench = bench_of(server)
    await read(bench)
    assert bench.services.software.kept(PROD.id) is None
    server.software.clear()
    await read(bench)
    assert bench.services.software.kept(PROD.id) is not None
    server.errors["connect"] = connection_messages.refused(HERE)
    assert (await read(bench)).problem
    assert bench.services.software.kept(PROD.id) is None


async def test_what_failed_is_not_kept() -> None:
    server = FakeServer()
    bench = bench_of(server)
    await read(bench)
    server.errors["connect"] = connection_messages.refused(HERE)
    assert (await read(bench)).problem
    assert bench.services.software.kept(PROD.id) is None


async def test_neither_a_check_nor_a_refresh_reads_it() -> None:
    server = FakeServer()
    checker = bench_of(server).services.clusters.means.checker()
    snapshot = Snapshot(PROD.id)
    for _ in range(3):
        snapshot = (await checker.refresh(PROD, snapshot)).snapshot
    assert (server.checks, server.refreshes) == (1, 2)
    assert server.software_asked == []
