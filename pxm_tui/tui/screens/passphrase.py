"""The passphrase of the vault: chosen once, then asked for once a run."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult

from pxm_tui.domain.secret import Secret
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import PassphraseQuestion
from pxm_tui.services.secrets import SHORTEST_PASSPHRASE
from pxm_tui.tui.dialog import BoxDialog, buttons
from pxm_tui.tui.fields import FormInput, PushButton
from pxm_tui.tui.forms import FieldRow
from pxm_tui.tui.prose import BLANK, Fact, Prose

NEW = (
    "Passwords and token secrets are stored encrypted in {path}. No keyring of this machine is in use, so a "
    "passphrase of yours opens that file: pxm asks for it once a run."
)
NEW_LOST = "It is written nowhere. If it is forgotten, every cluster has to be logged in to again."
KNOWN = "It opens {path}, in which passwords and token secrets are stored."


class PassphraseDialog(BoxDialog[Secret | None]):
    """Asks for a passphrase; None keeps the secrets in memory, or leaves the vault locked.

    Args:
        question: whether it is a new one, and whether the last was wrong.
        services: the bundle.
    """

    GUARDED = True
    BINDINGS = [("enter", "accept")]
    DEFAULT_CSS = """
    PassphraseDialog FieldRow .label { width: 14; }
    PassphraseDialog FieldRow .below { padding-left: 14; }
    """

    def __init__(self, question: PassphraseQuestion, services: Services) -> None:
        super().__init__(services)
        self._question = question
        self._first = FormInput(secret=True, id="first")
        self._again = FormInput(secret=True, id="again")

    @property
    def box_title(self) -> str:
        """Choose, or enter."""
        return "Choose a passphrase" if self._question.new else "Passphrase"

    def compose_body(self) -> ComposeResult:
        """What it is for, the fields, the buttons."""
        path = self.services.places.secrets
        if self._question.new:
            yield Prose([Fact(NEW.format(path=path)), BLANK, Fact(NEW_LOST), BLANK])
        else:
            yield Prose([Fact(KNOWN.format(path=path)), BLANK])
        yield FieldRow("Passphrase", self._first, id="row-first")
        if self._question.new:
            yield FieldRow("Once more", self._again, id="row-again")
        yield Prose([BLANK])
        decline = "Keep secrets in memory" if self._question.new else "Leave it locked"
        accept = "Use this passphrase" if self._question.new else "Open"
        yield buttons(PushButton(decline, id="decline"), PushButton(accept, id="accept"))
        if self._question.new:
            note = "In memory: nothing is written, and every run asks for the logins again."
            yield Prose([BLANK, Fact(note)])

    def on_mount(self) -> None:
        """Begin in the field."""
        if self._question.wrong:
            self.query_one("#row-first", FieldRow).say_below("That was not the passphrase.")
        self._first.focus()

    def footer_keys(self) -> list[tuple[str, str]]:
        """Enter in a field goes on."""
        word = "keep in memory" if self._question.new else "leave it locked"
        return [("Tab", "move"), ("Enter", "go on"), ("Esc", word)]

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        if event.button.id == "accept":
            self._accept()
        else:
            self.leave()

    def action_accept(self) -> None:
        """Take it, if it can be used."""
        if self.listens:
            self._accept()

    @work(exclusive=True, group="passphrase", description="taking the passphrase")
    async def _accept(self) -> None:
        await self._first.drained()
        await self._again.drained()
        complaint = self._complaint()
        if complaint is not None:
            field, text = complaint
            self.query_one(f"#row-{field}", FieldRow).say_below(text)
            self.query_one(f"#{field}").focus()
            return
        answer = self._first.secret()
        self._first.forget()
        self._again.forget()
        self.dismiss(answer)

    def _complaint(self) -> tuple[str, str] | None:
        self.query_one("#row-first", FieldRow).clear()
        if not self._first.secret():
            return "first", "The passphrase is missing."
        if not self._question.new:
            return None
        self.query_one("#row-again", FieldRow).clear()
        return complaint_of_new(self._first, self._again)


def complaint_of_new(first: FormInput, again: FormInput) -> tuple[str, str] | None:
    """Which of the two fields of a new passphrase cannot be used, and why; None where both can."""
    if len(first.value) < SHORTEST_PASSPHRASE:
        return "first", f"At least {SHORTEST_PASSPHRASE} characters."
    if first.secret() != again.secret():
        return "again", "The two are not the same." if again.value else "Type it once more."
    return None
