"""The terminal driver: asks for clicks and wheel only, and enters the alternate screen once."""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver


class ClicksDriver(LinuxDriver):
    """Reports buttons only (mode 1000), so that moving the mouse costs nothing, over SSH above all."""

    def write(self, data: str) -> None:
        """Write, but do not enter the alternate screen where that was done before."""
        terminal = getattr(self._app, "terminal", None)
        if terminal is None or not terminal.take_over(data):
            super().write(data)

    def _enable_mouse_support(self) -> None:
        if self._mouse:
            self.write("\x1b[?1000h\x1b[?1006h")
            self.flush()

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            self.write("\x1b[?1000l\x1b[?1006l")
            self.flush()

    def _enable_mouse_pixels(self) -> None:
        """Cells are enough."""
