"""Another login for a registered cluster: a password makes a token, and what it replaces is revoked or named."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pxm_tui.domain import connection_messages, messages
from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod
from pxm_tui.domain.errors import NotPermittedError, StorageError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.tokens import TokenIntent, TokenRole
from pxm_tui.services.dialog import TokenChoice
from pxm_tui.services.edit_changes import Changes
from pxm_tui.services.editing import Edited, EditFailedError
from pxm_tui.services.ports import Credentials
from pxm_tui.services.repairs import CheckReport
from tests.fakes import AUDITOR, NOW, Bench, FakeIntents, FakeSecrets, FakeServer, cluster, make_bench, observation
from tests.services.recorder import Recorder

HERE = Endpoint("10.20.0.11")
OLD = "root@pam!pxm-jump1-anna-550e8400"
NEW = f"{OLD}-2"
LINE = f"pveum user token remove root@pam {OLD.partition('!')[2]}"
ROOT = Credentials(LoginMethod.PASSWORD, "root@pam", Secret("right-password"))
PASTED = Credentials(LoginMethod.TOKEN, "monitor@pve", Secret("right-secret"), "monitor@pve!pxm")


def minted(**changes: Any) -> Cluster:
    login = Login(LoginMethod.TOKEN, "root@pam", OLD, minted=True, expires_at=NOW + timedelta(days=9))
    return replace(cluster("prod"), login=login, **changes)


def bench_of(record: Cluster, *, secrets: FakeSecrets | None = None, **options: Any) -> Bench:
    tokens = {OLD: "right-secret", "monitor@pve!pxm": "right-secret"}
    server = FakeServer(tokens=tokens, grants=[(OLD, ("PVEAuditor",))], **options)
    return make_bench([record], servers={"10.20.0.11": server}, secrets=secrets)


def server_of(found: Bench) -> FakeServer:
    return found.gateway.servers["10.20.0.11"]


async def edit(found: Bench, dialog: Recorder | None = None, **changes: Any) -> Edited:
    (record,) = await found.repository.list()
    asked = Changes(**{"credentials": ROOT, **changes})
    return await found.services.clusters.edits.edit(record.id, asked, Snapshot(record.id), dialog or Recorder())


async def log_in(found: Bench, credentials: Credentials = ROOT, **options: Any) -> CheckReport:
    (record,) = await found.repository.list()
    return await found.services.clusters.log_in_again(
        record.id, credentials, Snapshot(record.id), Recorder(), **options
    )


def secrets_of(found: Bench) -> dict[str, str]:
    return found.secrets.by_method()


def untouched(found: Bench) -> bool:
    """The record and its secret are as before, and no token was left on the cluster."""
    kept = {"token": "right-secret"}
    return list(server_of(found).tokens) == [OLD, "monitor@pve!pxm"] and secrets_of(found) == kept


async def test_a_password_makes_a_token_is_forgotten_and_the_old_token_goes_last() -> None:
    found = bench_of(minted())
    done = await edit(found)
    assert server_of(found).token_writes == [f"mint {NEW} separated", f"grant {NEW}", f"revoke {OLD}"]
    (stored,) = await found.repository.list()
    assert (stored.login.token_id, stored.login.minted) == (NEW, True)
    assert (done.cluster, done.revoked, done.cleanup) == (stored, True, ())
    assert secrets_of(found) == {"token": "minted-secret"}
    assert [step.name for step in done.steps][-4:] == ["discovery", "token", "save", "revoke"]
    assert found.intents.held == []
    assert server_of(found).logins == 1


async def test_what_the_token_sees_is_what_is_shown() -> None:
    found = bench_of(minted())
    done = await edit(found)
    assert done.snapshot.permissions["/"] == AUDITOR
    assert "PVEAuditor" in done.snapshot.rights


async def test_the_second_factor_is_asked_for_once_and_the_password_sent_once() -> None:
    found = bench_of(minted(), code="123456")
    dialog = Recorder(codes=["123456"])
    await edit(found, dialog)
    assert (len(dialog.questions), server_of(found).logins) == (1, 1)


async def test_logging_in_again_does_the_same() -> None:
    found = bench_of(minted())
    report = await log_in(found)
    assert report.error is None
    assert report.cluster.login.token_id == NEW
    assert OLD not in server_of(found).tokens
    assert secrets_of(found) == {"token": "minted-secret"}
    assert [(entry.action, dict(entry.facts).get("revoked")) for entry in found.audit.kept] == [
        ("make_token", None),
        ("log_in_again", OLD),
    ]


async def test_after_it_the_ticket_is_not_used_any_more() -> None:
    found = bench_of(minted())
    done = await edit(found)
    checker = found.services.clusters.means.checker()
    assert checker.ticket(done.cluster.id) is None
    outcome = await checker.check(done.cluster, done.snapshot, Recorder())
    assert outcome.error is None
    assert server_of(found).logins == 2


async def test_without_a_token_the_password_is_kept_and_the_old_token_is_revoked() -> None:
    found = bench_of(minted())
    report = await log_in(found, token=None)
    assert report.cluster.login.method is LoginMethod.PASSWORD
    assert secrets_of(found) == {"password": "right-password"}
    assert server_of(found).token_writes == [f"revoke {OLD}"]


async def test_a_role_can_be_chosen() -> None:
    found = bench_of(minted(), roles={"PVEAuditor": AUDITOR, "PxmOperator-1": frozenset({"VM.PowerMgmt"})})
    await edit(found, token=TokenRole.OPERATOR)
    assert server_of(found).grants[-1] == (NEW, ("PVEAuditor", "PxmOperator-1"))


async def test_a_pasted_token_that_may_not_revoke_the_old_one_leaves_its_line() -> None:
    found = bench_of(minted())
    done = await edit(found, credentials=PASTED)
    assert (done.revoked, done.cleanup) == (False, (LINE,))
    assert OLD in server_of(found).tokens
    revoke = done.steps[-1]
    assert (revoke.name, str(revoke.state), revoke.cause) == ("revoke", "warning", "missing_privileges")
    assert dict(found.audit.kept[-1].facts)["left_over"] == LINE
    assert LINE in found.services.journal.entries()[-1].text


async def test_a_pasted_token_with_the_right_to_it_revokes_the_old_one() -> None:
    found = bench_of(minted(), observed=observation(privileges=AUDITOR | {"User.Modify"}))
    done = await edit(found, credentials=PASTED)
    assert (done.revoked, done.cleanup) == (True, ())
    assert OLD not in server_of(found).tokens


async def test_a_token_that_pxm_did_not_make_is_neither_revoked_nor_named() -> None:
    record = minted()
    found = bench_of(replace(record, login=replace(record.login, minted=False)))
    done = await edit(found)
    assert (done.revoked, done.cleanup) == (None, ())
    assert OLD in server_of(found).tokens


async def test_the_old_token_that_cannot_be_removed_is_named_and_the_new_one_is_in_use() -> None:
    found = bench_of(minted(), errors={"revoke": connection_messages.closed(HERE)})
    done = await edit(found)
    assert (done.revoked, done.cleanup, done.cluster.login.token_id) == (False, (LINE,), NEW)


async def test_its_name_is_one_that_nobody_has() -> None:
    found = bench_of(minted())
    server_of(found).tokens[NEW] = "of before"
    assert (await edit(found)).cluster.login.token_id == f"{OLD}-3"


# What keeps the password


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"observed": observation(quorate=False)}, "no_quorum"),
        ({"observed": observation(privileges=AUDITOR | {"VM.Allocate"})}, "missing_privileges"),
    ],
)
async def test_what_makes_no_token_at_a_registration_makes_none_here(options: dict[str, Any], cause: str) -> None:
    found = bench_of(minted(), **options)
    done = await edit(found)
    step = next(step for step in done.steps if step.name == "token")
    assert (str(step.state), step.cause) == ("warning", cause)
    assert done.cluster.login.method is LoginMethod.PASSWORD
    assert secrets_of(found) == {"password": "right-password"}


async def test_a_person_may_choose_all_rights() -> None:
    found = bench_of(minted(), observed=observation(privileges=AUDITOR | {"VM.Allocate"}))
    done = await edit(found, Recorder(token_choice=TokenChoice.ALL))
    assert done.cluster.login.token_id == NEW
    assert f"mint {NEW} plain" in server_of(found).token_writes


@pytest.mark.parametrize("changes", [{}, {"read_only": False}])
async def test_nothing_is_made_or_removed_on_a_guarded_cluster(changes: dict[str, Any]) -> None:
    found = bench_of(minted(read_only=True))
    done = await edit(found, **changes)
    assert server_of(found).token_writes == []
    assert done.cluster.login.method is LoginMethod.PASSWORD
    assert done.cleanup == (LINE,)
    warned = {step.name: step.cause for step in done.steps if step.cause}
    assert warned == {"token": "read_only", "revoke": "read_only"}


async def test_an_edit_that_guards_the_cluster_makes_no_token() -> None:
    found = bench_of(minted())
    await edit(found, read_only=True)
    assert server_of(found).token_writes == []


# Nothing half done


@pytest.mark.parametrize("phase", ["mint", "grant", "rights_of"])
async def test_a_token_that_cannot_be_made_changes_nothing(phase: str) -> None:
    record = minted()
    found = bench_of(record, errors={phase: connection_messages.timeout(HERE, 30)})
    with pytest.raises(EditFailedError) as failure:
        await edit(found)
    assert failure.value.steps[-1].name == "token"
    assert untouched(found)
    assert await found.repository.list() == (record,)
    assert found.services.clusters.means.checker().ticket(record.id) is None
    assert found.intents.held == []


async def test_a_login_again_that_cannot_make_a_token_says_so_step_by_step() -> None:
    found = bench_of(minted(), errors={"grant": connection_messages.timeout(HERE, 30)})
    report = await log_in(found)
    assert report.error is not None
    assert [(step.name, str(step.state)) for step in report.steps[-3:]] == [
        ("token", "failed"),
        ("save", "skipped"),
        ("revoke", "skipped"),
    ]


async def test_a_save_that_fails_takes_the_token_back(monkeypatch: pytest.MonkeyPatch) -> None:
    record = minted()
    found = bench_of(record)

    async def full(*_: object) -> None:
        raise messages.storage_unusable("/data", "no space left")

    monkeypatch.setattr(found.repository, "update", full)
    with pytest.raises(EditFailedError) as failure:
        await edit(found, token=TokenRole.AUDITOR)
    assert isinstance(failure.value.error, StorageError)
    assert untouched(found)
    monkeypatch.undo()
    monkeypatch.setattr(found.repository, "update", full)
    with pytest.raises(EditFailedError):
        await edit(found, token=None)
    assert untouched(found)


async def test_a_closed_secret_store_is_told_before_anything_is_sent() -> None:
    found = bench_of(minted(), secrets=FakeSecrets("open sesame"))
    with pytest.raises(StorageError):
        await log_in(found)
    assert server_of(found).sessions == 0


@pytest.mark.parametrize("phase", ["mint", "grant", "rights_of"])
async def test_cancelled_before_the_save_it_takes_the_token_back(phase: str) -> None:
    record = minted()
    gate = asyncio.Event()
    found = bench_of(record, gates={phase: gate})
    task = asyncio.create_task(edit(found))
    while not gate._waiters:  # noqa: ASYNC110
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert untouched(found)


@pytest.mark.parametrize("how", ["edit", "rotate", "register"])
async def test_cancelled_while_it_saves_the_token_stays_that_the_record_has(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The save goes on to its end; what it saved must be a login that works."""
    found = bench_of(minted())
    gate, name = asyncio.Event(), "save" if how == "register" else "update"
    whole = getattr(found.repository, name)

    async def slow(*given: Any) -> Any:
        await gate.wait()
        return await whole(*given)

    monkeypatch.setattr(found.repository, name, slow)
    task = asyncio.create_task(HOW[how](found))
    while not gate._waiters:  # noqa: ASYNC110
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    for record in await found.repository.list():
        token_id = record.login.token_id or ""
        assert server_of(found).tokens[token_id] == found.secrets.of(record)
    written_down = [intent.token_id for intent in found.intents.held]
    assert written_down == ([] if how == "register" else [OLD])
    assert set(written_down) <= set(server_of(found).tokens)


async def _rotate(found: Bench) -> object:
    from pxm_tui.services.owners import Key

    (record,) = await found.repository.list()
    return await found.services.tokens.rotate(record.id, Snapshot(record.id), Recorder(), key=Key(ROOT))


async def _register(found: Bench) -> object:
    from pxm_tui.services.requests import build_request

    request = build_request(
        endpoint="10.20.0.11", user="root@pam", password="right-password", name="two", separate=True
    )
    return await found.services.clusters.register(request, Recorder())


HOW = {"edit": edit, "rotate": _rotate, "register": _register}


# What a run before has left


def left(**changes: Any) -> TokenIntent:
    known = {
        "cluster_id": "11111111-0000",
        "endpoint": HERE.url,
        "identity": None,
        "owner": "root@pam",
        "name": "pxm-jump1-anna-11111111",
    }
    return TokenIntent(**{**known, **changes})


def bench_with(intent: TokenIntent, record: Cluster, *, read_only: bool = False, **options: Any) -> Bench:
    server = FakeServer(tokens={intent.token_id: "lost", "monitor@pve!pxm": "right-secret"}, **options)
    intents = FakeIntents([intent])
    return make_bench([record], servers={"10.20.0.11": server}, intents=intents, read_only=read_only)


def kept_password(**changes: Any) -> Cluster:
    return replace(cluster("prod", method=LoginMethod.PASSWORD), **changes)


async def check(found: Bench) -> object:
    (record,) = await found.repository.list()
    return await found.services.clusters.check(record.id, Snapshot(record.id), Recorder())


async def refresh(found: Bench) -> object:
    (record,) = await found.repository.list()
    return await found.services.clusters.means.checker().refresh(record, Snapshot(record.id))


@pytest.mark.parametrize("how", [check, refresh, edit, log_in])
async def test_every_login_with_a_password_removes_what_was_left(how: Any) -> None:
    found = bench_with(left(), kept_password())
    await how(found)
    assert left().token_id not in server_of(found).tokens
    assert found.intents.ended == []
    assert "remove_token" in [entry.action for entry in found.audit.kept]


async def test_a_token_removes_what_was_left_only_where_it_may() -> None:
    found = bench_with(left(), cluster("prod"))
    await check(found)
    assert left().token_id in server_of(found).tokens
    found = bench_with(left(), cluster("prod"), observed=observation(privileges=AUDITOR | {"User.Modify"}))
    await check(found)
    assert left().token_id not in server_of(found).tokens


@pytest.mark.parametrize(("record", "read_only"), [(kept_password(read_only=True), False), (kept_password(), True)])
async def test_nothing_that_was_left_is_removed_where_nothing_may_be_changed(record: Cluster, read_only: bool) -> None:
    found = bench_with(left(), record, read_only=read_only)
    await check(found)
    assert found.intents.ended == [left()]
    assert server_of(found).token_writes == []


async def test_a_left_over_that_cannot_be_removed_does_not_fail_the_check() -> None:
    found = bench_with(left(), kept_password(), errors={"revoke": NotPermittedError("missing_privileges", "No.")})
    await check(found)
    assert found.intents.ended == [left()]
    assert any("could not be removed" in entry.text for entry in found.services.journal.entries())
