"""The home screen: all clusters in one table, the selected one explained, and what to do about it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from pxm_tui.domain.errors import StorageError
from pxm_tui.services.bundle import Services
from pxm_tui.services.fleet_view import ClusterView, FleetView
from pxm_tui.tui.banner import banner_lines, marked
from pxm_tui.tui.columns import Column, columns_at
from pxm_tui.tui.empty import empty_lines
from pxm_tui.tui.explain import explain
from pxm_tui.tui.footers import GAP, WIDE_GAP, home_footer, period_words
from pxm_tui.tui.headline import Headline
from pxm_tui.tui.keys import HOME, bindings
from pxm_tui.tui.line import Line
from pxm_tui.tui.ordering import SortOrder
from pxm_tui.tui.remedies import on_screen
from pxm_tui.tui.rows import RowPainter, RttMemory, longest_name
from pxm_tui.tui.screens.choosing import ChoosingScreen
from pxm_tui.tui.screens.prompting import PromptingScreen
from pxm_tui.tui.widgets.frame import KeysLine, RuleLine, TextLines, TitleLine, set_height
from pxm_tui.tui.widgets.grid import Grid, Look

if TYPE_CHECKING:
    from pxm_tui.tui.demo_line import DemoLine

COALESCE = 0.1
"""Seconds in which changes of the fleet are gathered before they are shown."""


class ClustersScreen(ChoosingScreen[None]):
    """See the module.

    Args:
        services: what it works with.
        view: the stored fleet, where it has been read already.
    """

    KEYS = HOME
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(HOME))
    help_title = "Clusters"

    def __init__(self, services: Services, view: FleetView | None = None) -> None:
        super().__init__(services)
        self._view = FleetView()
        self._unreadable = ""
        self._demo_line: DemoLine | None = None
        self._look_key: tuple[object, ...] = ()
        self._look: Look[ClusterView] = Look((), lambda _row: ())
        self._shown: tuple[tuple[object, ...], list[ClusterView]] = ((), [])
        self._rtts = RttMemory()
        self._checking = services.period is not None
        self._gathering: Timer | None = None
        try:
            self._view = services.fleet.load() if view is None else view
        except StorageError as error:
            self._unreadable = f"{error.message} {on_screen(error.hint)}"

    def compose(self) -> ComposeResult:
        """Title, banner, table, rule, explanation, keys."""
        yield TitleLine(id="title")
        yield TextLines(id="banner")
        yield Grid[ClusterView](lambda view: view.cluster.id, id="grid")
        if self.services.demo is not None:
            from pxm_tui.tui.demo_line import DemoLine

            self._demo_line = DemoLine(self.services.demo)
            yield self._demo_line
        yield RuleLine(id="rule", right=True)
        yield TextLines(id="explanation")
        yield KeysLine(id="keys", gap=GAP)

    def on_mount(self) -> None:
        """Draw what is stored, then start to watch."""
        self.set_focus(self.grid)
        self.show_fleet()
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        self._watch_fleet()
        self._look_at_vault()
        self._wait_for_minute()

    def home_focus(self) -> Widget | None:
        """The table."""
        return self.grid

    def selected(self) -> ClusterView | None:
        """The cluster under the cursor."""
        return self.grid.cursor_row

    # The fleet

    @work(exclusive=True, group="watch", description="watching the fleet")
    async def _watch_fleet(self) -> None:
        await self.services.fleet.watch(self._gather)

    def _gather(self) -> None:
        """The fleet has changed: show it soon, with what else changes until then."""
        if self._gathering is None:
            self._gathering = self.set_timer(COALESCE, self._gathered)

    def _gathered(self) -> None:
        self._gathering = None
        if not self.app.is_running:
            return  # it ends: what the screens are made of goes first
        self._view = self.services.fleet.view()
        for screen in self.app.screen_stack:
            if isinstance(screen, PromptingScreen) and screen.is_mounted:
                screen.fleet_changed()

    @work(exclusive=True, group="vault", description="looking at the secret store")
    async def _look_at_vault(self, *, then_refresh: bool = False) -> None:
        """Ask for the passphrase where the secret store needs one."""
        from pxm_tui.tui.unlocking import unlock

        try:
            vault = await self.services.secrets.state()
        except StorageError as error:
            self.notify(f"{error.message} {on_screen(error.hint)}", severity="warning", markup=False)
            return
        if not self._view.clusters:
            self.show_fleet()
        if vault.exists and not vault.open:
            await unlock(self)
        elif then_refresh:
            await self.services.fleet.refresh()

    def _wait_for_minute(self) -> None:
        now = self.services.clock()
        self.set_timer(60.0 - now.second - now.microsecond / 1e6, self._minute, name="minute")

    def _minute(self) -> None:
        self._wait_for_minute()
        self.show_fleet()

    def fleet_changed(self) -> None:
        """Show the fleet as it is now."""
        self._view = self.services.fleet.view()
        self.show_fleet()

    # Showing

    def on_resize(self) -> None:
        """Columns, title and footer depend on the width."""
        self.show_fleet()

    def on_screen_resume(self) -> None:
        """Something may have changed while another screen was on top."""
        if self.is_mounted:
            self.fleet_changed()

    def show_fleet(self, *, anew: bool = False) -> None:
        """Bring every line up to date; what has not changed is not painted.

        Args:
            anew: sort anew; a person asked.
        """
        if not self.is_current:
            return
        now = self.services.clock()
        headline = Headline(self._view.clusters, now, self.services.program, self._asking)
        lefts, rights = headline.variants(self.app.size.width, self.glyphs)
        title = self.query_one("#title", TitleLine)
        title.show([Content.assemble(*line) for line in lefts], [Content.assemble(*line) for line in rights])
        if self._demo_line is not None:
            self._demo_line.look(view.cluster for view in self._view.clusters)
        self._show_banner(now)
        self._show_rows(now, anew=anew)
        self._show_below()

    @property
    def _asking(self) -> bool:
        """Clusters that have not answered in this run are being asked; not while the secrets are closed."""
        return self._checking and not self._view.locked

    def _show_banner(self, now: datetime) -> None:
        banner = self.query_one("#banner", TextLines)
        lines = banner_lines(self._view, now, self.app.size.width, self.services.period)
        if self._unreadable:
            lines += marked(self._unreadable, self.app.size.width)
        banner.show([Content.styled(self.glyphs.plain(line), "bold $pxm-note") for line in lines])
        set_height(banner, len(lines))
        banner.set_class(not lines, "-away")

    def _show_rows(self, now: datetime, *, anew: bool) -> None:
        views = self._view.clusters
        columns = columns_at(self.app.size.width, longest_name(views))
        order = self.choices.order
        key = (columns, order, self._asking, now.replace(second=0, microsecond=0))
        if key != self._look_key:
            self._look_key, self._look = key, self._make_look(columns, order, now)
        choices = (views, order, self.choices.words, self.choices.problems_only)
        if anew or self._shown[0] != choices:
            self._shown = (choices, self.choices.rows(views, now=now, fresh_for=self._fresh_for, anew=anew))
        rows = self._shown[1]
        look: Look[ClusterView] = self._look if views or self._unreadable else Look((), self._look.draw)
        self.grid.show(rows, look, self._notes(rows))

    @property
    def _fresh_for(self) -> float:
        """Seconds for which an answer counts as `now`."""
        return 2 * (self.services.period or 15.0)

    def _make_look(self, columns: tuple[Column, ...], order: SortOrder, now: datetime) -> Look[ClusterView]:
        width = self.app.size.width
        painter = RowPainter(columns, width, self.glyphs, now, self._fresh_for, self._asking, self._rtts)
        return Look(painter.head(order), painter.draw)

    def _notes(self, rows: list[ClusterView]) -> list[Line]:
        if self._unreadable:
            return []
        if not self._view.clusters:
            lines = empty_lines(self.services.places, self.services.secrets.known, self.app.size.width)
            return [((self.glyphs.plain(line), ""),) for line in lines]
        return [((f"   {self.glyphs.plain(note)}", ""),) for note in self.choices.notes(self._view.clusters, rows)]

    def _show_below(self) -> None:
        """Rule, explanation and keys: what depends on the cursor."""
        total, grid = len(self._view.clusters), self.grid
        self.query_one("#rule", RuleLine).show(self.choices.rule(grid.row_count, total, grid.seen, self.glyphs))
        explanation = self.query_one("#explanation", TextLines)
        explanation.set_class(not total, "-away")
        view, now = self.selected(), self.services.clock()
        lines = explain(view, now, checking=self._asking).lines(self.app.size.width - 1) if view else []
        explanation.show([self.glyphs.plain(line) for line in lines])
        self._show_keys(empty=not total)

    def _show_keys(self, *, empty: bool) -> None:
        keys = self.query_one("#keys", KeysLine)
        rows = home_footer(
            self.app.size.width,
            problems_only=self.choices.problems_only,
            empty=empty,
            unable=self.unable(self.selected()),
        )
        right = period_words(self.services.period) if self.app.size.width >= 160 and not empty else ""
        keys.show(*rows, gap=WIDE_GAP if empty else GAP, right=right)
        set_height(keys, len(rows))

    @on(Grid.Moved)
    def _moved(self) -> None:
        self._show_below()

    @on(Grid.Opened)
    async def _opened(self) -> None:
        await self.action_on("open")

    # Doing

    def do_open(self, view: ClusterView) -> None:
        """Its details."""
        from pxm_tui.tui.screens.cluster import ClusterScreen

        self.app.push_screen(ClusterScreen(self.services, view.cluster.id))

    def action_register(self) -> None:
        """The form, as it was left."""
        from pxm_tui.tui.screens.register import RegisterScreen

        self.app.push_screen(RegisterScreen(self.services, getattr(self.app, "draft", None)), self._registered)

    def _registered(self, outcome: Any) -> None:
        app: Any = self.app
        self.fleet_changed()
        if outcome is None:
            return
        app.draft = outcome.draft
        for cluster_id in outcome.cluster_ids:
            self.grid.select(cluster_id)

    def action_refresh(self) -> None:
        """Ask everybody now; the order is brought up to date."""
        self._checking = True
        self._look_at_vault(then_refresh=True)
        self.show_fleet(anew=True)

    # The way back

    def go_back(self) -> None:
        """One step: notices, then the filter; never out of the program."""
        if self._view.notices:
            self.services.fleet.dismiss_notices()
            self.fleet_changed()
        elif self.choices.words:
            self.choices.words = ""
            self.remember()

    def action_leave(self) -> None:
        """`q` on the home screen ends the program."""
        self.app.exit()

    async def action_interrupt(self) -> None:
        """Ctrl-C: close what is typed, else end."""
        if self.typing:
            await self.close_line()
        else:
            self.app.exit()
