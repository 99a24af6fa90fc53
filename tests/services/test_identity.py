"""Which cluster it is: a second node of a known one, copies of it, and two registrations at once."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest

from pxm_tui.domain.certificate import Certificate, Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod
from pxm_tui.services.dialog import KnownAnswer, KnownQuestion
from pxm_tui.services.identity import Join, is_same, known_as
from pxm_tui.services.registration import Registration, RegistrationFailedError
from pxm_tui.services.requests import build_request
from tests.fakes import NOW, Bench, FakeServer, certificate, cluster, make_bench, observation
from tests.services.recorder import Recorder

FIRST, SECOND = Endpoint("10.20.0.11"), Endpoint("10.20.0.12")
CA, OTHER_CA = certificate(seed=50), certificate(seed=51)
KNOWN = replace(
    cluster("fra prod"), trust=Trust(TrustMode.PINNED_CA, certificate().sha256, CA.pem, CA, certificate(), NOW)
)


def bench(*clusters: Cluster, authority: Certificate | None = CA) -> Bench:
    """A known cluster at the first address; another node of it, or something else, at the second."""
    second = FakeServer(certificate=certificate(seed=2), authority=authority)
    servers = {FIRST.host: FakeServer(authority=authority), SECOND.host: second}
    return make_bench(clusters, servers=servers)


async def register(
    found: Bench, answer: KnownAnswer | None, *, at: Endpoint = SECOND, dry_run: bool = False, **fields: object
) -> tuple[Registration, Recorder]:
    dialog = Recorder(known_answer=answer)
    given: dict[str, object] = {"endpoint": at.url, "user": "root@pam", "password": "right-password"}
    request = build_request(**{**given, "mint_token": False, **fields})
    return await found.services.clusters.register(request, dialog, dry_run=dry_run), dialog


async def names(found: Bench) -> list[str]:
    return [record.name for record in await found.repository.list()]


async def test_a_second_node_of_a_known_cluster_becomes_an_endpoint_of_it() -> None:
    found = bench(KNOWN)
    done, dialog = await register(found, KnownAnswer.ENDPOINT, name="whatever")
    stored = await found.repository.find_by_id(KNOWN.id)
    assert (done.joined, done.cluster) == (True, stored)
    assert stored is not None
    assert stored.endpoints == (FIRST, SECOND)
    assert (stored.login, stored.trust, stored.name) == (KNOWN.login, KNOWN.trust, KNOWN.name)
    assert await names(found) == ["fra prod"]
    assert [key[0] for key in found.secrets.kept] == [KNOWN.id], "what was typed is not kept"
    assert dict(dialog.ended())["save"] == "ok"
    assert "token" not in dict(dialog.ended())
    question = next(asked for asked in dialog.questions if isinstance(asked, KnownQuestion))
    assert (question.kind, question.may_add) == ("authority", True)
    assert "add_endpoint" in [entry.action for entry in await found.services.audit.entries()]


async def test_without_a_person_the_hint_names_the_cluster_and_the_line() -> None:
    found = bench(KNOWN)
    with pytest.raises(RegistrationFailedError) as caught:
        await register(found, None)
    error = caught.value.error
    assert (error.cause, error.exit_status) == ("already_registered", 4)
    assert '"fra prod"' in error.message
    assert "pxm edit 'fra prod' --add-endpoint https://10.20.0.12:8006" in error.do
    failed = next(step for step in caught.value.steps if step.cause)
    assert failed.name == "identity"
    assert await found.repository.list() == (KNOWN,)


async def test_a_copy_is_registered_on_its_own_where_that_is_wanted() -> None:
    for separate, answer in ((True, None), (False, KnownAnswer.SEPARATE)):
        found = bench(KNOWN)
        done, dialog = await register(found, answer, separate=separate)
        assert not done.joined
        assert len(await names(found)) == 2
        assert any(isinstance(asked, KnownQuestion) for asked in dialog.questions) is not separate


async def test_a_copy_of_a_read_only_cluster_gets_no_token() -> None:
    found = bench(replace(KNOWN, read_only=True))
    done, _ = await register(found, None, separate=True, mint_token=True)
    assert done.cluster.login.method is LoginMethod.PASSWORD
    assert next(step for step in done.steps if step.name == "token").cause == "read_only"
    assert found.gateway.servers[SECOND.host].token_writes == []
    writable = bench(KNOWN)
    done, _ = await register(writable, None, separate=True, mint_token=True)
    assert done.cluster.login.minted


async def test_another_cluster_of_the_same_name_is_another_cluster() -> None:
    found = bench(KNOWN, authority=OTHER_CA)
    done, dialog = await register(found, None, name="")
    assert not any(isinstance(asked, KnownQuestion) for asked in dialog.questions)
    assert done.cluster.id != KNOWN.id
    assert sorted(await names(found)) == ["fra prod", "fra-prod"]
    same_name = bench(KNOWN, authority=OTHER_CA)
    same_name.gateway.servers[SECOND.host].observed = observation(name="fra prod")
    done, _ = await register(same_name, None)
    assert done.cluster.name == "fra prod-2"


async def test_an_endpoint_that_is_known_can_only_be_registered_separately() -> None:
    found = bench(KNOWN)
    with pytest.raises(RegistrationFailedError) as caught:
        await register(found, KnownAnswer.ENDPOINT, at=FIRST)
    assert "is an endpoint of" in caught.value.error.message
    assert "pxm show 'fra prod'" in caught.value.error.do
    done, _ = await register(found, KnownAnswer.SEPARATE, at=FIRST)
    assert not done.joined


async def test_a_dry_run_tells_and_changes_nothing() -> None:
    found = bench(KNOWN)
    done, _ = await register(found, KnownAnswer.ENDPOINT, dry_run=True)
    assert (done.joined, done.cluster.endpoints) == (True, (FIRST, SECOND))
    assert await found.repository.list() == (KNOWN,)


async def test_of_two_registrations_at_once_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bench()
    both, calls = asyncio.Barrier(2), itertools.count()
    check = found.repository.list

    async def looked() -> tuple[Cluster, ...]:
        seen = await check()
        if next(calls) < 2:
            await both.wait()
        return seen

    monkeypatch.setattr(found.repository, "list", looked)
    results = await asyncio.gather(
        register(found, None, at=FIRST, name="a"), register(found, None, at=SECOND, name="b"), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, RegistrationFailedError)]
    assert [error.error.cause for error in refused] == ["already_registered"]
    assert refused[0].steps[-1].name == "save"
    assert len(await check()) == len(found.secrets.kept) == 1


async def test_a_cluster_that_is_deregistered_meanwhile_gets_no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bench(KNOWN)
    update = found.repository.update

    async def gone(cluster_id: str, change: object) -> Cluster | None:
        await found.repository.delete(cluster_id)
        return await update(cluster_id, change)  # type: ignore[arg-type]

    monkeypatch.setattr(found.repository, "update", gone)
    with pytest.raises(RegistrationFailedError) as caught:
        await register(found, KnownAnswer.ENDPOINT)
    assert caught.value.error.cause == "not_found"
    assert await names(found) == []


def test_what_makes_it_the_same() -> None:
    leaf, other = certificate(), certificate(seed=2)
    by_leaf = Trust(TrustMode.PINNED_LEAF, leaf.sha256, leaf.pem, certificate=leaf)
    assert is_same(KNOWN.trust, replace(by_leaf, fingerprint=other.sha256, authority=CA))
    assert is_same(KNOWN.trust, by_leaf), "the leaf that it showed last"
    assert not is_same(KNOWN.trust, replace(by_leaf, fingerprint=other.sha256, authority=OTHER_CA))
    assert not is_same(KNOWN.trust, Trust(TrustMode.SYSTEM, other.sha256))
    assert not is_same(Trust(TrustMode.SYSTEM), Trust(TrustMode.SYSTEM)), "nothing is known of either"


def test_of_several_copies_the_one_with_the_endpoint_is_meant() -> None:
    copy = replace(KNOWN, id="copy", endpoints=(SECOND,))
    assert known_as(KNOWN.trust, SECOND, [KNOWN, copy]) == copy
    assert known_as(KNOWN.trust, Endpoint("elsewhere"), [KNOWN, copy]) == KNOWN
    assert known_as(Trust(TrustMode.SYSTEM), SECOND, [KNOWN]) is None


def test_one_that_has_the_leaf_of_another_cluster_does_not_take_its_place() -> None:
    other = Trust(TrustMode.PINNED_CA, certificate().sha256, OTHER_CA.pem, OTHER_CA)
    liar = replace(KNOWN, id="liar", endpoints=(SECOND,), trust=other)
    assert known_as(KNOWN.trust, SECOND, [liar, KNOWN]) == KNOWN
    assert known_as(replace(KNOWN.trust, authority=None), SECOND, [liar]) == liar


def test_where_names_are_compared_the_leaf_that_was_just_trusted_is_taken() -> None:
    shown = certificate(seed=2)
    found = Trust(TrustMode.PINNED_CA, shown.sha256, CA.pem, CA, shown)
    by_file = replace(KNOWN, trust=Trust(TrustMode.CA_FILE, certificate().sha256, CA.pem, CA, certificate()))
    repository = make_bench([by_file]).repository
    added = Join(repository, by_file, SECOND, found).added(by_file, NOW)
    assert added.trust.vouched == (shown.pem,)
    assert Join(repository, KNOWN, SECOND, found).added(KNOWN, NOW).trust == KNOWN.trust
    assert Join(repository, added, SECOND, found).added(added, NOW) is added
