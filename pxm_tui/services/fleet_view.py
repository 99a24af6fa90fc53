"""The watched fleet as the screens show it: what is known of each cluster, and of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.polling import needs_a_person


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One cluster as the screens show it.

    Attributes:
        cluster: the record.
        snapshot: what is known beyond it.
        asked: it has answered or failed in this run; before that the record is of an earlier run.
        tries: failures since the last answer.
        next_try: when it is asked again, by the monotonic timer; None: not by itself.
        checks: how often it was checked in this run.
        failures: how many of these failed.
    """

    cluster: Cluster
    snapshot: Snapshot
    asked: bool = False
    tries: int = 0
    next_try: float | None = None
    checks: int = 0
    failures: int = 0

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint in use; the registered one where none is."""
        used = self.snapshot.endpoint_in_use
        return used if used in self.cluster.endpoints else self.cluster.endpoint

    @property
    def waiting(self) -> bool:
        """An answer of this run is still awaited."""
        return not self.asked and not needs_a_person(self.cluster)


@dataclass(frozen=True, slots=True)
class FleetView:
    """Everything that the home screen shows.

    Attributes:
        clusters: by name, in natural order.
        silent_since: nine tenths of the clusters stopped answering at once, at this time; else None.
        notices: what the program itself has to say, newest last.
        locked: the secret store cannot be read, so nobody is asked.
        awaits_key: because it is locked; everybody is asked again when it is open.
    """

    clusters: tuple[ClusterView, ...] = ()
    silent_since: datetime | None = None
    notices: tuple[str, ...] = ()
    locked: bool = False
    awaits_key: bool = False


def checked(before: ClusterView, cluster: Cluster, snapshot: Snapshot, *, tries: int) -> ClusterView:
    """The view after a check; `tries` is 0 where it went through."""
    failures = before.failures + (tries > 0)
    return ClusterView(cluster, snapshot, asked=True, tries=tries, checks=before.checks + 1, failures=failures)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The views after the registry was read again.

    Attributes:
        views: by id.
        order: the ids, by name in natural order.
        met: what is new.
        rebased: the ids of those that must be asked anew, because what was found no longer counts for their records.
        parted: what is gone.
    """

    views: dict[str, ClusterView]
    order: tuple[str, ...]
    met: tuple[Cluster, ...]
    rebased: tuple[str, ...]
    parted: tuple[Cluster, ...]


def reconcile(
    before: Mapping[str, ClusterView], records: Iterable[Cluster], snapshots: Mapping[str, Snapshot]
) -> Reconciled:
    """Take the records as they are now; what is known beyond them stays, and is of `snapshots` for new ones."""
    views: dict[str, ClusterView] = {}
    met, rebased = [], []
    for record in records:
        old = before.get(record.id)
        if old is None:
            views[record.id] = ClusterView(record, snapshots.get(record.id) or Snapshot(record.id))
            met.append(record)
        else:
            views[record.id] = replace(old, cluster=record)
            if old.cluster.basis() != record.basis():
                rebased.append(record.id)
    parted = tuple(before[key].cluster for key in before.keys() - views.keys())
    return Reconciled(views, tuple(views), tuple(met), tuple(rebased), parted)
