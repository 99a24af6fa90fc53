"""Lines of text that scroll, drawn as they are seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from pxm_tui.tui.keys import Key, bindings
from pxm_tui.tui.widgets.grid import WHEEL

SCROLL = (
    Key("page.down", "j,down", "scroll_by(1)", "↓ ↑", "scroll", "scroll", "Move"),
    Key("page.up", "k,up", "scroll_by(-1)", "", "", "", "Move"),
    Key("page.page_down", "pagedown", "scroll_pages(1)", "PgUp PgDn", "", "page", "Move"),
    Key("page.page_up", "pageup", "scroll_pages(-1)", "", "", "", "Move"),
    Key("page.first", "g,home", "scroll_edge(-1)", "g G", "", "first, last", "Move"),
    Key("page.last", "G,end", "scroll_edge(1)", "", "", "", "Move"),
)


class Page(ScrollView):
    """Shows lines; a line that is found is marked."""

    DEFAULT_CSS = """
    Page { height: 1fr; overflow: hidden; color: $foreground; }
    Page > .page--found { text-style: reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"page--found"}
    BINDINGS: ClassVar[list] = bindings(SCROLL)  # type: ignore[type-arg]
    can_focus = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: tuple[Content, ...] = ()
        self._found: int | None = None

    def show(self, lines: Sequence[Content]) -> None:
        """Replace the lines; repaints only if that changes something."""
        new = tuple(lines)
        same = len(new) == len(self._lines) and all(
            one.is_same(other) for one, other in zip(new, self._lines, strict=True)
        )
        if same:
            return
        self._lines = new
        self.set_reactive(Page.virtual_size, Size(self.size.width, len(new)))
        self.scroll_y = min(self.scroll_y, self.max_scroll_y)
        self.refresh()

    @property
    def scrolls(self) -> bool:
        """Not all lines are seen at once."""
        return self.max_scroll_y > 0

    @property
    def text(self) -> str:
        """What is shown, without styles."""
        return "\n".join(line.plain for line in self._lines)

    def find(self, words: str) -> bool:
        """Mark the first line that holds `words`, and bring it into sight."""
        wanted = words.casefold()
        self._found = next(
            (index for index, line in enumerate(self._lines) if wanted and wanted in line.plain.casefold()), None
        )
        if self._found is not None:
            self.scroll_y = max(0, self._found - self.size.height // 2)
        self.refresh()
        return self._found is not None

    def action_scroll_by(self, lines: int) -> None:
        """By so many lines."""
        self.scroll_y += lines

    def action_scroll_pages(self, pages: int) -> None:
        """By so many pages."""
        self.scroll_y += pages * max(1, self.size.height - 1)

    def action_scroll_edge(self, which: int) -> None:
        """To the first line (-1) or the last one (1)."""
        self.scroll_y = 0 if which < 0 else self.max_scroll_y

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.action_scroll_by(WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel, the other way."""
        event.stop()
        self.action_scroll_by(-WHEEL)

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        index, width = y + self.scroll_offset.y, self.size.width
        if index >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        strips = Visual.to_strips(self, self._lines[index].truncate(width), width, 1, self.visual_style)
        if index != self._found:
            return strips[0]
        found = self.get_component_rich_style("page--found")
        return Strip([Segment(segment.text, found) for segment in strips[0]])
