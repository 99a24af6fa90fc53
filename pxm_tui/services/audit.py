"""Writing down every change that the program makes, on a cluster or in the registry."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from pxm_tui.domain.audit import Actor, AuditEntry, AuditVerdict
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.text import one_line
from pxm_tui.domain.times import iso
from pxm_tui.services.journal import Journal
from pxm_tui.services.ports import Clock

DONE = "done"

_behalf: ContextVar[tuple[tuple[str, str], ...]] = ContextVar("on behalf of", default=())


@contextmanager
def on_behalf_of(**facts: str) -> Iterator[None]:
    """Say in every entry that is written inside, on whatever loop, for whom it is done."""
    before = _behalf.set(tuple(facts.items()))
    try:
        yield
    finally:
        _behalf.reset(before)


SHOWN = 2000
"""How many entries the screen shows."""


class AuditLog(Protocol):
    """Keeps the entries in order. `read` and `verify` block: they are called in a thread."""

    async def append(self, entry: AuditEntry) -> None:
        """Write one more. Raises `StorageError`."""
        ...

    def read(self, last: int | None = None) -> tuple[AuditEntry, ...]:
        """The entries, oldest first; of many the `last` ones. Raises `StorageError`."""
        ...

    def verify(self) -> AuditVerdict:
        """Whether all is as it was written. Raises `StorageError`."""
        ...


class Audit:
    """See the module.

    Args:
        log: where the entries go.
        actor: who runs the program.
        clock: UTC now.
        journal: told when an entry cannot be written; the action itself is done by then, and is not taken back.
    """

    def __init__(self, log: AuditLog, actor: Actor, clock: Clock, journal: Journal) -> None:
        self._log = log
        self._actor = actor
        self._clock = clock
        self._journal = journal

    async def record(
        self, action: str, cluster: Cluster | None, result: str = DONE, *, upid: str | None = None, **facts: str | int
    ) -> None:
        """Write down what was done. Call it when the outcome is known, on any loop.

        Cancelling the caller ends the waiting only.

        Args:
            action: what, in one word or two joined by `_`, such as `register`.
            cluster: on which cluster; None where it is about the program itself.
            result: `done`, or the cause of the failure.
            upid: the task that runs it on the cluster.
            **facts: what else should be known. Strings and numbers only: a `Secret` is neither.

        Raises:
            TypeError: a fact is neither a string nor a number.
        """
        known: dict[str, str | int] = {**dict(_behalf.get()), **facts}
        for name, value in known.items():
            if type(value) not in {str, int, bool}:  # a subclass could print what it likes
                raise TypeError(f"{name} is a {type(value).__name__}, and the audit takes strings and numbers only")
        entry = AuditEntry(
            at=iso(self._clock()),
            actor=self._actor,
            action=one_line(action, 60),
            result=one_line(result),
            cluster_id=cluster.id if cluster else "",
            cluster_name=one_line(cluster.name) if cluster else "",
            upid=one_line(upid or ""),
            facts=tuple((name, one_line(v) if isinstance(v, str) else v) for name, v in known.items()),
        )
        try:
            await self._log.append(entry)
        except StorageError as error:
            name = cluster.name if cluster else ""
            self._journal.write(f"{entry.words()}; not in the audit: {error.message}", cluster=name, failure=True)

    async def entries(self, last: int = SHOWN) -> tuple[AuditEntry, ...]:
        """The last entries, oldest first. Raises `StorageError`."""
        return await asyncio.to_thread(self._log.read, last)

    async def verify(self) -> AuditVerdict:
        """Whether all is as it was written. Raises `StorageError`."""
        return await asyncio.to_thread(self._log.verify)
