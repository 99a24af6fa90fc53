"""Importing rows side by side: bounded, each with a verdict, stopped without a loss."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from pxm_tui.domain import messages
from pxm_tui.domain.certificate import TrustMode
from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.secret import Secret
from pxm_tui.formats.own import row_of
from pxm_tui.formats.rows import GivenTrust, ImportRow
from pxm_tui.services.importing import Importer, RowResult, Verdict
from tests.fakes import Bench, FakeSecrets, FakeServer, certificate, cluster, make_bench
from tests.services.recorder import Recorder

SECRET = "right-secret"


def token_row(number: int, **more: Any) -> ImportRow:
    """A row with the token that the made-up servers know."""
    entry = {
        "name": f"c-{number}",
        "endpoint": f"10.0.0.{number}",
        "token_id": "monitor@pve!pxm",
        "token_secret": SECRET,
        "fingerprint": certificate(seed=number).sha256,
        **more,
    }
    return row_of(f"row {number}", entry)


def bench_of(count: int, known: tuple[Cluster, ...] = (), **options: Any) -> Bench:
    numbers = range(1, count + 1)
    servers = {f"10.0.0.{number}": FakeServer(certificate=certificate(seed=number)) for number in numbers}
    return make_bench(known, servers=servers, **options)


def importer(bench: Bench, *rows: ImportRow, **options: Any) -> Importer:
    return Importer(bench.services.clusters, rows, lambda _: Recorder(), **options)


async def run(bench: Bench, *rows: ImportRow, **options: Any) -> tuple[RowResult, ...]:
    found = importer(bench, *rows, **options)
    await found.run()
    return found.results()


async def test_no_more_rows_than_allowed_are_worked_on_at_once() -> None:
    bench, gate = bench_of(7), asyncio.Event()
    for server in bench.gateway.servers.values():
        server.gates["connect"] = gate
    task = asyncio.create_task(run(bench, *(token_row(number) for number in range(1, 8)), at_once=3))
    for _ in range(50):
        await asyncio.sleep(0)
    assert sum(server.sessions for server in bench.gateway.servers.values()) == 3
    gate.set()
    assert {result.verdict for result in await task} == {Verdict.REGISTERED}


async def test_results_come_as_they_are_known_and_stay_in_the_order_of_the_file() -> None:
    bench, gate, seen = bench_of(2), asyncio.Event(), []
    bench.gateway.servers["10.0.0.1"].gates["connect"] = gate

    def note(result: RowResult) -> None:
        seen.append(result.name)
        gate.set()

    results = await run(bench, token_row(1), token_row(2), on_result=note)
    assert seen == ["c-2", "c-1"]
    assert [result.name for result in results] == ["c-1", "c-2"]


async def test_a_row_whose_own_authority_is_registered_is_the_same_cluster() -> None:
    authority = certificate(seed=7)
    known = cluster("known", number=1, host="10.0.0.9")
    known = replace(known, trust=replace(known.trust, authority=authority))
    bench = bench_of(1, (known,))
    (result,) = await run(bench, token_row(1, fingerprint=authority.sha256))
    assert (result.verdict, result.notes) == (Verdict.ALREADY_REGISTERED, ("as known",))
    assert bench.gateway.servers["10.0.0.1"].sessions == 0


async def test_a_copy_of_a_known_cluster_is_one_of_its_own_only_where_the_file_says_so() -> None:
    bench, same = bench_of(4), {"fingerprint": certificate().sha256}
    for server in bench.gateway.servers.values():
        server.certificate = certificate()
    rows = (
        token_row(1, **same),
        token_row(2, **same),
        token_row(3, **same, separate=True),
        token_row(4, **same, token_secret=None),
        token_row(5, **same, endpoint="10.0.0.4", token_secret=None, separate=True),
    )
    results = await run(bench, *rows[:4], at_once=1)
    assert [result.verdict for result in results] == [
        Verdict.REGISTERED, Verdict.ALREADY_REGISTERED, Verdict.REGISTERED, Verdict.ALREADY_REGISTERED,
    ]  # fmt: skip
    assert (await run(bench, rows[4]))[0].verdict is Verdict.UNAUTHORIZED
    assert [record.name for record in await bench.repository.list()] == ["c-1", "c-3", "c-5"]


async def test_a_storage_that_fails_stops_what_was_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_of(3)
    full = messages.storage_unusable("/x", "No space left on device")

    async def fail(*_: object) -> None:
        raise full

    monkeypatch.setattr(bench.secrets, "put", fail)
    results = await run(bench, token_row(1), token_row(2), token_row(3), at_once=1)
    assert [result.verdict for result in results] == [Verdict.FAILED, Verdict.NOT_RUN, Verdict.NOT_RUN]
    assert [result.error for result in results] == [full, full, full]
    assert [server.sessions for server in bench.gateway.servers.values()] == [1, 0, 0]
    assert await bench.repository.list() == ()


async def test_a_vault_that_stays_closed_is_said_before_anything_is_contacted() -> None:
    bench = bench_of(1, secrets=FakeSecrets("the passphrase"))
    with pytest.raises(StorageError):
        await run(bench, token_row(1))
    assert bench.gateway.servers["10.0.0.1"].sessions == 0


async def test_cancelled_in_the_middle_of_a_save_it_knows_that_it_was_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, saving, gate = bench_of(2), asyncio.Event(), asyncio.Event()
    bench.gateway.servers["10.0.0.2"].gates["connect"] = asyncio.Event()
    put = bench.secrets.put

    async def slow(*arguments: Any) -> None:
        saving.set()
        await gate.wait()
        await put(*arguments)

    monkeypatch.setattr(bench.secrets, "put", slow)
    found = importer(bench, token_row(1), token_row(2))
    task = asyncio.create_task(found.run())
    await saving.wait()
    task.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [result.verdict for result in found.results()] == [Verdict.REGISTERED, Verdict.NOT_RUN]
    assert [record.name for record in await bench.repository.list()] == ["c-1"]


async def test_a_defect_ends_the_import_and_is_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_of(2)
    monkeypatch.setattr(bench.gateway, "open", None)
    with pytest.raises(TypeError):
        await run(bench, token_row(1), token_row(2))


async def test_what_a_registration_does_not_know_is_taken_from_the_row() -> None:
    bench = bench_of(1)
    row = token_row(
        1,
        id="11111111-2222-4333-8444-555555555555",
        endpoints=["10.0.0.1", "10.0.0.77"],
        created_at="2025-01-02T03:04:05+01:00",
        read_only="yes",
    )
    (result,) = await run(bench, row)
    (stored,) = await bench.repository.list()
    assert result.cluster == stored
    assert (stored.id, stored.read_only) == ("11111111-2222-4333-8444-555555555555", True)
    assert [endpoint.host for endpoint in stored.endpoints] == ["10.0.0.1", "10.0.0.77"]
    assert stored.created_at.isoformat() == "2025-01-02T02:04:05+00:00"
    assert stored.status is Status.HEALTHY
    assert bench.secrets.of(stored) == SECRET


async def test_a_row_without_a_secret_sends_no_login() -> None:
    bench = bench_of(1)
    (result,) = await run(bench, token_row(1, token_secret=None))
    assert result.verdict is Verdict.UNAUTHORIZED
    assert result.error is not None
    assert result.error.cause == "secret_missing"
    assert bench.gateway.servers["10.0.0.1"].logins == 0
    (stored,) = await bench.repository.list()
    assert (stored.status, stored.trust.mode) == (Status.UNAUTHORIZED, TrustMode.PINNED_LEAF)
    assert stored.error is not None
    assert not bench.secrets.kept


async def test_a_row_without_a_secret_needs_a_name() -> None:
    bench = bench_of(1)
    (result,) = await run(bench, token_row(1, token_secret=None, name=""))
    assert result.error is not None
    assert (result.verdict, result.error.field) == (Verdict.FAILED, "name")


async def test_a_dry_run_without_a_secret_saves_nothing() -> None:
    bench = bench_of(1)
    (result,) = await run(bench, token_row(1, token_secret=None), dry_run=True)
    assert result.verdict is Verdict.UNAUTHORIZED
    assert await bench.repository.list() == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"fingerprint": certificate(seed=9).sha256}, "trust.fingerprint"),
        ({"anchor_pem": "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n"}, "trust.anchor_pem"),
        ({"mode": TrustMode.PINNED_CA}, "trust.authority_pem"),
        ({"ca_fingerprint": certificate(seed=9).sha256}, "trust.ca_fingerprint"),
        ({"vouched": ("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n",)}, "trust.vouched"),
    ],
)
async def test_a_trust_that_contradicts_itself(changes: dict[str, Any], field: str) -> None:
    bench, leaf = bench_of(1), certificate()
    trust = GivenTrust(TrustMode.PINNED_LEAF, leaf.sha256, leaf.pem, leaf.pem)
    row = replace(token_row(1, token_secret=None, fingerprint=None), trust=replace(trust, **changes))
    (result,) = await run(bench, row)
    assert result.error is not None
    assert (result.verdict, result.error.field) == (Verdict.FAILED, field)
    assert await bench.repository.list() == ()
    good = replace(row, trust=trust)
    assert (await run(bench, good))[0].verdict is Verdict.UNAUTHORIZED
    assert bench.gateway.servers["10.0.0.1"].sessions == 0


ID = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize("separate", [False, True])
async def test_two_rows_with_one_id_are_two_clusters(separate: bool) -> None:
    bench = bench_of(2)
    results = await run(bench, *(token_row(number, id=ID, separate=separate) for number in (1, 2)), at_once=1)
    assert [result.verdict for result in results] == [Verdict.REGISTERED, Verdict.REGISTERED]
    kept = await bench.repository.list()
    assert [found.name for found in kept] == ["c-1", "c-2"]
    assert kept[0].id == ID != kept[1].id
    assert {place[0] for place in bench.secrets.kept} == {found.id for found in kept}


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("secret", [SECRET, None])
async def test_what_another_import_has_saved_meanwhile_stays(secret: str | None, separate: bool) -> None:
    bench, gate = bench_of(1), asyncio.Event()
    bench.gateway.servers["10.0.0.1"].gates["secure"] = gate
    row = token_row(1, id=ID, separate=separate, token_secret=secret)
    task = asyncio.create_task(run(bench, row))
    for _ in range(50):
        await asyncio.sleep(0)
    theirs = replace(cluster("theirs", number=9), id=ID)
    await bench.repository.save(theirs)
    await bench.secrets.put(ID, theirs.login, Secret("theirs"))
    gate.set()
    (result,) = await task
    assert result.verdict is Verdict.ALREADY_REGISTERED
    assert await bench.repository.list() == (theirs,)
    assert bench.secrets.of(theirs) == "theirs"
    assert len(bench.secrets.kept) == 1
