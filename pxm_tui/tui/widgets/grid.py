"""A table of many rows that draws only the lines that are seen, and repaints only those that changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pxm_tui.tui.keys import MOVES, bindings
from pxm_tui.tui.line import Line, Span

R = TypeVar("R")

WHEEL = 3
"""Rows by which the wheel scrolls."""

STYLES = ("good", "note", "bad", "stopped", "dim", "head", "sorted")


@dataclass(frozen=True, slots=True)
class Look(Generic[R]):
    """How rows are drawn at one width.

    Attributes:
        head: the heading's line; empty: no heading.
        draw: the line of a row; the first two columns are the cursor's and are drawn by the grid.
    """

    head: Line
    draw: Callable[[R], Line]


class Grid(ScrollView, Generic[R]):
    """Rows by key, with a cursor that stays on its row whatever happens around it.

    Args:
        key_of: the key of a row; unique and lasting.
        cursor_always: the cursor is shown although another widget has the focus.
    """

    DEFAULT_CSS = """
    Grid { height: 1fr; overflow: hidden; color: $foreground; }
    Grid > .grid--cursor { text-style: reverse; }
    Grid > .grid--head { color: $pxm-faint; text-style: bold; }
    Grid > .grid--sorted { color: $pxm-key; text-style: bold; }
    Grid > .grid--good { color: $pxm-good; }
    Grid > .grid--note { color: $pxm-note; }
    Grid > .grid--bad { color: $pxm-bad; }
    Grid > .grid--stopped { color: $pxm-stopped; }
    Grid > .grid--dim { color: $pxm-faint; }
    Grid:ansi > .grid--dim { text-style: dim; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"grid--{name}" for name in (*STYLES, "cursor")}
    BINDINGS: ClassVar[list] = bindings(MOVES)  # type: ignore[type-arg]
    can_focus = True

    class Moved(Message):
        """The cursor is on another row, or another part of the rows is seen."""

    class Opened(Message):
        """A row was opened by a second click."""

    def __init__(
        self,
        key_of: Callable[[R], str],
        *,
        cursor_always: bool = True,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._key_of = key_of
        self._cursor_always = cursor_always
        self._look: Look[R] = Look((), lambda _row: ())
        self._rows: Sequence[R] = ()
        self._keys: list[str] = []
        self._places: dict[str, int] | None = None
        self._notes: tuple[Line, ...] = ()
        self._cursor = 0
        self._clicked: str | None = None
        self._painted: dict[int, tuple[object, bool, Line]] = {}
        self._styles: dict[str, Style] = {}

    # What is shown

    def show(self, rows: Sequence[R], look: Look[R], notes: Sequence[Line] = ()) -> None:
        """Replace everything. Cursor and scroll position stay with their rows; changed lines are repainted.

        Args:
            rows: in their order.
            look: how they are drawn.
            notes: lines below the last row, not part of the rows.
        """
        kept = self.cursor_key
        look_changed = look is not self._look
        before = self._cursor
        self._look, self._notes = look, tuple(notes)
        if rows is not self._rows:
            self._take_rows(rows, kept)
        self._fit_virtual_size()
        if self._keys and self.cursor_key == kept and self._cursor != before:
            self.scroll_y = max(0, self.scroll_y + self._cursor - before)
        self._repaint_changed(redraw=look_changed)

    def _take_rows(self, rows: Sequence[R], kept: str | None) -> None:
        before = self._cursor
        key_of = self._key_of
        keys = [key_of(row) for row in rows]
        moved = keys != self._keys
        self._rows = rows
        if not moved:
            return
        self._keys, self._places = keys, None
        place = self._place(kept)
        self._cursor = max(0, min(before, len(keys) - 1)) if place is None else place

    def _place(self, key: str | None) -> int | None:
        if self._places is None:
            self._places = {one: index for index, one in enumerate(self._keys)}
        return None if key is None else self._places.get(key)

    def _fit_virtual_size(self) -> None:
        notes = len(self._notes) + 1 if self._notes and self._rows else len(self._notes)
        size = Size(self.size.width, self._head_height + len(self._rows) + notes)
        if size != self.virtual_size:
            # The reactive would lay the whole screen out again, but the size on the screen stays as it is.
            self.set_reactive(Grid.virtual_size, size)
            self.scroll_y = min(self.scroll_y, self.max_scroll_y)

    def _repaint_changed(self, *, redraw: bool) -> None:
        """Ask for a repaint of the lines that look different from what was painted last, or of which that is not known.

        What was painted is forgotten when styles are looked up anew, as when a dialog closes; the lines on the screen
        stay all the same, so not knowing must not count as up to date.
        """
        for y in range(self.size.height):
            old = self._painted.get(y)
            if old is None:
                self.refresh(Region(0, y, self.size.width, 1))
                continue
            row, here = self._row_at(y), self._is_cursor(y)
            if not redraw and row is not None and old[0] is row and old[1] == here:
                continue
            if (here, self._line(y)) != old[1:]:
                self.refresh(Region(0, y, self.size.width, 1))
            else:
                self._painted[y] = (row, *old[1:])

    # The cursor

    @property
    def cursor_row(self) -> R | None:
        """The row under the cursor, or None where there are no rows."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def cursor_key(self) -> str | None:
        """Its key."""
        return self._keys[self._cursor] if self._keys else None

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    @property
    def seen(self) -> tuple[int, int]:
        """The first and the last row that are seen, counted from 1; (0, 0) where there is none."""
        if not self._rows:
            return 0, 0
        first = self.scroll_offset.y + 1
        return first, max(first, min(len(self._rows), first + self.size.height - self._head_height - 1))

    def select(self, key: str) -> bool:
        """Put the cursor on the row of that key; False where there is none."""
        place = self._place(key)
        if place is None:
            return False
        self._go(place)
        return True

    def action_move(self, by: int) -> None:
        """By so many rows."""
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        """By so many pages."""
        self._go(self._cursor + by * max(1, self.size.height - self._head_height - 1))

    def action_edge(self, which: int) -> None:
        """To the first row (-1) or the last one (1)."""
        self._go(0 if which < 0 else len(self._rows) - 1)

    def _go(self, place: int) -> None:
        if not self._rows:
            return
        before, self._cursor = self._cursor, max(0, min(place, len(self._rows) - 1))
        top, room = self.scroll_offset.y, max(1, self.size.height - self._head_height)
        if self._cursor < top:
            self.scroll_y = self._cursor
        elif self._cursor >= top + room:
            self.scroll_y = self._cursor - room + 1
        if before != self._cursor:
            for one in (before, self._cursor):
                self.refresh(Region(0, self._y_of(one), self.size.width, 1))
            self.post_message(self.Moved())

    def _y_of(self, place: int) -> int:
        return place - self.scroll_offset.y + self._head_height

    # The mouse

    def on_click(self, event: events.Click) -> None:
        """Select; a second click on the same row opens it."""
        place = event.y - self._head_height + self.scroll_offset.y
        if event.y < self._head_height or not 0 <= place < len(self._rows):
            return
        key = self._keys[place]
        again = self._clicked == key == self.cursor_key
        self._clicked = key
        self._go(place)
        if again:
            self.post_message(self.Opened())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves what is seen, not the cursor."""
        event.stop()
        self.scroll_y += WHEEL

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The other way."""
        event.stop()
        self.scroll_y -= WHEEL

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Another part of the rows is seen."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Moved())

    def on_resize(self) -> None:
        """The cursor stays in sight."""
        self._fit_virtual_size()
        self._go(self._cursor)
        self.post_message(self.Moved())

    def on_focus(self) -> None:
        """The cursor appears."""
        self._repaint_changed(redraw=False)

    def on_blur(self) -> None:
        """The cursor may disappear."""
        self._repaint_changed(redraw=False)

    # Drawing

    @property
    def _head_height(self) -> int:
        return 1 if self._look.head else 0

    def _row_at(self, y: int) -> R | None:
        place = y - self._head_height + self.scroll_offset.y
        return self._rows[place] if y >= self._head_height and 0 <= place < len(self._rows) else None

    def _is_cursor(self, y: int) -> bool:
        shown = self._cursor_always or self.has_focus
        return shown and y >= self._head_height and y - self._head_height + self.scroll_offset.y == self._cursor

    def _line(self, y: int) -> Line:
        if y < self._head_height:
            return self._look.head
        row = self._row_at(y)
        if row is not None:
            return self._look.draw(row)
        below = y - self._head_height + self.scroll_offset.y - len(self._rows) - (1 if self._rows else 0)
        return self._notes[below] if 0 <= below < len(self._notes) else ()

    def notify_style_update(self) -> None:
        """The theme has changed."""
        super().notify_style_update()
        self._styles.clear()
        self._painted.clear()

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            base = self.rich_style
            self._styles[name] = self.get_component_rich_style(f"grid--{name}") if name else base
        return self._styles[name]

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        row, line = self._row_at(y), self._line(y)
        here = row is not None and self._is_cursor(y)
        self._painted[y] = (row, here, line)
        width = self.size.width
        lead = ">" if here else " "
        spans: list[Span] = [(lead, ""), *line] if row is not None else list(line)
        if here:
            cursor = self._style("cursor")
            segments = [Segment(text, cursor) for text, _name in spans]
        else:
            cursor = self._style("")
            segments = [Segment(text, self._style(name)) for text, name in spans]
        return Strip(segments).adjust_cell_length(width, cursor)
