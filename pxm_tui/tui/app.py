"""The app: theme, the keys that work everywhere, signals, and what happens on the way out."""

from __future__ import annotations

import asyncio
import signal
import sys
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import events, work
from textual.app import App
from textual.binding import Binding

from pxm_tui.services.bundle import Services
from pxm_tui.tui import garbage
from pxm_tui.tui.crash import log_crash
from pxm_tui.tui.glyphs import ASCII, UNICODE, Glyphs
from pxm_tui.tui.idling import LOOK_EVERY, SIGNS_OF_LIFE, Idleness
from pxm_tui.tui.options import UiOptions
from pxm_tui.tui.theme import COLOURS, PLAIN

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.screen import Screen

    from pxm_tui.services.fleet_view import FleetView
    from pxm_tui.tui.early import EarlyTerminal

TWICE_WITHIN = 1.0
"""Seconds in which a second Ctrl-C quits from anywhere."""

QUIT_SIGNALS = (signal.SIGTERM, signal.SIGHUP) if sys.platform != "win32" else ()


class PxmApp(App[None], inherit_bindings=False):
    """The terminal UI.

    Args:
        services: what it works with.
        options: how it is shown.
        view: the stored fleet, where it has been read already.
        terminal: what holds the terminal until this app does.

    Attributes:
        services: what it works with.
        glyphs: the signs in use.
        draft: the register form as it was left; the next one starts from it.
        history: what was typed at the `:` prompt, oldest first.
    """

    TITLE = "pxm"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    ESCAPE_TO_MINIMIZE = False
    BINDINGS: ClassVar[list[Any]] = [
        Binding("ctrl+c", "interrupt", "Stop", show=False, priority=True, id="app.interrupt"),
    ]

    def __init__(
        self,
        services: Services,
        options: UiOptions | None = None,
        *,
        view: FleetView | None = None,
        terminal: EarlyTerminal | None = None,
    ) -> None:
        self.options = options or UiOptions()
        super().__init__(driver_class=_driver_class(), ansi_color=True if self.options.plain_colours else None)
        self.services = services
        self.glyphs: Glyphs = ASCII if self.options.ascii else UNICODE
        self.terminal = terminal
        self._first_view = view
        self.draft: Any = None
        self.history: list[str] = []
        self.animation_level = "none"
        self._typed_ahead: list[events.Key] | None = []
        self._interrupted_at: float | None = None
        self.idleness = (
            None if services.lock_after is None else Idleness(services.lock_after, services.timer, services.clock)
        )
        self._signals: list[signal.Signals] = []
        self.register_theme(COLOURS)
        self.register_theme(PLAIN)
        self.theme = PLAIN.name if self.options.plain_colours else COLOURS.name

    def get_default_screen(self) -> Screen[None]:
        """The home screen; the stored fleet is read before it is drawn for the first time."""
        if self.services.faults is not None:
            from pxm_tui.tui.screens.demo import DemoClustersScreen

            return DemoClustersScreen(self.services, self._first_view)
        from pxm_tui.tui.screens.clusters import ClustersScreen

        return ClustersScreen(self.services, self._first_view)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The program's own variables, for themes that do not set them."""
        return dict(COLOURS.variables)

    def on_mount(self) -> None:
        """Take over the signals that end the program."""
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()
        for number in QUIT_SIGNALS:
            loop.add_signal_handler(number, self.exit)
            self._signals.append(number)

    async def on_event(self, event: events.Event) -> None:
        """Keep keys that are typed before there is anything to act on; those after too long a time only wake."""
        if isinstance(event, SIGNS_OF_LIFE) and self.idleness is not None:
            overdue = self.idleness.over and self.services.secrets.is_open()
            self.idleness.touch()
            if overdue:
                self._lock()
                return
        if self._typed_ahead is not None and isinstance(event, events.Key):
            self._typed_ahead.append(event)
            return
        await super().on_event(event)

    def on_ready(self) -> None:
        """The first frame is out: typed-ahead keys act now; what lives so far stays, the collector may begin."""
        ahead, self._typed_ahead = self._typed_ahead or [], None
        for event in ahead:
            self.post_message(event)
        garbage.begin()

        if self.idleness is not None:
            self.idleness.touch()
            self._wait_for_idleness()

    def _wait_for_idleness(self) -> None:
        if self.idleness is not None:
            self.set_timer(min(max(self.idleness.left, 1.0), LOOK_EVERY), self.look_at_idleness, name="idleness")

    def look_at_idleness(self) -> None:
        """Lock the secrets where nobody has pressed a key for too long."""
        if self.idleness is not None and self.idleness.over and self.services.secrets.is_open():
            self._lock()
        self._wait_for_idleness()

    @work(exclusive=True, group="idle", description="locking the secret store")
    async def _lock(self) -> None:
        from pxm_tui.tui.fields import FormInput

        for screen in self.screen_stack:
            for field in screen.query(FormInput):
                if field.password:
                    field.forget()
        await self.services.secrets.lock("after a time without a key")

    def on_unmount(self) -> None:
        """Give the signals back."""
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.remove_signal_handler(number)

    async def action_interrupt(self) -> None:
        """Ctrl-C: the screen stops what runs, closes, or on the home screen quits; twice within a second: quit."""
        now = self.services.timer()
        twice = self._interrupted_at is not None and now - self._interrupted_at < TWICE_WITHIN
        self._interrupted_at = now
        stop = getattr(self.screen, "action_interrupt", None)
        if twice or stop is None:
            self.exit()
            return
        stopping = stop()
        if isawaitable(stopping):
            await stopping

    # The way out

    def _handle_exception(self, error: Exception) -> None:
        """End after an unexpected error: the traceback goes into the log only, without the values of variables."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        log_crash(error)
        self._say_crashed()

    def panic(self, *renderables: Any) -> None:  # noqa: ARG002
        """End after an error that Textual has rendered already; the rendering is not shown."""
        self._return_code = 1
        error = sys.exc_info()[1]
        if error is not None:
            log_crash(error)
        self._say_crashed()

    def _say_crashed(self) -> None:
        if not self._exit_renderables:
            line = f"pxm: unexpected error, details in {self.services.places.log} (no secrets in it)."
            self._exit_renderables.append(Text(line, no_wrap=True, overflow="ignore"))
        self._close_messages_no_wait()


def _driver_class() -> type[Driver] | None:
    if sys.platform == "win32":
        return None
    from pxm_tui.tui.driver import ClicksDriver

    return ClicksDriver
