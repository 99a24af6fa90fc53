"""Choosing what the table shows: filter, problems only, order; by keys, in the lowest line, or by commands."""

from __future__ import annotations

from textual.content import Content
from textual.screen import ScreenResultType

from pxm_tui.services.bundle import Services
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.commands import Command
from pxm_tui.tui.home import HomeChoices
from pxm_tui.tui.ordering import SORTS, SortOrder
from pxm_tui.tui.screens.acting import ActingScreen
from pxm_tui.tui.widgets.grid import Grid
from pxm_tui.tui.widgets.prompt import Choice, Parts, Prompt


class ChoosingScreen(ActingScreen[ScreenResultType]):
    """See the module.

    Attributes:
        choices: filter, problems only and order, remembered from run to run.
    """

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.choices = HomeChoices.from_preferences(services.preferences.read())
        self._before_filter: str | None = None

    @property
    def grid(self) -> Grid[ClusterView]:
        """The table."""
        return self.query_one("#grid", Grid)

    def show_fleet(self, *, anew: bool = False) -> None:
        """Bring every line up to date; sorted anew if a person asked."""
        raise NotImplementedError

    def action_problems(self) -> None:
        """Problems only, on and off."""
        self.choices.problems_only = not self.choices.problems_only
        self.remember()

    async def action_sort(self) -> None:
        """By the next column, and show which there are."""
        self.choices.order = self.choices.order.next()
        await self._sorted()

    async def action_reverse(self) -> None:
        """Turn the order round."""
        self.choices.order = self.choices.order.reversed()
        await self._sorted()

    async def _sorted(self) -> None:
        self.remember(anew=True)
        await self.open_choice(Choice(self._sort_line(), self._take_sort))

    def _take_sort(self, key: str) -> Parts | bool:
        if key not in {"s", "S"}:
            return key == "enter"
        order = self.choices.order
        self.choices.order = order.next() if key == "s" else order.reversed()
        self.remember(anew=True)
        return self._sort_line()

    def _sort_line(self) -> Parts:
        order = self.choices.order
        names = [f"[{name.upper()}]" if name == order.by else name for name in SORTS]
        keys = "         s next   S reverse"
        return [Content("Sort by"), *(Content(f"  {name}") for name in names), Content(keys)]

    async def action_filter(self) -> None:
        """As you type."""
        self._before_filter = self.grid.cursor_key
        await self.open_prompt(Prompt("/", self.choices.words), self._filter_typed, self._filter_entered)

    def _filter_typed(self, text: str) -> None:
        before = self.grid.cursor_key
        self.choices.words = text.strip()
        self.show_fleet()
        if self.grid.cursor_key != before:
            self.grid.action_edge(-1)
        self.show_hint(f"{self.grid.row_count} of {len(self.cluster_views())}   Enter keep   Esc clear")

    async def _filter_entered(self, text: str) -> None:
        self.choices.words = text.strip()
        self.remember()
        await self.close_line()

    def remember(self, *, anew: bool = False) -> None:
        """Show the choices, and keep them for the next run."""
        kept = self.services.preferences.read()
        self.services.preferences.write({**kept, "clusters": self.choices.to_preferences()})
        self.show_fleet(anew=anew)

    async def obey(self, command: Command, view: ClusterView | None) -> None:
        """Commands with something behind them: `:sort seen`, `:filter fra`."""
        name, argument = command.key.names[0] if command.key.names else "", command.argument
        if name == "sort" and argument in SORTS:
            self.choices.order = SortOrder(argument)
            self.remember(anew=True)
        elif name == "filter" and argument:
            self.choices.words = argument
            self.remember()
        else:
            await super().obey(command, view)

    async def action_back(self) -> None:
        """Esc while filtering clears the filter; the cursor is where it was before."""
        if isinstance(self._line, Prompt) and self._line.sign == "/":
            self.choices.words = ""
            self.remember()
            if self._before_filter is not None:
                self.grid.select(self._before_filter)
        await super().action_back()
