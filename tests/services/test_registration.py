"""Registering a cluster: every outcome, and that nothing is kept before the last step."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pxm_tui.domain import connection_messages, login_messages, messages
from pxm_tui.domain.certificate import TrustMode
from pxm_tui.domain.cluster import Endpoint, Limit, Status
from pxm_tui.domain.errors import InvalidError, PxmError, StorageError
from pxm_tui.domain.steps import REGISTER_STEPS, StepState
from pxm_tui.services.registration import Registration, RegistrationFailedError, free_name
from pxm_tui.services.requests import build_request
from tests.fakes import AUDITOR, NOW, Bench, FakeSecrets, FakeServer, certificate, cluster, make_bench, observation
from tests.services.recorder import Recorder

HERE = Endpoint("10.20.0.11")
PASSWORD: dict[str, Any] = {"endpoint": "10.20.0.11", "user": "root@pam", "password": "right-password"}
TOKEN: dict[str, Any] = {"endpoint": "10.20.0.11", "token_id": "monitor@pve!pxm", "token_secret": "right-secret"}


def bench(server: FakeServer | None = None, **options: Any) -> Bench:
    return make_bench(servers={"10.20.0.11": server or FakeServer()}, **options)


async def register(
    found: Bench, dialog: Recorder | None = None, *, dry_run: bool = False, **fields: Any
) -> Registration:
    request = build_request(**(fields or PASSWORD))
    return await found.services.clusters.register(request, dialog or Recorder(), dry_run=dry_run)


async def failure(found: Bench, dialog: Recorder | None = None, **fields: Any) -> RegistrationFailedError:
    with pytest.raises(RegistrationFailedError) as caught:
        await register(found, dialog, **fields)
    assert await found.repository.list() == ()
    assert not found.secrets.kept
    return caught.value


async def test_successful_registration() -> None:
    found, dialog = bench(), Recorder()
    done = await register(found, dialog, **PASSWORD, name="prod-cluster", labels=[("env", "prod")])
    assert dialog.ended() == [(name, "ok") for name in REGISTER_STEPS]
    stored = await found.repository.find_by_name("prod-cluster")
    assert stored == done.cluster
    assert stored.status is Status.HEALTHY
    assert (stored.proxmox_version, stored.node_count, stored.guests_total) == ("9.2.11", 3, 12)
    assert stored.created_at == stored.updated_at == NOW.replace(microsecond=0)
    assert found.secrets.by_method() == {"token": "minted-secret"}
    assert found.secrets.of(stored) == "minted-secret"
    assert stored.trust.mode is TrustMode.PINNED_LEAF
    assert stored.trust.fingerprint == certificate().sha256


async def test_a_registration_with_a_token() -> None:
    found = bench()
    done = await register(found, **TOKEN)
    assert done.cluster.login.token_id == "monitor@pve!pxm"
    assert done.cluster.login.user == "monitor@pve"
    assert found.secrets.of(done.cluster) == "right-secret"


async def test_the_name_may_stay_empty() -> None:
    found = bench()
    names = [(await register(found)).cluster.name for _ in range(3)]
    assert names == ["fra-prod", "fra-prod-2", "fra-prod-3"]


async def test_duplicate_name_is_told_before_any_connection() -> None:
    server = FakeServer()
    found = make_bench([cluster("prod")], servers={"10.20.0.11": server})
    with pytest.raises(RegistrationFailedError) as caught:
        await register(found, **PASSWORD, name="PROD")
    assert caught.value.error.cause == "already_registered"
    assert server.sessions == 0
    assert caught.value.steps[0].state is StepState.FAILED
    assert {step.state for step in caught.value.steps[1:]} == {StepState.SKIPPED}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"endpoint": "10.20.0.11"},
        {"endpoint": "10.20.0.11", "user": "root@pam"},
        {"endpoint": "10.20.0.11", "token_id": "monitor@pve!pxm"},
        {"endpoint": "a b", "user": "root@pam", "password": "x"},
        {**PASSWORD, "name": "a\nb"},
        {**PASSWORD, "fingerprint": "xx"},
        {**PASSWORD, "labels": [("", "")]},
        {**PASSWORD, "unknown": 1},
        {**PASSWORD, "fingerprint": "ab" * 32, "trust_ca": "pem"},
    ],
)
def test_invalid_request_names_its_field(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidError) as caught:
        build_request(**fields)
    assert caught.value.field
    assert "right-password" not in str(caught.value.to_json())


async def test_failed_login() -> None:
    found = bench()
    failed = await failure(found, **{**PASSWORD, "password": "wrong-password"})
    assert failed.error.cause == "credentials"
    assert failed.steps[5].name == "login"
    assert failed.steps[5].state is StepState.FAILED
    assert "wrong-password" not in str([step.to_json() for step in failed.steps])


async def test_a_wrong_credential_is_sent_once() -> None:
    server = FakeServer()
    await failure(bench(server), **{**PASSWORD, "password": "wrong"})
    assert server.logins == 1


@pytest.mark.parametrize(
    ("phase", "error", "step"),
    [
        ("resolve", connection_messages.unknown_host(HERE), "address"),
        ("connect", connection_messages.refused(HERE), "connect"),
        ("connect", connection_messages.timeout(HERE, 5), "connect"),
        ("secure", connection_messages.not_tls(HERE), "certificate"),
        ("realms", connection_messages.not_proxmox(HERE, "nginx"), "proxmox"),
        ("login", login_messages.locked("root@pam"), "login"),
        ("version", connection_messages.too_old(HERE, "5.4"), "version"),
        ("observe", connection_messages.bad_answer(HERE, "is no JSON"), "discovery"),
    ],
)
async def test_each_failure_is_told_at_its_step(phase: str, error: PxmError, step: str) -> None:
    failed = await failure(bench(FakeServer(errors={phase: error})))
    assert failed.error is error
    assert next(found.name for found in failed.steps if found.state is StepState.FAILED) == step


async def test_an_untrusted_certificate_is_asked_about_and_no_login_is_sent_before() -> None:
    server, dialog = FakeServer(), Recorder(trusts=False)
    failed = await failure(bench(server), dialog)
    assert failed.error.cause == "untrusted"
    assert server.logins == 0
    assert len(dialog.questions) == 1


async def test_a_given_fingerprint_must_match_and_nobody_is_asked() -> None:
    server, dialog = FakeServer(trusted_by_system=True), Recorder()
    failed = await failure(bench(server), dialog, **PASSWORD, fingerprint="ab" * 32)
    assert failed.error.cause == "untrusted"
    assert "AB:AB" in failed.error.message
    assert dialog.questions == []
    done = await register(bench(), **PASSWORD, fingerprint=certificate().sha256.lower())
    assert done.cluster.trust.anchor_pem == certificate().pem


async def test_an_unknown_realm_is_told_before_the_login() -> None:
    server = FakeServer()
    failed = await failure(bench(server), **{**PASSWORD, "user": "root@corp"})
    assert failed.error.cause == "unknown_realm"
    assert "pam, pve" in failed.error.message
    assert server.logins == 0


async def test_a_user_without_a_realm_takes_the_default_one() -> None:
    done = await register(bench(), **{**PASSWORD, "user": "root"})
    assert done.cluster.login.user == "root@pam"
    assert (done.cluster.login.token_id or "").startswith("root@pam!pxm-jump1-anna-")


async def test_a_second_factor_is_asked_for() -> None:
    dialog = Recorder(codes=["123456"])
    await register(bench(FakeServer(code="123456")), dialog)
    assert dialog.ended()[-1] == ("save", "ok")
    given = await register(bench(FakeServer(code="123456")), **PASSWORD, code="123456")
    assert given.cluster.status is Status.HEALTHY


@pytest.mark.parametrize(("codes", "cause"), [([], "second_factor_needed"), (["000000"], "second_factor_wrong")])
async def test_a_second_factor_that_fails(codes: list[str], cause: str) -> None:
    failed = await failure(bench(FakeServer(code="123456")), Recorder(codes=codes))
    assert failed.error.cause == cause
    assert failed.error.field == "code"


async def test_missing_privileges_are_a_warning_with_the_line_that_grants_them() -> None:
    server = FakeServer(observed=observation(privileges=frozenset({"Sys.Audit"})))
    dialog = Recorder()
    done = await register(bench(server), dialog)
    assert ("discovery", "warning") in dialog.ended()
    assert Limit("VM.Audit", "/vms") in done.cluster.limits
    assert done.cluster.guests_total is None
    assert "pveum acl modify" in next(step.do for step in done.steps if step.name == "discovery")


async def test_findings_do_not_stop_a_registration() -> None:
    done = await register(bench(FakeServer(observed=observation(offline={2}, privileges=AUDITOR))))
    assert done.cluster.status is Status.DEGRADED
    assert done.cluster.error is not None
    assert done.cluster.error.short == "fra-prod2 offline"


async def test_dry_run_saves_nothing() -> None:
    found = bench()
    done = await register(found, dry_run=True, **PASSWORD)
    assert [step.name for step in done.steps] == list(REGISTER_STEPS[:-1])
    assert await found.repository.list() == ()
    assert not found.secrets.kept


@pytest.mark.parametrize("phase", ["resolve", "connect", "secure", "realms", "login", "version", "observe"])
async def test_cancelling_leaves_nothing_behind(phase: str) -> None:
    gate = asyncio.Event()
    found = bench(FakeServer(gates={phase: gate}))
    dialog = Recorder()
    task = asyncio.create_task(register(found, dialog))
    while not _waits(gate):  # noqa: ASYNC110
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await found.repository.list() == ()
    assert not found.secrets.kept
    left = [other.get_name() for other in asyncio.all_tasks() if other is not asyncio.current_task()]
    assert [name for name in left if name in {"read version", "observe"}] == []


def _waits(gate: asyncio.Event) -> bool:
    return bool(gate._waiters)


async def test_a_failed_save_takes_the_secret_back(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bench()

    async def full(_cluster: object, _refuse: object = None) -> None:
        raise messages.storage_unusable("/data", "no space left")

    monkeypatch.setattr(found.repository, "save", full)
    failed = await failure(found)
    assert isinstance(failed.error, StorageError)
    assert failed.steps[-1].name == "save"


async def test_a_cancel_during_the_save_does_not_tear_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found, gate, begun = bench(), asyncio.Event(), asyncio.Event()
    save = found.repository.save

    async def slow(record: Any, refuse: Any = None) -> None:
        begun.set()
        await gate.wait()
        await save(record, refuse)

    monkeypatch.setattr(found.repository, "save", slow)
    task = asyncio.create_task(register(found))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    stored = await found.repository.list()
    assert len(stored) == len(found.secrets.kept) == 1


async def test_the_vault_is_opened_when_it_is_needed() -> None:
    found = bench(secrets=FakeSecrets("open sesame"))
    dialog = Recorder(passphrases=["wrong", "open sesame"])
    await register(found, dialog)
    assert [getattr(question, "wrong", None) for question in dialog.questions[1:]] == [False, True]


async def test_a_vault_that_stays_closed_ends_the_registration() -> None:
    failed = await failure(bench(secrets=FakeSecrets("open sesame")), Recorder(passphrases=[None]))
    assert failed.error.cause == "secret_store"


async def test_declining_a_new_vault_keeps_secrets_in_memory() -> None:
    found = bench(secrets=FakeSecrets("x", exists=False))
    await register(found, Recorder(passphrases=[None]))
    assert (await found.secrets.state()).exists is False


def test_free_names() -> None:
    assert free_name("a", {"b"}) == "a"
    assert free_name("A", {"a", "a-2"}) == "A-3"
    assert len(free_name("x" * 64, {"x" * 64})) <= 64
