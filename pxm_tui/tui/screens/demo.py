"""The screens of the demo, in which clusters can be put into trouble."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.screen import ScreenResultType

from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.keys import DETAIL, FAULT, HOME, bindings
from pxm_tui.tui.screens.acting import ActingScreen
from pxm_tui.tui.screens.cluster import ClusterScreen
from pxm_tui.tui.screens.clusters import ClustersScreen


class BreakingScreen(ActingScreen[ScreenResultType]):
    """A screen on which what goes wrong at the selected cluster can be chosen."""

    BINDINGS: ClassVar[list[BindingType]] = list(bindings((FAULT,)))

    def do_fault(self, view: ClusterView) -> None:
        """Choose what goes wrong there; what has changed is asked for afterwards."""
        from pxm_tui.tui.screens.faults import FaultsDialog

        if self.services.faults is not None:
            self.app.push_screen(FaultsDialog(self.services, self.services.faults, view), self._back_from_faults)

    def _back_from_faults(self, changed: bool | None) -> None:
        if changed:
            self.action_refresh()


class DemoClusterScreen(BreakingScreen[None], ClusterScreen):
    """One cluster of the demo."""

    KEYS = (*DETAIL, FAULT)


class DemoClustersScreen(BreakingScreen[None], ClustersScreen):
    """The home screen of the demo."""

    KEYS = (*HOME, FAULT)

    def do_open(self, view: ClusterView) -> None:
        """Its details."""
        self.app.push_screen(DemoClusterScreen(self.services, view.cluster.id))
