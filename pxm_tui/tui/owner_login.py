"""The password of a token's owner, and a code where the server asks for one: for dialogs that remove a token."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from pxm_tui.domain.cluster import LoginMethod
from pxm_tui.domain.secret import Secret
from pxm_tui.services.dialog import CodeQuestion
from pxm_tui.services.owners import Key
from pxm_tui.services.ports import Credentials
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.forms import FieldRow
from pxm_tui.tui.second_factor import CodeWait


class OwnerLogin(Vertical):
    """Two rows, the code's only while it is asked for.

    Args:
        user: the owner, `user@realm`.
        needed: without it the token stays.
    """

    SCOPED_CSS = False  # the width is the class of the screen
    DEFAULT_CSS = """
    OwnerLogin { height: auto; width: 1fr; margin-bottom: 1; }
    OwnerLogin FieldRow .label { width: 18; }
    OwnerLogin FieldRow .below { padding-left: 18; }
    OwnerLogin #row-owner-code { display: none; }
    OwnerLogin.-code #row-owner-code { display: block; }
    """

    class CodeAsked(Message):
        """The server wants a second factor, and its field is shown."""

    def __init__(self, user: str, *, needed: bool = True) -> None:
        super().__init__()
        self._hint = "empty: the token stays" if needed else "empty: the stored token does it"
        self._user = user
        self.password = FormInput(secret=True, id="owner-password")
        self.code = FormInput(secret=True, id="owner-code")
        self._code = CodeWait(self.code)

    def compose(self) -> ComposeResult:
        """The rows."""
        yield FieldRow("Password", self.password, self._hint, id="row-owner-password")
        yield FieldRow("Code", self.code, "6 digits, or a recovery key", id="row-owner-code")

    @property
    def waits_for_code(self) -> bool:
        """The server has asked for a second factor."""
        return self._code.waits

    async def key(self) -> Key | None:
        """The login that was typed; None where nothing was."""
        await self.password.drained()
        secret = self.password.secret()
        return Key(Credentials(LoginMethod.PASSWORD, self._user, secret)) if secret else None

    async def ask_code(self, _question: CodeQuestion) -> Secret | None:
        """Show the row, and wait for `send_code`."""
        return await self._code.ask(lambda: self.call_later(self._show_code))

    def _show_code(self) -> None:
        self.add_class("-code")
        self.code.disabled = False
        self.code.focus()
        self.post_message(self.CodeAsked())

    async def send_code(self) -> None:
        """What was typed goes to the server."""
        typed = await self._code.typed()
        if typed is None:
            return
        if complaint := self._code.complaint(typed):
            self.query_one("#row-owner-code", FieldRow).say(complaint, "problem")
            return
        self.code.disabled = True
        self._code.answer(typed)

    def freeze(self) -> None:
        """Nothing can be typed."""
        self.password.disabled = True

    def thaw(self) -> None:
        """Begin again; the password need not be typed again."""
        self._code.give_up()
        self.password.disabled = False
        self.code.forget()
        self.remove_class("-code")

    def forget(self) -> None:
        """Forget the secrets."""
        self.password.forget()
        self.code.forget()
