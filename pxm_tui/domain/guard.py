"""The guard of a cluster: read-only, and the name that is typed before something is destroyed in production."""

from __future__ import annotations

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import NotPermittedError
from pxm_tui.domain.remedies import MAKE_WRITABLE
from pxm_tui.domain.text import fold, one_line

PRODUCTION = "prod"


def read_only(cluster: Cluster | None, doing: str, *, whole_run: bool) -> NotPermittedError:
    """Something would have changed a cluster that is read-only.

    Args:
        cluster: which; None where it is not registered yet.
        doing: what was wanted, such as `make a token`.
        whole_run: the run is read-only, and not just this cluster.
    """
    name = f" on {one_line(cluster.name)}" if cluster else ""
    if whole_run:
        why, do = "this run of pxm is read-only", "Run it without --read-only and without `read_only` in config.toml."
    else:
        why = "the cluster is guarded as read-only"
        do = f"Only if it is meant to be changed: {MAKE_WRITABLE}."
    return NotPermittedError("read_only", f"Not allowed to {doing}{name}: {why}. Nothing was sent.", do=do)


def wants_name(cluster: Cluster) -> bool:
    """Whether what destroys something of the cluster wants its name typed first."""
    return cluster.environment.lower() == PRODUCTION


def names_to_type(cluster: Cluster) -> tuple[str, ...]:
    """What may be typed: the name; where that is not ASCII, which not every keyboard has, also the id's beginning."""
    name = one_line(cluster.name)
    return (name,) if name.isascii() else (name, cluster.short_id)


def is_named(cluster: Cluster, typed: str) -> bool:
    """Whether that is what was typed, without regard to case and Unicode form."""
    return fold(typed.strip()) in {fold(name) for name in names_to_type(cluster)}
