"""One cluster: status with cause and what to do, endpoint, login, rights, trust, nodes, last errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from pxm_tui.domain.capabilities import SEE_CLUSTER, SEE_NODES, Extent
from pxm_tui.domain.cluster import Status
from pxm_tui.domain.observation import ErrorEntry, Node
from pxm_tui.domain.software import ClusterSoftware
from pxm_tui.services.bundle import Services
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.badges import capabilities
from pxm_tui.tui.detail_text import ANSWERS, Detail
from pxm_tui.tui.empty import kept_words
from pxm_tui.tui.footers import GAP, detail_footer
from pxm_tui.tui.keys import DETAIL, bindings
from pxm_tui.tui.nodes import NodePainter, draw_error
from pxm_tui.tui.screens.acting import ActingScreen
from pxm_tui.tui.text import safe
from pxm_tui.tui.widgets.frame import KeysLine, RuleLine, TitleLine, set_height
from pxm_tui.tui.widgets.grid import Grid, Look
from pxm_tui.tui.widgets.page import Page

ROOMY = 30
"""Lines from which on everything is shown, an explanation or not; below, nodes and errors come first."""

FRAME = 5
"""Lines of title, rules and keys."""


def shares(room: int, facts: int, nodes: int) -> tuple[int, int]:
    """Lines for the facts and for the nodes, of so many; at least one stays for the errors."""
    nodes = max(2, nodes)
    for_facts = min(facts, max(room * 6 // 10, room - nodes - 1))
    return for_facts, max(2, min(nodes, room - for_facts - 1))


def _unseen(view: ClusterView) -> str:
    """What of the nodes is not shown, because a privilege is missing, and which: empty where nothing is."""
    if not view.snapshot.permissions:
        return ""
    figures, addresses = capabilities((SEE_NODES, SEE_CLUSTER), view.cluster, view.snapshot)
    if not figures.allowed and not addresses.allowed:
        return ", no figures or addresses without Sys.Audit on /nodes and / (p)"
    some = "some " if figures.allowed else ""
    hidden = [(f"{some}without figures", figures), ("without addresses", addresses)]
    words = [
        f"{what}: {safe(one.why_not(), 80)} is missing (p)" for what, one in hidden if one.extent is not Extent.ALL
    ]
    return "".join(f", {word}" for word in words)


class ClusterScreen(ActingScreen[None]):
    """See the module.

    Args:
        services: what it works with.
        cluster_id: which.
    """

    KEYS = DETAIL
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(DETAIL))
    help_title = "One cluster"

    def __init__(self, services: Services, cluster_id: str) -> None:
        super().__init__(services)
        self._cluster_id = cluster_id
        self._drawn: tuple[object, ...] = ()
        self._software: ClusterSoftware | None = None
        self._wants_software = False
        self._find_software()

    def compose(self) -> ComposeResult:
        """Title, facts, nodes, errors, keys."""
        yield TitleLine(id="title")
        yield Page(id="facts")
        yield RuleLine(id="nodes-rule")
        yield Grid[Node](lambda node: node.name, id="nodes")
        yield RuleLine("Last errors", id="errors-rule")
        yield Grid[ErrorEntry](lambda entry: entry.first_at.isoformat() + entry.step, cursor_always=False, id="errors")
        yield RuleLine()
        yield KeysLine(id="keys", gap=GAP)

    def on_mount(self) -> None:
        """Show it."""
        self.set_focus(self.nodes_grid)

    def on_resize(self) -> None:
        """Everything depends on the width."""
        self._drawn = ()
        self.fleet_changed()

    def on_screen_resume(self) -> None:
        """Something may have changed."""
        if self.is_mounted:
            self.fleet_changed()

    @property
    def nodes_grid(self) -> Grid[Node]:
        """The table of nodes."""
        return self.query_one("#nodes", Grid)

    @property
    def errors_grid(self) -> Grid[ErrorEntry]:
        """The last errors."""
        return self.query_one("#errors", Grid)

    def home_focus(self) -> Widget | None:
        """The nodes."""
        return self.nodes_grid

    def selected(self) -> ClusterView | None:
        """This cluster."""
        views = self.cluster_views()
        return next((view for view in views if view.cluster.id == self._cluster_id), None)

    def fleet_changed(self) -> None:
        """Show it as it is now; gone when it was deregistered."""
        if not self.is_current or not self.size.width:
            return
        view = self.selected()
        if view is None:
            self.dismiss(None)
            return
        if view.asked:
            self._look_at_software(view)
        self._show(view)

    def _show(self, view: ClusterView) -> None:
        now = self.services.clock()
        others = sum(
            one.cluster.status in ANSWERS and one.cluster.id != view.cluster.id for one in self.cluster_views()
        )
        fresh_for = 2 * (self.services.period or 15.0)
        detail = Detail(
            view,
            now,
            self.services.timer(),
            fresh_for,
            others,
            self.glyphs,
            self.services.program,
            self.services.guard.is_read_only(view.cluster),
            kept_words(self.services.secrets.known),
            self._software,
        )
        self.query_one("#title", TitleLine).show([detail.title()], [detail.corner()])
        width, height = self.size
        page = self.query_one("#facts", Page)
        nodes = len(view.snapshot.nodes) + 1
        spare = height - FRAME - max(2, nodes) - max(1, len(view.snapshot.errors))
        lines = detail.lines(width, spare if height < ROOMY else None)
        facts, nodes = shares(height - FRAME, len(lines), nodes)
        set_height(page, facts)
        set_height(self.nodes_grid, nodes)
        page.show(lines)
        if (view, width) != self._drawn:
            self._drawn = (view, width)
            self._show_nodes(view, last_seen=detail.last_seen)
            self._show_errors(view)
            self._show_keys(view)

    def _show_nodes(self, view: ClusterView, *, last_seen: bool) -> None:
        nodes = view.snapshot.nodes
        count = f"Nodes {len(nodes)}" if nodes else "Nodes"
        words = f"{count}, as last seen" if last_seen else count
        self.query_one("#nodes-rule", RuleLine).show(f"{words}{_unseen(view)}")
        painter = NodePainter.at(self.size.width, nodes, self.glyphs, last_seen=last_seen)
        notes = [] if nodes else [(("   not known yet", "dim"),)]
        self.nodes_grid.show(nodes, Look(painter.head() if nodes else (), painter.draw), notes)

    def _show_errors(self, view: ClusterView) -> None:
        now = self.services.clock()
        entries: Sequence[ErrorEntry] = view.snapshot.errors
        notes = [] if entries else [(("   none in this run", "dim"),)]
        self.errors_grid.show(entries, Look((), lambda entry: draw_error(entry, now)), notes)

    def _show_keys(self, view: ClusterView) -> None:
        unreachable = view.cluster.status is Status.UNREACHABLE
        row = detail_footer(self.size.width, unreachable=unreachable, unable=self.unable(view))
        self.query_one("#keys", KeysLine).show(row, gap=GAP)

    def action_switch(self) -> None:
        """Tab: nodes, errors, and the facts where they do not fit."""
        facts = self.query_one("#facts", Page)
        order: list[Widget] = [self.nodes_grid, self.errors_grid, *([facts] if facts.scrolls else [])]
        place = order.index(self.focused) if self.focused in order else -1
        self.set_focus(order[(place + 1) % len(order)])

    def do_open(self, view: ClusterView) -> None:
        """Another cluster, by the command line."""
        self._cluster_id = view.cluster.id
        self._drawn = ()
        self._find_software()
        self.fleet_changed()

    # What the nodes run

    def _find_software(self) -> None:
        """What was read not long ago is shown at once; else it is read when the cluster answers."""
        self._software = self.services.software.kept(self._cluster_id)
        self._wants_software = self._software is None

    def _look_at_software(self, view: ClusterView) -> None:
        """Read it where the cluster answers; what could not be read, once more when the cluster is back."""
        if view.cluster.status not in ANSWERS:
            self._wants_software |= self.services.software.kept(self._cluster_id) is None
        elif self._wants_software:
            self._wants_software = False
            self._read_software(view)

    def action_refresh(self) -> None:
        """Ask everybody now; and this cluster's nodes what they run."""
        self._wants_software = True
        super().action_refresh()
        self.fleet_changed()

    @work(exclusive=True, group="software", description="reading what the nodes run")
    async def _read_software(self, view: ClusterView) -> None:
        found = await self.services.software.read(view.cluster, view.snapshot)
        if view.cluster.id == self._cluster_id:
            self._software = found
            self.fleet_changed()
