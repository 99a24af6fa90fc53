"""Registering a cluster: the form, its live checklist, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import CertificateError, InvalidError, PxmError, UnreachableError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.report import registration_report
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import REGISTER_STEPS, Step, StepState
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import CodeQuestion
from pxm_tui.services.hindrances import why_no_token
from pxm_tui.tui.asking import Asker
from pxm_tui.tui.checklist_view import ChecklistView
from pxm_tui.tui.demo_line import DemoLine
from pxm_tui.tui.dialog import BodyScroll, copy, program_title
from pxm_tui.tui.draft import RegisterDraft, RegisterOutcome, remember, remembered
from pxm_tui.tui.forms import REJECTED
from pxm_tui.tui.keys import Key, bindings
from pxm_tui.tui.register_form import RegisterForm, fresh
from pxm_tui.tui.remedies import on_screen
from pxm_tui.tui.screens.form import FormScreen
from pxm_tui.tui.second_factor import CodeWait
from pxm_tui.tui.widgets.frame import KeysLine, RuleLine, TitleLine

if TYPE_CHECKING:
    from pxm_tui.services.registration import Registration

TITLE = "Register a cluster"
SHOWN_STEPS = REGISTER_STEPS[1:]

KEYS = (
    Key("register.next", "tab,down", "move(1)", "Tab ↓", "next field", "next field", "Form"),
    Key("register.previous", "shift+tab,up", "move(-1)", "Shift-Tab", "previous field", "previous field", "Form"),
    Key("register.submit", "", "submit", "Enter", "register", "register, send the code", "Form"),
    Key("register.copy", "", "copy", "Ctrl-Y", "copy report", "copy the report", "Form"),
    Key("register.scroll", "", "page", "PgUp PgDn", "scroll", "scroll", "Form"),
    Key("register.leave", "", "back", "Esc", "back", "stop; back, text is kept", "Form"),
)


class Phase(Enum):
    """What the form is doing."""

    EDITING = auto()
    RUNNING = auto()
    CODE = auto()
    FAILED = auto()


FOOTERS = {
    Phase.EDITING: (
        ("Tab", "next field"),
        ("Enter", "register"),
        ("Esc", "back, keeps what you typed"),
        ("F1", "help"),
    ),
    Phase.RUNNING: (("Esc", "stop, keeps what you typed"), ("F1", "help")),
    Phase.CODE: (("Enter", "send the code"), ("Esc", "stop, keeps what you typed"), ("F1", "help")),
    Phase.FAILED: (
        ("Enter", "try again"),
        ("Tab", "next field"),
        ("Ctrl-Y", "copy report"),
        ("Esc", "back"),
        ("F1", "help"),
    ),
}


class RegisterScreen(FormScreen[RegisterOutcome]):
    """The form.

    Args:
        services: the bundle.
        draft: what was typed the last time; None begins as the last registration did.
    """

    HELP_TITLE = "Register"
    HELP_KEYS = KEYS
    BINDINGS = [
        *bindings(KEYS[:2]),
        ("ctrl+y", "copy"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (27, "-tall")]
    DEFAULT_CSS = """
    RegisterScreen .blank { height: 1; }
    RegisterScreen.-short .blank, RegisterScreen.-code #gap, RegisterScreen.-running .blank { display: none; }
    """

    def __init__(self, services: Services, draft: RegisterDraft | None = None) -> None:
        super().__init__(services)
        no_token = why_no_token(None, services.guard)
        self._form = RegisterForm(draft or remembered(services.preferences), no_token=no_token)
        self._checklist = ChecklistView(SHOWN_STEPS)
        self._asker = Asker(
            self, services, on_step=self._take_step, on_code=self._ask_code, on_realms=self._form.login.show_realms
        )
        self._phase = Phase.EDITING
        self._probed: Endpoint | None = None
        self._code = CodeWait(self._form.login.code)
        self._coded = False
        self._last_focus: Widget | None = None
        self._failed_steps: tuple[Step, ...] = ()
        self._ids: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """Title, fields, checklist, keys."""
        yield TitleLine(program_title(self.services, TITLE), id="title")
        yield Static("", classes="blank")
        with BodyScroll(id="form-body"):
            yield self._form
            yield Static("", classes="blank", id="gap")
            with Vertical(id="checks"):
                yield RuleLine("Checks")
                yield self._checklist
        if self.services.demo is not None:
            line = DemoLine(self.services.demo)
            line.look(view.cluster for view in self.services.fleet.view().clusters)
            yield line
        yield RuleLine()
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        """Begin at the top."""
        self._enter(Phase.EDITING)
        self._form.endpoint.focus()

    # What is shown

    def _enter(self, phase: Phase, title: str = "nothing is saved before the last step") -> None:
        self._phase = phase
        left = program_title(self.services, TITLE)
        self.query_one("#title", TitleLine).show([left], [Content(title), Content("")])
        self.set_class(self._form.login.asks_for_code, "-code")
        self.set_class(phase is Phase.RUNNING, "-running")
        self.show_keys()

    def footer_keys(self) -> Sequence[tuple[str, str]]:
        """By what the form is doing."""
        return FOOTERS[self._phase]

    def _take_step(self, step: Step) -> None:
        probing = self._phase is Phase.EDITING and self._probed is not None
        listening = probing or self._phase in {Phase.RUNNING, Phase.CODE}
        if listening and (step.name in SHOWN_STEPS or step.state is StepState.FAILED):
            self._checklist.take(step)

    # Keys

    def action_submit(self) -> None:
        """Register; or send the code."""
        if self._phase is Phase.CODE:
            self._send_code()
        elif self._phase is not Phase.RUNNING:
            self._last_focus = self.focused
            self.workers.cancel_group(self, "probe")
            self._run()

    def action_copy(self) -> None:
        """Copy the report of a failure."""
        if self._phase is not Phase.FAILED:
            return
        lines = registration_report(
            self._form.parsed().endpoint,
            [step for step in self._failed_steps if step.name in SHOWN_STEPS or step.state is StepState.FAILED],
            at=self.services.clock(),
            machine=self.services.machine,
        )
        copy(self, "\n".join(lines))

    async def action_back(self) -> None:
        """Stop what runs; or leave, keeping what was typed but the secrets."""
        if self._phase in {Phase.RUNNING, Phase.CODE}:
            self._stop()
        else:
            draft = self._form.draft()
            self._form.login.forget_secrets()
            self.dismiss(RegisterOutcome(draft, self._ids))

    # The quiet look at the endpoint

    @on(RegisterForm.EndpointChanged)
    def _endpoint_changed(self) -> None:
        try:
            same = self._form.parsed().endpoint == self._probed
        except InvalidError:
            same = False
        if same:
            return
        self.workers.cancel_group(self, "probe")
        self._probed = None
        self._form.login.show_realms(())
        if self._phase is Phase.EDITING:
            self._checklist.clear()

    @on(RegisterForm.EndpointLeft)
    def _endpoint_left(self) -> None:
        if self._phase not in {Phase.EDITING, Phase.FAILED} or not self._form.endpoint.value.strip():
            return
        try:
            endpoint = self._form.parsed().endpoint
        except InvalidError as error:
            self._form.complain("endpoint", text=_sentence(error))
            return
        if endpoint == self._probed:
            return
        self._probed = endpoint
        self._enter(Phase.EDITING)
        self._checklist.clear()
        self._probe(endpoint)

    @work(exclusive=True, group="probe", description="looking at the endpoint")
    async def _probe(self, endpoint: Endpoint) -> None:
        await self.services.clusters.probe(endpoint, self._asker)

    # The registration

    @work(exclusive=True, group="register", description="registering a cluster")
    async def _run(self) -> None:
        from pxm_tui.services.registration import RegistrationFailedError

        await self._form.drained()
        self._form.clear_problems()
        try:
            request = self._form.request()
        except InvalidError as error:
            self._refuse(error)
            return
        self._coded = request.code is not None
        self._probed = request.target
        self._checklist.clear()
        self._form.freeze()
        self._enter(Phase.RUNNING)
        try:
            found = await self.services.clusters.register(request, self._asker)
        except RegistrationFailedError as failed:
            # After what the server said on the way, which is in the screen's queue.
            self.call_later(self._fail, failed.steps, failed.error)
            return
        await self.services.fleet.adopt(found.cluster, self._snapshot_of(found))
        vault = await self.services.clusters.vault()
        self._succeed(found.cluster.id)
        from pxm_tui.tui.screens.register_success import RegisteredScreen

        page = RegisteredScreen(self.services, found, vault, second_factor=self._coded)
        self.app.push_screen(page, self._after_success)

    def _snapshot_of(self, found: Registration) -> Snapshot:
        """What was seen; of a known cluster what its own login has seen, until that is asked again."""
        if not found.joined:
            return found.snapshot
        views = self.services.fleet.view().clusters
        return next((view.snapshot for view in views if view.cluster.id == found.cluster.id), found.snapshot)

    def _refuse(self, error: InvalidError) -> None:
        """A field is wrong; nothing was contacted."""
        field = _row_of(error) or "endpoint"
        self._form.complain(field, text=_sentence(error))
        self._form.control(field).focus()

    def _fail(self, steps: tuple[Step, ...], error: PxmError) -> None:
        """A step failed: explain it, and go to the field to correct."""
        self._failed_steps = steps
        self._checklist.take_all([step for step in steps if step.name in SHOWN_STEPS or step.state is StepState.FAILED])
        self._form.thaw()
        self._form.login.take_failure(error)
        self._enter(Phase.FAILED, "nothing was saved")
        field = _row_of(error)
        if field is None:
            (self._last_focus or self._form.endpoint).focus()
            return
        self._form.complain(field, REJECTED.get(error.cause, ""))
        self._form.control(field).focus()

    def _stop(self) -> None:
        """Stop at once. What is being saved already goes on to its end."""
        if self._checklist.has_begun("save"):
            return
        self.workers.cancel_group(self, "register")
        self._code.give_up()
        self._checklist.stop()
        self._form.login.hide_code()
        self._form.thaw()
        self._enter(Phase.EDITING, "stopped, nothing was saved")
        (self._last_focus or self._form.endpoint).focus()

    def _succeed(self, cluster_id: str) -> None:
        self._ids = (*self._ids, cluster_id)
        remember(self.services.preferences, self._form.draft())
        self._form.login.forget_secrets()

    def _after_success(self, another: bool | None) -> None:
        """Done, or the form for the next cluster."""
        if not another:
            self.dismiss(RegisterOutcome(None, self._ids))
            return
        self._probed = None
        self._form.thaw()
        self._form.fill(fresh(self._form.draft()))
        self._checklist.clear()
        self._enter(Phase.EDITING)
        self._form.endpoint.focus()

    # The second factor

    async def _ask_code(self, question: CodeQuestion) -> Secret | None:
        """Show the field and wait for Enter."""
        return await self._code.ask(lambda: self.call_later(self._show_code, question))

    def _show_code(self, question: CodeQuestion) -> None:
        if not self._code.waits:
            return
        self._coded = True
        self._form.login.show_code()
        self._form.freeze(but_code=True)
        self._checklist.say("login", f"{question.user}: password accepted, now the second factor")
        self._enter(Phase.CODE)
        self._form.login.code.focus()

    @work(exclusive=True, group="code", description="sending the second factor")
    async def _send_code(self) -> None:
        typed = await self._code.typed()
        if typed is None:
            return
        if complaint := self._code.complaint(typed):
            self._form.complain("code", complaint)
            return
        self._form.freeze()
        self._enter(Phase.RUNNING)
        self._code.answer(typed)


def _sentence(error: InvalidError) -> str:
    return f"{error.message} {on_screen(error.do)}".strip()


_ROWS = frozenset({"endpoint", "user", "password", "token_id", "token_secret", "code", "name", "environment", "labels"})


def _row_of(error: PxmError) -> str | None:
    """The field that an error is about."""
    field = error.field
    if field in _ROWS:
        return str(field)
    return "endpoint" if isinstance(error, UnreachableError | CertificateError) else None
