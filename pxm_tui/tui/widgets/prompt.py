"""The lowest line while something is typed or chosen in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

FIELD_LEAST = 18
"""Columns that stay for sign and field."""


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
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", show=False, priority=True),
        Binding("up", "history(-1)", show=False, priority=True),
        Binding("down", "history(1)", show=False, priority=True),
    ]

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
        field = Input(self._first, compact=True)
        field.cursor_blink = False
        yield field
        yield Static("", id="hint", markup=False)

    @property
    def field(self) -> Input:
        """The field."""
        return self.query_one(Input)

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

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted(event.value))

    def action_complete(self) -> None:
        """Tab."""
        if self._complete is not None:
            self.field.value = self._complete(self.field.value)
            self.field.cursor_position = len(self.field.value)

    def action_history(self, by: int) -> None:
        """An earlier or a later line."""
        self._at = max(0, min(self._at + by, len(self._history) - 1))
        self.field.value = self._history[self._at]
        self.field.cursor_position = len(self.field.value)


class Choice(Widget):
    """The lowest line while one key is awaited; every key goes to it.

    Args:
        line: what is shown.
        take: called with the key's character, or its name; gives the line to show next, or None to close.
    """

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; text-wrap: nowrap; }
    """
    can_focus = True

    class Closed(Message):
        """It is done; `key` was not for it and wants to act elsewhere."""

        def __init__(self, key: str | None) -> None:
            super().__init__()
            self.key = key

    def __init__(self, line: Content, take: Callable[[str], Content | bool]) -> None:
        super().__init__(id="choice")
        self._line = line
        self._take = take
        self._done = False

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002
        """All but Ctrl-C."""
        return key != "ctrl+c"

    def render(self) -> Content:
        """The line."""
        return Content.assemble(" ", self._line)

    def on_key(self, event: events.Key) -> None:
        """Take the key: a new line is shown, True closes, False closes and passes the key on."""
        event.stop()
        if self._done:
            self.post_message(self.Closed(event.key))
            return
        found = self._take(event.character or event.key)
        if isinstance(found, Content):
            self._line = found
            self.refresh()
        else:
            self._done = True
            self.post_message(self.Closed(None if found or event.key == "escape" else event.key))
