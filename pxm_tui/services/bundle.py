"""All services of one run, as bootstrap hands them to a face."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pxm_tui.services.audit import Audit
from pxm_tui.services.clusters import ClusterService
from pxm_tui.services.faults import FaultInjector
from pxm_tui.services.fleet import FleetService
from pxm_tui.services.guarding import Guard
from pxm_tui.services.journal import Journal
from pxm_tui.services.ports import Clock, Timer
from pxm_tui.services.secret_keeping import SecretsService
from pxm_tui.services.software import SoftwareService
from pxm_tui.services.token_service import TokenService


class Preferences(Protocol):
    """What a face remembers from run to run: sort order, filter, the last environment. Never anything secret."""

    def read(self) -> dict[str, Any]:
        """What was remembered; empty where there is nothing or it cannot be read."""
        ...

    def write(self, values: Mapping[str, Any]) -> None:
        """Remember; failing to is not an error."""
        ...


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are kept, for the texts of the screens: paths with the home directory as `~`."""

    registry: str
    secrets: str
    log: str
    data: str
    audit: str


@dataclass(frozen=True, slots=True)
class DemoFourth:
    """The cluster of the demo fleet that is left to be registered."""

    endpoint: str
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Services:
    """What a face works with.

    Attributes:
        clusters: register, check, repair, deregister.
        tokens: rotate.
        fleet: the watched fleet.
        software: what the nodes of a cluster run.
        secrets: how secrets are kept: locked, opened, and who holds their key.
        journal: the log of this run.
        audit: where every change is written down.
        guard: what may not be changed.
        preferences: what the face remembers.
        places: where things are kept.
        clock: UTC now.
        timer: monotonic seconds.
        machine: this machine's host name, for reports.
        period: seconds between two refreshes; None: by hand only.
        lock_after: seconds without a key after which a face locks the secret store; None: never by itself.
        demo: set in the demo.
        close: ends the registry's writer; called once at the end.
        faults: what can go wrong at the demo's clusters; set in the demo alone.
    """

    clusters: ClusterService
    tokens: TokenService
    fleet: FleetService
    software: SoftwareService
    secrets: SecretsService
    journal: Journal
    audit: Audit
    guard: Guard
    preferences: Preferences
    places: Places
    clock: Clock
    timer: Timer
    machine: str
    period: float | None = 15.0
    lock_after: float | None = None
    demo: DemoFourth | None = None
    close: Callable[[], None] = lambda: None
    faults: FaultInjector | None = None

    @property
    def program(self) -> str:
        """The program's name as screens begin: `pxm`, with `DEMO` in the demo and `RO` in a read-only run."""
        words = ("pxm", *(("DEMO",) if self.demo else ()), *(("RO",) if self.guard.read_only else ()))
        return " ".join(words)
