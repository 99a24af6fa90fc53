"""Help for one screen, made from its keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget

from pxm_tui.services.bundle import Services
from pxm_tui.tui.dialog import program_title
from pxm_tui.tui.help_text import help_lines
from pxm_tui.tui.keys import FILTER, PAGE, Key, bindings
from pxm_tui.tui.screens.prompting import PromptingScreen
from pxm_tui.tui.widgets.frame import KeysLine, RuleLine, TitleLine
from pxm_tui.tui.widgets.page import Page
from pxm_tui.tui.widgets.prompt import Prompt


class HelpScreen(PromptingScreen[None]):
    """See the module.

    Args:
        services: for the places where things are kept.
        keys: the keys that are explained.
        title: the screen that they are of.
        legend: explain the signs of the statuses.
        unable: why those that cannot work now cannot, by `Key.id`.
    """

    KEYS = PAGE
    BINDINGS: ClassVar[list[BindingType]] = list(bindings((*PAGE, FILTER)))

    def __init__(
        self,
        services: Services,
        keys: Sequence[Key],
        title: str,
        *,
        legend: bool = True,
        unable: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(services)
        self._unable = unable
        self._explained = keys
        self._title = title
        self._legend = legend

    def compose(self) -> ComposeResult:
        """Title, page, keys."""
        yield TitleLine(program_title(self.services, f"Help: {self._title}"), "Esc close", id="title")
        yield Page(id="page")
        yield RuleLine()
        keys = (("/", "search this page"), (self.glyphs.arrows, "scroll"), ("Esc", "close"))
        yield KeysLine(keys, id="keys")

    def on_mount(self) -> None:
        """The page scrolls."""
        self.set_focus(self.page)

    def on_resize(self) -> None:
        """Two columns where there is room."""
        lines = help_lines(
            self._explained,
            self.glyphs,
            self.services.places,
            self.size.width,
            legend=self._legend,
            unable=self._unable,
        )
        self.page.show([Content(self.glyphs.plain(line)) for line in lines])

    @property
    def page(self) -> Page:
        """The page."""
        return self.query_one("#page", Page)

    def home_focus(self) -> Widget | None:
        """The page."""
        return self.page

    async def action_filter(self) -> None:
        """Search."""
        await self.open_prompt(Prompt("/"), self._search, self._searched)

    def _search(self, text: str) -> None:
        found = self.page.find(text)
        self.show_hint("Enter done" if found or not text else "not found")

    async def _searched(self, text: str) -> None:
        self.page.find(text)
        await self.close_line()
