"""The home screen of the demo, in which clusters can be put into trouble."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.keys import FAULT, HOME, bindings
from pxm_tui.tui.screens.clusters import ClustersScreen


class DemoClustersScreen(ClustersScreen):
    """See the module."""

    KEYS = (*HOME, FAULT)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings((FAULT,)))

    def do_fault(self, view: ClusterView) -> None:
        """Choose what goes wrong there; what has changed is asked for afterwards."""
        from pxm_tui.tui.screens.faults import FaultsDialog

        if self.services.faults is not None:
            self.app.push_screen(FaultsDialog(self.services, self.services.faults, view), self._back_from_faults)

    def _back_from_faults(self, changed: bool | None) -> None:
        if changed:
            self.action_refresh()
