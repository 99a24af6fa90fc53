"""The routes of guests and of their tasks, gathered."""

from pxm_tui.simulator.routes import (
    consoles,
    guest_agent,
    guest_bulk,
    guest_config,
    guest_copies,
    guest_moves,
    guest_power,
    guest_snapshots,
    guests,
    tasks,
)
from pxm_tui.simulator.routes.base import Route

MODULES = (
    tasks,
    guests,
    guest_power,
    guest_config,
    guest_snapshots,
    guest_copies,
    guest_moves,
    guest_agent,
    guest_bulk,
    consoles,
)
ROUTES: tuple[Route, ...] = tuple(route for module in MODULES for route in module.ROUTES)
