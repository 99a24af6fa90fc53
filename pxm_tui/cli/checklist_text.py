"""The checklist of a registration or a check in plain text, for a terminal, a ticket or a chat."""

from __future__ import annotations

from datetime import datetime

from pxm_tui import __version__
from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.domain.text import one_line

NAME_WIDTH = 12
RAN = frozenset({StepState.OK, StepState.WARNING, StepState.FAILED})


def steps_text(steps: tuple[Step, ...]) -> str:
    """One line a step, what to do under the one that is not ok, and at the end what was not run."""
    lines: list[str] = []
    for step in steps:
        if step.state in RAN:
            lines.extend(_step_lines(step))
    skipped = [step.name for step in steps if step.state not in RAN]
    if skipped:
        lines.append(f"{'not run':<{NAME_WIDTH}} {', '.join(skipped)}")
    return "\n".join(lines)


def _step_lines(step: Step) -> list[str]:
    said = f"{step.cause}: {step.message}" if step.cause else step.message
    first = f"{step.name:<{NAME_WIDTH}} {step.state:<7} {step.ms:>5} ms   {one_line(said, 1000)}".rstrip()
    return [first, *(f"{'':<{NAME_WIDTH}} {one_line(part, 1000)}" for part in (step.probably, step.do) if part)]


def report(cluster: Cluster, steps: tuple[Step, ...], at: datetime, machine: str) -> str:
    """The report of a check, as it is copied for a ticket; without secrets."""
    seen = f", last seen {cluster.last_seen_at:%Y-%m-%d %H:%M} UTC" if cluster.last_seen_at else ""
    version = f", Proxmox VE {cluster.proxmox_version}" if cluster.proxmox_version else ""
    name = one_line(cluster.name)
    return "\n".join(
        (
            f"pxm {__version__} check of {name}, {at:%Y-%m-%d %H:%M:%S} UTC, from {one_line(machine)}",
            f"{'cluster':<{NAME_WIDTH}} {name} (id {cluster.short_id}){one_line(version)}{seen}",
            f"{'endpoint':<{NAME_WIDTH}} {one_line(cluster.endpoint.url)}",
            steps_text(steps),
        )
    )
