"""Times: UTC inside, to the second; ages as people say them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """A time as in records and reports: `2026-11-22T10:30:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_iso(text: str) -> datetime:
    """The reverse of `iso`."""
    return datetime.fromisoformat(text).astimezone(UTC)


def age(seconds: float) -> str:
    """An age in steps of a minute, an hour, a day: `now`, `3 m`, `4 h`, `2 d`. Never seconds: they would tick."""
    steps = age_steps(seconds)
    if steps < _HOUR:
        return f"{steps} m" if steps else "now"
    return f"{steps // _HOUR} h" if steps < 2 * _DAY else f"{steps // _DAY} d"


_HOUR, _DAY = 60, 24 * 60


def age_steps(seconds: float) -> int:
    """Minutes that an age has as it is shown: whole minutes, then whole hours, then whole days; 0 for `now`."""
    minutes = max(0, int(seconds // 60))
    if minutes < _HOUR:
        return minutes
    return minutes - minutes % (_HOUR if minutes < 2 * _DAY else _DAY)


def local_short(moment: datetime, now: datetime) -> str:
    """A local time for the screen: `HH:MM` today, `YYYY-MM-DD` before."""
    here = moment.astimezone()
    return here.strftime("%H:%M") if here.date() == now.astimezone().date() else here.strftime("%Y-%m-%d")


def days_left(end: datetime, now: datetime) -> int:
    """Whole days until `end`; negative when it has passed."""
    return (end - now).days


def left_words(end: datetime, now: datetime) -> str:
    """Words behind what ends: `, 729 days left`; none where it has ended, which is said by itself."""
    left = days_left(end, now)
    return "" if end <= now else f", {left} {'day' if left == 1 else 'days'} left"
