"""Help is there on every screen and in every dialog: `?` and F1, in fields F1 alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.screen import Screen

from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.dialog import PassphraseQuestion, TrustQuestion
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.screens.certificate import CertificateDialog
from pxm_tui.tui.screens.check import CheckDialog
from pxm_tui.tui.screens.deregister import DeregisterDialog
from pxm_tui.tui.screens.edit import EditScreen
from pxm_tui.tui.screens.guard import GuardDialog
from pxm_tui.tui.screens.hand_over import HandOverDialog
from pxm_tui.tui.screens.help import HelpScreen
from pxm_tui.tui.screens.login import LoginScreen
from pxm_tui.tui.screens.passphrase import PassphraseDialog
from pxm_tui.tui.screens.register import RegisterScreen
from pxm_tui.tui.screens.rights import RightsDialog
from pxm_tui.tui.screens.rotate import RotateScreen
from pxm_tui.tui.screens.secrets import SecretsDialog
from tests.fakes import Bench, FakeServer, certificate, cluster, make_bench
from tests.tui.driving import driven
from tests.tui.fleet import seen_bench
from tests.tui.staging import Stage, until

PROD = cluster("fra-prod-1")
VIEW = ClusterView(PROD, Snapshot(PROD.id))
QUESTION = TrustQuestion(PROD.endpoint, certificate(), host_named=True)

DIALOGS: dict[str, Callable[[Bench], Screen[Any]]] = {
    "certificate": lambda bench: CertificateDialog(
        TrustQuestion(PROD.endpoint, certificate(), host_named=True), bench.services
    ),
    "check": lambda bench: CheckDialog(bench.services, VIEW),
    "deregister": lambda bench: DeregisterDialog(bench.services, VIEW),
    "guard": lambda bench: GuardDialog(bench.services, VIEW),
    "hand over": lambda bench: HandOverDialog(
        bench.services, VaultMode.KEYRING, VaultState(VaultMode.PASSPHRASE, open=True, exists=True)
    ),
    "login": lambda bench: LoginScreen(bench.services, VIEW),
    "rights": lambda bench: RightsDialog(bench.services, VIEW),
    "rotate": lambda bench: RotateScreen(bench.services, VIEW),
    "secrets": lambda bench: SecretsDialog(bench.services),
    "passphrase": lambda bench: PassphraseDialog(PassphraseQuestion(new=False, wrong=False), bench.services),
    "register": lambda bench: RegisterScreen(bench.services),
    "edit": lambda bench: EditScreen(bench.services, VIEW),
}


@pytest.mark.parametrize("name", DIALOGS)
async def test_f1_helps_and_esc_comes_back_to_what_was_typed(name: str) -> None:
    bench = make_bench([PROD], servers={"10.20.0.11": FakeServer()})
    app = Stage(bench, lambda: DIALOGS[name](bench))
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.pause()
        bench.clock.advance(1)
        dialog = app.screen
        fields = [field for field in dialog.query(FormInput) if field.display and not field.disabled]
        if fields and isinstance(dialog.focused, FormInput):
            app.burst("ab?")
            await until(pilot, lambda: isinstance(dialog.focused, FormInput) and dialog.focused.value.endswith("ab?"))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert "Help: " in app.shown
        assert "Esc" in app.shown
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is dialog)
        if fields and isinstance(dialog.focused, FormInput):
            assert dialog.focused.value.endswith("ab?")


async def test_a_question_mark_at_a_button_helps() -> None:
    bench = make_bench([PROD])
    app = Stage(bench, lambda: GuardDialog(bench.services, VIEW))
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("question_mark")
        await until(pilot, lambda: "Help: Make fra-prod-1 read-only" in app.shown)
        assert "Keys      Tab         move" in app.shown
        assert "F1          help; also ?, outside of fields" in app.shown


@pytest.mark.parametrize("key", ["question_mark", "f1"])
@pytest.mark.parametrize(
    ("command", "title", "words"), [(":log\r", "Log", "copy the line"), (":audit\r", "Audit", "verify the audit")]
)
async def test_log_and_audit_have_help(key: str, command: str, title: str, words: str) -> None:
    async with driven(seen_bench()) as ui:
        await ui.burst(command)
        await ui.shows("? Help")
        await ui.press(key)
        await ui.shows(f"Help: {title}")
        assert words in ui.shown
        await ui.press("escape")
        await ui.until(lambda: "Help: " not in ui.shown)
