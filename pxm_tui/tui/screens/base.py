"""What all screens share: the glyphs, one step back, stopping what runs, and the line for a terminal too small."""

from __future__ import annotations

from textual import events, on
from textual.screen import Screen, ScreenResultType
from textual.widget import Widget

from pxm_tui.tui.glyphs import Glyphs, glyphs_of
from pxm_tui.tui.line import SMALLEST
from pxm_tui.tui.widgets.frame import TextLines


class PxmScreen(Screen[ScreenResultType]):
    """A full screen.

    Subclasses override `action_back` where one step back is not leaving the screen, and `action_interrupt` where
    Ctrl-C has something to stop.
    """

    AUTO_FOCUS = None
    _focused_before: Widget | None = None
    """Had the focus when the terminal became too small."""

    @property
    def glyphs(self) -> Glyphs:
        """The signs in use."""
        return glyphs_of(self)

    async def action_back(self) -> None:
        """One step back: leave this screen without a result."""
        self.dismiss(None)

    async def action_interrupt(self) -> None:
        """Ctrl-C: stop what runs, or else leave."""
        await self.action_back()

    @on(events.Resize)
    async def _say_if_too_small(self, event: events.Resize) -> None:
        """Below the smallest size show one line that says so."""
        width, height = event.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        if small and not self.has_class("-too-small"):
            self._focused_before = self.focused
        self.set_class(small, "-too-small")
        if not small:
            self._focus_as_before()
            return
        line = f"pxm needs {SMALLEST[0]}x{SMALLEST[1]}, this is {width}x{height}."
        shown = self.query(TextLines).filter("#too-small")
        if shown:
            shown.first(TextLines).show([line])
        else:
            await self.mount(TextLines([line], id="too-small"))

    def _focus_as_before(self) -> None:
        """What is hidden loses the focus: give it back, so that whoever types goes on in the same field."""
        before, self._focused_before = self._focused_before, None
        if before is not None and before.is_attached:
            self.call_after_refresh(self.set_focus, before)


class PxmDialog(PxmScreen[ScreenResultType]):
    """A box over the screen below. In it Tab moves, Enter presses the focused button, Esc leaves."""

    DEFAULT_CSS = """
    PxmDialog { align: center middle; background: $pxm-shade; }
    PxmDialog.-too-small { align: left top; }
    PxmDialog:ansi { background: transparent; }
    """

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(name=name, id=id, classes=classes)
        self._modal = True
