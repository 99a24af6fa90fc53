"""The secrets on the screens: shown, locked by hand or after a time without a key, opened, given to another holder."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pxm_tui.domain.messages import secret_store
from pxm_tui.domain.secret import Secret
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.tui.app import PxmApp
from pxm_tui.tui.empty import kept_words, secret_lines
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.screens.clusters import ClustersScreen
from pxm_tui.tui.screens.hand_over import HandOverDialog
from pxm_tui.tui.screens.passphrase import PassphraseDialog
from pxm_tui.tui.screens.register import RegisterScreen
from pxm_tui.tui.screens.secrets import SecretsDialog
from tests.fakes import Bench, FakeSecrets, FakeServer, cluster, make_bench
from tests.tui.driving import Driven, driven

PASSPHRASE = "open sesame"
BANNER = "The secret store is locked: rows show the last known state. r or :unlock"


def opened() -> FakeSecrets:
    """A store under a passphrase that has been given."""
    found = FakeSecrets(PASSPHRASE)
    found._state = replace(found._state, open=True)
    return found


def bench_with(secrets: FakeSecrets | None = None, *, period: float | None = None) -> Bench:
    return make_bench((cluster("a"),), servers={"10.20.0.11": FakeServer()}, secrets=secrets or opened(), period=period)


async def command(ui: Driven, text: str) -> None:
    await ui.burst(f":{text}\r")


async def test_a_lock_is_said_and_an_unlock_asks() -> None:
    bench = bench_with()
    async with driven(bench) as ui:
        await command(ui, "lock")
        await ui.shows(BANNER)
        assert not bench.secrets.is_open()
        assert "healthy" in ui.shown, "the last known state stays"
        assert ui.app.screen is ui.home, "nobody is asked before they want something"
        await ui.press("escape")
        assert BANNER in ui.shown, "it is no notice that goes away"

        await command(ui, "unlock")
        await ui.until(lambda: isinstance(ui.app.screen, PassphraseDialog))
        bench.clock.advance(1)
        await ui.burst("guessed\r")
        await ui.shows("That was not the passphrase.")
        bench.clock.advance(1)
        await ui.burst(f"{PASSPHRASE}\r")
        await ui.until(lambda: ui.app.screen is ui.home and BANNER not in ui.shown)
        assert bench.secrets.is_open()


async def test_what_needs_a_secret_asks_for_the_passphrase() -> None:
    bench = bench_with()
    async with driven(bench) as ui:
        await command(ui, "lock")
        await ui.shows(BANNER)
        await ui.press("c")
        await ui.until(lambda: isinstance(ui.app.screen, PassphraseDialog))
        bench.clock.advance(1)
        await ui.burst(f"{PASSPHRASE}\r")
        await ui.shows("healthy")
        await ui.until(bench.secrets.is_open)


async def test_a_lock_is_said_on_other_screens_as_well() -> None:
    bench = bench_with()
    async with driven(bench) as ui:
        await ui.press("enter")
        await ui.shows("Last errors")
        await command(ui, "lock")
        await ui.shows("The secrets are locked. :unlock opens them.")
        await command(ui, "unlock")
        await ui.until(lambda: isinstance(ui.app.screen, PassphraseDialog))


async def test_locking_what_is_in_memory_only_says_first_what_that_costs() -> None:
    secrets = FakeSecrets()
    await secrets.choose_ask()
    bench = bench_with(secrets)
    async with driven(bench) as ui:
        await command(ui, "lock")
        await ui.until(lambda: isinstance(ui.app.screen, SecretsDialog))
        await ui.shows("what is in memory only is forgotten")
        assert secrets.is_open()
        bench.clock.advance(1)
        await ui.press("tab", "enter")
        await ui.until(lambda: not secrets.is_open())


# After a time without a key


def idle_app(bench: Bench, minutes: float = 10) -> Bench:
    return replace(bench, services=replace(bench.services, lock_after=minutes * 60))


async def test_nothing_locks_by_itself_unless_it_is_wanted() -> None:
    bench = bench_with()
    async with driven(bench) as ui:
        bench.clock.advance(100_000)
        ui.app.look_at_idleness()
        await ui.press("j")
        assert bench.secrets.is_open()
        assert not [timer for timer in ui.app._timers if timer.name == "idleness"]


async def test_a_time_without_a_key_locks() -> None:
    bench = idle_app(bench_with())
    async with driven(bench) as ui:
        bench.clock.advance(599)
        ui.app.look_at_idleness()
        await ui.press("j")
        bench.clock.advance(599)
        ui.app.look_at_idleness()
        await ui.pilot.pause()
        assert bench.secrets.is_open(), "the time counts from the last key"
        bench.clock.advance(1)
        ui.app.look_at_idleness()
        await ui.shows(BANNER)
        assert not bench.secrets.is_open()
        ui.app.look_at_idleness()
        await ui.pilot.pause()
        locks = [entry.text for entry in bench.services.journal.entries() if "locked" in entry.text]
        assert locks == ["secret store locked after a time without a key"]


async def test_the_key_that_comes_too_late_only_wakes() -> None:
    bench = idle_app(bench_with())
    async with driven(bench) as ui:
        bench.clock.advance(601)
        await ui.press("q")
        await ui.shows(BANNER)
        assert not bench.secrets.is_open()
        assert ui.app.is_running


async def test_a_machine_that_slept_locks_when_it_wakes() -> None:
    bench = idle_app(bench_with())
    async with driven(bench) as ui:
        bench.clock.now = bench.clock.now.replace(year=bench.clock.now.year + 1)  # the monotonic timer stood still
        ui.app.look_at_idleness()
        await ui.shows(BANNER)


async def test_a_clock_that_is_set_back_does_not_keep_it_open() -> None:
    bench = idle_app(bench_with())
    async with driven(bench) as ui:
        bench.clock.now = bench.clock.now.replace(year=bench.clock.now.year - 1)
        bench.clock.seconds += 601
        ui.app.look_at_idleness()
        await ui.shows(BANNER)


async def test_passwords_typed_into_a_form_are_forgotten_and_the_rest_stays() -> None:
    bench = idle_app(bench_with())
    async with driven(bench) as ui:
        await ui.press("a")
        await ui.until(lambda: isinstance(ui.app.screen, RegisterScreen))
        ui.app.screen.query_one("#endpoint", FormInput).value = "pve7"
        ui.app.screen.query_one("#password", FormInput).value = "half typed"
        bench.clock.advance(601)
        ui.app.look_at_idleness()
        await ui.until(lambda: not bench.secrets.is_open())
        assert ui.app.screen.query_one("#password", FormInput).value == ""
        assert ui.app.screen.query_one("#endpoint", FormInput).value == "pve7"


# What is in use, and another holder


async def secrets_dialog(ui: Driven) -> None:
    await command(ui, "secrets")
    await ui.until(lambda: isinstance(ui.app.screen, SecretsDialog))
    await ui.shows("Close")
    ui.bench.clock.advance(1)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            VaultState(VaultMode.PASSPHRASE, open=True, exists=True, asks=True, secrets=3),
            ("encrypted: 3 secrets", "under your passphrase, asked for once a run", "open", "Change passphrase"),
        ),
        (VaultState(VaultMode.PASSPHRASE, open=True, exists=True, secrets=1), ("1 secret\n", "read from a file")),
        (
            VaultState(VaultMode.PASSPHRASE, open=False, exists=True, asks=True, remembers=30),
            ("locked: no cluster is asked", "[ Unlock ]", "the kernel remembers the key for 30 min"),
        ),
        (VaultState(VaultMode.KEYRING, open=True, exists=True), ("this machine's keyring", "Use a passphrase")),
        (
            VaultState(VaultMode.ASK, open=True, exists=False, secrets=2),
            ("memory only", "2 secrets", "Use the keyring"),
        ),
        (VaultState(None, open=False, exists=False), ("once there is a secret to keep", "yours to choose")),
    ],
    ids=["passphrase", "file", "locked", "keyring", "ask", "none"],
)
@pytest.mark.parametrize("size", [(80, 24), (44, 20), (160, 45)], ids=str)
async def test_what_is_in_use_is_shown(state: VaultState, words: tuple[str, ...], size: tuple[int, int]) -> None:
    bench = bench_with(FakeSecrets(asks=False))
    async with driven(bench, size=size) as ui:
        bench.secrets._state = state
        await secrets_dialog(ui)
        flat = " ".join(ui.shown.replace("│", " ").split()) + "\n"
        if size[0] >= 80:
            for word in words:
                assert " ".join(word.split()) in flat
        assert ui.app.screen.query_one("#close").has_focus, "it begins on the button that changes nothing"


async def test_the_details_say_it_where_there_is_room() -> None:
    async with driven(bench_with(), size=(120, 40)) as ui:
        await ui.press("enter")
        await ui.shows("Secrets    stored encrypted, opened by your passphrase (:secrets)")


@pytest.mark.parametrize("exists", [True, False])
async def test_a_passphrase_from_a_file_is_not_called_one_that_is_asked_for(exists: bool) -> None:
    state = VaultState(VaultMode.PASSPHRASE, open=True, exists=exists)
    places = make_bench().services.places

    assert secret_lines(places, state)[1].startswith("a passphrase that nobody is asked for ")
    assert kept_words(state) == "stored encrypted, opened by a passphrase that nobody is asked for (:secrets)"


async def test_a_passphrase_that_nobody_has_chosen_yet_is_not_said_to_be_there() -> None:
    state = VaultState(VaultMode.PASSPHRASE, open=False, exists=False)
    assert secret_lines(make_bench().services.places, state)[1] == "its passphrase is chosen at the first secret"


async def test_the_passphrase_is_changed_by_who_knows_it() -> None:
    bench = bench_with()
    async with driven(bench) as ui:
        await secrets_dialog(ui)
        await ui.pilot.click("#passphrase")
        await ui.until(lambda: isinstance(ui.app.screen, HandOverDialog))
        bench.clock.advance(1)
        await ui.burst("\r")
        await ui.shows("The passphrase is missing.")
        await ui.burst("guessed\tshort\tshort\r")
        await ui.shows("At least 8 characters.")
        await ui.burst(" no longer\tand another\r")
        await ui.shows("The two are not the same.")
        ui.app.screen.query_one("#again", FormInput).value = "short no longer"
        await ui.press("enter")
        await ui.shows("That was not the passphrase.")
        assert bench.secrets._passphrase == PASSPHRASE
        assert "guessed" not in ui.shown
        await ui.burst(f"{PASSPHRASE}\r")
        await ui.shows("The new passphrase is in use.")
        await ui.until(lambda: isinstance(ui.app.screen, SecretsDialog))
        assert bench.secrets._passphrase == "short no longer"


async def test_the_keyring_takes_over() -> None:
    bench = bench_with()
    async with driven(bench) as ui:
        await secrets_dialog(ui)
        await ui.pilot.click("#keyring")
        await ui.until(lambda: isinstance(ui.app.screen, HandOverDialog))
        bench.clock.advance(1)
        await ui.burst(f"{PASSPHRASE}\r")
        await ui.shows("The keyring opens the secrets from now on.")
        await ui.shows("in this machine's keyring")
        assert (await bench.secrets.state()).mode is VaultMode.KEYRING


async def test_no_burst_erases_the_file() -> None:
    bench = bench_with(FakeSecrets(asks=False))
    async with driven(bench) as ui:
        await secrets_dialog(ui)
        await ui.pilot.click("#memory")
        await ui.until(lambda: isinstance(ui.app.screen, HandOverDialog))
        assert ui.app.screen.query_one("#cancel").has_focus
        await ui.burst("\t\r\r")
        assert (await bench.secrets.state()).mode is VaultMode.PASSPHRASE
        bench.clock.advance(1)
        await ui.press("tab", "enter")
        await ui.shows("The secrets are in memory only.")
        assert (await bench.secrets.state()).mode is VaultMode.ASK


async def test_what_cannot_be_changed_is_explained_and_leaves_all_as_it_was() -> None:
    class NoKeyring(FakeSecrets):
        async def change(self, mode: VaultMode, passphrase: Secret | None, current: Secret | None) -> None:
            raise secret_store("There is no keyring here.", "Unlock it.")

    bench = bench_with(NoKeyring(asks=False))
    async with driven(bench) as ui:
        await secrets_dialog(ui)
        await ui.pilot.click("#keyring")
        await ui.until(lambda: isinstance(ui.app.screen, HandOverDialog))
        bench.clock.advance(1)
        await ui.press("tab", "enter")
        await ui.shows("There is no keyring here.")
        assert "Unlock it." in ui.shown
        await ui.press("escape")
        await ui.until(lambda: isinstance(ui.app.screen, SecretsDialog))


async def test_a_store_that_cannot_be_looked_at_is_said_and_ends_nothing() -> None:
    class Silent(FakeSecrets):
        async def state(self) -> VaultState:
            raise secret_store("The keyring did not answer within 2 s.")

    bench = bench_with(Silent())
    async with driven(bench) as ui:
        await ui.shows("did not answer within 2 s")
        assert isinstance(ui.app.screen, ClustersScreen)
        await command(ui, "secrets")
        await ui.until(lambda: isinstance(ui.app.screen, SecretsDialog))
        await ui.shows("did not answer within 2 s")
        bench.clock.advance(1)
        await ui.press("escape")
        await command(ui, "lock")
        await ui.shows(BANNER)


def test_the_app_has_no_idleness_where_nothing_locks() -> None:
    assert PxmApp(make_bench().services).idleness is None
