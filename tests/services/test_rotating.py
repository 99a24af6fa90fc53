"""Rotating and revoking: the saved login works at every moment, and what cannot be removed is named."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pxm_tui.domain import connection_messages, messages
from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod, Status
from pxm_tui.domain.errors import LoginError, StorageError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.services.owners import Key
from pxm_tui.services.ports import Credentials
from pxm_tui.services.rotating import Rotation
from tests.fakes import AUDITOR, NOW, Bench, FakeServer, cluster, make_bench, observation
from tests.services.recorder import Recorder

HERE = Endpoint("10.20.0.11")
OLD = "root@pam!pxm-jump1-anna-550e8400"
NEW = f"{OLD}-2"


def minted(**changes: Any) -> Cluster:
    found = cluster("prod", **changes)
    login = replace(found.login, user="root@pam", token_id=OLD, minted=True, expires_at=NOW + timedelta(days=9))
    return replace(found, login=login)


def bench_of(record: Cluster, **options: Any) -> Bench:
    server = FakeServer(tokens={OLD: "right-secret"}, grants=[(OLD, ("PVEAuditor",))], **options)
    return make_bench([record], servers={"10.20.0.11": server})


def root(password: str = "right-password") -> Key:
    return Key(Credentials(LoginMethod.PASSWORD, "root@pam", Secret(password)))


def server_of(found: Bench) -> FakeServer:
    return found.gateway.servers["10.20.0.11"]


async def rotate(found: Bench, key: Key | None = None) -> Rotation:
    (record,) = await found.repository.list()
    return await found.services.tokens.rotate(record.id, Snapshot(record.id), Recorder(), key=key)


async def secrets_of(found: Bench) -> dict[str, str]:
    return found.secrets.by_method()


async def test_the_old_token_goes_last() -> None:
    found = bench_of(minted())
    done = await rotate(found, root())
    assert done.error is None
    assert server_of(found).token_writes == [f"mint {NEW} separated", f"grant {NEW}", f"revoke {OLD}"]
    (stored,) = await found.repository.list()
    assert (stored.login.token_id, stored.login.minted) == (NEW, True)
    assert await secrets_of(found) == {"token": "minted-secret"}
    assert found.intents.held == []
    assert [entry.action for entry in found.audit.read()] == ["make_token", "rotate"]


@pytest.mark.parametrize("phase", ["mint", "grant", "rights_of"])
async def test_what_fails_before_the_save_leaves_the_old_login(phase: str) -> None:
    found = bench_of(minted(), errors={phase: connection_messages.timeout(HERE, 30)})
    assert (await rotate(found, root())).error is not None
    assert list(server_of(found).tokens) == [OLD]
    assert await secrets_of(found) == {"token": "right-secret"}
    assert (await found.repository.list())[0].login.token_id == OLD


async def test_a_save_that_fails_puts_the_old_secret_back(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bench_of(minted())

    async def full(*_: object) -> None:
        raise messages.storage_unusable("/data", "no space left")

    monkeypatch.setattr(found.repository, "update", full)
    with pytest.raises(StorageError):
        await rotate(found, root())
    assert list(server_of(found).tokens) == [OLD]
    assert await secrets_of(found) == {"token": "right-secret"}


async def test_an_old_token_that_cannot_be_removed_is_named_and_the_new_one_is_in_use() -> None:
    found = bench_of(minted(), errors={"revoke": connection_messages.closed(HERE)})
    done = await rotate(found, root())
    assert done.error is None
    assert (done.revoked, done.cleanup) == (False, (f"pveum user token remove root@pam {OLD.partition('!')[2]}",))
    assert (await found.repository.list())[0].login.token_id == NEW


async def test_the_token_of_somebody_else_stays() -> None:
    record = minted()
    found = bench_of(
        record,
        passwords={"anna@pve": "right-password"},
        observed=observation(privileges=AUDITOR),
    )
    done = await rotate(found, Key(Credentials(LoginMethod.PASSWORD, "anna@pve", Secret("right-password"))))
    assert done.error is None
    assert done.revoked is False
    assert OLD in server_of(found).tokens
    assert (await found.repository.list())[0].login.user == "anna@pve"


async def test_a_pasted_token_is_replaced_and_stays_where_it_is() -> None:
    record = replace(minted(), login=replace(minted().login, minted=False))
    found = bench_of(record)
    done = await rotate(found, root())
    assert (done.revoked, len(done.cleanup)) == (None, 1)
    assert OLD in server_of(found).tokens


async def test_without_quorum_the_old_login_is_kept() -> None:
    found = bench_of(minted(), observed=observation(quorate=False))
    done = await rotate(found, root())
    assert done.error is not None
    assert done.error.cause == "not_made"
    assert await secrets_of(found) == {"token": "right-secret"}


async def test_a_login_that_was_refused_is_not_sent_but_another_one_is() -> None:
    record = minted(status=Status.UNAUTHORIZED)
    found = bench_of(replace(record, login=replace(record.login, refused=True)))
    done = await rotate(found)
    assert done.error is not None
    assert (done.error.cause, done.error.exit_status) == ("token", 5)
    assert [(step.name, step.cause) for step in done.steps if step.cause] == [("login", "token")]
    assert server_of(found).sessions == 0
    assert (await rotate(found, root())).error is None


# Revoking


async def test_deregistering_removes_the_record_before_the_token() -> None:
    found = bench_of(minted())
    gone_first: list[int] = []
    server = server_of(found)

    async def look(name: str) -> None:
        if name == "revoke":
            gone_first.append(len(await found.repository.list()))

    server.phase = look  # type: ignore[method-assign]
    done = await found.services.clusters.deregister(minted().id, key=root())
    assert done.revoked is True
    assert gone_first == [0]
    assert OLD not in server.tokens
    assert found.intents.held == []


async def test_a_wrong_login_deregisters_nothing() -> None:
    found = bench_of(minted())
    with pytest.raises(LoginError):
        await found.services.clusters.deregister(minted().id, key=root("wrong"))
    assert len(await found.repository.list()) == 1
    assert OLD in server_of(found).tokens


@pytest.mark.parametrize("status", [Status.UNREACHABLE, Status.UNAUTHORIZED])
async def test_a_token_that_will_not_do_is_not_sent(status: Status) -> None:
    record = minted(status=status)
    record = replace(record, login=replace(record.login, refused=status is Status.UNAUTHORIZED))
    found = bench_of(record)
    done = await found.services.clusters.deregister(record.id)
    assert (done.revoked, len(done.cleanup)) == (False, 1)
    assert server_of(found).sessions == 0


async def test_a_token_that_cannot_be_revoked_is_named() -> None:
    found = bench_of(minted(), errors={"revoke": connection_messages.closed(HERE)})
    done = await found.services.clusters.deregister(minted().id, key=root())
    assert done.revoked is False
    assert done.problem is not None
    assert await found.repository.list() == ()
    assert any("pveum user token remove" in entry.text for entry in found.services.journal.entries())


# The guard, and what is written down


async def test_nothing_is_changed_on_a_guarded_cluster() -> None:
    record = replace(minted(), read_only=True)
    found = bench_of(record)
    rotated = await rotate(found, root())
    assert rotated.error is not None
    assert rotated.error.cause == "read_only"
    done = await found.services.clusters.deregister(record.id, key=root())
    assert (done.revoked, len(done.cleanup)) == (False, 1)
    assert done.problem is not None
    assert server_of(found).sessions == 0


async def test_every_write_on_the_cluster_is_in_the_audit() -> None:
    found = bench_of(minted())
    await rotate(found, root())
    assert [entry.action for entry in found.audit.kept] == ["make_token", "rotate"]
    failing = bench_of(minted(), errors={"grant": connection_messages.closed(HERE)})
    await rotate(failing, root())
    assert [(entry.action, entry.result) for entry in failing.audit.kept] == [
        ("take_back_token", "done"),
        ("rotate", "closed"),
    ]


async def test_a_login_that_somebody_else_has_changed_meanwhile_stays() -> None:
    found = bench_of(minted())
    gate = server_of(found).gates["rights_of"] = asyncio.Event()
    task = asyncio.create_task(rotate(found, root()))
    while not gate._waiters:  # noqa: ASYNC110
        await asyncio.sleep(0)
    theirs = replace(minted(), login=Login(LoginMethod.TOKEN, "b@pve", "b@pve!x"))
    await found.repository.save(theirs)
    await found.secrets.put(theirs.id, theirs.login, Secret("theirs"))
    gate.set()
    done = await task
    assert done.error is not None
    assert done.error.cause == "changed_meanwhile"
    assert await found.repository.list() == (theirs,)
    assert await secrets_of(found) == {"token": "theirs"}
    assert list(server_of(found).tokens) == [OLD]
    assert found.intents.held == []


async def test_the_old_token_is_written_down_before_the_record_lets_go_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed between the save and the removal must not forget it."""
    found = bench_of(minted())
    written_down: list[str] = []
    whole = found.repository.update

    async def noted(*given: Any) -> Any:
        written_down.extend(intent.token_id for intent in found.intents.held)
        return await whole(*given)

    monkeypatch.setattr(found.repository, "update", noted)
    assert (await rotate(found, root())).error is None
    assert sorted(written_down) == [OLD, NEW]
    assert found.intents.held == []
