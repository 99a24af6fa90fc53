"""A stage for one screen: the app with an empty home below it, and ways to look at it and to type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from pxm_tui.tui.app import PxmApp
from pxm_tui.tui.options import UiOptions
from tests.fakes import Bench


class Stage(PxmApp):
    """Shows `first` over nothing; what it is left with goes to `results`.

    Args:
        bench: the services.
        first: makes the screen.
        ascii_only: signs from ASCII only.
    """

    def __init__(self, bench: Bench, first: Callable[[], Screen[Any]], *, ascii_only: bool = False) -> None:
        super().__init__(bench.services, UiOptions(ascii=ascii_only))
        self._first = first
        self.results: list[Any] = []

    def get_default_screen(self) -> Screen[None]:
        """Nothing."""
        return Screen()

    def on_mount(self) -> None:
        """Begin."""
        self.push_screen(self._first(), self.results.append)

    @property
    def shown(self) -> str:
        """All rows of the screen, as text."""
        strips = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    def burst(self, text: str) -> None:
        """Send keys in one go, as a password manager does; tab and return are `\\t` and `\\r`."""
        names = {"\t": "tab", "\r": "enter"}
        driver = self._driver
        assert driver is not None
        for character in text:
            event = events.Key(names.get(character, _key(character)), character)
            event.set_sender(self)
            driver.send_message(event)


def _key(character: str) -> str:
    from textual.keys import _character_to_key

    return _character_to_key(character)


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Wait until something has come true."""
    for _ in range(200):
        if condition():
            await pilot.pause()
            return
        await pilot.pause(0)
    app = pilot.app
    assert isinstance(app, Stage)
    raise AssertionError(f"it did not come true:\n{app.shown}")
