"""What a server claims, what happens meanwhile, and many at once: who is asked, and what comes of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from pxm_tui.domain.certificate import Certificate
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.formats.own import row_of
from pxm_tui.formats.rows import ImportRow
from pxm_tui.services.dialog import KnownAnswer
from pxm_tui.services.importing import Importer, Verdict
from pxm_tui.services.membership import MOST_ASKED
from pxm_tui.services.ports import Refusal
from pxm_tui.services.registration import RegistrationFailedError
from tests.fakes import certificate, cluster
from tests.services.recorder import Recorder
from tests.services.test_membership import FIRST, KNOWN, LEAF, OWN, PINNED, SECOND, THIRD, Lab, identity

# What a server claims


async def test_one_that_the_known_cluster_does_not_list_gets_no_place_in_it() -> None:
    lab = Lab(listed=frozenset({LEAF.sha256}))
    done = await lab.register(KnownAnswer.ENDPOINT)
    step = identity(done)
    assert (done.joined, step.cause) == (False, "not_vouched_for")
    assert 'of "fra prod", which does not know its certificate' in step.message
    assert await lab.records() == [KNOWN, done.cluster]
    assert (lab.first.logins, lab.second.logins) == (1, 1)
    assert lab.asked() == []


async def test_nobody_is_asked_where_nothing_is_claimed() -> None:
    lab = Lab()
    lab.second.presented, lab.second.node_fingerprints = certificate(seed=51), frozenset({OWN.sha256})
    done = await lab.register()
    assert identity(done).state == "ok"
    assert (lab.first.sessions, lab.third.sessions) == (0, 0)


async def test_a_server_that_claims_to_be_of_all_makes_us_ask_a_few() -> None:
    copies = [replace(cluster(f"c{number}", number=number), trust=PINNED) for number in range(1, 30)]
    lab = Lab(*copies, listed=frozenset())
    await lab.register()
    assert lab.first.sessions == MOST_ASKED


async def test_of_several_copies_the_one_that_vouches_is_meant() -> None:
    copy = replace(cluster("copy", number=2), endpoints=(THIRD,), trust=PINNED)
    lab = Lab(copy, KNOWN)
    lab.third.node_fingerprints = frozenset({LEAF.sha256})
    await lab.register(KnownAnswer.ENDPOINT)
    assert [question.cluster for question in lab.asked()] == [KNOWN]


# Meanwhile


async def test_what_is_saved_after_the_known_ones_were_asked_has_to_be_asked_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = Lab()
    await lab.bench.repository.delete(KNOWN.id)
    save = lab.bench.repository.save

    async def save_after_another(record: Cluster, refusal: Refusal | None = None) -> None:
        if record != KNOWN and not await lab.bench.repository.exists(KNOWN.id):
            await save(KNOWN)
        await save(record, refusal)

    monkeypatch.setattr(lab.bench.repository, "save", save_after_another)
    failure = await lab.refused()
    assert (failure.error.cause, failure.steps[-1].name) == ("met_meanwhile", "save")
    assert await lab.records() == [KNOWN]
    assert [key[0] for key in lab.bench.secrets.kept] == [KNOWN.id]
    assert (await lab.refused()).error.cause == "already_registered", "the next time it is asked"


async def test_what_was_vouched_for_under_a_trust_that_is_gone_is_not_added(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab()
    other = replace(KNOWN, trust=replace(PINNED, anchor_pem="another"))
    update = lab.bench.repository.update

    async def changed(cluster_id: str, change: Callable[[Cluster], Cluster]) -> Cluster | None:
        await lab.bench.repository.save(other)
        return await update(cluster_id, change)

    monkeypatch.setattr(lab.bench.repository, "update", changed)
    with pytest.raises(RegistrationFailedError) as caught:
        await lab.register(KnownAnswer.ENDPOINT)
    assert caught.value.error.cause == "changed_meanwhile"
    assert (await lab.records(), await lab.audited()) == ([other], [])


# Many at once


def row(name: str, endpoint: Endpoint, shown: Certificate) -> ImportRow:
    entry = {"name": name, "endpoint": endpoint.url, "fingerprint": shown.sha256}
    return row_of(name, {**entry, "token_id": "monitor@pve!pxm", "token_secret": "right-secret"})


async def imported(lab: Lab, *rows: ImportRow) -> list[Verdict]:
    importer = Importer(lab.bench.services.clusters, rows, lambda _: Recorder(known_answer=KnownAnswer.ENDPOINT))
    await importer.run()
    return sorted(result.verdict for result in importer.results())


async def test_an_import_leaves_the_known_cluster_as_it_is() -> None:
    lab = Lab()
    assert await imported(lab, row("other", SECOND, OWN)) == [Verdict.ALREADY_REGISTERED]
    assert (await lab.records(), await lab.audited()) == ([KNOWN], [])


async def test_two_rows_of_one_cluster_at_once_are_one_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab()
    await lab.bench.repository.delete(KNOWN.id)
    both, calls, check = asyncio.Barrier(2), itertools.count(), lab.bench.repository.list

    async def looked() -> tuple[Cluster, ...]:
        seen = await check()
        if next(calls) in {1, 2}:  # the first is the import's own
            await both.wait()
        return seen

    monkeypatch.setattr(lab.bench.repository, "list", looked)
    found = await imported(lab, row("a", FIRST, LEAF), row("b", SECOND, OWN))
    assert found == [Verdict.ALREADY_REGISTERED, Verdict.REGISTERED]
    assert len(await check()) == 1
