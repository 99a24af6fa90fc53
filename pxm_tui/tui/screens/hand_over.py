"""Another holder for the key of the secrets: what that means, the passphrases that it takes, and doing it."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult

from pxm_tui.domain.errors import InvalidError, PxmError
from pxm_tui.services.bundle import Services
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.tui.dialog import BoxDialog, buttons
from pxm_tui.tui.fields import FormInput, PushButton
from pxm_tui.tui.forms import FieldRow
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.screens.passphrase import NEW_LOST, complaint_of_new

TITLES = {
    VaultMode.PASSPHRASE: "A passphrase of your own",
    VaultMode.KEYRING: "Use the keyring",
    VaultMode.ASK: "Keep secrets in memory only",
}
MEANING = {
    VaultMode.PASSPHRASE: "The key of the secrets is wrapped anew, in one step. Programs that have them open go on; "
    "the next start asks for the new passphrase. A copy of the file made before opens with what opened it then: where "
    "somebody knows that, change the logins too.",
    VaultMode.KEYRING: "This machine's keyring holds the key from now on, and opens the secrets without a question: "
    "whoever is logged in here as you can open them.",
    VaultMode.ASK: "{path} and its copy are erased. The secrets stay in memory until this run ends or is locked; "
    "the next start has none, and every cluster has to be logged in to again. Another running pxm loses them as well.",
}
ACCEPT = {
    VaultMode.PASSPHRASE: "Use this passphrase",
    VaultMode.KEYRING: "Use the keyring",
    VaultMode.ASK: "Erase the file",
}
DONE = {
    VaultMode.PASSPHRASE: "The new passphrase is in use.",
    VaultMode.KEYRING: "The keyring opens the secrets from now on.",
    VaultMode.ASK: "The secrets are in memory only.",
}


class HandOverDialog(BoxDialog[str | None]):
    """Changes who holds the key. Gives a sentence that says so, or None.

    Args:
        services: the bundle.
        mode: who shall hold it.
        state: how the store is.
    """

    GUARDED = True
    BINDINGS = [("enter", "accept")]
    DEFAULT_CSS = """
    HandOverDialog FieldRow .label { width: 20; }
    HandOverDialog FieldRow .below { padding-left: 20; }
    """

    def __init__(self, services: Services, mode: VaultMode, state: VaultState) -> None:
        super().__init__(services)
        self._mode = mode
        self._busy = False
        self._fields: dict[str, FormInput] = {}
        if state.asks:
            self._fields["current"] = FormInput(secret=True, id="current")
        if mode is VaultMode.PASSPHRASE:
            self._fields |= {name: FormInput(secret=True, id=name) for name in ("first", "again")}

    @property
    def box_title(self) -> str:
        """What is chosen."""
        return TITLES[self._mode]

    def compose_body(self) -> ComposeResult:
        """What it means, the fields, the buttons."""
        facts = [Fact(MEANING[self._mode].format(path=self.services.places.secrets)), BLANK]
        if self._mode is VaultMode.PASSPHRASE:
            facts += [Fact(NEW_LOST), BLANK]
        yield Prose(facts)
        labels = {"current": "Present passphrase", "first": "New passphrase", "again": "Once more"}
        for name, field in self._fields.items():
            yield FieldRow(labels[name], field, id=f"row-{name}")
        if self._fields:
            yield Prose([BLANK])
        yield buttons(PushButton("Cancel", id="cancel"), PushButton(ACCEPT[self._mode], id="accept"))
        yield Prose(id="problem")

    def on_mount(self) -> None:
        """Begin in the first field, or on the button that changes nothing."""
        self.query_one("#problem").display = False
        first = next(iter(self._fields.values()), None)
        (first or self.query_one("#cancel")).focus(scroll_visible=False)

    def footer_keys(self) -> list[tuple[str, str]]:
        """Enter in a field goes on."""
        return [("Tab", "move"), ("Enter", "go on" if self._fields else "press"), ("Esc", "cancel")]

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        if event.button.id == "accept":
            self._accept()
        else:
            self.leave()

    def action_accept(self) -> None:
        """Enter in a field: do it, if everything is there."""
        if self.listens and self._fields:
            self._accept()

    def leave(self) -> None:
        """Nothing is changed; what has begun goes on to its end."""
        if not self._busy:
            self.dismiss(None)

    @work(exclusive=True, group="hand-over", description="changing who holds the key")
    async def _accept(self) -> None:
        if self._busy:
            return
        for field in self._fields.values():
            await field.drained()
        complaint = self._complaint()
        if complaint is not None:
            self._complain(*complaint)
            return
        self._set_busy(busy=True)
        new, current = self._fields.get("first"), self._fields.get("current")
        try:
            await self.services.secrets.change(
                self._mode, None if new is None else new.secret(), None if current is None else current.secret()
            )
        except PxmError as error:
            self._set_busy(busy=False)
            self._fail(error)
            return
        for field in self._fields.values():
            field.forget()
        self.dismiss(DONE[self._mode])

    def _set_busy(self, *, busy: bool) -> None:
        self._busy = busy
        for button in self.query(PushButton):
            button.disabled = busy

    def _fail(self, error: PxmError) -> None:
        if isinstance(error, InvalidError) and error.field == "current" and "current" in self._fields:
            self._fields["current"].forget()
            self._complain("current", "That was not the passphrase.")
            return
        self.show_problem(error)

    def _complain(self, name: str, text: str) -> None:
        self.query_one(f"#row-{name}", FieldRow).say_below(text)
        self._fields[name].focus()

    def _complaint(self) -> tuple[str, str] | None:
        """The first field that cannot be used, and why."""
        for name, field in self._fields.items():
            self.query_one(f"#row-{name}", FieldRow).clear()
            if not field.value:
                return name, "The passphrase is missing."
        if "first" not in self._fields:
            return None
        return complaint_of_new(self._fields["first"], self._fields["again"])
