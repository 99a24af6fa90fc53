"""How the edit form, and the dialogs about secrets, look at the three sizes that count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.dialog import PassphraseQuestion
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.screens.edit import EditScreen
from pxm_tui.tui.screens.hand_over import HandOverDialog
from pxm_tui.tui.screens.passphrase import PassphraseDialog
from pxm_tui.tui.screens.secrets import SecretsDialog
from tests.fakes import Bench, FakeSecrets, FakeServer, cluster, make_bench
from tests.tui.staging import Stage, until
from tests.tui.test_snapshots_forms import IDS, SIZES, Compare, still

PROD = replace(cluster("fra-prod-1"), labels=(("env", "prod"), ("site", "fra"), ("team", "core")))
HELD = VaultState(VaultMode.PASSPHRASE, open=True, exists=True, asks=True, secrets=3, remembers=15)
CHOSEN = "correct horse battery"


def kept(state: VaultState) -> FakeSecrets:
    """A store that is like this."""
    found = FakeSecrets("open sesame")
    found._state = state
    return found


def bench_of(state: VaultState = HELD, **cluster_changes: Any) -> Bench:
    record = replace(PROD, **cluster_changes)
    bench = make_bench([record], servers={"10.20.0.11": FakeServer()}, secrets=kept(state))
    bench.services.fleet.load()
    return replace(bench, services=replace(bench.services, lock_after=900.0))


def stage(bench: Bench, make: Callable[[Bench], Screen[Any]]) -> Stage:
    return Stage(bench, lambda: make(bench))


def edit(bench: Bench) -> Screen[Any]:
    (record,) = bench.repository.read()
    return EditScreen(bench.services, ClusterView(record, Snapshot(record.id)))


async def looked(pilot: Pilot[Any]) -> None:
    """Wait until the store has been looked at."""
    app = pilot.app
    assert isinstance(app, Stage)
    await until(pilot, lambda: bool(app.screen.query("#close")))
    await still(pilot)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_edit_form(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(stage(bench_of(), edit), terminal_size=size, run_before=still)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_edit_form_of_a_read_only_cluster_after_a_failure(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def failed(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, Stage)
        await pilot.pause()
        app.screen.query_one("#endpoints", FormInput).value = "10.20.0.11 pve9.example.net"
        await pilot.press("enter")
        await until(pilot, lambda: "✘ endpoints" in app.shown)
        await still(pilot)

    assert snap_compare(stage(bench_of(read_only=True), edit), terminal_size=size, run_before=failed)


STATES = {
    "passphrase": HELD,
    "keyring": VaultState(VaultMode.KEYRING, open=True, exists=True, secrets=3),
    "memory": VaultState(VaultMode.ASK, open=True, exists=False, secrets=3),
    "locked": replace(HELD, open=False),
}


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize("name", STATES)
def test_secrets(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    app = stage(bench_of(STATES[name]), lambda bench: SecretsDialog(bench.services))
    assert snap_compare(app, terminal_size=size, run_before=looked)


QUESTIONS = {
    "new": PassphraseQuestion(new=True, wrong=False),
    "known": PassphraseQuestion(new=False, wrong=False),
    "wrong": PassphraseQuestion(new=False, wrong=True),
}


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize("name", QUESTIONS)
def test_passphrase(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    app = stage(bench_of(), lambda bench: PassphraseDialog(QUESTIONS[name], bench.services))
    assert snap_compare(app, terminal_size=size, run_before=still)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize("mode", list(VaultMode))
def test_another_holder_of_the_key(snap_compare: Compare, mode: VaultMode, size: tuple[int, int]) -> None:
    app = stage(bench_of(), lambda bench: HandOverDialog(bench.services, mode, HELD))
    assert snap_compare(app, terminal_size=size, run_before=still)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_two_passphrases_that_differ(snap_compare: Compare, size: tuple[int, int]) -> None:
    bench = bench_of()

    async def differ(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        bench.clock.advance(1)
        screen = pilot.app.screen
        for name, text in (("current", "open sesame"), ("first", CHOSEN), ("again", f"{CHOSEN}!")):
            screen.query_one(f"#{name}", FormInput).value = text
        await pilot.press("enter")
        await still(pilot)

    app = stage(bench, lambda found: HandOverDialog(found.services, VaultMode.PASSPHRASE, HELD))
    assert snap_compare(app, terminal_size=size, run_before=differ)
