"""How secrets are kept: where, who holds their key, when it is dropped; and the ways to change that."""

from __future__ import annotations

from collections.abc import Iterator

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from pxm_tui.domain.errors import PxmError
from pxm_tui.services.bundle import Services
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.tui.asking import Asker, ask
from pxm_tui.tui.dialog import BoxDialog, buttons
from pxm_tui.tui.fields import PushButton
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.screens.hand_over import HandOverDialog

_LABEL = 11

CHANGES = {
    "passphrase": VaultMode.PASSPHRASE,
    "keyring": VaultMode.KEYRING,
    "memory": VaultMode.ASK,
}


class SecretsDialog(BoxDialog[None]):
    """Shows how secrets are kept, and changes it.

    Args:
        services: the bundle.
    """

    GUARDED = True
    DEFAULT_CSS = """
    SecretsDialog .buttons { padding-left: 0; }
    SecretsDialog #ways { height: auto; }
    """
    box_title = "Secrets"

    def compose_body(self) -> ComposeResult:
        """What is so, and the buttons; they come when it is known."""
        yield Prose([Fact("Looking ...")], id="facts")
        yield Vertical(id="ways")
        yield Prose(id="problem")

    def on_mount(self) -> None:
        """Look."""
        self.query_one("#problem").display = False
        self._look()

    def footer_keys(self) -> list[tuple[str, str]]:
        """The keys."""
        return [("Tab", "move"), ("Enter", "press"), ("Esc", "close")]

    @work(exclusive=True, group="secrets", description="looking at the secret store")
    async def _look(self) -> None:
        try:
            state = await self.services.secrets.state()
        except PxmError as error:
            self._say(error)
            return
        await self._show(state)

    async def _show(self, state: VaultState) -> None:
        facts = [Fact(text, label=label, label_width=_LABEL) for label, text in secret_facts(self.services, state)]
        self.query_one("#facts", Prose).show([*facts, BLANK])
        ways = self.query_one("#ways")
        await ways.remove_children()
        first, second = _ways(state)
        await ways.mount(
            *(buttons(*(PushButton(word, id=name) for name, word in row)) for row in (first, second) if row)
        )
        self.query_one("#close").focus(scroll_visible=False)

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        name = event.button.id or ""
        if name == "close":
            self.leave()
        elif name == "lock":
            self._lock()
        elif name == "unlock":
            self._unlock()
        else:
            self._hand_over(CHANGES[name])

    @work(exclusive=True, group="secrets", description="locking the secret store")
    async def _lock(self) -> None:
        await self.services.secrets.lock("by hand")
        self._look()

    @work(exclusive=True, group="secrets", description="opening the secret store")
    async def _unlock(self) -> None:
        try:
            await self.services.secrets.unlock(Asker(self, self.services, on_step=lambda _step: None))
        except PxmError as error:
            self._say(error)
        self._look()

    @work(exclusive=True, group="secrets", description="changing who holds the key")
    async def _hand_over(self, mode: VaultMode) -> None:
        state = await self.services.secrets.state()
        done = await ask(self, HandOverDialog(self.services, mode, state))
        if done:
            self.notify(done, markup=False)
        self._look()

    def _say(self, error: PxmError) -> None:
        self.show_problem(error)


def _ways(state: VaultState) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The buttons, by id: closing and locking, then the other holders of the key."""
    first = [("close", "Close")]
    if state.exists or state.mode is VaultMode.ASK:
        first.append(("lock", "Lock now") if state.open else ("unlock", "Unlock"))
    words = {
        "passphrase": "Change passphrase" if state.mode is VaultMode.PASSPHRASE else "Use a passphrase",
        "keyring": "" if state.mode is VaultMode.KEYRING else "Use the keyring",
        "memory": "" if state.mode is VaultMode.ASK else "Memory only",
    }
    return first, [(name, word) for name, word in words.items() if word]


def secret_facts(services: Services, state: VaultState) -> Iterator[tuple[str, str]]:
    """How secrets are kept, by label."""
    path = services.places.secrets
    count = "1 secret" if state.secrets == 1 else f"{state.secrets} secrets"
    if state.mode is VaultMode.ASK:
        yield "Kept in", f"memory only, for this run: {count}. The next start asks for the logins again."
    elif state.exists:
        yield "Kept in", f"{path}, encrypted: {count}"
    else:
        yield "Kept in", f"{path}, encrypted, once there is a secret to keep"
    yield "Key", _holder(services, state)
    if state.exists or state.mode is VaultMode.ASK:
        yield "Now", "open" if state.open else "locked: no cluster is asked, rows show the last known state"
    yield "Lock", _lock_words(services, state)
    if state.mode is VaultMode.PASSPHRASE and state.remembers:
        yield "Session", f"the kernel remembers the key for {state.remembers} min after the passphrase was given"


def _holder(services: Services, state: VaultState) -> str:
    if state.mode is VaultMode.ASK:
        return "none: nothing is written"
    if state.mode is VaultMode.KEYRING:
        return "in this machine's keyring, which opens it without a question"
    if state.mode is None:
        return "yours to choose: a passphrase, or memory only; this machine has no keyring"
    if services.demo is not None:
        return "under a passphrase of the demo's own"
    if not state.exists:
        return "under a passphrase, which you choose"
    return (
        "under your passphrase, asked for once a run" if state.asks else "under a passphrase that is read from a file"
    )


def _lock_words(services: Services, state: VaultState) -> str:
    after = services.lock_after
    when = "with :lock" if after is None else f"with :lock, and after {after / 60:g} min without a key"
    if state.mode is VaultMode.ASK:
        return f"{when}; what is in memory only is forgotten"
    return f"{when}; key, secrets and tickets are dropped from memory"
