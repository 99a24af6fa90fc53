"""When certificates end: warned of 30 days before, and urgently 7 days before."""

from __future__ import annotations

from datetime import datetime

from pxm_tui.domain.certificate import CLUSTER_AUTHORITY, RENEWAL_DAYS, Certificate, Trust
from pxm_tui.domain.remedies import COMPARE
from pxm_tui.domain.times import days_left

SOON_DAYS = 30
URGENT_DAYS = 7


def is_ending(end: datetime, now: datetime) -> bool:
    """Whether it is time to warn."""
    return days_left(end, now) <= SOON_DAYS


def leaf_warning(shown: Certificate, now: datetime) -> tuple[str, str] | None:
    """What is to be said of the end of a node's certificate, and what to do; None where there is time."""
    left = days_left(shown.not_after, now)
    if left > SOON_DAYS:
        return None
    made_by_proxmox = f"O={CLUSTER_AUTHORITY}" in shown.issuer
    if left < 0:
        what = f"the certificate expired on {shown.not_after:%Y-%m-%d}"
    else:
        what = f"the certificate ends {_in_days(left)}{', which is urgent' if left <= URGENT_DAYS else ''}"
    if made_by_proxmox and left > RENEWAL_DAYS:
        return what, f"Proxmox VE renews it by itself {RENEWAL_DAYS} days before its end."
    if made_by_proxmox:
        return what, "Its daily renewal has not run. On the node: `pvecm updatecerts --force`."
    return what, "Renew it on the node: `pvenode acme cert renew`, or as it was made."


def authority_warning(trust: Trust, now: datetime) -> tuple[str, str] | None:
    """The same of the cluster's own authority: a new one stops every client that has pinned the old one."""
    authority = trust.authority
    if authority is None or not is_ending(authority.not_after, now):
        return None
    left = days_left(authority.not_after, now)
    when = f"expired on {authority.not_after:%Y-%m-%d}" if left < 0 else f"ends {_in_days(left)}"
    urgent = ", which is urgent" if 0 <= left <= URGENT_DAYS else ""
    return (
        f"the cluster's own authority {when}{urgent}",
        f"A new one has to be made on a node, and trusted here: compare it, then {COMPARE}.",
    )


def warnings(shown: Certificate | None, trust: Trust, now: datetime) -> tuple[str, str] | None:
    """Both in one: what, and what to do."""
    told = (leaf_warning(shown, now) if shown else None, authority_warning(trust, now))
    found = [warning for warning in told if warning is not None]
    if not found:
        return None
    return "; ".join(what for what, _ in found), " ".join(do for _, do in found)


def _in_days(left: int) -> str:
    return {0: "today", 1: "in 1 day"}.get(left, f"in {left} days")
