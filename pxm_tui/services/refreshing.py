"""What a full check found that a refresh need not ask for again, and when it must be asked for again after all."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import lru_cache

from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.observation import Observation, Permissions

FULL_EVERY = 600.0
"""Seconds after which a cluster is checked in full again: its version and the login's rights change rarely."""


class SurpriseError(Exception):
    """A refresh met what only a full check can explain."""


@dataclass(frozen=True, slots=True)
class Known:
    """The part of a full check that refreshes build on.

    Attributes:
        basis: `Cluster.basis()` of the record that was checked.
        endpoint: where it was checked; another node may run another version.
        at: when, by the monotonic timer, seconds.
        version: such as `9.2.11`.
        permissions: what the login may do.
        own_name: the cluster's name.
        nodes: the names of its nodes.
        sees_quorum: the login may see whether it is quorate.
        sees_guests: the login sees any guest.
    """

    basis: Hashable
    endpoint: Endpoint
    at: float
    version: str
    permissions: Permissions
    own_name: str | None
    nodes: tuple[str, ...]
    sees_quorum: bool
    sees_guests: bool

    @classmethod
    def of(cls, cluster: Cluster, endpoint: Endpoint, observed: Observation, at: float) -> Known:
        """What a full check of `cluster` at `endpoint` leaves behind."""
        return cls(
            basis=cluster.basis(),
            endpoint=endpoint,
            at=at,
            version=observed.version,
            permissions={path: _shared(held) for path, held in observed.permissions.items()},
            own_name=observed.own_name,
            nodes=tuple(node.name for node in observed.nodes),
            sees_quorum=observed.quorate is not None,
            sees_guests=bool(observed.guests),
        )

    def serves(self, cluster: Cluster, endpoint: Endpoint, now: float) -> bool:
        """Whether a refresh of `cluster` at `endpoint` may build on this."""
        recent = now - self.at < FULL_EVERY
        return recent and self.endpoint == endpoint and self.basis == cluster.basis()

    def complete(self, seen: Observation) -> Observation:
        """A refresh's observation with what it did not ask for.

        Raises:
            SurpriseError: the login sees more or less than it did, or the cluster is not made of the same nodes.
        """
        as_before = (
            self.own_name == seen.own_name
            and self.nodes == tuple(node.name for node in seen.nodes)
            and self.sees_quorum == (seen.quorate is not None)
            and self.sees_guests == bool(seen.guests)
        )
        if not as_before:
            raise SurpriseError
        return replace(seen, version=self.version, permissions=self.permissions)


@lru_cache(1024)
def _shared(held: frozenset[str]) -> frozenset[str]:
    """The same set for equal ones: a thousand clusters with one role hold it once."""
    return held
