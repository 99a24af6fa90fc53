"""The controls of forms and dialogs: a field to type in, a row of choices, a button. Each is one line high or wraps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.app import RenderResult
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from pxm_tui.domain.secret import Secret
from pxm_tui.domain.text import cut_middle
from pxm_tui.tui.glyphs import glyphs_of
from pxm_tui.tui.text import safe


class FormInput(Input, inherit_bindings=False):
    """One line to type in, without a frame and without a blinking cursor.

    What was typed in a secret one is in no message, is never copied, and is read with `secret()` only.

    Args:
        secret: nothing of it is shown but its length.
        interpret: takes what is pasted, and says whether it was something else than text for this field.
    """

    BINDINGS = [
        Binding("left", "cursor_left", show=False),
        Binding("right", "cursor_right", show=False),
        Binding("shift+left", "cursor_left(True)", show=False),
        Binding("shift+right", "cursor_right(True)", show=False),
        Binding("ctrl+left", "cursor_left_word", show=False),
        Binding("ctrl+right", "cursor_right_word", show=False),
        Binding("home", "home", show=False),
        Binding("end,ctrl+e", "end", show=False),
        Binding("backspace", "delete_left", show=False),
        Binding("delete", "delete_right", show=False),
        Binding("ctrl+w", "delete_left_word", show=False),
        Binding("ctrl+u", "delete_left_all", show=False),
    ]
    DEFAULT_CSS = """
    FormInput, FormInput:focus {
        height: 1; border: none; padding: 0; width: 1fr; min-width: 8;
        background: transparent; background-tint: transparent;
    }
    FormInput:focus { text-style: underline; }
    FormInput > .input--cursor { background: $foreground; color: $background; text-style: none; }
    FormInput:ansi > .input--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
    FormInput > .input--selection { background: $pxm-title; color: $foreground; text-style: reverse; }
    FormInput:disabled { opacity: 1; }
    """

    def __init__(
        self,
        value: str = "",
        *,
        secret: bool = False,
        interpret: Callable[[str], bool] | None = None,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(value, password=secret, compact=True, select_on_focus=False, id=id)
        self.cursor_blink = False
        self._interpret = interpret

    def post_message(self, message: Message) -> bool:
        """Post, without the text of a secret field: messages have a `repr`."""
        if self.password and isinstance(message, Input.Changed | Input.Blurred | Input.Submitted):
            message.value = ""
        return super().post_message(message)

    def secret(self) -> Secret:
        """What was typed."""
        return Secret(self.value)

    def forget(self) -> None:
        """Empty it."""
        self.value = ""

    def render_line(self, y: int) -> Strip:
        """The text, to the end of the field, so that its extent is seen where it has the focus."""
        strip = super().render_line(y).extend_cell_length(self.size.width, self.rich_style)
        if not (self.password and glyphs_of(self).ascii):
            return strip
        return Strip([Segment(part.text.replace("•", "*"), part.style, part.control) for part in strip])

    async def drained(self) -> None:
        """Wait until every key that was sent to this field has been taken in."""
        done = asyncio.Event()
        if self.is_running and self.call_later(done.set):
            await done.wait()

    def on_key(self, event: events.Key) -> None:
        """Take no text while the screen does not listen."""
        if event.is_printable and not _listens(self):
            event.prevent_default()
            event.stop()

    def on_paste(self, event: events.Paste) -> None:
        """Understand what was pasted, where it is more than text."""
        if not _listens(self) or (self._interpret is not None and self._interpret(event.text)):
            event.prevent_default()
            event.stop()


def _listens(widget: Widget) -> bool:
    """Whether the widget's screen takes keys yet; dialogs do after they have been shown for a moment."""
    return bool(getattr(widget.screen, "listens", True))


class Choice(Widget, can_focus=True):
    """A row of choices of which one is made: left and right, Space, or a click.

    Args:
        options: value and word of each.
        gap: columns between two.
    """

    BINDINGS = [
        Binding("left", "step(-1)", show=False),
        Binding("right,space", "step(1)", show=False),
    ]
    DEFAULT_CSS = """
    Choice { height: auto; width: 1fr; }
    """

    @dataclass
    class Changed(Message):
        """Another choice was made."""

        choice: Choice
        value: str

        @property
        def control(self) -> Choice:
            """The row."""
            return self.choice

    def __init__(self, options: Sequence[tuple[str, str]], *, gap: int = 2, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._options = tuple(options)
        self._gap = gap
        self._value = self._options[0][0]

    @property
    def value(self) -> str:
        """The choice."""
        return self._value

    def choose(self, value: str) -> None:
        """Make a choice; an unknown value changes nothing."""
        if value != self._value and value in {known for known, _ in self._options}:
            self._value = value
            self.refresh()
            self.post_message(self.Changed(self, value))

    def action_step(self, by: int) -> None:
        """Choose the next, or the one before."""
        values = [value for value, _ in self._options]
        index = values.index(self._value) + by
        self.choose(values[index % len(values)])

    def watch_has_focus(self, _has_focus: bool) -> None:
        """Show where the focus is."""
        super().watch_has_focus(_has_focus)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        for value, row, start, end in self._places(self.size.width):
            if row == event.y and start <= event.x < end:
                self.choose(value)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as it takes at this width."""
        return self._places(width)[-1][1] + 1

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002
        """One line."""
        return self._places(10_000)[-1][3]

    def render(self) -> RenderResult:
        """Each with a sign that says whether it is the one."""
        mark = "*" if glyphs_of(self).ascii else "•"
        found, at = Content(), (0, 0)
        words = dict(self._options)
        for value, row, start, end in self._places(self.size.width):
            if row > at[0]:
                found = found.append("\n")
                at = (row, 0)
            chosen = value == self._value
            style = "reverse" if chosen and self.has_focus else ""
            text = f"({mark if chosen else ' '}) {words[value]}"
            found = found.append(" " * (start - at[1])).append(Content.styled(text, style) if style else text)
            at = (row, end)
        return found

    def _places(self, width: int) -> list[tuple[str, int, int, int]]:
        """Value, row, first column and column after the last, of each."""
        found, row, column = [], 0, 0
        for value, word in self._options:
            needed = 4 + cell_len(word)
            if column and column + needed > width:
                row, column = row + 1, 0
            found.append((value, row, column, column + needed))
            column += needed + self._gap
        return found


class PushButton(Widget, can_focus=True):
    """A button: Enter or a click presses it; no letter does.

    Args:
        label: the verb.
        label_limit: columns; a longer label is cut in the middle.
    """

    BINDINGS = [Binding("enter", "press", show=False)]
    DEFAULT_CSS = """
    PushButton { height: 1; width: auto; margin-right: 6; }
    PushButton:focus { text-style: reverse; }
    PushButton:disabled { color: $pxm-faint; text-style: dim; }
    """

    @dataclass
    class Pressed(Message):
        """The button was pressed."""

        button: PushButton

        @property
        def control(self) -> PushButton:
            """The button."""
            return self.button

    def __init__(self, label: str, *, id: str, label_limit: int = 56) -> None:  # noqa: A002
        super().__init__(id=id)
        self._label = safe(label)
        self._limit = label_limit

    @property
    def label(self) -> str:
        """What it says."""
        return self._label

    def relabel(self, label: str) -> None:
        """Say something else."""
        self._label = safe(label)
        self.refresh(layout=True)

    def action_press(self) -> None:
        """Press it, unless the screen does not listen yet."""
        if _listens(self):
            self.press()

    def press(self) -> None:
        """Press it."""
        if not self.disabled:
            self.post_message(self.Pressed(self))

    def on_click(self, event: events.Click) -> None:
        """As Enter does."""
        event.stop()
        self.action_press()

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002
        """The label with its brackets."""
        return cell_len(self._text(container.width or self._limit))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """One line."""
        return 1

    def render(self) -> RenderResult:
        """The label in brackets."""
        return Content(self._text(self.size.width))

    def _text(self, room: int) -> str:
        return f"[ {cut_middle(self._label, max(4, min(self._limit, room - 4)), glyphs_of(self).cut)} ]"
