"""When nearly all clusters stop answering at once: then it is more likely the network here than every cluster."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from pxm_tui.domain.cluster import Status
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.polling import needs_a_person

SILENT_SHARE = 0.9
SILENT_LEAST = 3
ANSWER_LIMIT = 30.0
"""Seconds that one answer may take at most; see the client's time limits."""


def silent_since(views: Iterable[ClusterView], period: float) -> datetime | None:
    """When nine tenths of at least three clusters stopped answering within one refresh; None if they did not."""
    asked = [view.cluster for view in views if not needs_a_person(view.cluster)]
    since = sorted(
        cluster.error.since
        for cluster in asked
        if cluster.status is Status.UNREACHABLE and cluster.error and cluster.error.since
    )
    least = max(SILENT_LEAST, math.ceil(SILENT_SHARE * len(asked)))
    if len(since) < least:
        return None
    window = timedelta(seconds=period + ANSWER_LIMIT)
    runs = zip(since, since[least - 1 :], strict=False)
    return next((first for first, last in runs if last - first <= window), None)
