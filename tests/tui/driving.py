"""Ways to drive the whole app in a test: look at what it shows, wait for it, send keys in one burst."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from pxm_tui.tui.app import PxmApp
from pxm_tui.tui.options import UiOptions
from pxm_tui.tui.screens.clusters import ClustersScreen
from tests.fakes import Bench

_NAMED = {"\t": "tab", "\r": "enter", "\x1b": "escape"}


@dataclass
class Driven:
    """A running app.

    Attributes:
        app: it.
        pilot: presses keys.
        bench: the stand-ins behind it.
    """

    app: PxmApp
    pilot: Pilot[None]
    bench: Bench

    @property
    def home(self) -> ClustersScreen:
        """The home screen."""
        found = self.app.screen_stack[0]
        assert isinstance(found, ClustersScreen)
        return found

    @property
    def lines(self) -> list[str]:
        """The screen's rows, as text."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    @property
    def shown(self) -> str:
        """The screen, as text."""
        return "\n".join(self.lines)

    async def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        await self.pilot.press(*keys)

    async def burst(self, text: str) -> None:
        """Send keys in one go, as a fast typist or a password manager does."""
        driver = self.app._driver
        assert driver is not None
        for character in text:
            event = events.Key(_NAMED.get(character, _character_to_key(character)), character)
            event.set_sender(self.app)
            driver.send_message(event)
        await self.pilot.pause()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something has come true."""
        for _ in range(300):
            if condition():
                await self.pilot.pause()
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"it did not come true:\n{self.shown}")

    async def shows(self, text: str) -> None:
        """Wait until the screen shows a text."""
        await self.until(lambda: text in self.shown)


@asynccontextmanager
async def driven(
    bench: Bench, *, size: tuple[int, int] = (80, 24), options: UiOptions | None = None
) -> AsyncIterator[Driven]:
    """Run the app over these stand-ins."""
    app = PxmApp(bench.services, options)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield Driven(app, pilot, bench)
