"""Editing a cluster: the record as a form, its changes checked live before any is saved."""

from __future__ import annotations

import asyncio

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from pxm_tui.domain.errors import CertificateError, InvalidError, PxmError, UnreachableError
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import EDIT_STEPS, Step, StepState
from pxm_tui.services.bundle import Services
from pxm_tui.services.ca_file import read_ca
from pxm_tui.services.dialog import CodeQuestion
from pxm_tui.services.edit_changes import Changes
from pxm_tui.services.editing import Edited, EditFailedError
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.hindrances import why_no_token
from pxm_tui.tui.asking import Asker
from pxm_tui.tui.checklist_view import ChecklistView
from pxm_tui.tui.dialog import BodyScroll, program_title
from pxm_tui.tui.edit_form import EditForm
from pxm_tui.tui.forms import REJECTED
from pxm_tui.tui.glyphs import tag_spans
from pxm_tui.tui.keys import Key, bindings
from pxm_tui.tui.remedies import on_screen
from pxm_tui.tui.screens.form import FormScreen
from pxm_tui.tui.second_factor import CodeWait
from pxm_tui.tui.text import safe
from pxm_tui.tui.widgets.frame import KeysLine, RuleLine, TitleLine

KEYS = (
    Key("edit.next", "tab,down", "move(1)", "Tab ↓", "next field", "next field", "Form"),
    Key("edit.previous", "shift+tab,up", "move(-1)", "Shift-Tab", "previous field", "previous field", "Form"),
    Key("edit.submit", "", "submit", "Enter", "save", "check and save, send the code", "Form"),
    Key("edit.scroll", "", "page", "PgUp PgDn", "scroll", "scroll", "Form"),
    Key("edit.leave", "", "back", "Esc", "back", "stop; back, changing nothing", "Form"),
)
NOTHING_YET = "nothing is saved unless every check passes"


class EditScreen(FormScreen[Edited | None]):
    """The form; gives what was done, or None.

    Args:
        services: the bundle.
        view: the cluster.
        field: where it begins.
    """

    HELP_TITLE = "Edit"
    HELP_KEYS = KEYS
    BINDINGS = [
        *bindings(KEYS[:2]),
    ]
    DEFAULT_CSS = """
    EditScreen #checks { display: none; }
    EditScreen.-begun #checks { display: block; }
    """

    def __init__(self, services: Services, view: ClusterView, *, field: str = "name") -> None:
        super().__init__(services)
        self._cluster = view.cluster
        self._before = view.snapshot
        self._field = field
        self._form = EditForm(view.cluster, no_token=why_no_token(view.cluster, services.guard))
        self._checklist = ChecklistView(EDIT_STEPS)
        self._asker = Asker(self, services, on_step=self._take_step, on_code=self._ask_code)
        self._busy = False
        self._code = CodeWait(self._form.login.code)

    def compose(self) -> ComposeResult:
        """Title, fields, checklist, keys."""
        yield TitleLine(id="title")
        yield Static("", classes="blank")
        with BodyScroll(id="form-body"):
            yield self._form
            with Vertical(id="checks"):
                yield RuleLine("Checks")
                yield self._checklist
        yield RuleLine()
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        """Begin at the top."""
        self._say(NOTHING_YET)
        self._form.row(self._field).control.focus()

    # What is shown

    def _say(self, state: str) -> None:
        cluster = self._cluster
        left = program_title(self.services, f"Edit {safe(cluster.name, 40)}")
        tags = tag_spans(cluster.environment, read_only=self.services.guard.is_read_only(cluster))
        right = [Content.assemble(*tags, "   ", state), Content.assemble(*tags), Content("")]
        self.query_one("#title", TitleLine).show([left], right)
        self.show_keys()

    def footer_keys(self) -> list[tuple[str, str]]:
        """By what goes on."""
        if self._code.waits:
            return [("Enter", "send the code"), ("Esc", "stop, keeps what you typed")]
        if self._busy:
            return [("Esc", "stop, keeps what you typed")]
        return [("Tab", "next field"), ("Enter", "check and save"), ("Esc", "back, changes nothing"), ("F1", "help")]

    def _take_step(self, step: Step) -> None:
        if self._busy:
            self._checklist.take(step)

    # Keys

    def action_submit(self) -> None:
        """Check and save; or send the code."""
        if self._code.waits:
            self._send_code()
        elif not self._busy:
            self._run()

    async def action_back(self) -> None:
        """Stop what runs; or leave, changing nothing."""
        if not self._busy:
            self._form.login.forget_secrets()
            self.dismiss(None)
            return
        if self._checklist.has_begun("save"):
            return  # what is being saved goes on to its end
        self.workers.cancel_group(self, "edit")
        self._checklist.stop()
        self._thaw("stopped, nothing was saved")
        self._form.cluster_name.focus()

    # The edit

    @work(exclusive=True, group="edit", description="editing a cluster")
    async def _run(self) -> None:
        await self._form.drained()
        self._form.clear_problems()
        try:
            path = self._form.authority_path
            changes = self._form.changes(None if path is None else await asyncio.to_thread(read_ca, path))
        except InvalidError as error:
            self._complain(error)
            return
        self._code.prepare(self._form.login.typed_code())
        self._begin(changes)
        try:
            done = await self._edit(changes)
        except EditFailedError as failure:
            # After what the service reported on the way, which is in the screen's queue.
            self.call_later(self._fail, failure.steps, failure.error)
            return
        except PxmError as error:
            self.call_later(self._fail, (), error)
            return
        self._form.login.forget_secrets()
        self.dismiss(done)

    async def _edit(self, changes: Changes) -> Edited:
        done = await self.services.clusters.edits.edit(self._cluster.id, changes, self._before, self._asker)
        checked = "trust" in done.changed or "login" in done.changed
        if checked:
            await self.services.fleet.adopt(done.cluster, done.snapshot)
        elif done.changed:
            await self.services.fleet.reload()
        return done

    def _begin(self, changes: Changes) -> None:
        self._busy = True
        self.add_class("-begun")
        self._checklist.clear(changes.steps(self._cluster))
        self._form.freeze()
        self._say(NOTHING_YET)
        self.call_after_refresh(self.query_one("#form-body").scroll_end, animate=False)

    def _thaw(self, state: str) -> None:
        self._busy = False
        self._code.give_up()
        self._form.thaw()
        self._say(state)

    def _complain(self, error: InvalidError) -> None:
        """A field is wrong; nothing was contacted."""
        field = error.field if error.field in EditForm.FIELDS else "name"
        self._form.complain(field or "name", text=f"{error.message} {on_screen(error.do)}".strip())
        self._form.control(field or "name").focus()

    def _fail(self, steps: tuple[Step, ...], error: PxmError) -> None:
        """A check failed: explain it, and go to the field to correct."""
        shown = steps or (Step.of_error("save", 0, error),)
        self._checklist.take_all(shown)
        self._thaw("nothing was saved")
        self._form.login.take_failure(error)
        failed_at = next((step.name for step in shown if step.state is StepState.FAILED), "")
        field = self._field_of(error, failed_at)
        self._form.complain(field, REJECTED.get(error.cause, ""))
        self._form.control(field).focus()
        self.call_after_refresh(self.query_one("#form-body").scroll_end, animate=False)

    def _field_of(self, error: PxmError, failed_at: str) -> str:
        """The field that an error is about."""
        if failed_at != "endpoints" and error.field in EditForm.FIELDS:
            return error.field or "name"
        if isinstance(error, CertificateError) and failed_at != "endpoints":
            return "fingerprint" if self._form.authority_path is None else "ca_file"
        return "endpoints" if isinstance(error, UnreachableError | CertificateError) else "name"

    # The second factor

    async def _ask_code(self, question: CodeQuestion) -> Secret | None:
        return await self._code.ask(lambda: self.call_later(self._show_code, question))

    def _show_code(self, question: CodeQuestion) -> None:
        if not self._code.waits:
            return
        self._form.login.show_code()
        self._form.freeze(but_code=True)
        self._checklist.say("login", f"{question.user}: password accepted, now the second factor")
        self.show_keys()
        self._form.login.code.focus()

    @work(exclusive=True, group="code", description="sending the second factor")
    async def _send_code(self) -> None:
        typed = await self._code.typed()
        if typed is None:
            return
        if not typed:
            self._form.complain("code", "! empty")
            return
        self._form.login.code.disabled = True
        self._code.answer(typed)
        self.show_keys()


def words_of(done: Edited) -> str:
    """What an edit did, and what a person should know of it; harmless on a screen."""
    what = f"{', '.join(done.changed)} changed" if done.changed else "nothing was changed"
    warned = [step.message for step in done.steps if step.name == "token" and step.state is StepState.WARNING]
    left = [f"Left on the cluster; to remove it:  {line}" for line in done.cleanup]
    return "\n".join(safe(line) for line in (f"{done.cluster.name}: {what}.", *warned, *left))
