"""The home screen: all clusters in one table."""

from __future__ import annotations

from textual.app import ComposeResult

from pxm_tui.services.bundle import Services
from pxm_tui.tui.screens.base import PxmScreen
from pxm_tui.tui.widgets.frame import KeysLine, TitleLine


class ClustersScreen(PxmScreen[None]):
    """See the module."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services

    def compose(self) -> ComposeResult:
        """The frame."""
        yield TitleLine("pxm")
        yield KeysLine([("q", "Quit")])
