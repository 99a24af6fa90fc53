"""The fault menu of the demo: what goes wrong at one simulated cluster, on each node or on one."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events, on, work
from textual.app import ComposeResult

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import PxmError
from pxm_tui.services.bundle import Services
from pxm_tui.services.faults import ActiveFault, BreakableCluster, FaultInjector, FaultKind
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.dialog import BoxDialog
from pxm_tui.tui.glyphs import STEP_STYLE
from pxm_tui.tui.line import Line
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.text import safe
from pxm_tui.tui.widgets.grid import Grid, Look

_TITLE = 24
_AROUND = 11
"""Lines of the screen that the list leaves to all else."""
_LABEL = 8


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A kind of trouble, and where it is in force."""

    kind: FaultKind
    active: tuple[ActiveFault, ...]

    @property
    def where(self) -> str:
        """Nodes or the whole cluster, and the value."""
        values = {f"{one.value:g}" if isinstance(one.value, float | int) else one.value or "" for one in self.active}
        nodes = [one.node for one in self.active if one.node is not None]
        words = [", ".join(nodes) if nodes else "cluster" if self.active else "", ", ".join(sorted(values - {""}))]
        return "  ".join(word for word in words if word)


class FaultsDialog(BoxDialog[bool]):
    """Sets and ends faults. Gives whether it has done either.

    Args:
        services: the bundle.
        injector: the demo fleet's faults.
        view: the cluster that was under the cursor when the key was pressed.
    """

    GUARDED = True
    BINDINGS = [("enter", "switch"), ("n", "next_node")]
    DEFAULT_CSS = """
    FaultsDialog Grid { height: 8; }
    """

    def __init__(self, services: Services, injector: FaultInjector, view: ClusterView) -> None:
        super().__init__(services)
        self._injector = injector
        self._view = view
        self._kinds: tuple[FaultKind, ...] = ()
        self._cluster: BreakableCluster | None = None
        self._node: str | None = None
        self._problem = ""
        self._changed = False
        self._look: Look[FaultRow] = Look((), _draw)

    @property
    def box_title(self) -> str:
        """Which cluster."""
        return f"Faults of {self._view.cluster.name}"

    def about(self) -> Cluster:
        """The cluster."""
        return self._view.cluster

    @property
    def grid(self) -> Grid[FaultRow]:
        """The list."""
        found: Grid[FaultRow] = self.query_one("#faults", Grid)
        return found

    def footer_keys(self) -> list[tuple[str, str]]:
        """The keys."""
        return [(self._arrows, "move"), ("Enter", "set, end"), ("n", "next node"), ("Esc", "close")]

    @property
    def _arrows(self) -> str:
        return "j k" if self.glyphs.ascii else f"j k {self.glyphs.arrows}"

    def compose_body(self) -> ComposeResult:
        """The list, and what is said of the fault under the cursor."""
        yield Grid[FaultRow](lambda row: row.kind.name, id="faults")
        yield Prose(id="about")

    def on_mount(self) -> None:
        """Ask what there is."""
        self.set_focus(self.grid)
        self._load()

    @on(events.Resize)
    def _resized(self, event: events.Resize) -> None:
        """As many rows as fit."""
        self._fit(event.size.height)

    def _fit(self, height: int) -> None:
        self.grid.styles.height = max(3, min(len(self._kinds) or 3, height - _AROUND))

    # What there is

    @work(exclusive=True, group="faults", description="asking for the faults")
    async def _load(self) -> None:
        try:
            self._kinds = await self._injector.kinds()
            clusters = await self._injector.clusters()
        except PxmError as error:
            self._problem = error.message
        else:
            urls = {endpoint.url for endpoint in self._view.cluster.endpoints}
            self._cluster = next((one for one in clusters if urls & set(one.urls)), None)
            if self._cluster is None:
                self._kinds = ()
                self._problem = "This cluster is none of the demo's."
        self._fit(self.app.size.height)
        self._show()

    @property
    def _row(self) -> FaultRow | None:
        return self.grid.cursor_row

    def _show(self) -> None:
        active = self._cluster.active if self._cluster is not None else ()
        rows = [FaultRow(kind, tuple(one for one in active if one.name == kind.name)) for kind in self._kinds]
        self.grid.show(rows, self._look)
        self.grid.refresh()  # after a change of its height it does not know what it has painted
        self._show_about()

    @on(Grid.Moved)
    def _show_about(self) -> None:
        facts = [BLANK]
        row = self._row
        if row is not None:
            facts.append(Fact(row.kind.help))
            facts.append(Fact(self._where_words(row.kind), label="On", label_width=_LABEL, quoted=True))
            if row.kind.means:
                words = f"{_shown(row.kind.default)} ({row.kind.means})".strip()
                facts.append(Fact(words, label="Value", label_width=_LABEL, quoted=True))
        if self._problem:
            mark = self.glyphs.of_step("failed")
            facts.append(Fact(f"{mark} {safe(self._problem, 300)}", style=STEP_STYLE["failed"], quoted=True))
        self.query_one("#about", Prose).show(facts)

    def _where_words(self, kind: FaultKind) -> str:
        if not kind.per_node:
            return "the whole cluster"
        return "all nodes (n: one of them)" if self._node is None else f"{safe(self._node)} (n: another)"

    # Keys

    def action_move(self, by: int) -> None:
        """Up and down in the list."""
        if self.listens:
            self.grid.action_move(by)

    def action_next_node(self) -> None:
        """All nodes, then each by itself."""
        if self._cluster is None or not self.listens:
            return
        choices = (None, *self._cluster.nodes)
        self._node = choices[(choices.index(self._node) + 1) % len(choices)]
        self._show_about()

    def action_switch(self) -> None:
        """Set the fault under the cursor; where it is in force there already, end it."""
        if self._row is not None and self.listens:
            self._toggle(self._row)

    @on(Grid.Opened)
    def _opened(self) -> None:
        self.action_switch()

    @work(exclusive=True, group="faults", description="setting a fault")
    async def _toggle(self, row: FaultRow) -> None:
        if self._cluster is None:
            return
        node = self._node if row.kind.per_node else None
        there = [one for one in row.active if node is None or one.node == node]
        change = self._injector.clear if there else self._injector.set
        try:
            self._cluster = await change(self._cluster.name, row.kind.name, node)
        except PxmError as error:
            self._problem = error.message
        else:
            self._problem = ""
            self._changed = True
        self._show()

    def leave(self) -> None:
        """Close it; the faults stay."""
        self.dismiss(self._changed)


def _draw(row: FaultRow) -> Line:
    mark = "[x]" if row.active else "[ ]"
    return ((f" {mark} {safe(row.kind.title, _TITLE):<{_TITLE}}  ", ""), (safe(row.where), "bad"))


def _shown(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, float | int) else value or ""
