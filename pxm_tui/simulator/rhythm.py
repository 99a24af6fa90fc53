"""The rhythm that every guest follows, each a little sooner or later: of a day, of an hour, and of a minute or two."""

import math
from math import cos, sin

TURN = 2 * math.pi
DAY, HOUR, MINUTES = 86400.0, 3600.0, 97.0
"""Periods of the rhythm that everything follows, in seconds."""
DAILY, HOURLY, RESTLESS = 0.45, 0.25, 0.15
"""How far each of them swings; together less than one, so that nothing ever runs backwards."""
BUSIEST_HOUR = 14 * HOUR
"""When in the day (UTC) most guests have most to do; each one an hour or two sooner or later."""

_DAILY_LEAD, _HOURLY_LEAD, _RESTLESS_LEAD = DAILY * DAY / TURN, HOURLY * HOUR / TURN, RESTLESS * MINUTES / TURN
"""Seconds by which each of them brings a guest's work ahead of its mean at most."""


def activity_and_work(phase: float, load: float, now: float) -> tuple[float, float]:
    """Give a guest's activity at a moment, and the integral of it until then relative to its mean.

    Args:
        phase: how much sooner or later than others, 0 to 1.
        load: mean share of its processors that it uses, 0 to 1.
        now: the moment, in seconds since 1970.

    Returns:
        The share of its processors that it uses, 0 to 1, and seconds, which grow by about 1 a second, always.
    """
    shift = phase * TURN
    day = (now - BUSIEST_HOUR) * (TURN / DAY) + phase - 0.5
    hour = now * (TURN / HOUR) + shift
    moment = now * (TURN / MINUTES) + 7 * shift
    activity = load * (1 + DAILY * cos(day) + HOURLY * sin(hour) + RESTLESS * sin(moment))
    work = now + _DAILY_LEAD * sin(day) - _HOURLY_LEAD * cos(hour) - _RESTLESS_LEAD * cos(moment)
    return activity if activity < 1 else 1.0, work
