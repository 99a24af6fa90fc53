"""Logging in again: the login of a registered cluster, filled but for the secrets. Nothing else of it changes."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult

from pxm_tui.domain.cluster import Cluster, LoginMethod
from pxm_tui.domain.errors import InvalidError, PxmError
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import CHECK_STEPS, Step, StepState
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import CodeQuestion
from pxm_tui.services.edit_changes import Changes
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.hindrances import why_no_token
from pxm_tui.services.ports import Credentials
from pxm_tui.services.repairs import CheckReport
from pxm_tui.tui.asking import Asker
from pxm_tui.tui.checklist_view import ChecklistShape, ChecklistView
from pxm_tui.tui.dialog import BoxDialog, buttons
from pxm_tui.tui.fields import Choice, FormInput, PushButton
from pxm_tui.tui.forms import REJECTED, LoginFields
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.remedies import on_screen
from pxm_tui.tui.second_factor import CodeWait

UNCHANGED = "empty: try the stored one again"


class LoginScreen(BoxDialog[CheckReport | None]):
    """The login fields. Gives the report of the check that went through, or None.

    Args:
        services: the bundle.
        view: whose login it is.
    """

    GUARDED = True
    DOES = "Log in"
    PROMISE = "Only the login of this cluster changes, and only when it went through."
    BINDINGS = [("enter", "submit")]
    DEFAULT_CSS = """
    LoginScreen ChecklistView { display: none; margin-bottom: 1; }
    LoginScreen.-begun ChecklistView { display: block; }
    """

    def __init__(self, services: Services, view: ClusterView) -> None:
        super().__init__(services)
        self._cluster = view.cluster
        self._before = view.snapshot
        self._login = self.fields()
        self._checklist = ChecklistView((), ChecklistShape(name_width=14))
        self._asker = Asker(self, services, on_step=self._take_step, on_code=self._ask_code)
        self._busy = False
        self._code = CodeWait(self._login.code)

    def fields(self) -> LoginFields:
        """The fields, as they are to begin with: with the password that makes another token, where pxm made the old."""
        login = self._cluster.login
        no_token = why_no_token(self._cluster, self.services.guard)
        method = LoginMethod.PASSWORD if login.minted else None
        return LoginFields.of(login, UNCHANGED, method=method, no_token=no_token)

    def steps(self, credentials: Credentials | None) -> Sequence[str]:
        """What sending these takes."""
        return CHECK_STEPS if credentials is None else self._changes(credentials).steps(self._cluster)

    def _changes(self, credentials: Credentials) -> Changes:
        return Changes(credentials=credentials, token=self._login.token_role)

    @property
    def box_title(self) -> str:
        """Whose login."""
        return f"Log in to {self._cluster.name} again"

    def about(self) -> Cluster:
        """The cluster."""
        return self._cluster

    def footer_keys(self) -> list[tuple[str, str]]:
        """By what goes on."""
        if self._code.waits:
            return [("Enter", "send the code"), ("Esc", "stop, keeps what you typed")]
        if self._busy:
            return [("Esc", "stop, keeps what you typed")]
        return [("Tab", "next field"), ("Enter", self.DOES.lower()), ("Esc", "cancel")]

    def compose_body(self) -> ComposeResult:
        """The fields, the checklist, the buttons."""
        yield Prose([Fact(f"{self._cluster.endpoint.url}", label="Endpoint", label_width=13, quoted=True)])
        yield self._login
        yield Prose([BLANK])
        yield self._checklist
        yield Prose(id="problem")
        yield buttons(PushButton("Cancel", id="cancel"), PushButton(self.DOES, id="login"))
        yield Prose([BLANK, Fact(self.PROMISE)])

    def on_mount(self) -> None:
        """Begin in the secret."""
        self.query_one("#problem").display = False
        self._secret_field().focus()

    def _secret_field(self) -> FormInput:
        return self._login.password if self._login.method is LoginMethod.PASSWORD else self._login.token_secret

    # Keys

    def action_submit(self) -> None:
        """Log in; or send the code."""
        if not self.listens:
            return
        if self._code.waits:
            self._send_code()
        elif not self._busy:
            self._run()

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        if event.button.id == "login":
            self.action_submit()
        else:
            self.leave()

    def leave(self) -> None:
        """Stop what runs; or leave, forgetting the secrets. What is being saved goes on to its end."""
        if self._busy and self._checklist.has_begun("save"):
            return
        if self._busy:
            self.workers.cancel_group(self, "login")
            self._checklist.stop()
            self._login.hide_code()
            self._thaw()
            self._secret_field().focus()
        else:
            self._login.forget_secrets()
            self.dismiss(None)

    # Logging in

    @work(exclusive=True, group="login", description="logging in again")
    async def _run(self) -> None:
        for field in self._login.inputs():
            await field.drained()
        self._login.settle()
        self._login.clear_problems()
        self.query_one("#problem").display = False
        try:
            credentials = self.credentials()
        except InvalidError as error:
            self._complain(error)
            return
        self._checklist.clear(self.steps(credentials))
        self._freeze()
        try:
            report = await self.send(credentials)
        except PxmError as error:
            self._fail(error)
            return
        if credentials is None or report.error is None:
            failed = report.error is not None
            await self.services.fleet.adopt(report.cluster, report.snapshot, failed=failed)
        if report.error is None:
            self._login.forget_secrets()
            self.dismiss(report)
            return
        self._checklist.take_all(report.steps)
        self._fail(report.error, in_checklist=any(step.state is StepState.FAILED for step in report.steps))

    async def send(self, credentials: Credentials | None) -> CheckReport:
        """Do what the dialog is for; None stands for the stored login. Raises `PxmError`."""
        token = self._login.token_role
        return await self.services.clusters.log_in_again(
            self._cluster.id, credentials, self._before, self._asker, token
        )

    def credentials(self) -> Credentials | None:
        """What was typed; None stands for the stored login. Raises `InvalidError`."""
        stored, login = self._cluster.login, self._login
        self._code.prepare(login.typed_code())
        as_begun = stored.minted and login.method is LoginMethod.PASSWORD and login.user.value.strip() == stored.user
        if as_begun and not login.typed_secret():
            return None
        return login.other_than(stored)

    def _complain(self, error: PxmError) -> None:
        field = error.field if error.field in LoginFields.FIELDS else "user"
        row = self._login.row(field)
        if not row.display:
            row = self._login.row("method")
        row.say_below(f"{error.message} {on_screen(error.do)}".strip())
        row.control.focus()

    def _fail(self, error: PxmError, *, in_checklist: bool = False) -> None:
        self._thaw()
        login = self._login
        login.take_failure(error)
        if not in_checklist:
            problem = self.query_one("#problem", Prose)
            problem.show([*self.problem(error), BLANK])
            problem.display = True
        if error.field in LoginFields.FIELDS and error.cause in REJECTED:
            login.row(error.field).say(REJECTED[error.cause], "problem")
            login.row(error.field).control.focus()
        else:
            self._secret_field().focus()

    def _freeze(self, *, but_code: bool = False) -> None:
        self._busy = True
        self.add_class("-begun")
        self.set_focus(None)
        for field in self._login.inputs():
            field.disabled = not (but_code and field is self._login.code)
        for control in (*self._login.choices(), self.query_one("#login")):
            control.disabled = True
        self.show_keys()

    def _thaw(self) -> None:
        self._busy = False
        self._code.give_up()
        for control in (*self._login.inputs(), *self._login.choices(), self.query_one("#login")):
            control.disabled = False
        self.show_keys()

    def _take_step(self, step: Step) -> None:
        if self._busy:
            self._checklist.take(step)

    @on(Choice.Changed)
    def _method_changed(self) -> None:
        self.show_keys()

    # The second factor

    async def _ask_code(self, question: CodeQuestion) -> Secret | None:
        return await self._code.ask(lambda: self.call_later(self._show_code, question))

    def _show_code(self, question: CodeQuestion) -> None:
        if not self._code.waits:
            return
        self._login.show_code()
        self._freeze(but_code=True)
        self._checklist.say("login", f"{question.user}: password accepted, now the second factor")
        self._login.code.focus()

    @work(exclusive=True, group="code", description="sending the second factor")
    async def _send_code(self) -> None:
        typed = await self._code.typed()
        if typed is None:
            return
        if complaint := self._code.complaint(typed):
            self._login.row("code").say(complaint, "problem")
            return
        self._login.code.disabled = True
        self._code.answer(typed)
        self.show_keys()
