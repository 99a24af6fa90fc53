"""Registering a cluster in the form."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual import events
from textual.message import Message
from textual.pilot import Pilot

from pxm_tui.domain import connection_messages, login_messages, messages
from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod
from pxm_tui.domain.observation import Realm
from pxm_tui.domain.steps import StepState
from pxm_tui.services.bundle import DemoFourth
from pxm_tui.services.edits import ClusterEdits
from pxm_tui.services.endpoints import Look
from pxm_tui.services.proposals import Proposal
from pxm_tui.tui.draft import RegisterDraft, RegisterOutcome, remembered
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.screens.certificate import CertificateDialog
from pxm_tui.tui.screens.passphrase import PassphraseDialog
from pxm_tui.tui.screens.register import Phase, RegisterScreen
from pxm_tui.tui.screens.register_success import RegisteredScreen
from tests.fakes import HOSTILE_NAME, Bench, FakeSecrets, FakeServer, cluster, make_bench, observation
from tests.tui.staging import Stage, until

HOST = "10.20.0.11"
PASSWORD = "right-password"


def bench_of(**server: Any) -> Bench:
    return make_bench(servers={HOST: FakeServer(**server)})


def stage_of(bench: Bench, draft: RegisterDraft | None = None) -> Stage:
    return Stage(bench, lambda: RegisterScreen(bench.services, draft))


def form_of(app: Stage) -> RegisterScreen:
    screen = next(screen for screen in app.screen_stack if isinstance(screen, RegisterScreen))
    return screen


def field(app: Stage, name: str) -> FormInput:
    return form_of(app).query_one(f"#{name}", FormInput)


def focused(app: Stage) -> str | None:
    return app.focused.id if app.focused is not None else None


def fill(app: Stage, *, user: str = "root@pam", password: str = PASSWORD) -> None:
    field(app, "endpoint").value = HOST
    field(app, "user").value = user
    field(app, "password").value = password


async def trust(pilot: Pilot[Any], app: Stage, bench: Bench) -> None:
    """Answer the certificate dialog with yes."""
    await until(pilot, lambda: isinstance(app.screen, CertificateDialog))
    bench.clock.advance(1)
    await pilot.press("tab", "enter")


async def registered(pilot: Pilot[Any], app: Stage) -> None:
    await until(pilot, lambda: isinstance(app.screen, RegisteredScreen))


async def test_a_cluster_is_registered() -> None:
    bench = bench_of()
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        field(app, "labels").value = "site=fra team=core"
        form_of(app).query_one("#environment").focus()
        await pilot.press("right", "enter")
        await trust(pilot, app, bench)
        await registered(pilot, app)
        assert "fra-prod is registered." in app.shown
        assert "sees nodes, guests, storage, tasks; may not act (PVEAuditor)" in app.shown
        assert "a token made by pxm, expires 2027-10-23 (335 d)" in app.shown.replace("\n              ", " ")
        assert "3 of 3 nodes online, quorate, 9 of 12 guests running" in app.shown
        await pilot.press("enter")
        await pilot.pause()
        (stored,) = await bench.repository.list()
        assert app.results == [RegisterOutcome(None, (stored.id,))]
        assert dict(stored.labels) == {"env": "prod", "site": "fra", "team": "core"}
        assert [secret.reveal() for secret in bench.secrets.kept.values()] == ["minted-secret"]
        assert [view.cluster.id for view in bench.services.fleet.view().clusters] == [stored.id]
        assert remembered(bench.preferences) == RegisterDraft(user="root@pam", environment="prod")


async def test_keys_sent_in_one_burst_land_in_the_right_fields() -> None:
    bench = bench_of()
    bench.gateway.servers[HOST].passwords = {"a-rather-long-user-name@pve": "pw"}
    app = stage_of(bench)
    async with app.run_test() as pilot:
        app.burst(f"{HOST}\t\ta-rather-long-user-name@pve\tpw\r")
        await until(pilot, lambda: isinstance(app.screen, CertificateDialog))
        assert field(app, "endpoint").value == HOST
        assert field(app, "user").value == "a-rather-long-user-name@pve"
        assert field(app, "password").value == "pw"
        await trust(pilot, app, bench)
        await registered(pilot, app)


async def test_no_burst_trusts_a_certificate() -> None:
    bench = bench_of()
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        field(app, "password").focus()
        app.burst("\r\t\r\t\r\ry")
        await until(pilot, lambda: isinstance(app.screen, CertificateDialog))
        app.burst("\t\r")
        await pilot.pause()
        assert isinstance(app.screen, CertificateDialog)
        assert bench.gateway.servers[HOST].logins == 0


async def test_a_look_at_the_other_nodes_may_end_after_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, over = bench_of(trusted_by_system=True), asyncio.Event()

    async def slowly(_edits: ClusterEdits, record: Cluster, _nodes: object) -> tuple[Cluster, tuple[Proposal, ...]]:
        await over.wait()
        return record, (Proposal("fra2", Look(Endpoint("10.20.0.12"))),)

    monkeypatch.setattr(ClusterEdits, "take_endpoints", slowly)
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        await pilot.press("enter")
        await registered(pilot, app)
        await app.screen.query_one("#registered-body").remove()
        over.set()
        await until(pilot, lambda: all(worker.is_finished for worker in app.workers))


async def test_leaving_the_endpoint_looks_at_it_quietly() -> None:
    bench = bench_of()
    app = stage_of(bench)
    async with app.run_test() as pilot:
        field(app, "endpoint").value = f"https://{HOST}:8006/#v1:0:=node%2Fpve1:4:::::::"
        await pilot.press("tab")
        await until(pilot, lambda: "you decide before" in app.shown)
        assert f"https://{HOST}:8006" in form_of(app).query_one("#row-endpoint").hint  # type: ignore[attr-defined]
        assert isinstance(app.screen, RegisterScreen)
        assert bench.gateway.servers[HOST].logins == 0


async def test_the_quiet_look_is_cancelled_and_restarted_when_the_endpoint_changes() -> None:
    bench = bench_of(gates={"connect": asyncio.Event()})
    bench.gateway.servers["10.20.0.12"] = FakeServer(trusted_by_system=True)
    app = stage_of(bench)
    async with app.run_test() as pilot:
        field(app, "endpoint").value = HOST
        await pilot.press("tab")
        await until(pilot, lambda: bool(app.workers) and "connect" in app.shown)
        await pilot.press("shift+tab")
        field(app, "endpoint").value = "10.20.0.12"
        await until(pilot, lambda: not [one for one in app.workers if one.group == "probe" and not one.is_cancelled])
        assert all(step.state is StepState.WAITING for step in form_of(app)._checklist.steps)
        await pilot.press("tab")
        await until(pilot, lambda: "vouched for by an authority of this machine" in app.shown)


async def test_a_rejected_password_keeps_everything_and_goes_to_the_field() -> None:
    bench = bench_of(observed=observation(nodes=1))
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app, password="wrong")
        await pilot.press("enter")
        await trust(pilot, app, bench)
        await until(pilot, lambda: "! rejected" in app.shown)
        assert focused(app) == "password"
        assert "address, connect, certificate, proxmox: passed" in app.shown
        assert "It said: authentication failure" in app.shown
        assert "version, discovery, identity, token, save: not run" in app.shown
        assert "nothing was saved" in app.shown
        assert field(app, "password").value == "wrong"
        field(app, "password").value = PASSWORD
        await pilot.press("enter")
        await registered(pilot, app)
        assert bench.gateway.servers[HOST].logins == 2


async def test_after_a_wrong_code_the_password_need_not_be_typed_again() -> None:
    bench = bench_of(code="123456")
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        form_of(app)._form.login.token.choose("none")
        await pilot.press("enter")
        await trust(pilot, app, bench)
        await until(pilot, lambda: form_of(app)._phase is Phase.CODE)
        assert focused(app) == "code"
        assert "password accepted, now the second factor" in app.shown
        await pilot.press("enter")
        await until(pilot, lambda: "! empty" in app.shown)
        app.burst("12345\r")
        await until(pilot, lambda: "! at least 6 characters" in app.shown)
        field(app, "code").value = "999999"
        await pilot.press("enter")
        await until(pilot, lambda: "! not accepted" in app.shown)
        assert focused(app) == "code"
        assert field(app, "code").value == ""
        assert field(app, "password").value == PASSWORD
        app.burst("12\r")
        await until(pilot, lambda: form_of(app)._phase is Phase.CODE)
        assert "password accepted, now the second factor" in app.shown, "no try is wasted on it"
        field(app, "code").value = ""
        app.burst("123456\r")
        await registered(pilot, app)
        assert "each start of pxm needs a code" in app.shown.replace("\n              ", " ")
        assert "999999" not in app.shown


@pytest.mark.parametrize("where", ["user", "password"])
async def test_a_pasted_token_fills_both_fields_of_a_token(where: str) -> None:
    bench = bench_of()
    app = stage_of(bench)
    async with app.run_test() as pilot:
        field(app, "endpoint").value = HOST
        field(app, where).focus()
        field(app, where).post_message(events.Paste("PVEAPIToken=monitor@pve!pxm=right-secret"))
        await until(pilot, lambda: field(app, "token_secret").value == "right-secret")
        assert field(app, "token_id").value == "monitor@pve!pxm"
        assert field(app, where).value == ""
        assert "right-secret" not in app.shown
        await pilot.press("enter")
        await trust(pilot, app, bench)
        await registered(pilot, app)
        assert "API token monitor@pve!pxm; its secret is stored encrypted." in app.shown


async def test_a_token_sent_key_by_key_is_understood() -> None:
    bench = bench_of()
    app = stage_of(bench)
    async with app.run_test() as pilot:
        app.burst(f"{HOST}\t\tmonitor@pve!pxm=right-secret\r")
        await trust(pilot, app, bench)
        await registered(pilot, app)
        (stored,) = await bench.repository.list()
        assert stored.login.token_id == "monitor@pve!pxm"
        assert bench.secrets.of(stored) == "right-secret"


async def test_a_name_that_is_taken_is_said_at_the_name() -> None:
    bench = make_bench([cluster("fra-prod-1")], servers={HOST: FakeServer()})
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        field(app, "name").value = "FRA-prod-1"
        await pilot.press("enter")
        await until(pilot, lambda: "! taken" in app.shown)
        assert focused(app) == "name"
        assert '"fra-prod-1" is registered already' in app.shown
        assert bench.gateway.servers[HOST].sessions == 0


@pytest.mark.parametrize(
    ("values", "at", "words"),
    [
        ({"endpoint": ""}, "endpoint", "The endpoint is missing."),
        ({"endpoint": "ftp://pve1"}, "endpoint", "is not https"),
        ({"user": ""}, "user", "The user is missing."),
        ({"user": "a b"}, "user", "This is not a user name of Proxmox VE."),
        ({"password": ""}, "password", "The password is missing."),
        ({"name": "x" * 65}, "name", "has 65 characters"),
        ({"labels": "fra"}, "labels", "A label is key=value"),
    ],
)
async def test_a_wrong_field_is_said_at_the_field(values: dict[str, str], at: str, words: str) -> None:
    bench = bench_of()
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        for name, value in values.items():
            field(app, name).value = value
        form_of(app).query_one("#environment").focus()
        await pilot.press("enter")
        await until(pilot, lambda: words in app.shown)
        assert focused(app) == at
        assert not bench.gateway.servers[HOST].logins


async def test_the_environment_is_chosen_once() -> None:
    bench = bench_of()
    app = stage_of(bench, RegisterDraft(endpoint=HOST, user="root@pam", environment="lab", labels="env=prod"))
    async with app.run_test() as pilot:
        field(app, "password").value = PASSWORD
        await pilot.press("enter")
        await until(pilot, lambda: "leave env= out here" in app.shown)
        assert focused(app) == "labels"


async def test_esc_stops_at_once_and_a_second_one_leaves() -> None:
    gate = asyncio.Event()
    bench = bench_of(gates={"realms": gate}, trusted_by_system=True)
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        await pilot.press("enter")
        await until(pilot, lambda: "▸ proxmox" in app.shown)
        await pilot.press("escape")
        await until(pilot, lambda: form_of(app)._phase is Phase.EDITING)
        assert "stopped, nothing was saved" in app.shown
        assert field(app, "password").value == PASSWORD
        assert field(app, "endpoint").value == HOST
        gate.set()
        await pilot.pause()
        screen = form_of(app)
        await pilot.press("escape")
        await until(pilot, lambda: bool(app.results))
        draft = RegisterDraft(endpoint=HOST, user="root@pam")
        assert app.results == [RegisterOutcome(draft, ())]
        assert [one.value for one in screen._form.login.inputs()] == ["root@pam", "", "", "", ""]
        assert await bench.repository.list() == ()
        assert bench.secrets.kept == {}


async def test_esc_while_a_code_is_asked_for_keeps_the_password() -> None:
    bench = bench_of(code="123456", trusted_by_system=True)
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        await pilot.press("enter")
        await until(pilot, lambda: form_of(app)._phase is Phase.CODE)
        await pilot.press("escape")
        await until(pilot, lambda: form_of(app)._phase is Phase.EDITING)
        assert field(app, "password").value == PASSWORD
        assert not form_of(app)._form.login.asks_for_code


async def test_ctrl_c_stops_as_esc_does() -> None:
    bench = bench_of(gates={"connect": asyncio.Event()})
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        await pilot.press("enter")
        await until(pilot, lambda: form_of(app)._phase is Phase.RUNNING)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: form_of(app)._phase is Phase.EDITING)


async def test_what_is_being_saved_is_not_stopped_half_way(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_of(trusted_by_system=True)
    gate = asyncio.Event()
    put = bench.secrets.put

    async def slow_put(*arguments: Any) -> None:
        await gate.wait()
        await put(*arguments)

    monkeypatch.setattr(bench.secrets, "put", slow_put)
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        await pilot.press("enter")
        await until(pilot, lambda: "▸ save" in app.shown)
        await pilot.press("escape")
        await pilot.pause()
        assert form_of(app)._phase is Phase.RUNNING
        gate.set()
        await registered(pilot, app)


async def test_a_certificate_that_is_not_trusted_ends_it_before_the_login() -> None:
    bench = bench_of()
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CertificateDialog))
        bench.clock.advance(1)
        await pilot.press("escape")
        await until(pilot, lambda: "nothing was saved" in app.shown)
        assert "✘ certificate" in app.shown
        assert focused(app) == "endpoint"
        assert bench.gateway.servers[HOST].logins == 0


async def test_an_endpoint_that_does_not_answer_is_explained() -> None:
    bench = bench_of(errors={"connect": connection_messages.refused(Endpoint(HOST))})
    app = stage_of(bench)
    async with app.run_test(notifications=True) as pilot:
        fill(app)
        await pilot.press("enter")
        await until(pilot, lambda: "refuses port 8006" in app.shown)
        assert focused(app) == "endpoint"
        assert "systemctl status pveproxy" in app.shown
        await pilot.press("ctrl+y")
        report = app.clipboard.splitlines()
        assert report[0].endswith("registration of 10.20.0.11:8006, 2026-11-22 14:02:10 UTC, from jump1")
        assert report[2] == "address      ok         0 ms   10.20.0.11, port 8006"
        assert report[3].startswith("connect      failed     0 ms   refused: 10.20.0.11 is up")
        assert report[4] == "not run      certificate, proxmox, login, version, discovery, identity, token, save"


async def test_an_unknown_realm_is_said_at_the_user() -> None:
    bench = bench_of(trusted_by_system=True)
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app, user="anna@corp")
        await pilot.press("enter")
        await until(pilot, lambda: "! no such realm" in app.shown)
        assert focused(app) == "user"
        assert bench.gateway.servers[HOST].logins == 0


async def test_the_default_realm_is_shown_beside_a_user_without_one() -> None:
    bench = bench_of(trusted_by_system=True)
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app, user="root", password="wrong")
        await pilot.press("enter")
        await until(pilot, lambda: "! rejected" in app.shown)
        assert "default realm pam, Linux PAM standard auth" in app.shown


async def test_notes_on_an_endpoint_stand_below_it() -> None:
    bench = bench_of()
    app = stage_of(bench)
    async with app.run_test() as pilot:
        field(app, "endpoint").value = "http://pve1:8007"
        await pilot.pause()
        assert "! https is used: Proxmox VE has no plain HTTP; 8007 is the port" in app.shown


async def test_another_registration_begins_with_environment_and_user() -> None:
    bench = bench_of(trusted_by_system=True)
    app = stage_of(bench, RegisterDraft(endpoint=HOST, user="root@pam", environment="test", name="one", labels="a=b"))
    async with app.run_test() as pilot:
        field(app, "password").value = PASSWORD
        await pilot.press("enter")
        await registered(pilot, app)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, RegisterScreen) and focused(app) == "endpoint")
        assert form_of(app)._form.draft() == RegisterDraft(user="root@pam", environment="test")
        assert field(app, "password").value == ""
        await pilot.press("escape")
        await until(pilot, lambda: bool(app.results))
        (stored,) = await bench.repository.list()
        assert app.results[0].cluster_ids == (stored.id,)
        assert app.results[0].draft == RegisterDraft(user="root@pam", environment="test")


async def test_a_new_vault_asks_for_a_passphrase_at_the_end() -> None:
    secrets = FakeSecrets("to be chosen", exists=False)
    bench = make_bench(servers={HOST: FakeServer(trusted_by_system=True)}, secrets=secrets)
    app = stage_of(bench)
    async with app.run_test(size=(80, 30)) as pilot:
        fill(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PassphraseDialog))
        bench.clock.advance(1)
        app.burst("correct horse\tcorrect horse\r")
        await registered(pilot, app)
        assert "opened by your passphrase once" in app.shown
        assert "save 0 ms" in app.shown.replace("\n   ", " ")


async def test_a_passphrase_from_a_file_is_not_said_to_be_asked_for() -> None:
    bench = make_bench(servers={HOST: FakeServer(trusted_by_system=True)}, secrets=FakeSecrets(asks=False))
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        await pilot.press("enter")
        await registered(pilot, app)
        assert "opened by a passphrase that is read from a file" in " ".join(app.shown.split())


async def test_secrets_may_be_kept_in_memory_only() -> None:
    secrets = FakeSecrets("to be chosen", exists=False)
    bench = make_bench(servers={HOST: FakeServer(trusted_by_system=True)}, secrets=secrets)
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PassphraseDialog))
        bench.clock.advance(1)
        await pilot.press("escape")
        await registered(pilot, app)
        assert "is kept in memory only, for this run" in app.shown.replace("\n              ", " ")


async def test_a_full_disk_is_explained_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_of(trusted_by_system=True)

    async def full(*_: Any) -> None:
        raise messages.storage_unusable("~/.local/share/pxm", "no space left")

    monkeypatch.setattr(bench.repository, "save", full)
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        field(app, "name").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "no space left" in app.shown)
        assert focused(app) == "name"
        assert bench.secrets.kept == {}


async def test_text_of_others_is_never_markup() -> None:
    hostile = login_messages.credentials(Endpoint(HOST), "root@pam", HOSTILE_NAME)
    bench = bench_of(trusted_by_system=True, errors={"login": hostile})
    bench.gateway.servers[HOST].observed = observation(name=HOSTILE_NAME)
    app = stage_of(bench)
    async with app.run_test(notifications=True) as pilot:
        fill(app)
        await pilot.press("enter")
        await until(pilot, lambda: f"It said: {HOSTILE_NAME}" in app.shown)
        bench.gateway.servers[HOST].errors = {}
        await pilot.press("enter")
        await registered(pilot, app)
        assert f"{HOSTILE_NAME} is registered." in app.shown


async def test_no_message_worker_or_screen_shows_a_secret() -> None:
    bench = bench_of(code="424242", trusted_by_system=True)
    app = stage_of(bench)
    seen: list[str] = []

    def watch(message: Message) -> None:
        if not isinstance(message, events.Key):
            seen.append(repr(message))

    async with app.run_test(message_hook=watch) as pilot:
        app.burst(f"{HOST}\t\troot@pam\t{PASSWORD}\r")
        await until(pilot, lambda: form_of(app)._phase is Phase.CODE)
        seen.append(app.shown)
        seen += [f"{worker!r} {worker.description}" for worker in app.workers]
        app.burst("424242\r")
        await registered(pilot, app)
        seen.append(app.shown)
        seen += [entry.text for entry in bench.services.journal.entries()]
        seen.append(repr(form_of(app)._form.login.request_fields()))
    everything = "\n".join(seen)
    assert "root@pam" in everything
    assert PASSWORD not in everything
    assert "424242" not in everything


async def test_secrets_cannot_be_copied_from_their_fields() -> None:
    bench = bench_of()
    app = stage_of(bench)
    async with app.run_test() as pilot:
        field(app, "password").value = PASSWORD
        field(app, "password").focus()
        await pilot.press("shift+left", "shift+left", "ctrl+x", "ctrl+y")
        assert app.clipboard == ""
        assert field(app, "password").value == PASSWORD


async def test_fields_take_nothing_while_it_runs() -> None:
    bench = bench_of(gates={"connect": asyncio.Event()})
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app)
        await pilot.press("enter")
        await until(pilot, lambda: form_of(app)._phase is Phase.RUNNING)
        await pilot.press("x", "enter", "tab", "y")
        assert field(app, "endpoint").value == HOST
        assert bench.gateway.servers[HOST].sessions == 1


async def test_a_choice_is_made_by_a_click() -> None:
    bench = bench_of()
    app = stage_of(bench)
    async with app.run_test() as pilot:
        await pilot.click("#environment", offset=(12, 0))
        assert form_of(app)._form.environment.value == "prod"
        await pilot.click("#method", offset=(18, 0))
        await pilot.pause()
        assert form_of(app)._form.login.method is LoginMethod.TOKEN
        assert "Token ID" in app.shown


async def test_leaving_during_the_quiet_look_ends_it() -> None:
    bench = bench_of(gates={"connect": asyncio.Event()})
    app = stage_of(bench)
    async with app.run_test() as pilot:
        field(app, "endpoint").value = HOST
        await pilot.press("tab")
        await until(pilot, lambda: "▸ connect" in app.shown)
        await pilot.press("escape")
        await until(pilot, lambda: bool(app.results))
        assert not [worker for worker in app.workers if worker.group == "probe" and not worker.is_finished]


async def test_without_unicode_every_sign_is_ascii() -> None:
    bench = bench_of()
    app = Stage(bench, lambda: RegisterScreen(bench.services), ascii_only=True)
    async with app.run_test() as pilot:
        fill(app, password="wrong")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CertificateDialog))
        assert app.shown.isascii()
        await trust(pilot, app, bench)
        await until(pilot, lambda: "! rejected" in app.shown)
        assert app.shown.isascii()


async def test_f1_explains_the_keys_also_in_a_field() -> None:
    bench = bench_of()
    app = stage_of(bench)
    async with app.run_test() as pilot:
        await pilot.press("f1")
        await until(pilot, lambda: "Help: Register" in app.shown)
        assert "copy the report" in app.shown
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RegisterScreen))


@pytest.mark.parametrize("size", [(80, 24), (44, 20)])
async def test_the_demo_says_what_to_register(size: tuple[int, int]) -> None:
    bench = bench_of()
    demo = DemoFourth("127.0.0.4", "root@pam", "demo-fourth")
    services = replace(bench.services, demo=demo)
    app = Stage(bench, lambda: RegisterScreen(services))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert "pxm DEMO  Register a cluster" in app.shown
        assert "127.0.0.4  root@pam  demo-fourth" in app.shown


async def test_what_is_odd_in_the_preferences_is_not_taken_over() -> None:
    bench = bench_of()
    for odd in ({}, {"register": 7}, {"register": {"environment": "moon", "method": 3, "user": ["x"]}}):
        bench.preferences.write(odd)
        draft = remembered(bench.preferences)
        assert (draft.environment, draft.method) == ("none", LoginMethod.PASSWORD)
    bench.preferences.write({"register": {"environment": "lab", "method": "token", "user": "a@pve!b"}})
    assert remembered(bench.preferences) == RegisterDraft(
        method=LoginMethod.TOKEN, token_id="a@pve!b", environment="lab"
    )


async def test_an_openid_realm_is_named_beside_the_user_with_the_way_that_works() -> None:
    corp = Realm("corp", "openid", "single sign-on")
    bench = bench_of(trusted_by_system=True, realms=(Realm("pam", "pam", default=True), Realm("pve", "pve"), corp))
    app = stage_of(bench)
    async with app.run_test() as pilot:
        fill(app, user="anna@corp")
        await pilot.press("enter")
        await until(pilot, lambda: "OpenID realm" in app.shown)
        assert focused(app) == "user"
        assert bench.gateway.servers[HOST].logins == 0
        field(app, "user").value = "anna@corp2"
        await pilot.pause()
        field(app, "user").value = "anna@corp"
        await until(pilot, lambda: "corp is OpenID: no password, use a token" in app.shown)
