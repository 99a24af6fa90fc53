"""Starting the terminal UI: the stored table first, Textual behind it. Nothing here imports Textual before that."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pxm_tui.domain.errors import StorageError
from pxm_tui.services.bundle import Services
from pxm_tui.tui import garbage
from pxm_tui.tui.options import UiOptions

if TYPE_CHECKING:
    from pxm_tui.services.fleet_view import FleetView
    from pxm_tui.tui.early import EarlyTerminal


LOGS_OF_TEXTUAL = ("TEXTUAL", "TEXTUAL_LOG", "TEXTUAL_DEBUG")
"""With these Textual writes every event to a file or to its console, each key of a typed password among them."""


def run(services: Services, options: UiOptions | None = None) -> int:
    """Run the terminal UI until it is left.

    Args:
        services: what it works with.
        options: how it is shown.

    Returns:
        The exit status: 0, or 1 after an unexpected error.
    """
    garbage.hold_off()
    for name in LOGS_OF_TEXTUAL:
        os.environ.pop(name, None)
    chosen = options or UiOptions()
    if sys.platform == "win32":
        return _run_app(services, chosen, None, None)
    from pxm_tui.tui.early import EarlyTerminal

    with EarlyTerminal() as terminal:
        view = _paint_stored(services, chosen, terminal)
        return _run_app(services, chosen, view, terminal)


def _paint_stored(services: Services, options: UiOptions, terminal: EarlyTerminal) -> FleetView | None:
    """Show the stored table by hand; None where it cannot be read, which the home screen then says."""
    from pxm_tui.tui.early import painter, size
    from pxm_tui.tui.first_frame import FirstFrame
    from pxm_tui.tui.glyphs import ASCII, UNICODE
    from pxm_tui.tui.home import HomeChoices
    from pxm_tui.tui.line import SMALLEST

    try:
        view = services.fleet.load()
    except StorageError:
        return None
    width, height = size()
    if not view.clusters or services.demo is not None or width < SMALLEST[0] or height < SMALLEST[1]:
        return view
    choices = HomeChoices.from_preferences(services.preferences.read())
    glyphs = ASCII if options.ascii else UNICODE
    frame = FirstFrame(view, choices, glyphs, services.clock(), services.period, width, height, services.program)
    style = painter(plain=options.plain_colours, no_color="NO_COLOR" in os.environ)
    terminal.show(frame.lines(), style, width)
    return view


def _run_app(services: Services, options: UiOptions, view: FleetView | None, terminal: EarlyTerminal | None) -> int:
    from pxm_tui.tui.app import PxmApp

    app = PxmApp(services, options, view=view, terminal=terminal)
    app.run(mouse=not options.no_mouse)
    return app.return_code or 0
