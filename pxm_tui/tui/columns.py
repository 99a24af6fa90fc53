"""Which columns of the cluster table are shown at a width, and how wide they are."""

from __future__ import annotations

from dataclasses import dataclass

NARROW = 60
"""Below this many columns the reason stands alone in the status cell, and there is no environment."""

LEAD = 3
"""Columns for the cursor, the sign and a space."""

NAME_MOST = 32
STATUS_MOST = 44


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: what it says.
        title: its heading.
        width: terminal columns.
        right: aligned to the right.
        sort: the order that it stands for, if it is one.
    """

    key: str
    title: str
    width: int
    right: bool = False
    sort: str = ""


def columns_at(width: int, longest_name: int = 0) -> tuple[Column, ...]:
    """The columns of the cluster table at a width of the screen, from left to right.

    Spare width goes to the names until the longest fits, then to the status, then to the endpoint.
    """
    if width < NARROW:
        return _narrow(width, longest_name)
    wide = width >= 120
    name, status, endpoint = 16, 27, 25
    found = [
        Column("env", "ENV", 7 if wide else 4),
        Column("nodes", "NODES", 5, right=True) if width >= 66 else None,
        Column("guests", "GUESTS", 9 if wide else 7, right=True, sort="guests") if width >= 74 else None,
        Column("pve", "PVE", 8 if wide else 6, sort="version") if width >= 80 else None,
        Column("rtt", "RTT", 7, right=True, sort="rtt") if width >= 96 else None,
        Column("seen", "SEEN", 6 if wide else 5, right=True, sort="seen"),
        Column("cert", "CERT", 6, right=True) if width >= 112 else None,
        Column("login", "LOGIN", 8) if width >= 144 else None,
    ]
    rest = [column for column in found if column is not None]
    with_endpoint = width >= 136
    used = LEAD + name + 1 + status + sum(column.width + 1 for column in rest) + (endpoint + 1 if with_endpoint else 0)
    spare = max(0, width - 1 - used)
    more_name = min(spare, max(0, min(longest_name, NAME_MOST) - name))
    more_status = min(spare - more_name, STATUS_MOST - status)
    shown = [
        Column("name", "NAME", name + more_name, sort="name"),
        rest[0],
        Column("status", "STATUS", status + more_status, sort="status"),
        *rest[1:],
    ]
    if with_endpoint:
        shown.append(Column("endpoint", "ENDPOINT", endpoint + spare - more_name - more_status))
    return tuple(shown)


def _narrow(width: int, longest_name: int) -> tuple[Column, ...]:
    name, seen = 14, 5
    spare = max(0, width - LEAD - name - 1 - 20 - 1 - seen)
    name += min(spare, max(0, min(longest_name, NAME_MOST) - name))
    status = width - LEAD - name - 1 - 1 - seen
    return (
        Column("name", "NAME", name, sort="name"),
        Column("status", "STATUS", status, sort="status"),
        Column("seen", "SEEN", seen, right=True, sort="seen"),
    )
