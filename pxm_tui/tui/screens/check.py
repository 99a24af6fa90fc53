"""Checking a cluster step by step, ending in what the failed step needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult

from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.errors import CertificateError, LoginError, PxmError, UnreachableError
from pxm_tui.domain.login_messages import grant_line
from pxm_tui.domain.report import check_report
from pxm_tui.domain.steps import CHECK_STEPS, Step
from pxm_tui.services.bundle import Services
from pxm_tui.services.editing import Edited
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.repairs import CheckReport
from pxm_tui.services.trusting import Comparison
from pxm_tui.tui.asking import Asker
from pxm_tui.tui.checklist_view import ChecklistShape, ChecklistView
from pxm_tui.tui.dialog import BoxDialog, buttons
from pxm_tui.tui.explain import other_nodes
from pxm_tui.tui.fields import PushButton
from pxm_tui.tui.prose import BLANK, Fact, Prose

if TYPE_CHECKING:
    from pxm_tui.services.deregistration import Deregistration
    from pxm_tui.tui.screens.certificate import CompareDialog

TRY_AGAIN = "Try again"
COMPARE = "Compare certificates"
LOG_IN = "Log in again"
RIGHTS = "Show missing rights"


def remedy(report: CheckReport | None, error: PxmError | None) -> str | None:
    """The button for what was found; None where nothing is to be done."""
    if isinstance(error, CertificateError):
        return COMPARE
    if isinstance(error, LoginError):
        return LOG_IN
    if error is not None:
        return TRY_AGAIN
    return RIGHTS if report is not None and report.cluster.limits else None


class CheckDialog(BoxDialog[None]):
    """Runs a check and shows it live.

    Args:
        services: the bundle.
        view: the cluster that was under the cursor when the key was pressed.
    """

    DEFAULT_CSS = """
    CheckDialog #remedy { display: none; }
    CheckDialog.-remedy #remedy { display: block; }
    CheckDialog #edit { display: none; }
    CheckDialog.-unreachable #edit { display: block; }
    CheckDialog #copy { display: none; }
    CheckDialog.-ended #copy { display: block; }
    """

    def __init__(self, services: Services, view: ClusterView) -> None:
        super().__init__(services)
        self._cluster = view.cluster
        self._snapshot = view.snapshot
        self._checklist = ChecklistView(CHECK_STEPS, ChecklistShape(name_width=14, fold=False))
        self._asker = Asker(self, services, on_step=self._take_step)
        self._remedy: str | None = None
        self._busy = False
        self._steps: tuple[Step, ...] = ()

    @property
    def box_title(self) -> str:
        """Which cluster."""
        return f"Check {self._cluster.name}"

    def about(self) -> Cluster:
        """The cluster."""
        return self._cluster

    def footer_keys(self) -> list[tuple[str, str]]:
        """By whether it still runs."""
        if self._busy:
            return [("Esc", "stop and close")]
        return [("Tab", "move"), ("Enter", "press"), ("Ctrl-Y", "copy report"), ("Esc", "close")]

    def compose_body(self) -> ComposeResult:
        """The checklist, what is beyond it, the buttons."""
        yield self._checklist
        yield Prose(id="beyond")
        yield Prose([BLANK])
        yield buttons(
            PushButton("Close", id="close"),
            PushButton(TRY_AGAIN, id="remedy"),
            PushButton("Edit", id="edit"),
            PushButton("Copy report", id="copy"),
        )

    def on_mount(self) -> None:
        """Begin at once."""
        self.query_one("#beyond").display = False
        self.query_one("#close").focus()
        self._check()

    def copied(self) -> str:
        """The report."""
        if self._busy:
            return ""
        at, machine = self.services.clock(), self.services.machine
        return "\n".join(check_report(self._cluster, self._snapshot, self._steps, at=at, machine=machine))

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        if event.button.id == "close":
            self.leave()
        elif event.button.id == "copy":
            self.action_copy()
        elif event.button.id == "edit":
            self._edit()
        elif self._remedy == TRY_AGAIN:
            self._check()
        elif self._remedy == COMPARE:
            self._compare()
        elif self._remedy == LOG_IN:
            self._log_in()
        elif self._remedy == RIGHTS:
            self._show_rights()

    # What runs

    @work(exclusive=True, group="check", description="checking a cluster")
    async def _check(self) -> None:
        self._begin()
        try:
            report = await self.services.clusters.check(self._cluster.id, self._snapshot, self._asker)
        except PxmError as error:
            self._fail(error)
            return
        await self._adopt(report)

    @work(exclusive=True, group="check", description="reading the certificate that is shown now")
    async def _compare(self) -> None:
        from pxm_tui.tui.screens.certificate import CompareDialog

        try:
            comparison = await self.services.clusters.compare_certificates(self._cluster.id)
        except PxmError as error:
            self._fail(error)
            return
        view = ClusterView(self._cluster, self._snapshot)
        dialog = CompareDialog(self.services, view, comparison)
        self.app.push_screen(dialog, lambda trusted: self._decided(dialog, comparison, trusted=bool(trusted)))

    def _decided(self, dialog: CompareDialog, comparison: Comparison, *, trusted: bool) -> None:
        if trusted:
            self._trust(comparison)
        elif dialog.wants_deregistration:
            from pxm_tui.tui.screens.deregister import DeregisterDialog

            view = ClusterView(self._cluster, self._snapshot)
            self.app.push_screen(DeregisterDialog(self.services, view), self._deregistered)

    def _deregistered(self, done: Deregistration | None) -> None:
        if done is not None:
            self.dismiss(None)

    @work(exclusive=True, group="check", description="trusting another certificate")
    async def _trust(self, comparison: Comparison) -> None:
        self._begin()
        try:
            report = await self.services.clusters.trust_again(
                self._cluster.id, comparison.shown, self._snapshot, self._asker
            )
        except PxmError as error:
            self._fail(error)
            return
        await self._adopt(report)

    def _edit(self) -> None:
        """The form, in the field that may need another address; what it did is checked."""
        from pxm_tui.tui.screens.edit import EditScreen

        view = ClusterView(self._cluster, self._snapshot)
        self.app.push_screen(EditScreen(self.services, view, field="endpoints"), self._edited)

    def _edited(self, done: Edited | None) -> None:
        if done is not None and done.changed:
            from pxm_tui.tui.screens.edit import words_of

            self.app.notify(words_of(done), markup=False)
            self._cluster = done.cluster
            self._check()

    def _log_in(self) -> None:
        from pxm_tui.tui.screens.login import LoginScreen

        view = ClusterView(self._cluster, self._snapshot)
        self.app.push_screen(LoginScreen(self.services, view), self._logged_in)

    def _logged_in(self, report: CheckReport | None) -> None:
        if report is not None:
            self._show(report)

    # What is shown

    def _begin(self) -> None:
        self._busy = True
        self._checklist.clear(CHECK_STEPS)
        self.query_one("#beyond").display = False
        self.remove_class("-remedy", "-ended", "-unreachable")
        self.query_one("#close").focus()
        self.show_keys()

    def _take_step(self, step: Step) -> None:
        if self._busy:
            self._checklist.take(step)

    async def _adopt(self, report: CheckReport) -> None:
        await self.services.fleet.adopt(report.cluster, report.snapshot, failed=report.error is not None)
        self._show(report)

    def _show(self, report: CheckReport) -> None:
        self._cluster, self._snapshot, self._steps = report.cluster, report.snapshot, report.steps
        self._checklist.clear([step.name for step in report.steps])
        self._checklist.take_all(report.steps)
        if isinstance(report.error, UnreachableError):
            self._show_beyond([Fact(self._from_here(), label_width=16, quoted=True)])
        self.set_class(isinstance(report.error, UnreachableError), "-unreachable")
        self._end(remedy(report, report.error))

    def _from_here(self) -> str:
        """What else is known about a cluster that does not answer."""
        others = [view for view in self.services.fleet.view().clusters if view.cluster.id != self._cluster.id]
        answering = sum(view.cluster.status in {Status.HEALTHY, Status.DEGRADED} for view in others if view.asked)
        words = [] if not others else [f"{answering} of {len(others)} other clusters answer from here."]
        nodes = other_nodes(ClusterView(self._cluster, self._snapshot))
        if nodes:
            words.append(f"Its other nodes when last seen: {nodes}.")
        return " ".join(words)

    def _fail(self, error: PxmError) -> None:
        """What stopped it is no step: the secret store, the registry."""
        self._steps = tuple(self._checklist.steps)
        self._checklist.stop()
        self._show_beyond([BLANK, *self.problem(error)])
        self._end(TRY_AGAIN)

    def _end(self, remedy_label: str | None) -> None:
        self._busy = False
        self._remedy = remedy_label
        self.set_class(remedy_label is not None, "-remedy")
        self.add_class("-ended")
        if remedy_label is not None:
            self.query_one("#remedy", PushButton).relabel(remedy_label)
        self.show_keys()
        self.call_after_refresh(self._to_the_end)

    def _to_the_end(self) -> None:
        """Show the buttons, where not everything fits; the layout knows its new height after another refresh."""
        self.call_after_refresh(self.query_one("#box-body").scroll_end, animate=False)

    def _show_rights(self) -> None:
        login = self._cluster.login
        missing = ", ".join(f"{limit.privilege} on {limit.path}" for limit in self._cluster.limits)
        facts = [
            BLANK,
            Fact(missing, label="Missing", label_width=16, quoted=True),
            Fact("On a node, as root:", label="Do", label_width=16),
            Fact(f"`{grant_line(login.user, login.token_id)}`", indent=2),
        ]
        if login.token_id is not None:
            facts.append(Fact("A token sees no more than its owner. If the owner lacks it, too:", label_width=16))
            facts.append(Fact(f"`{grant_line(login.user, None)}`", indent=2))
        self._show_beyond([*facts, Fact("Then check again.", label_width=16)])
        self.call_after_refresh(self._to_the_end)
        self._remedy = TRY_AGAIN
        self.query_one("#remedy", PushButton).relabel(TRY_AGAIN)

    def _show_beyond(self, facts: list[Fact]) -> None:
        if not any(fact.text for fact in facts):
            return
        beyond = self.query_one("#beyond", Prose)
        beyond.show(facts)
        beyond.display = True
