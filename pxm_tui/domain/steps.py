"""The checklist of a registration or a check: one step after the other, each with its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pxm_tui.domain.errors import PxmError

REGISTER_STEPS = (
    "name",
    "address",
    "connect",
    "certificate",
    "proxmox",
    "login",
    "version",
    "discovery",
    "identity",
    "token",
    "save",
)
CHECK_STEPS = REGISTER_STEPS[1:8]
LOGIN_STEPS = (*CHECK_STEPS, "token", "save", "revoke")
"""Those that another login for a registered cluster may take."""
EDIT_STEPS = ("name", *CHECK_STEPS, "endpoints", *LOGIN_STEPS[len(CHECK_STEPS) :])
"""Those that an edit may take; it reports the ones that it needed."""


class StepState(StrEnum):
    """How far a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step and its outcome.

    Attributes:
        name: one of `REGISTER_STEPS` or `EDIT_STEPS`.
        state: waiting and running are only seen while it goes on.
        ms: how long it took, milliseconds.
        cause: the stable word where it is not ok.
        message: what was found, or what happened.
        probably: the likely reason of a failure.
        do: the next step after a failure or warning.
    """

    name: str
    state: StepState
    ms: int = 0
    cause: str | None = None
    message: str = ""
    probably: str = ""
    do: str = ""

    @classmethod
    def of_error(cls, name: str, ms: int, error: PxmError) -> Step:
        """A failed step that says what `error` says."""
        return cls(name, StepState.FAILED, ms, error.cause, error.message, error.probably, error.do)

    @property
    def hint(self) -> str:
        """The likely reason and the next step, together."""
        return " ".join(part for part in (self.probably, self.do) if part)

    def to_json(self) -> dict[str, Any]:
        """The step as `--json` prints it."""
        return {
            "name": self.name,
            "state": str(self.state),
            "ms": self.ms,
            "cause": self.cause,
            "message": self.message,
            "hint": self.hint,
        }
