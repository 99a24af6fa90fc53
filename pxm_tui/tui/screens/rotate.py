"""Rotating a cluster's token: the login of its owner, and what the new one may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult

from pxm_tui.domain.cluster import LoginMethod
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.steps import LOGIN_STEPS
from pxm_tui.domain.tokens import TokenRole
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.hindrances import why_owner_needed
from pxm_tui.services.ports import Credentials
from pxm_tui.services.repairs import CheckReport
from pxm_tui.tui.fields import Choice
from pxm_tui.tui.forms import ALL_RIGHTS, FieldRow, LoginFields
from pxm_tui.tui.screens.login import LoginScreen

if TYPE_CHECKING:
    from pxm_tui.services.bundle import Services

STORED = "empty: the stored login"
SAME = "same"
ROLES = ((SAME, "as before"), ("auditor", "auditor"), ("operator", "operator"), ("all", "all rights"))


PROMISE_FIRST = "The token is made, checked and saved first; then the password is forgotten."
"""Where the login was a password until now."""


class RotateScreen(LoginScreen):
    """The owner's login and a role. Gives what was done when it went through, or None.

    Args:
        services: the bundle.
        view: whose token.
    """

    DOES = "Rotate"
    PROMISE = "The new token is made, checked and saved first; then the old one is removed."

    def __init__(self, services: Services, view: ClusterView) -> None:
        super().__init__(services, view)
        self._has_token = view.cluster.login.token_id is not None
        if not self._has_token:
            self.DOES, self.PROMISE = "Make a token", PROMISE_FIRST
        self._role = Choice(ROLES if self._has_token else ROLES[1:], id="role")
        self.cleanup: tuple[str, ...] = ()
        """Commands for what is left on the cluster."""

    def fields(self) -> LoginFields:
        """The owner's password: a token may seldom make another."""
        hint = "its owner's" if self._owner_needed else STORED
        return LoginFields(method=LoginMethod.PASSWORD, user=self._cluster.login.user, secret_hint=hint)

    @property
    def _owner_needed(self) -> str:
        """Why the stored login cannot do it; empty where it can."""
        return why_owner_needed(self._cluster, self._before.permissions)

    def on_mount(self) -> None:
        """Begin in the secret; say where it is needed."""
        super().on_mount()
        if self._owner_needed:
            self._login.row("password").say_below(f"needed: {self._owner_needed}", "note")

    @property
    def box_title(self) -> str:
        """Whose token."""
        doing = "Rotate the token of" if self._has_token else "Make a token for"
        return f"{doing} {self._cluster.name}"

    def compose_body(self) -> ComposeResult:
        """The role below the login."""
        for widget in super().compose_body():
            yield widget
            if widget is self._login:
                yield FieldRow("Token", self._role, id="row-role")

    def steps(self, credentials: Credentials | None) -> Sequence[str]:  # noqa: ARG002
        """Those of every rotation."""
        return LOGIN_STEPS

    async def send(self, credentials: Credentials | None) -> CheckReport:
        """Rotate. Raises `PxmError`."""
        from pxm_tui.services.owners import Key

        role = None if self._role.value == SAME else TokenRole(self._role.value)
        key = None if credentials is None else Key(credentials)
        done = await self.services.tokens.rotate(self._cluster.id, self._before, self._asker, key=key, role=role)
        self.cleanup = done.cleanup
        return CheckReport(done.cluster, done.snapshot, done.steps, done.error)

    @on(Choice.Changed, "#role")
    def _role_changed(self, event: Choice.Changed) -> None:
        event.stop()
        self.query_one("#row-role", FieldRow).say_below(ALL_RIGHTS if event.value == "all" else "", "note")

    def credentials(self) -> Credentials | None:
        """What was typed; None, where no secret was, stands for the stored login. Raises `InvalidError`."""
        if self._login.typed_secret():
            return super().credentials()
        if self._owner_needed:
            field = "password" if self._login.method is LoginMethod.PASSWORD else "token_secret"
            raise InvalidError(field, f"It is needed: {self._owner_needed}.", field=field)
        return None
