"""What the forms that fill a screen share: how one moves in them, their keys, and their help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.screen import ScreenResultType

from pxm_tui.services.bundle import Services
from pxm_tui.tui.dialog import fit_keys
from pxm_tui.tui.keys import Key
from pxm_tui.tui.screens.base import PxmScreen
from pxm_tui.tui.widgets.frame import KeysLine


class FormScreen(PxmScreen[ScreenResultType]):
    """A form. Subclasses compose a body called `#form-body` and a `KeysLine` called `#keys`.

    Args:
        services: the bundle.
    """

    HELP_TITLE: ClassVar[str]
    HELP_KEYS: ClassVar[Sequence[Key]]
    # Tab acts before the keys that follow it, so that a burst lands in the right fields; Enter goes through the
    # field's own queue, so that it comes after what was typed there.
    BINDINGS = [
        ("enter", "submit"),
        ("escape", "back"),
        ("f1", "help"),
        ("pagedown", "page(1)"),
        ("pageup", "page(-1)"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (66, "-roomy")]
    SCOPED_CSS = False  # subclasses are meant, too
    DEFAULT_CSS = """
    FormScreen #form-body { height: 1fr; scrollbar-size-vertical: 1; }
    FormScreen.-narrow FieldRow .hint.-help { display: none; }
    FormScreen ChecklistView { padding: 0 1; }
    """

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services

    def footer_keys(self) -> Sequence[tuple[str, str]]:
        """The keys as they are now, and their words."""
        raise NotImplementedError

    async def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002
        """Show as many keys as fit."""
        self.show_keys()

    def show_keys(self) -> None:
        """Show the keys as they are now."""
        rows = fit_keys(self.footer_keys(), self.app.size.width)
        line = self.query_one("#keys", KeysLine)
        line.show_content(*rows)
        line.styles.height = len(rows)

    def action_move(self, by: int) -> None:
        """To the next field, or the one before."""
        self.focus_next() if by > 0 else self.focus_previous()

    def action_page(self, by: int) -> None:
        """Scroll."""
        body = self.query_one("#form-body")
        body.scroll_relative(y=by * max(1, body.size.height - 1), animate=False)

    def action_help(self) -> None:
        """The keys of the form."""
        from pxm_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.services, self.HELP_KEYS, self.HELP_TITLE, legend=False))
