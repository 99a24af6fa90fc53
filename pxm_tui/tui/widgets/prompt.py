"""The lowest line while something is typed or chosen in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

FIELD_LEAST = 18
"""Columns that stay for sign and field."""


class Leftover(Message):
    """A key that was typed ahead, after the one that ended the line: it wants to act elsewhere."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class Field(Input):
    """The field of a prompt. It takes Enter, Tab and the arrows in its own queue, in the order of typing."""

    def __init__(self, value: str) -> None:
        super().__init__(value, compact=True)
        self.cursor_blink = False
        self.done = False

    async def _on_key(self, event: events.Key) -> None:
        if self.done:
            event.stop()
            event.prevent_default()
            self.post_message(Leftover(event.key))
        elif event.key in {"enter", "tab", "up", "down"} and isinstance(self.parent, Prompt):
            event.stop()
            event.prevent_default()
            self.done = event.key == "enter"
            self.parent.take(event.key)
        else:
            await super()._on_key(event)


class Prompt(Widget):
    """A sign, a field, and a hint behind it.

    Args:
        sign: before the field.
        value: in the field at first.
        history: earlier lines, oldest first, for the arrow keys.
        complete: completes the line on Tab.
    """

    DEFAULT_CSS = """
    Prompt { layout: horizontal; height: 1; width: 1fr; }
    Prompt > #sign { width: auto; color: $pxm-key; text-style: bold; }
    Prompt > Input { width: 1fr; min-width: 16; border: none; height: 1; padding: 0; background: transparent; }
    Prompt > Input:focus { border: none; background: transparent; background-tint: transparent; }
    Prompt > #hint { width: auto; text-wrap: nowrap; color: $pxm-faint; }
    """

    class Changed(Message):
        """Another text is in the field."""

        def __init__(self, value: str) -> None:
            super().__init__()
            self.value = value

    class Submitted(Changed):
        """Enter was pressed."""

    def __init__(
        self,
        sign: str,
        value: str = "",
        *,
        history: Sequence[str] = (),
        complete: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__(id="prompt")
        self.sign = sign
        self._first = value
        self._history = [*history, ""]
        self._at = len(self._history) - 1
        self._complete = complete
        self.hint = ""

    def compose(self) -> ComposeResult:
        """Sign, field, hint."""
        yield Static(Content(f" {self.sign}"), id="sign")
        yield Field(self._first)
        yield Static("", id="hint", markup=False)

    @property
    def field(self) -> Field:
        """The field."""
        return self.query_one(Field)

    def show_hint(self, text: str) -> None:
        """Replace the hint."""
        if text != self.hint:
            self.hint = text
            room = max(0, self.app.size.width - FIELD_LEAST)
            shown = Content(f"   {text} ").truncate(room, ellipsis=True) if text else Content("")
            self.query_one("#hint", Static).update(shown)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    def take(self, key: str) -> None:
        """A key that means something to the line as a whole."""
        if key == "enter":
            self.post_message(self.Submitted(self.field.value))
        elif key == "tab":
            if self._complete is not None:
                self._put(self._complete(self.field.value))
        else:
            self._at = max(0, min(self._at + (1 if key == "down" else -1), len(self._history) - 1))
            self._put(self._history[self._at])

    def _put(self, text: str) -> None:
        self.field.value = text
        self.field.cursor_position = len(text)

    def reopen(self) -> None:
        """What was entered is not taken: go on typing."""
        self.field.done = False


Parts = Sequence[Content]
"""What a line is made of; where it is too long, it goes on below between two of them."""


def flowing(parts: Parts, width: int) -> list[Content]:
    """The parts in as many lines as they take, one column in from the left; a part that is too long is cut."""
    rows = [Content("")]
    for part in parts:
        joined = Content.assemble(rows[-1], part)
        if rows[-1].cell_length and joined.cell_length > width - 2:
            rows.append(part[len(part.plain) - len(part.plain.lstrip()) :])
        else:
            rows[-1] = joined
    return [Content.assemble(" ", row.truncate(max(1, width - 2), ellipsis=True)) for row in rows]


class Choice(Widget):
    """The lowest line, or lines, while one key is awaited; every key goes to it.

    Args:
        line: what is shown.
        take: called with the key's character, or its name; gives the line to show next, True to close, or False to
            close and to let the key act elsewhere.
    """

    DEFAULT_CSS = """
    Choice { height: auto; width: 1fr; text-wrap: nowrap; }
    """
    can_focus = True

    class Closed(Message):
        """It is done."""

    def __init__(self, line: Parts, take: Callable[[str], Parts | bool]) -> None:
        super().__init__(id="choice")
        self._line = line
        self._take = take
        self._done = False

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002
        """All but Ctrl-C."""
        return key != "ctrl+c"

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as it takes."""
        return len(flowing(self._line, width))

    def render(self) -> Content:
        """The line."""
        return Content("\n").join(flowing(self._line, self.size.width))

    def on_key(self, event: events.Key) -> None:
        """Take the key: a new line is shown, True closes, False closes and passes the key on."""
        event.stop()
        if self._done:
            self.post_message(Leftover(event.key))
            return
        found = self._take(event.character or event.key)
        if not isinstance(found, bool):
            self._line = found
            self.refresh(layout=True)
        else:
            self._done = True
            self.post_message(self.Closed())
            if not found and event.key != "escape":
                self.post_message(Leftover(event.key))
