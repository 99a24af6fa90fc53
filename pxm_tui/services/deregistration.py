"""What deregistering a cluster did, and what it leaves on the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pxm_tui.domain.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Deregistration:
    """What deregistering did.

    Attributes:
        cluster: the record that was removed.
        revoked: whether the token was revoked on the cluster; None where pxm made none.
        cleanup: commands for what is left on the cluster.
    """

    cluster: Cluster
    revoked: bool | None
    cleanup: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `pxm deregister --json` prints it."""
        return {
            "id": self.cluster.id,
            "name": self.cluster.name,
            "revoked": self.revoked,
            "cleanup": list(self.cleanup),
        }


def cleanup_of(cluster: Cluster) -> tuple[str, ...]:
    """The commands that take back what stays on the cluster after deregistering: a token that pxm did not make."""
    if cluster.login.token_id is None:
        return ()
    user, _, name = cluster.login.token_id.partition("!")
    return (f"pveum user token remove {user} {name}",)
