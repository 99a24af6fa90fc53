"""Making a cluster read-only, or writable again; in production the latter wants the name typed."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import PxmError
from pxm_tui.services.bundle import Services
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.dialog import BoxDialog, buttons
from pxm_tui.tui.fields import PushButton
from pxm_tui.tui.name_gate import NameGate
from pxm_tui.tui.prose import BLANK, Fact, Prose


class GuardDialog(BoxDialog[Cluster | None]):
    """Asks, and turns the guard. Gives the record, or None.

    Args:
        services: the bundle.
        view: the cluster that was under the cursor when the command was given.
    """

    GUARDED = True
    BINDINGS = [("enter", "go_on")]
    DEFAULT_CSS = """
    GuardDialog #turn { margin-right: 3; }
    """

    def __init__(self, services: Services, view: ClusterView) -> None:
        super().__init__(services)
        self._cluster = view.cluster
        self._gate = NameGate(view.cluster)
        self._turning = False

    @property
    def box_title(self) -> str:
        """What will be."""
        return f"Make {self._cluster.name} {'writable' if self._cluster.read_only else 'read-only'}"

    def about(self) -> Cluster:
        """The cluster."""
        return self._cluster

    def compose_body(self) -> ComposeResult:
        """What it means, and the buttons."""
        if self._cluster.read_only:
            now, then = "pxm changes nothing on it.", "pxm does what it is told to, as far as the login may."
        else:
            now, then = "pxm does what it is told to, as far as the login may.", "no action of pxm changes anything."
        facts = [Fact(now, label="Now", label_width=8), Fact(then, label="Then", label_width=8), BLANK]
        if self._cluster.read_only and self.services.guard.read_only:
            facts[2:2] = [Fact("This run of pxm is read-only all the same.", label_width=8)]
        yield Prose(facts)
        if self._cluster.read_only:
            yield self._gate
        turn = PushButton("Make it writable" if self._cluster.read_only else "Make it read-only", id="turn")
        turn.disabled = self._off
        yield buttons(PushButton("Cancel", id="cancel"), turn)
        yield Prose(id="problem")

    @property
    def _off(self) -> bool:
        return self._cluster.read_only and self._gate.closed

    def on_mount(self) -> None:
        """Begin on the button that changes nothing."""
        self.query_one("#problem").display = False
        self.query_one("#cancel").focus(scroll_visible=False)

    @on(NameGate.Changed)
    def _typing(self) -> None:
        self.query_one("#turn").disabled = self._off

    def action_go_on(self) -> None:
        """Enter in the field goes to the button; it presses nothing."""
        if self.listens and not self._off and not self._turning:
            self.query_one("#turn").focus()

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        if event.button.id == "turn" and not self._off:
            self._turning = True
            self._turn()
        elif event.button.id == "cancel":
            self.leave()

    def leave(self) -> None:
        """Nothing is changed; a change that has begun goes on to its end."""
        if not self._turning:
            self.dismiss(None)

    @work(exclusive=True, group="guard", description="turning the guard")
    async def _turn(self) -> None:
        try:
            done = await self.services.guard.switch(self._cluster.id, read_only=not self._cluster.read_only)
        except PxmError as error:
            self._turning = False
            self.show_problem(error)
            return
        await self.services.fleet.reload()
        self.dismiss(done)
