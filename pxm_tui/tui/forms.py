"""The rows of forms, and the fields of a login, which registering and logging in again share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from pxm_tui.domain.addresses import ParsedToken, parse_token
from pxm_tui.domain.cluster import Login, LoginMethod
from pxm_tui.domain.errors import InvalidError, PxmError
from pxm_tui.domain.observation import Realm
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.text import one_line
from pxm_tui.domain.tokens import TokenRole
from pxm_tui.tui.fields import Choice, FormInput
from pxm_tui.tui.glyphs import glyphs_of
from pxm_tui.tui.second_factor import CodeWait
from pxm_tui.tui.text import content, safe

if TYPE_CHECKING:
    from pxm_tui.services.ports import Credentials

NO_TOKEN = "none"  # noqa: S105
TOKEN_CHOICES = (
    ("auditor", "auditor"),
    ("operator", "operator"),
    ("all", "all rights"),
    (NO_TOKEN, "none"),
)
"""What the token that is made of a password may do, by role."""

REJECTED = {
    "credentials": "! rejected",
    "token": "! rejected",
    "second_factor_wrong": "! not accepted",
    "second_factor_needed": "! needed",
    "locked": "! locked",
    "unknown_realm": "! no such realm",
    "already_registered": "! taken",
}
"""Said at the field that an error belongs to, by cause."""

ALL_RIGHTS = (
    "all that the account may, without a second factor. With User.Modify that is full control, and expiry does not "
    "limit a thief."
)
"""What the role `all` is."""

_KIND_STYLE = {"help": "$pxm-faint", "note": "$pxm-note", "problem": "$pxm-bad"}


class FieldRow(Vertical):
    """A label, a control, a hint at the right of it, and a line below for what is wrong with it.

    Args:
        label: what it is.
        control: where it is typed or chosen.
        help_hint: shown at the right while there is nothing else to say.
    """

    DEFAULT_CSS = """
    FieldRow { height: auto; width: 1fr; }
    FieldRow > .line { height: auto; width: 1fr; }
    FieldRow .label { width: 13; height: 1; }
    FieldRow .hint {
        width: auto; max-width: 47; height: 1; margin-left: 1; text-align: right;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    FieldRow .below { display: none; height: auto; padding-left: 13; }
    FieldRow.-speaks .below { display: block; }
    FieldRow .hint.-empty { display: none; }
    """

    def __init__(self, label: str, control: Widget, help_hint: str = "", *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._label = label
        self.control = control
        self._help = help_hint
        self._hint = Static("", classes="hint", markup=False)
        self._below = Static("", classes="below", markup=False)

    def compose(self) -> ComposeResult:
        """Label, control, hint; the line below."""
        with Horizontal(classes="line"):
            yield Static(self._label, classes="label", markup=False)
            yield self.control
            yield self._hint
        yield self._below

    def on_mount(self) -> None:
        """Show the help."""
        self.clear()

    @property
    def hint(self) -> str:
        """What stands at the right."""
        return str(self._hint.content)

    @property
    def below(self) -> str:
        """What stands below."""
        return str(self._below.content) if self.has_class("-speaks") else ""

    def clear(self) -> None:
        """Nothing is wrong: show the help again."""
        self.say(self._help, "help")
        self.remove_class("-speaks")

    def say(self, hint: str, kind: str = "note") -> None:
        """Show a hint at the right; `kind` is `help`, `note` or `problem`."""
        self._hint.update(content(hint, _KIND_STYLE[kind]))
        self._hint.set_class(kind == "help", "-help")
        self._hint.set_class(not hint, "-empty")

    def say_below(self, text: str, kind: str = "problem") -> None:
        """Show a sentence below the field; an empty one clears it."""
        mark = f"{glyphs_of(self).of_step('warning')} "
        self._below.update(Content.assemble((mark, _KIND_STYLE[kind]), content(text, _KIND_STYLE[kind])))
        self.set_class(bool(text), "-speaks")


class LoginFields(Vertical):
    """Password or API token, and a code where the server asks for one.

    A pasted `user@realm!name=secret` is understood in any of them.

    Args:
        method: the way of login to begin with.
        user: the user to begin with.
        token_id: the token to begin with.
        secret_hint: help for the two secret fields.
        makes_token: a password makes a token, whose role can be chosen.
        no_token: why that cannot be now, though; empty where it can.
    """

    DEFAULT_CSS = """
    LoginFields { height: auto; width: 1fr; }
    LoginFields.-password .token-row, LoginFields.-token .password-row { display: none; }
    LoginFields #row-code { display: none; }
    LoginFields.-code #row-code { display: block; }
    """

    FIELDS = ("user", "password", "token_id", "token_secret", "code")

    def __init__(
        self,
        *,
        method: LoginMethod = LoginMethod.PASSWORD,
        user: str = "",
        token_id: str = "",
        secret_hint: str = "",
        makes_token: bool = False,
        no_token: str = "",
    ) -> None:
        super().__init__(classes=f"-{method}")
        self._no_token = no_token
        self._makes_token = makes_token
        self._secret_hint = secret_hint
        self.choice = Choice((("password", "password"), ("token", "API token")), gap=3, id="method")
        self.choice.choose(str(method))
        self.user = FormInput(user, interpret=self.take_token, id="user")
        self.password = FormInput(secret=True, interpret=self.take_token, id="password")
        self.token_id = FormInput(token_id, interpret=self.take_token, id="token_id")
        self.token_secret = FormInput(secret=True, interpret=self.take_token, id="token_secret")
        self.code = FormInput(secret=True, id="code")
        self.token = Choice(TOKEN_CHOICES, id="token")
        self.token.disabled = bool(no_token)
        self._realms: tuple[Realm, ...] = ()

    def compose(self) -> ComposeResult:
        """The rows; those of the other way of login are hidden."""
        yield FieldRow("Log in with", self.choice, id="row-method")
        for row in (
            FieldRow("User", self.user, "user@realm", id="row-user"),
            FieldRow("Password", self.password, self._secret_hint, id="row-password"),
        ):
            yield row.add_class("password-row")
        for row in (
            FieldRow("Token ID", self.token_id, "user@realm!name", id="row-token_id"),
            FieldRow("Secret", self.token_secret, self._secret_hint, id="row-token_secret"),
        ):
            yield row.add_class("token-row")
        yield FieldRow("Code", self.code, "6 digits, or a recovery key like 0011-2233-…", id="row-code")
        if self._makes_token:
            yield FieldRow("Token", self.token, id="row-token").add_class("password-row")

    def on_mount(self) -> None:
        """Say why no token can be made."""
        if self._makes_token and self._no_token:
            self.row("token").say_below(self._no_token, "note")

    @classmethod
    def of(
        cls, login: Login, secret_hint: str, *, method: LoginMethod | None = None, no_token: str = ""
    ) -> LoginFields:
        """Filled with a login that is stored, but for its secret; the hint says what an empty one stands for.

        It begins with `method`, or that of the login.
        """
        begins = method or login.method
        user = login.user if begins is LoginMethod.PASSWORD else ""
        return cls(
            method=begins,
            user=user,
            token_id=login.token_id or "",
            secret_hint=secret_hint,
            makes_token=True,
            no_token=no_token,
        )

    @property
    def method(self) -> LoginMethod:
        """The way of login."""
        return LoginMethod(self.choice.value)

    @property
    def token_role(self) -> TokenRole | None:
        """The role of the token that a password makes; None where none is wanted, or can be made."""
        return None if self._no_token or self.token.value == NO_TOKEN else TokenRole(self.token.value)

    @on(Choice.Changed, "#token")
    def _token_changed(self, event: Choice.Changed) -> None:
        event.stop()
        self.row("token").say_below(ALL_RIGHTS if event.value == "all" else "", "note")

    @property
    def asks_for_code(self) -> bool:
        """The field for the code is shown."""
        return self.has_class("-code")

    def inputs(self) -> Iterator[FormInput]:
        """All fields to type in, those that are hidden, too."""
        yield from (self.user, self.password, self.token_id, self.token_secret, self.code)

    def choices(self) -> Iterator[Choice]:
        """What can be chosen."""
        yield self.choice
        if not self._no_token:
            yield self.token

    def row(self, field: str) -> FieldRow:
        """The row of a field."""
        return self.query_one(f"#row-{field}", FieldRow)

    def use(self, method: LoginMethod) -> None:
        """Change the way of login."""
        self.choice.choose(str(method))

    @on(Choice.Changed, "#method")
    def _method_changed(self, event: Choice.Changed) -> None:
        event.stop()
        self.set_class(event.value == "password", "-password")
        self.set_class(event.value == "token", "-token")
        self.hide_code()

    # Tokens, wherever they were pasted

    def take_token(self, text: str) -> bool:
        """Fill both fields of a token from `user@realm!name=secret`; False where it is none."""
        found = parse_token(text)
        if found is None:
            return False
        self._fill(found)
        self.token_secret.focus()
        return True

    def settle(self) -> None:
        """Understand a token that was typed, or pasted key by key, into one of the fields."""
        for field in (self.user, self.password, self.token_id, self.token_secret):
            found = parse_token(field.value) if "!" in field.value else None
            if found is not None:
                field.forget()
                self._fill(found)

    def _fill(self, token: ParsedToken) -> None:
        self.use(LoginMethod.TOKEN)
        self.token_id.value = token.token_id
        self.token_secret.value = token.secret.reveal()

    @on(Input.Blurred)
    def _left(self, event: Input.Blurred) -> None:
        before = self.method
        self.settle()
        if self.method is not before and event.input in (self.user, self.password):
            self.token_secret.focus()

    # What the server says

    def show_realms(self, realms: Sequence[Realm]) -> None:
        """Say beside the user which realm it is; the server's default one where none was typed."""
        self._realms = tuple(realms)
        self._say_realm()

    @on(Input.Changed, "#user")
    def _user_changed(self) -> None:
        self._say_realm()

    def _say_realm(self) -> None:
        row = self.row("user")
        row.clear()
        if not self._realms:
            return
        _, separator, name = self.user.value.rpartition("@")
        chosen = next((realm for realm in self._realms if (realm.name == name if separator else realm.default)), None)
        if chosen is not None and chosen.is_openid:
            row.say(f"{safe(chosen.name, 20)} is OpenID: no password, use a token", "problem")
        elif chosen is not None:
            comment = f", {one_line(chosen.comment, 60)}" if chosen.comment else ""
            kind = "" if chosen.kind == chosen.name else f" ({safe(chosen.kind, 20)})"
            row.say(f"{'' if separator else 'default '}realm {safe(chosen.name, 40)}{kind}{comment}", "help")

    def show_code(self) -> None:
        """Ask for the second factor."""
        self.add_class("-code")
        self.code.forget()

    def hide_code(self) -> None:
        """Do not ask for it any more."""
        self.code.forget()
        self.remove_class("-code")

    def take_failure(self, error: PxmError) -> None:
        """Ask for the second factor where it is what failed; else forget it."""
        if error.cause in {"second_factor_wrong", "second_factor_needed", "locked"}:
            self.show_code()
        else:
            self.code.forget()

    # What was typed

    def forget_secrets(self) -> None:
        """Empty password, token secret and code."""
        for field in (self.password, self.token_secret, self.code):
            field.forget()

    def clear_problems(self) -> None:
        """Nothing is wrong any more."""
        for field in ("password", "token_id", "token_secret", "code"):
            self.row(field).clear()
        self._say_realm()

    def typed_secret(self) -> Secret:
        """The secret of the way of login that is chosen."""
        return (self.password if self.method is LoginMethod.PASSWORD else self.token_secret).secret()

    def typed_code(self) -> Secret | None:
        """The second factor, where its field is shown and what was typed may be one; else the server asks for it."""
        code = self.code.secret().reveal().strip()
        return Secret(code) if self.asks_for_code and not CodeWait.complaint(code) else None

    def request_fields(self) -> dict[str, object]:
        """The fields for a request, the secrets wrapped."""
        from pydantic import SecretStr

        if self.method is LoginMethod.TOKEN:
            return {"token_id": self.token_id.value, "token_secret": SecretStr(self.token_secret.secret().reveal())}
        code = self.typed_code()
        return {
            "user": self.user.value,
            "password": SecretStr(self.password.secret().reveal()),
            "code": SecretStr(code.reveal()) if code else None,
            **self._token_fields(),
        }

    def _token_fields(self) -> dict[str, object]:
        if not self._makes_token:
            return {}
        role = self.token_role
        return {"mint_token": role is not None, "token_role": role or TokenRole.AUDITOR}

    def credentials(self) -> Credentials:
        """What is sent to log in.

        Raises:
            InvalidError: naming the first field that is wrong.
        """
        from pxm_tui.services.requests import build_request

        return build_request(endpoint="login", **self.request_fields()).credentials()

    def other_than(self, stored: Login) -> Credentials | None:
        """What is sent to log in; None where the stored login is meant: its name, and no secret.

        Raises:
            InvalidError: naming the first field that is wrong.
        """
        typed = (self.user if self.method is LoginMethod.PASSWORD else self.token_id).value.strip()
        if self.method is stored.method and typed == stored.name and not self.typed_secret():
            return None
        if self.method is LoginMethod.PASSWORD and typed and "@" not in typed:
            raise InvalidError("user", "The realm is missing.", do=f"Example: {typed}@pam.", field="user")
        return self.credentials()
