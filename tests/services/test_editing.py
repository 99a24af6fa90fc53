"""Editing a cluster: each change checked before it is saved, nothing saved where one does not hold."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from pxm_tui.domain import connection_messages
from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod
from pxm_tui.domain.errors import InvalidError, NotFoundError, StorageError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.services.edit_changes import Changes
from pxm_tui.services.editing import Edited, EditFailedError, edited_endpoints, edited_labels
from pxm_tui.services.ports import Credentials
from tests.fakes import Bench, FakeSecrets, FakeServer, certificate, cluster, make_bench
from tests.services.recorder import Recorder

FIRST, SECOND = Endpoint("10.20.0.11"), Endpoint("10.20.0.12")
OTHER = cluster("ams-backup", number=2, host="10.20.0.99")
PASSWORD = Credentials(LoginMethod.PASSWORD, "root@pam", Secret("right-password"))
TOKEN = Credentials(LoginMethod.TOKEN, "monitor@pve", Secret("right-secret"), "monitor@pve!pxm")
WRONG = Credentials(LoginMethod.TOKEN, "monitor@pve", Secret("wrong-secret"), "monitor@pve!pxm")


class Edits:
    """One cluster to be edited, beside another."""

    def __init__(self, secrets: FakeSecrets | None = None, **changes: object) -> None:
        self.record: Cluster = replace(cluster("fra-prod"), **changes)  # type: ignore[arg-type]
        self.first, self.second = FakeServer(), FakeServer()
        self.bench: Bench = make_bench(
            [self.record, OTHER], servers={FIRST.host: self.first, SECOND.host: self.second}, secrets=secrets
        )
        self.dialog = Recorder()

    async def edit(self, **changes: object) -> Edited:
        asked = Changes(**changes)  # type: ignore[arg-type]
        return await self.bench.services.clusters.edits.edit(
            self.record.id, asked, Snapshot(self.record.id), self.dialog
        )

    async def fails(self, **changes: object) -> EditFailedError:
        with pytest.raises(EditFailedError) as failure:
            await self.edit(**changes)
        assert await self.stored() == self.record
        return failure.value

    async def stored(self) -> Cluster | None:
        return await self.bench.repository.find_by_id(self.record.id)


async def test_what_is_free_of_the_cluster_contacts_nobody() -> None:
    edits = Edits()
    done = await edits.edit(name="eins", labels=(("env", "lab"),), read_only=True)
    assert done.changed == ("name", "labels", "read-only")
    assert done.cluster == await edits.stored()
    assert (done.cluster.name, done.cluster.environment, done.cluster.read_only) == ("eins", "lab", True)
    assert edits.first.sessions == 0
    assert [step.name for step in done.steps] == ["name", "save"]
    assert done.cluster.updated_at == edits.bench.clock.now.replace(microsecond=0)
    assert edits.bench.services.journal.entries()[-1].text == "edited: name, labels, read-only"


async def test_nothing_new_is_nothing_changed() -> None:
    edits = Edits()
    record = edits.record
    done = await edits.edit(name=record.name, labels=record.labels, endpoints=record.endpoints, read_only=False)
    assert (done.changed, done.steps, done.cluster) == ((), (), record)
    assert await edits.stored() == record


async def test_a_name_that_is_taken_stops_everything() -> None:
    edits = Edits()
    failure = await edits.fails(name="AMS-Backup", labels=())
    assert failure.error.cause == "already_registered"
    assert [(step.name, str(step.state)) for step in failure.steps] == [("name", "failed")]


async def test_a_name_taken_meanwhile_gives_the_secret_back() -> None:
    edits = Edits()
    gate = edits.first.gates["version"] = asyncio.Event()
    task = asyncio.create_task(edits.edit(name="eins", credentials=replace(TOKEN, secret=Secret("right-secret"))))
    for _ in range(20):
        await asyncio.sleep(0)
    await edits.bench.secrets.put(edits.record.id, edits.record.login, Secret("the-old-one"))
    await edits.bench.repository.save(cluster("eins", number=7))
    gate.set()
    with pytest.raises(EditFailedError) as failure:
        await task
    assert failure.value.error.cause == "already_registered"
    kinds = [kind for cluster_id, kind in edits.bench.secrets.kept if cluster_id == edits.record.id]
    assert kinds == [edits.record.login.secret_kind]
    assert edits.bench.secrets.of(edits.record) == "the-old-one"
    assert await edits.stored() == edits.record


async def test_an_endpoint_is_added_without_a_login() -> None:
    edits = Edits()
    done = await edits.edit(endpoints=(FIRST, SECOND))
    assert done.cluster.endpoints == (FIRST, SECOND)
    assert (edits.second.sessions, edits.second.logins) == (1, 0)
    assert next(step.message for step in done.steps).startswith("10.20.0.12:8006 answers, ")


async def test_one_that_shows_another_certificate_is_refused() -> None:
    edits = Edits()
    edits.second.certificate = certificate(seed=2)
    failure = await edits.fails(endpoints=(FIRST, SECOND), name="eins")
    assert (failure.error.cause, failure.error.exit_status) == ("untrusted", 6)
    assert 'not prove to be of "fra-prod"' in failure.error.message


async def test_one_with_a_certificate_of_its_own_is_of_the_cluster_where_another_node_says_so() -> None:
    edits = Edits()
    own = edits.second.certificate = certificate(seed=2)
    edits.first.node_fingerprints = frozenset({own.sha256})
    done = await edits.edit(endpoints=(FIRST, SECOND))
    assert done.cluster.endpoints == (FIRST, SECOND)
    assert done.cluster.trust.vouched == (own.pem,)
    assert edits.second.logins == 0


async def test_a_login_that_was_refused_asks_nobody_about_a_certificate() -> None:
    edits = Edits(login=replace(cluster("fra-prod").login, refused=True))
    own = edits.second.certificate = certificate(seed=2)
    edits.first.node_fingerprints = frozenset({own.sha256})
    failure = await edits.fails(endpoints=(FIRST, SECOND))
    assert failure.error.cause == "untrusted"
    assert edits.first.logins == 0


async def test_what_it_says_of_itself_counts_for_nothing() -> None:
    edits = Edits()
    own = edits.second.certificate = certificate(seed=2)
    edits.second.node_fingerprints = frozenset({own.sha256})
    await edits.fails(endpoints=(FIRST, SECOND, Endpoint("10.20.0.13")))
    assert edits.second.logins == 0


async def test_one_that_a_foreign_authority_vouches_for_has_to_prove_more() -> None:
    """Whoever the system trusts verifies; that makes it no node of this cluster."""
    trust = replace(cluster("fra-prod").trust, mode=TrustMode.SYSTEM, anchor_pem="")
    edits = Edits(trust=trust)
    edits.second.trusted_by_system = True
    edits.second.certificate = certificate(seed=2)
    failure = await edits.fails(endpoints=(FIRST, SECOND))
    assert "not prove to be of" in failure.error.message
    edits.second.certificate = edits.first.certificate
    assert (await edits.edit(endpoints=(FIRST, SECOND))).cluster.endpoints == (FIRST, SECOND)


async def test_endpoints_are_put_in_another_order_or_removed_while_nobody_answers() -> None:
    edits = Edits(endpoints=(FIRST, SECOND))
    edits.first.errors["connect"] = edits.second.errors["connect"] = connection_messages.refused(FIRST)
    assert (await edits.edit(endpoints=(SECOND, FIRST))).cluster.endpoint == SECOND
    done = await edits.edit(endpoints=(SECOND,))
    assert done.cluster.to_json()["api_endpoint"] == SECOND.url


async def test_another_login_carries_a_whole_check() -> None:
    edits = Edits()
    done = await edits.edit(credentials=PASSWORD, token=None)
    assert done.changed == ("login",)
    assert (done.cluster.login.method, done.cluster.login.user) == (LoginMethod.PASSWORD, "root@pam")
    assert edits.bench.secrets.of(done.cluster) == "right-password"
    assert [step.name for step in done.steps][-2:] == ["discovery", "save"]
    assert "right-password" not in repr(Changes(credentials=PASSWORD))


async def test_a_refused_login_changes_nothing() -> None:
    edits = Edits()
    failure = await edits.fails(credentials=WRONG, name="eins")
    assert failure.error.cause == "token"
    assert edits.bench.secrets.by_method() == {"token": "right-secret"}
    assert edits.bench.secrets.of(edits.record) == "right-secret"
    assert edits.first.logins == 1


async def test_a_refused_login_does_not_cost_the_one_that_is_there() -> None:
    edits = Edits(login=cluster("x", method=LoginMethod.PASSWORD).login)
    checker = edits.bench.services.clusters.means.checker()
    await checker.refresh(edits.record, Snapshot(edits.record.id))
    await edits.fails(credentials=WRONG)
    logins = edits.first.logins
    assert (await checker.refresh(edits.record, Snapshot(edits.record.id))).error is None
    assert edits.first.logins == logins


async def test_after_a_token_took_the_place_of_a_password_its_ticket_is_not_used() -> None:
    edits = Edits(login=cluster("x", method=LoginMethod.PASSWORD).login)
    checker = edits.bench.services.clusters.means.checker()
    await checker.refresh(edits.record, Snapshot(edits.record.id))
    done = await edits.edit(credentials=TOKEN)
    logins = edits.first.logins
    await checker.refresh(done.cluster, done.snapshot)
    assert edits.first.logins == logins + 1


async def test_a_token_of_pxm_s_own_that_is_not_used_any_more_is_named() -> None:
    edits = Edits(login=replace(cluster("x").login, minted=True))
    done = await edits.edit(credentials=PASSWORD)
    assert done.cleanup == ("pveum user token remove monitor@pve pxm",)


async def test_another_trust_carries_a_whole_check() -> None:
    edits = Edits()
    new = edits.first.certificate = certificate(seed=3)
    done = await edits.edit(trust=Trust(TrustMode.PINNED_LEAF, new.sha256))
    assert done.cluster.trust.fingerprint == new.sha256
    assert done.cluster.trust.certificate == new
    assert edits.first.checks == 1


async def test_a_fingerprint_that_nobody_shows_changes_nothing_and_sends_no_login() -> None:
    edits = Edits(endpoints=(FIRST, SECOND))
    failure = await edits.fails(trust=Trust(TrustMode.PINNED_LEAF, certificate(seed=3).sha256))
    assert failure.error.cause == "untrusted"
    assert (edits.first.logins, edits.second.sessions) == (0, 0)


async def test_a_trust_that_does_not_carry_the_check_is_not_kept() -> None:
    edits = Edits()
    new = edits.first.certificate = certificate(seed=3)
    edits.first.tokens.clear()
    failure = await edits.fails(trust=Trust(TrustMode.PINNED_LEAF, new.sha256))
    assert failure.error.cause == "token"


async def test_another_trust_is_looked_for_at_the_next_endpoint_where_the_first_is_down() -> None:
    edits = Edits(endpoints=(FIRST, SECOND))
    edits.first.errors["connect"] = connection_messages.refused(FIRST)
    new = edits.second.certificate = certificate(seed=3)
    done = await edits.edit(trust=Trust(TrustMode.PINNED_LEAF, new.sha256))
    assert done.snapshot.endpoint_in_use == SECOND


async def test_a_closed_secret_store_changes_nothing() -> None:
    edits = Edits(secrets=FakeSecrets("open sesame"))
    failure = await edits.fails(credentials=PASSWORD)
    assert isinstance(failure.error, StorageError)


async def test_a_record_that_went_away_meanwhile() -> None:
    edits = Edits()
    with pytest.raises(NotFoundError):
        await edits.bench.services.clusters.edits.edit("nobody", Changes(name="x"), Snapshot("x"), edits.dialog)
    gate = edits.second.gates["connect"] = asyncio.Event()
    task = asyncio.create_task(edits.edit(endpoints=(FIRST, SECOND)))
    for _ in range(20):
        await asyncio.sleep(0)
    await edits.bench.repository.delete(edits.record.id)
    gate.set()
    with pytest.raises(EditFailedError) as failure:
        await task
    assert failure.value.error.cause == "not_found"


async def test_a_colleague_s_edit_stays() -> None:
    edits = Edits()
    gate = edits.second.gates["connect"] = asyncio.Event()
    task = asyncio.create_task(edits.edit(endpoints=(FIRST, SECOND)))
    for _ in range(20):
        await asyncio.sleep(0)
    await edits.bench.repository.save(replace(edits.record, labels=(("team", "core"),)))
    gate.set()
    done = await task
    assert (done.cluster.endpoints, done.cluster.labels) == ((FIRST, SECOND), (("team", "core"),))


async def test_cancelled_it_changes_nothing() -> None:
    edits = Edits()
    edits.second.gates["connect"] = asyncio.Event()
    task = asyncio.create_task(edits.edit(endpoints=(FIRST, SECOND)))
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await edits.stored() == edits.record


def test_the_last_endpoint_cannot_be_removed() -> None:
    with pytest.raises(InvalidError, match="last endpoint"):
        edited_endpoints((FIRST,), (), (FIRST,))
    assert edited_endpoints((FIRST,), (SECOND,), (FIRST,)) == (SECOND,)
    with pytest.raises(InvalidError, match="no endpoint of it"):
        edited_endpoints((FIRST,), (), (SECOND,))


def test_labels_are_set_and_taken_away() -> None:
    assert edited_labels((("a", "1"), ("b", "2")), [("c", "3"), ("a", "9")], ["b", "x"]) == (("a", "9"), ("c", "3"))


@pytest.mark.parametrize("order", [(FIRST, SECOND), (SECOND, FIRST), (SECOND,)])
@pytest.mark.parametrize("another_trust", [False, True])
async def test_no_login_goes_to_an_endpoint_that_has_not_proven_to_be_of_the_cluster(
    order: tuple[Endpoint, ...], another_trust: bool
) -> None:
    """The system's authorities vouch for the name of a stranger, too; the registered endpoint is down."""
    trust = replace(cluster("fra-prod").trust, mode=TrustMode.SYSTEM, anchor_pem="")
    if another_trust and FIRST not in order:
        return  # a person has said both where it is and what proves that
    edits = Edits(trust=trust)
    edits.first.trusted_by_system = edits.second.trusted_by_system = True
    edits.second.certificate = certificate(seed=2)
    edits.first.errors["connect"] = connection_messages.refused(FIRST)
    await edits.fails(endpoints=order, credentials=PASSWORD, trust=Trust(TrustMode.SYSTEM) if another_trust else None)
    assert edits.second.logins == 0


MEANWHILE: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "login": ({"credentials": TOKEN}, {"login": Login(LoginMethod.TOKEN, "b@pve", "b@pve!x")}),
    "labels": ({"labels": (("a", "1"),)}, {"labels": (("team", "core"),)}),
    "endpoints": ({"endpoints": (FIRST, SECOND)}, {"endpoints": (FIRST, Endpoint("10.20.0.13"))}),
    "trust": (
        {"trust": Trust(TrustMode.PINNED_LEAF, certificate().sha256)},
        {"trust": Trust(TrustMode.PINNED_LEAF, certificate(seed=5).sha256, certificate(seed=5).pem)},
    ),
}


@pytest.mark.parametrize("what", MEANWHILE)
async def test_what_somebody_else_has_changed_meanwhile_stays(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    edits = Edits()
    asked, theirs = MEANWHILE[what]
    changed = replace(edits.record, **theirs)  # type: ignore[arg-type]
    whole = edits.bench.repository.update

    async def late(*given: Any) -> Any:
        """They are quicker by the last moment, with a secret of their own."""
        monkeypatch.setattr(edits.bench.repository, "update", whole)
        await edits.bench.repository.save(changed)
        if what == "login":
            await edits.bench.secrets.put(edits.record.id, changed.login, Secret("theirs"))
        return await whole(*given)

    monkeypatch.setattr(edits.bench.repository, "update", late)
    with pytest.raises(EditFailedError) as failure:
        await edits.edit(**asked)
    assert failure.value.error.cause == "changed_meanwhile"
    assert what in failure.value.error.message
    assert await edits.stored() == changed
    assert edits.bench.secrets.of(changed) == ("theirs" if what == "login" else "right-secret")
