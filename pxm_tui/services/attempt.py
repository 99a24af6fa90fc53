"""One run of a check's steps: on which record, where, with whom to talk, and what it has learned."""

from __future__ import annotations

from dataclasses import dataclass, field

from pxm_tui.domain.certificate import Trust
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.ports import Credentials, Ticket
from pxm_tui.services.refreshing import Known


@dataclass(slots=True)
class Learned:
    """What a check has learned of the trust; None: nothing beyond the record."""

    trust: Trust | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of the steps: on which record, where, with whom to talk, what to log in with, what to build on."""

    cluster: Cluster
    endpoint: Endpoint
    dialog: Dialog
    given: Credentials | None
    ticket: Ticket | None
    known: Known | None = None
    alone: bool = False
    """Over one connection: nobody looks on, and a thousand clusters may be checked at once."""
    prove: bool = False
    """The trust is new: the cluster's own authority is read, and takes the place of a leaf that it has signed."""
    looked_at: bool = False
    """All endpoints are being looked at, so what is remembered of them is not worth telling."""
    why: str = ""
    """Why another endpoint is asked than the one that was tried before; empty for the first."""
    learned: Learned = field(default_factory=Learned)
