"""The routes of guests and of their tasks, gathered."""

from pxm_tui.simulator.routes import guest_power, guests, tasks
from pxm_tui.simulator.routes.base import Route

ROUTES: tuple[Route, ...] = (
    *tasks.ROUTES,
    *guests.ROUTES,
    *guest_power.ROUTES,
)
