"""A page of a list. A cursor says after which cluster it goes on, so that changes between two pages lose none."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.messages import invalid
from pxm_tui.services.selection import SortKey, select, sort_key, sort_value

if TYPE_CHECKING:
    from pxm_tui.api.models import ListParameters

_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the clusters that a filter finds.

    Attributes:
        clusters: of this page.
        total: on all pages.
        next_cursor: where it goes on; None at the end.
    """

    clusters: tuple[Cluster, ...]
    total: int
    next_cursor: str | None


def page_of(clusters: Iterable[Cluster], asked: ListParameters) -> Page:
    """The page that is asked for.

    Raises:
        InvalidError: the cursor is not one of a list in this order.
    """
    order, backwards = asked.sort.removeprefix("-"), asked.sort.startswith("-")
    keyed = [(_key(cluster, order), cluster) for cluster in select(clusters, asked.status, asked.label)]
    keyed.sort(key=lambda pair: pair[0], reverse=backwards)
    total = len(keyed)
    if asked.cursor is not None:
        after = _read_cursor(asked.cursor, asked.sort)
        keyed = [pair for pair in keyed if (pair[0] < after if backwards else pair[0] > after)]
    here = keyed[: asked.limit]
    more = len(here) < len(keyed)
    cursor = _write_cursor(here[-1][1], asked.sort) if more else None
    return Page(tuple(cluster for _, cluster in here), total, cursor)


def _key(cluster: Cluster, order: str) -> SortKey:
    return sort_key(sort_value(cluster, order), cluster.name, cluster.id)


def _write_cursor(cluster: Cluster, sort: str) -> str:
    fields = [sort, sort_value(cluster, sort.removeprefix("-")), cluster.name, cluster.id]
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


def _read_cursor(text: str, sort: str) -> SortKey:
    try:
        if len(text) > _LONGEST:
            raise ValueError
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        fields = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        made_for, *rest = fields
        if made_for != sort or not all(isinstance(part, str) for part in rest):
            raise ValueError
        value, name, cluster_id = rest
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise invalid(
            "cursor", "This is no cursor of a list in this order.", "Take `next_cursor` of the page before, as it is."
        ) from None
    return sort_key(value, name, cluster_id)
