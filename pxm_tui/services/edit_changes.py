"""What is to be different in a registered cluster."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pxm_tui.domain.certificate import Trust
from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod
from pxm_tui.domain.steps import CHECK_STEPS, EDIT_STEPS
from pxm_tui.domain.tokens import TokenRole
from pxm_tui.services.ports import Credentials


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different; None leaves it as it is.

    Attributes:
        name: the new name, checked for its form already.
        labels: all labels.
        endpoints: all endpoints, the registered one first.
        trust: what is to be verified against, as a request says it (`services.authority.requested_trust`).
        credentials: what to log in with.
        token: the role of the token that a password makes, which is forgotten then; None keeps the password.
        read_only: the guard.
    """

    name: str | None = None
    labels: tuple[tuple[str, str], ...] | None = None
    endpoints: tuple[Endpoint, ...] | None = None
    trust: Trust | None = None
    credentials: Credentials | None = field(default=None, repr=False)
    token: TokenRole | None = TokenRole.AUDITOR
    read_only: bool | None = None

    def against(self, cluster: Cluster) -> Changes:
        """Only what differs from the record. A login is always tried: its secret may be another."""
        return replace(
            self,
            name=None if self.name == cluster.name else self.name,
            labels=None if self.labels == cluster.labels else self.labels,
            endpoints=None if self.endpoints == cluster.endpoints else self.endpoints,
            read_only=None if self.read_only == cluster.read_only else self.read_only,
        )

    def words(self) -> tuple[str, ...]:
        """What they are about."""
        found = {
            "name": self.name,
            "labels": self.labels,
            "endpoints": self.endpoints,
            "trust": self.trust,
            "login": self.credentials,
            "read-only": self.read_only,
        }
        return tuple(word for word, value in found.items() if value is not None)

    def steps(self, cluster: Cluster) -> tuple[str, ...]:
        """Those of `EDIT_STEPS` that they are going to take."""
        given, found = self.credentials, {"save"}
        if self.name is not None:
            found.add("name")
        if self.endpoints is not None:
            found.add("endpoints")
        if self.trust is not None or given is not None:
            found.update(CHECK_STEPS)
        if given is not None and given.method is LoginMethod.PASSWORD and self.token is not None:
            found.add("token")
        if given is not None and cluster.login.minted and given.token_id != cluster.login.token_id:
            found.add("revoke")
        return tuple(name for name in EDIT_STEPS if name in found)
