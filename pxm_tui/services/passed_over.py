"""What a check says of the endpoints that it did not use because they fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.observation import EndpointState
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.services.dialog import Dialog

CAUSE = "endpoint_down"


def passed_over_words(used: Endpoint, failing: Sequence[EndpointState]) -> str:
    """That one endpoint answered, and which others cannot be used."""
    others = ", ".join(f"{state.endpoint.authority}: {state.error}" for state in failing)
    return f"{used.authority} answered; not used: {others}"


def with_passed_over(steps: Sequence[Step], states: Sequence[EndpointState], dialog: Dialog) -> tuple[Step, ...]:
    """The steps of a check that went through, the failing endpoints named in `connect`; that step is reported again.

    Args:
        steps: as they were reported.
        states: how each endpoint does.
        dialog: told of the step.
    """
    used = next((state.endpoint for state in states if state.in_use), None)
    failing = [state for state in states if state.error]
    if used is None or not failing:
        return tuple(steps)
    told = list[Step]()
    for step in steps:
        if step.name == "connect":
            step = replace(step, state=StepState.WARNING, cause=CAUSE, message=passed_over_words(used, failing))  # noqa: PLW2901
            dialog.step(step)
        told.append(step)
    return tuple(told)
