"""What the program itself has to say, above the table: all clusters silent at once, and notices."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from pxm_tui.domain.cluster import Status
from pxm_tui.domain.times import local_short
from pxm_tui.services.fleet_view import FleetView
from pxm_tui.services.silence import ANSWER_LIMIT
from pxm_tui.tui.text import wrap

LINES_EACH = 2
MARK = 3
"""Columns for a space, the sign and another space."""
LOCKED = "The secret store is locked: rows show the last known state. r or :unlock opens it."


def banner_lines(view: FleetView, now: datetime, width: int, period: float | None) -> list[str]:
    """The lines, none where there is nothing to say."""
    lines: list[str] = []
    if view.silent_since is not None:
        words = silent_words(view, now, period)
        lines += marked(next((text for text in words if fits(text, width)), words[-1]), width)
    if view.awaits_key:
        lines += marked(LOCKED, width)
    if view.notices:
        count = len(view.notices)
        more = f"  ({count} notices) Esc dismisses." if count > 1 else "  Esc dismisses."
        lines += marked(f"{view.notices[-1]}{more}", width)
    return lines


def silent_words(view: FleetView, now: datetime, period: float | None) -> tuple[str, ...]:
    """All clusters, or nearly all, stopped answering at once: the cause is near. The whole, and what will do."""
    start = view.silent_since or now
    window = start + timedelta(seconds=(period or 0.0) + ANSWER_LIMIT)
    since = [
        one.cluster.error.since
        for one in view.clusters
        if one.cluster.status is Status.UNREACHABLE and one.cluster.error and one.cluster.error.since
    ]
    together = [moment for moment in since if start <= moment <= window]
    seconds = max(1, math.ceil((max(together, default=start) - start).total_seconds()))
    total = len(view.clusters)
    who = f"All {total} clusters" if len(together) == total else f"{len(together)} of {total} clusters"
    at, look = local_short(start, now), "Look at this machine first: network, VPN, DNS."
    whole = f"{who} stopped answering within {seconds} s, at {at}. {look}"
    return f"{whole} Rows show what was last seen. r tries again.", whole, f"{who} silent since {at}. {look}"


def fits(text: str, width: int) -> bool:
    """Nothing of it is cut by `marked`."""
    return len(wrap(text, width - MARK, LINES_EACH + 1)) <= LINES_EACH


def marked(text: str, width: int) -> list[str]:
    """A text below a `!`, in lines of that width."""
    rows = wrap(text, width - MARK, LINES_EACH)
    return [("! " if index == 0 else "  ") + row for index, row in enumerate(rows)]
