"""When each cluster is asked next. Polite: spread over the period, backing off, and never where a person must act."""

from __future__ import annotations

from dataclasses import dataclass

from pxm_tui.domain.cluster import NEEDS_A_PERSON, Cluster, Status

BACK_OFF = (15.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds until an unreachable cluster is asked again, by the number of tries so far."""


@dataclass(frozen=True, slots=True)
class PollingPolicy:
    """How often clusters are asked.

    Attributes:
        period: seconds between two questions; None: only when a person asks.
        concurrency: how many at the same time.
    """

    period: float | None = 15.0
    concurrency: int = 100

    def delay(self, cluster: Cluster, tries: int) -> float | None:
        """Seconds until `cluster` is asked again after an answer or failure; None: not before a person acts."""
        if self.period is None or needs_a_person(cluster):
            return None
        if cluster.status is Status.UNREACHABLE:
            return max(BACK_OFF[min(max(tries, 1), len(BACK_OFF)) - 1], self.period)
        return self.period

    def first_delay(self, cluster: Cluster, tries: int, index: int, count: int) -> float | None:
        """As `delay`, after the first answer: put off or brought forward, so that rounds spread over the period."""
        usual = self.delay(cluster, tries)
        if usual is None or self.period is None:
            return None
        return usual + self.period * (index - (count - 1) / 2) / max(count, 1)


def needs_a_person(cluster: Cluster) -> bool:
    """No credential is sent to this cluster until a person acts."""
    return cluster.status in NEEDS_A_PERSON or cluster.login.refused
