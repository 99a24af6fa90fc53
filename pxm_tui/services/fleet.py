"""The whole fleet, watched: asked in turn, saved in batches, shown as one view that is always there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pxm_tui.domain.cluster import Cluster, Status, apply_check
from pxm_tui.domain.errors import SecretsLockedError, StorageError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.checking import Outcome
from pxm_tui.services.fleet_view import ClusterView, FleetView, checked, reconcile
from pxm_tui.services.means import Means
from pxm_tui.services.polling import PollingPolicy, needs_a_person
from pxm_tui.services.ports import SnapshotCache
from pxm_tui.services.saving import CheckSaving
from pxm_tui.services.schedule import Schedule
from pxm_tui.services.silence import silent_since

_logger = logging.getLogger(__name__)

DEFECT_DELAY = 300.0
LOOK_EVERY = 2.0
"""Seconds between two looks at whether another process changed the registry."""
MOST_NOTICES = 100
"""Kept until a person has read them; a server runs for months, and nobody reads them there."""


class FleetService:
    """Watches all clusters on the client's loop. `view()` may be called from any thread.

    Args:
        means: what it works with; the secret store is swept at start.
        cache: the last known state.
        policy: how often.
        pause: waits for an event at most so many seconds; replaced in tests.
    """

    def __init__(
        self,
        means: Means,
        cache: SnapshotCache,
        policy: PollingPolicy,
        *,
        pause: Callable[[asyncio.Event, float], Awaitable[None]] | None = None,
    ) -> None:
        self._means = means
        self._repository = means.repository
        self._secrets = means.secrets
        self._cache = cache
        self._runner = means.runner
        self._journal = means.journal
        self._policy = policy
        self._clock = means.clock
        self._timer = means.timer
        self._pause = pause or _wait
        self._views: dict[str, ClusterView] = {}
        self._order: tuple[str, ...] = ()
        self._due = Schedule()
        self._saving = CheckSaving(means.repository, cache, means.timer)
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        """Those that somebody wants to be asked while they are: what fails now had begun before."""
        self._notices: list[str] = []
        self._stamp: object = None
        self._locked = False
        self._awaits_key = False
        self._wake: asyncio.Event | None = None
        self._tell: Callable[[], None] = lambda: None
        self._told = False

    # What the screens ask

    def load(self) -> FleetView:
        """Read registry and cache, without a loop: the view before anything has answered. Raises `StorageError`."""
        self._stamp = self._repository.stamp()
        snapshots = self._cache.read()
        self._reconcile(self._repository.read(), snapshots)
        self.pass_on_notices()
        return self.view()

    def view(self) -> FleetView:
        """The fleet as it is known now."""
        self._told = False
        views = self._views
        clusters = tuple(views[key] for key in self._order if key in views)
        return FleetView(
            clusters,
            silent_since(clusters, self._policy.period or 0.0),
            tuple(self._notices),
            self._locked,
            self._awaits_key,
        )

    def dismiss_notices(self) -> None:
        """The person has read them."""
        self._notices.clear()

    async def watch(self, on_change: Callable[[], None]) -> None:
        """Ask all clusters in turn until cancelled.

        `on_change` is called on the caller's loop when the view has changed; once, until `view()` is called.
        """
        self._tell = self._runner.here(on_change)
        await self._runner.run(self._watch)

    async def refresh(self, cluster_ids: Iterable[str] | None = None) -> None:
        """Ask these clusters, or all that need no person, now; endpoints that failed are looked at again as well."""
        wanted = None if cluster_ids is None else frozenset(cluster_ids)

        async def work() -> None:
            self._locked = self._awaits_key and not self._secrets.is_open()
            endpoints = self._means.checker().endpoints
            for key, view in self._views.items():
                if (wanted is None or key in wanted) and not needs_a_person(view.cluster):
                    self._due.put(key, self._timer())
                    endpoints.hurry(view.cluster)
                    if key in self._checks:
                        self._again.add(key)
            self._wake_up()

        await self._runner.run(work)

    async def pause(self) -> None:
        """Ask nobody until the secret store is open again; what is being asked is given up. On the client's loop."""
        self._await_key()
        checks = dict(self._checks)
        for check in checks.values():
            check.cancel()
        await asyncio.gather(*checks.values(), return_exceptions=True)
        for key in checks.keys() & self._checks.keys():  # those that had not begun do not clean up themselves
            del self._checks[key]
            self._due.free(key)

    async def adopt(self, cluster: Cluster, snapshot: Snapshot, *, failed: bool = False) -> None:
        """Take over what a registration or a check by a person has found, and re-read the registry."""

        async def work() -> None:
            self._saving.supersede(cluster.id)
            before = self._views.get(cluster.id, ClusterView(cluster, snapshot))
            if cluster.status is not before.cluster.status:
                self._tell_of_change(before.cluster, cluster)
            self._views[cluster.id] = checked(before, cluster, snapshot, tries=1 if failed else 0)
            self._plan(cluster.id)
            self._reload()

        await self._runner.run(work)

    async def remember(self, snapshots: Iterable[Snapshot]) -> None:
        """Keep what single checks have found, where nothing is watched: on the command line."""
        found = {snapshot.cluster_id: snapshot for snapshot in snapshots}
        await self._cache.write({**self._cache.read(), **found})

    async def reload(self) -> None:
        """Re-read the registry now: after a deregistration."""

        async def work() -> None:
            self._reload()

        await self._runner.run(work)

    # The watch, on the client's loop

    async def _watch(self) -> None:
        self._wake = asyncio.Event()
        self._plan_all()
        try:
            await self._sweep()
            while True:
                self._wake.clear()
                self._look_at_registry()
                self._resume_when_open()
                self._start_due()
                await self._save(at_end=False)
                await self._pause(self._wake, self._idle_for())
        finally:
            await _uninterrupted(self._finish())

    async def _sweep(self) -> None:
        with suppress(StorageError):
            state = await self._secrets.state()
            if not state.open and self._views:
                self._await_key()
            await self._means.sweep()
        for text in await self._means.left_overs.named():
            self._notice(text)
        self.pass_on_notices()

    def _plan_all(self) -> None:
        """The first round: everybody at once, so that the screen fills; the rounds after it are spread."""
        now = self._timer()
        self._due.clear()
        for key, view in self._views.items():
            if self._asks_by_itself(view):
                self._due.put(key, now)

    def _asks_by_itself(self, view: ClusterView) -> bool:
        return self._policy.period is not None and not needs_a_person(view.cluster)

    def _plan(self, key: str, *, first: bool = False) -> None:
        view = self._views[key]
        delay = self._policy.delay(view.cluster, view.tries)
        if first and key in self._order:
            delay = self._policy.first_delay(view.cluster, view.tries, self._order.index(key), len(self._order))
        if delay is None:
            self._due.drop(key)
        else:
            self._due.put(key, self._timer() + delay)
        self._views[key] = replace(view, next_try=self._due.at(key))

    def _idle_for(self) -> float:
        """Seconds until there is something to do."""
        if len(self._checks) >= self._policy.concurrency or self._locked:
            return LOOK_EVERY
        due = self._due.next_at(self._checks)
        return LOOK_EVERY if due is None else min(LOOK_EVERY, max(0.0, due - self._timer()))

    def _start_due(self) -> None:
        if self._locked:
            return
        free = self._policy.concurrency - len(self._checks)
        for key in self._due.take(self._timer(), self._checks, free):
            self._checks[key] = asyncio.create_task(self._check(key), name=f"check {key}")

    async def _check(self, key: str) -> None:
        view = self._views[key]
        try:
            outcome = await self._means.checker().refresh(view.cluster, view.snapshot)
            self._take(key, view.cluster, outcome)
            if outcome.error is not None and self._is_wanted_again(key):
                self._due.put(key, self._timer())
            else:
                await self._look_around(key)
        except SecretsLockedError:
            self._await_key()
        except StorageError as error:
            self._locked = True
            self._notice(error.message)
        except Exception:  # a defect met by one cluster must not end the watch of the others
            _logger.exception("checking %s failed", view.cluster.name)
            self._due.put(key, self._timer() + DEFECT_DELAY)
        finally:
            self._checks.pop(key, None)
            self._again.discard(key)
            self._due.free(key)
            self._wake_up()

    def _is_wanted_again(self, key: str) -> bool:
        view = self._views.get(key)
        return key in self._again and view is not None and not needs_a_person(view.cluster)

    async def _look_around(self, key: str) -> None:
        """See whether endpoints that failed are back, and whether those that are not in use still answer."""
        view = self._views.get(key)
        if view is None or len(view.cluster.endpoints) < 2 or needs_a_person(view.cluster):
            return
        endpoints = self._means.checker().endpoints
        if await endpoints.look_around(view.cluster) and (view := self._views.get(key)) is not None:
            snapshot = replace(view.snapshot, endpoints=endpoints.states(view.cluster))
            self._views[key] = replace(view, snapshot=snapshot)
            self._changed()

    def _await_key(self) -> None:
        """Nobody is asked until the secret store is open, by whatever way."""
        self._locked = self._awaits_key = True
        self._changed()

    def _resume_when_open(self) -> None:
        if self._awaits_key and self._secrets.is_open():
            self._locked = self._awaits_key = False
            self._plan_all()
            self._changed()

    def _take(self, key: str, asked: Cluster, outcome: Outcome) -> None:
        view = self._views.get(key)
        if view is None or view.cluster.basis() != asked.basis():
            return
        record = apply_check(view.cluster, outcome.result)
        tries = 0 if outcome.error is None else view.tries + 1
        self._views[key] = checked(view, record, outcome.snapshot, tries=tries)
        self._plan(key, first=not view.asked)
        turned, vouched = record.status is not view.cluster.status, outcome.result.trust is not None
        self._saving.add(key, outcome.result, urgent=turned or vouched)
        if turned:
            self._tell_of_change(view.cluster, record)
        self._changed()

    def _tell_of_change(self, before: Cluster, after: Cluster) -> None:
        reason = f": {after.error.message}" if after.error else ""
        self._journal.write(
            f"{before.status} -> {after.status}{reason}",
            cluster=after.name,
            failure=after.status is not Status.HEALTHY,
        )

    # Registry and cache

    def _look_at_registry(self) -> None:
        with suppress(StorageError):
            stamp = self._repository.stamp()
            if stamp != self._stamp:
                self._reload()

    def _reload(self) -> None:
        try:
            self._stamp = self._repository.stamp()
            self._reconcile(self._repository.read(), {})
            self.pass_on_notices()
        except StorageError as error:
            self._notice(error.message)
        self._wake_up()
        self._changed()

    def _reconcile(self, records: Iterable[Cluster], snapshots: Mapping[str, Snapshot]) -> None:
        """Take the registry as it is on disk; what was found since its last write stays on top."""
        found = reconcile(self._views, map(self._saving.on_top_of, records), snapshots)
        for cluster in found.met:
            self._meet(cluster)
        for key in found.rebased:
            self._due.put(key, self._timer())
        for cluster in found.parted:
            self._part_from(cluster)
        self._views, self._order = found.views, found.order

    def _meet(self, cluster: Cluster) -> None:
        if self._wake is None:
            return
        self._due.put(cluster.id, self._timer())
        if cluster.id not in self._means.own_changes:
            self._notice(f"{cluster.name} was registered by another pxm.")

    def _part_from(self, cluster: Cluster) -> None:
        self._due.drop(cluster.id)
        self._saving.drop(cluster.id)
        check = self._checks.get(cluster.id)
        if check is not None:
            check.cancel()
        if cluster.id not in self._means.own_changes:
            self._notice(f"{cluster.name} was deregistered by another pxm.")

    async def _save(self, *, at_end: bool) -> None:
        # The stamp stays that of the last look: another process may have written just before us.
        try:
            await self._saving.save(lambda: {key: view.snapshot for key, view in self._views.items()}, at_end=at_end)
        except StorageError as error:
            self._notice(error.message)

    async def _finish(self) -> None:
        checks = list(self._checks.values())
        for check in checks:
            check.cancel()
        await asyncio.gather(*checks, return_exceptions=True)
        await self._save(at_end=True)

    def pass_on_notices(self) -> None:
        """Show and log what registry and secret store have to say, and which records are of one cluster."""
        for text in (*self._repository.notices(), *self._secrets.notices()):
            self._notice(text)
        for text in self._means.twins.take():
            self._notice(text, logged=True)

    def _notice(self, text: str, *, logged: bool = False) -> None:
        if text not in self._notices:
            self._notices.append(text)
            del self._notices[:-MOST_NOTICES]
            if not logged:
                self._journal.write(text, failure=True)
        self._changed()

    def _wake_up(self) -> None:
        if self._wake is not None:
            self._wake.set()

    def _changed(self) -> None:
        """Tell the face once; the next time after it has looked."""
        if not self._told:
            self._told = True
            self._tell()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        # Not wait_for: until Python 3.12 that forgets a cancellation which comes together with the event.
        async with asyncio.timeout(seconds):
            await event.wait()


async def _uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run the last write to its end, although the watch is being cancelled."""
    await asyncio.shield(asyncio.ensure_future(work))
