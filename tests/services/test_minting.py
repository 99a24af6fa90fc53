"""A token in place of the password: what is made for whom, and that none is left where a registration fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from pxm_tui.domain import connection_messages, messages
from pxm_tui.domain.cluster import Endpoint, LoginMethod
from pxm_tui.domain.tokens import OPERATOR_ROLE, TokenIntent, operator_privileges
from pxm_tui.services.dialog import TokenChoice, TokenQuestion
from pxm_tui.services.registration import Registration, RegistrationFailedError
from pxm_tui.services.requests import build_request
from tests.fakes import AUDITOR, NOW, Bench, FakeIntents, FakeServer, certificate, cluster, make_bench, observation
from tests.services.recorder import Recorder

HERE = Endpoint("10.20.0.11")
PASSWORD: dict[str, Any] = {"endpoint": "10.20.0.11", "user": "root@pam", "password": "right-password"}
ADMIN_WITHOUT_GRANTS = AUDITOR | {"VM.Allocate", "User.Modify"}


def bench(server: FakeServer | None = None, **options: Any) -> Bench:
    return make_bench(servers={"10.20.0.11": server or FakeServer()}, **options)


async def register(found: Bench, dialog: Recorder | None = None, *, dry_run: bool = False, **more: Any) -> Registration:
    request = build_request(**PASSWORD, **more)
    return await found.services.clusters.register(request, dialog or Recorder(), dry_run=dry_run)


def said(done: Registration) -> str:
    step = next(step for step in done.steps if step.name == "token")
    return f"{step.state} {step.message} {step.do}"


def server_of(found: Bench) -> FakeServer:
    return found.gateway.servers["10.20.0.11"]


def only_the_known_tokens(found: Bench) -> bool:
    return list(server_of(found).tokens) == ["monitor@pve!pxm"] and not found.intents.held


async def test_root_gets_a_token_that_may_only_look_and_the_password_is_forgotten() -> None:
    found = bench()
    done = await register(found)
    login = done.cluster.login
    name = f"root@pam!pxm-jump1-anna-{done.cluster.id[:8]}"
    assert (login.method, login.token_id, login.minted) == (LoginMethod.TOKEN, name, True)
    assert login.expires_at == NOW.replace(microsecond=0) + timedelta(days=335)
    assert server_of(found).token_writes == [f"mint {name} separated", f"grant {name}"]
    assert server_of(found).grants == [(name, ("PVEAuditor",))]
    assert done.ticket is None
    assert "right-password" not in {secret.reveal() for secret in found.secrets.kept.values()}
    assert found.intents.held == []


async def test_what_the_record_says_of_rights_is_what_the_token_may_do() -> None:
    done = await register(bench())
    assert "may not act" in done.snapshot.rights
    lone = bench(FakeServer(roles={"PVEAuditor": frozenset({"Sys.Audit"})}))
    limited = await register(lone)
    assert {limit.privilege for limit in limited.cluster.limits} == {"VM.Audit", "Datastore.Audit"}
    assert said(limited).startswith("warning")


async def test_the_operator_role_is_made_where_it_is_missing_and_used_where_it_is_there() -> None:
    found = bench(FakeServer(observed=observation(version="8.4.5")))
    done = await register(found, token_role="operator")
    assert server_of(found).roles[OPERATOR_ROLE] == operator_privileges("8.4.5")
    assert server_of(found).grants == [(done.cluster.login.token_id, ("PVEAuditor", OPERATOR_ROLE))]
    again = await register(found, token_role="operator")
    assert server_of(found).token_writes[-2:] == [
        f"mint {again.cluster.login.token_id} separated",
        f"grant {again.cluster.login.token_id}",
    ]


async def test_an_operator_role_that_somebody_has_widened_is_not_used() -> None:
    found = bench(FakeServer(roles={"PVEAuditor": AUDITOR, OPERATOR_ROLE: frozenset({"VM.PowerMgmt", "Sys.Modify"})}))
    with pytest.raises(RegistrationFailedError) as caught:
        await register(found, token_role="operator")
    assert caught.value.error.cause == "role_differs"
    assert server_of(found).token_writes == []


def test_the_operator_fits_its_release() -> None:
    assert "VM.Monitor" in operator_privileges("6.4-15")
    assert "VM.Monitor" not in operator_privileges("9.2.11")
    assert "VM.GuestAgent.Audit" in operator_privileges("9.2.11")


async def test_an_account_within_the_role_gets_a_plain_token_unasked() -> None:
    found, dialog = bench(FakeServer(observed=observation(privileges=AUDITOR))), Recorder()
    done = await register(found, dialog)
    assert server_of(found).token_writes == [f"mint {done.cluster.login.token_id} plain"]
    assert not any(isinstance(question, TokenQuestion) for question in dialog.questions)


async def test_all_is_a_plain_token_because_it_was_asked_for() -> None:
    found = bench()
    done = await register(found, token_role="all")
    assert server_of(found).token_writes == [f"mint {done.cluster.login.token_id} plain"]


async def test_without_anybody_to_ask_nothing_wider_than_the_role_is_made() -> None:
    found = bench(FakeServer(observed=observation(privileges=ADMIN_WITHOUT_GRANTS)))
    done = await register(found)
    assert (done.cluster.login.method, done.cluster.login.minted) == (LoginMethod.PASSWORD, False)
    assert server_of(found).token_writes == []
    assert "--token-role all" in said(done)
    assert said(done).startswith("warning")


@pytest.mark.parametrize(
    ("choice", "writes", "method"),
    [
        (TokenChoice.SEPARATED, ["separated"], LoginMethod.TOKEN),
        (TokenChoice.PASSWORD, [], LoginMethod.PASSWORD),
        (TokenChoice.ALL, ["plain"], LoginMethod.TOKEN),
    ],
)
async def test_a_person_decides_where_an_administrator_is_needed(
    choice: TokenChoice, writes: list[str], method: LoginMethod
) -> None:
    found = bench(FakeServer(observed=observation(privileges=ADMIN_WITHOUT_GRANTS)))
    dialog = Recorder(token_choice=choice)
    done = await register(found, dialog)
    question = next(asked for asked in dialog.questions if isinstance(asked, TokenQuestion))
    assert question.lines == (f"pveum acl modify / --tokens '{question.token_id}' --roles PVEAuditor",)
    assert question.full_control
    assert [write.split()[-1] for write in server_of(found).token_writes] == writes
    assert done.cluster.login.method is method
    assert (f"`{question.lines[0]}`" in said(done)) is (choice is TokenChoice.SEPARATED)


async def test_the_line_for_an_administrator_makes_the_operator_role_too() -> None:
    found, dialog = bench(FakeServer(observed=observation(privileges=ADMIN_WITHOUT_GRANTS))), Recorder()
    await register(found, dialog, token_role="operator")
    question = next(asked for asked in dialog.questions if isinstance(asked, TokenQuestion))
    assert question.lines[0].startswith(f"pveum role add {OPERATOR_ROLE} --privs ")


async def test_what_is_named_as_missing_is_what_is_missing() -> None:
    grants = frozenset({"Permissions.Modify", "VM.Allocate"})
    for held, what, privilege in (
        (ADMIN_WITHOUT_GRANTS, "give a token rights of its own", "Permissions.Modify on /"),
        (grants, f"make the role {OPERATOR_ROLE}", "Sys.Modify on /access"),
    ):
        dialog = Recorder(token_choice=None)
        done = await register(bench(FakeServer(observed=observation(privileges=held))), dialog, token_role="operator")
        question = next(asked for asked in dialog.questions if isinstance(asked, TokenQuestion))
        assert question.missing == what
        assert f"may not {what} ({privilege})" in said(done)


async def test_no_token_keeps_the_password() -> None:
    found = bench()
    done = await register(found, mint_token=False)
    assert found.secrets.of(done.cluster) == "right-password"
    assert server_of(found).token_writes == []
    assert done.ticket is not None


async def test_a_cluster_without_quorum_keeps_the_password_for_now() -> None:
    found = bench(FakeServer(observed=observation(quorate=False)))
    done = await register(found)
    assert done.cluster.login.method is LoginMethod.PASSWORD
    assert "pxm rotate" in said(done)


async def test_a_dry_run_says_what_would_be_made_and_makes_nothing() -> None:
    found = bench()
    done = await register(found, dry_run=True)
    assert "would make root@pam!pxm-jump1-anna-" in said(done)
    assert server_of(found).token_writes == []
    assert found.intents.held == []


@pytest.mark.parametrize("phase", ["mint", "grant", "rights_of"])
async def test_a_token_that_cannot_be_finished_is_taken_back(phase: str) -> None:
    found = bench(FakeServer(errors={phase: connection_messages.timeout(HERE, 30)}))
    with pytest.raises(RegistrationFailedError) as caught:
        await register(found)
    assert caught.value.error.cause == "timeout"
    assert only_the_known_tokens(found)
    assert not found.secrets.kept


async def test_a_token_is_taken_back_if_the_save_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bench()

    async def full(_cluster: object, _refuse: object = None) -> None:
        raise messages.storage_unusable("/data", "no space left")

    monkeypatch.setattr(found.repository, "save", full)
    with pytest.raises(RegistrationFailedError):
        await register(found)
    assert only_the_known_tokens(found)


@pytest.mark.parametrize("phase", ["mint", "grant", "rights_of"])
async def test_a_cancelled_registration_takes_its_token_back(phase: str) -> None:
    gate = asyncio.Event()
    found = bench(FakeServer(gates={phase: gate}))
    task = asyncio.create_task(register(found))
    while not gate._waiters:  # noqa: ASYNC110
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert only_the_known_tokens(found)
    assert await found.repository.list() == ()


async def test_a_token_that_cannot_be_taken_back_stays_written_down_and_is_named_in_the_log() -> None:
    errors = {"grant": connection_messages.closed(HERE), "revoke": connection_messages.closed(HERE)}
    found = bench(FakeServer(errors=dict(errors)))
    with pytest.raises(RegistrationFailedError):
        await register(found)
    (intent,) = found.intents.held
    lines = [entry.text for entry in found.services.journal.entries() if entry.failure]
    assert any(f"pveum user token remove root@pam {intent.name}" in line for line in lines)


async def test_somebody_elses_token_of_that_name_is_not_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bench()
    monkeypatch.setattr("pxm_tui.services.minting.token_name", lambda *_: "taken")
    server_of(found).tokens["root@pam!taken"] = "of somebody else"
    with pytest.raises(RegistrationFailedError) as caught:
        await register(found)
    assert caught.value.error.cause == "token_exists"
    assert server_of(found).tokens["root@pam!taken"] == "of somebody else"
    assert found.intents.held == []


# What a run before has left


def left(**changes: Any) -> TokenIntent:
    known = {
        "cluster_id": "11111111-0000",
        "endpoint": "https://10.20.0.11:8006",
        "identity": None,
        "owner": "root@pam",
        "name": "pxm-jump1-anna-11111111",
    }
    return TokenIntent(**{**known, **changes})


@pytest.mark.parametrize(
    "intent", [left(), left(endpoint="https://other:8006", identity=certificate().sha256)], ids=["url", "identity"]
)
async def test_the_next_login_removes_a_token_that_was_left(intent: TokenIntent) -> None:
    server = FakeServer()
    server.tokens[intent.token_id] = "lost"
    found = bench(server, intents=FakeIntents([intent]))
    assert any(intent.token_id in text for text in await found.services.clusters.means.left_overs.named())
    await register(found)
    assert intent.token_id not in server.tokens
    assert found.intents.ended == []


@pytest.mark.parametrize(
    "intent", [left(owner="anna@pve"), left(endpoint="https://other:8006", identity="other")], ids=["owner", "cluster"]
)
async def test_a_token_of_somebody_else_or_somewhere_else_is_left_alone(intent: TokenIntent) -> None:
    found = bench(intents=FakeIntents([intent]))
    await register(found)
    assert found.intents.ended == [intent]
    assert not any(write.startswith("revoke") for write in server_of(found).token_writes)


async def test_a_run_that_ended_after_its_save_has_left_nothing() -> None:
    intent = left(owner="monitor@pve", name="pxm")
    found = make_bench([cluster("prod")], servers={"10.20.0.11": FakeServer()}, intents=FakeIntents([intent]))
    assert await found.services.clusters.means.left_overs.named() == ()
    assert found.intents.ended == []


async def test_a_read_only_run_makes_no_token() -> None:
    found = make_bench(servers={"10.20.0.11": FakeServer()}, read_only=True, intents=FakeIntents([left()]))
    done = await register(found)
    assert done.cluster.login.method is LoginMethod.PASSWORD
    assert server_of(found).token_writes == []
    assert said(done).startswith("warning")
