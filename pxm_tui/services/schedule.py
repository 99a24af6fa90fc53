"""When each cluster is due; asking for the next ones costs the same for ten clusters and for a thousand."""

from __future__ import annotations

from collections.abc import Container
from heapq import heapify, heappop, heappush


class Schedule:
    """The times at which keys are due. One that was taken stays due until it is put off or dropped."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._queue: list[tuple[float, str]] = []
        """By time; entries that `_due` does not confirm are left over and passed over."""

    def at(self, key: str) -> float | None:
        """When `key` is due; None: not by itself."""
        return self._due.get(key)

    def put(self, key: str, at: float) -> None:
        """Let `key` be due at this time, in place of any other."""
        self._due[key] = at
        heappush(self._queue, (at, key))
        if len(self._queue) > 4 * len(self._due) + 64:
            self._queue = [(due, name) for name, due in self._due.items()]
            heapify(self._queue)

    def drop(self, key: str) -> None:
        """Let `key` not be due any more."""
        self._due.pop(key, None)

    def clear(self) -> None:
        """Let nothing be due."""
        self._due.clear()
        self._queue.clear()

    def next_at(self, busy: Container[str]) -> float | None:
        """The earliest time at which one is due that is not `busy`."""
        while self._queue:
            at, key = self._queue[0]
            if self._due.get(key) == at and key not in busy:
                return at
            heappop(self._queue)
        return None

    def take(self, now: float, busy: Container[str], most: int) -> list[str]:
        """At most so many keys that are due and not `busy`, the longest due first."""
        taken: list[str] = []
        while len(taken) < most and (at := self.next_at(busy)) is not None and at <= now:
            key = heappop(self._queue)[1]
            if key not in taken:
                taken.append(key)
        return taken

    def free(self, key: str) -> None:
        """Take note that `key` is not busy any more: if it is still due, its turn comes."""
        if (at := self._due.get(key)) is not None:
            heappush(self._queue, (at, key))
