"""Two records that turn out to be of one cluster, after both were saved: people are told, and nothing is merged.

A record learns its cluster's own authority late where its node has a certificate that this has not signed.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.messages import registered_twice
from pxm_tui.services.journal import Journal
from pxm_tui.services.ports import ClusterRepository


class Twins:
    """See the module.

    Args:
        repository: the registry.
        journal: where each finding is written down.
    """

    def __init__(self, repository: ClusterRepository, journal: Journal) -> None:
        self._repository = repository
        self._journal = journal
        self._texts: deque[str] = deque(maxlen=20)
        self._said: set[str] = set()

    async def look(self, cluster: Cluster) -> None:
        """Call it when a record has another authority than before: is that of another record as well?"""
        authority = cluster.trust.ca_fingerprint
        if authority is None:
            return
        with suppress(StorageError):
            for other in await self._repository.list():
                if other.id != cluster.id and other.trust.ca_fingerprint == authority:
                    self._say(cluster, registered_twice(cluster, other))

    def _say(self, cluster: Cluster, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._texts.append(text)
            self._journal.write(text, cluster=cluster.name, failure=True)

    def take(self) -> tuple[str, ...]:
        """What is to be told since the last call."""
        found = tuple(self._texts)
        self._texts.clear()
        return found
