"""The report of a check or a registration: plain text for a ticket or a chat, without secrets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pxm_tui import __version__
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.domain.text import one_line

_NAME = 12
_STATE = 7


def check_report(
    cluster: Cluster, snapshot: Snapshot, steps: Sequence[Step], *, at: datetime, machine: str
) -> tuple[str, ...]:
    """The lines of the report of a check.

    Args:
        cluster: the record after the check.
        snapshot: what is known beyond it.
        steps: the checklist; steps that did not run are listed together.
        at: when it was checked, UTC.
        machine: the host name of this machine.
    """
    node = next((node.name for node in snapshot.nodes if node.local), "")
    url = (snapshot.endpoint_in_use or cluster.endpoint).url
    endpoint = f"{url} (node {node})" if node else url
    return (
        _head("check", cluster.name, at, machine),
        _row("cluster", _cluster_words(cluster, at)),
        _row("endpoint", endpoint),
        *step_rows(steps),
    )


def registration_report(endpoint: Endpoint, steps: Sequence[Step], *, at: datetime, machine: str) -> tuple[str, ...]:
    """The lines of the report of a registration that stopped."""
    return (
        _head("registration", endpoint.authority, at, machine),
        _row("endpoint", endpoint.url),
        *step_rows(steps),
    )


def _head(what: str, of: str, at: datetime, machine: str) -> str:
    return f"pxm {__version__} {what} of {one_line(of)}, {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, from {machine}"


def _cluster_words(cluster: Cluster, at: datetime) -> str:
    words = [f"{one_line(cluster.name)} (id {cluster.short_id})"]
    if cluster.proxmox_version:
        words.append(f"Proxmox VE {one_line(cluster.proxmox_version, 20)}")
    if cluster.last_seen_at is None:
        words.append("never seen")
    else:
        seen = cluster.last_seen_at.astimezone(UTC)
        today = seen.date() == at.astimezone(UTC).date()
        words.append(f"last seen {seen:%H:%M} UTC" if today else f"last seen {seen:%Y-%m-%d %H:%M} UTC")
    return ", ".join(words)


def step_rows(steps: Sequence[Step]) -> tuple[str, ...]:
    """One line a step that ran, and one for all that did not."""
    ran = [step for step in steps if step.state in _STATE_WORDS]
    idle = [step.name for step in steps if step.state not in _STATE_WORDS]
    rows = [_step_row(step) for step in ran]
    if idle:
        rows.append(_row("not run", ", ".join(idle)))
    return tuple(rows)


_STATE_WORDS = {StepState.OK: "ok", StepState.WARNING: "warning", StepState.FAILED: "failed"}


def _step_row(step: Step) -> str:
    said = one_line(step.message, 500)
    if step.cause:
        said = f"{step.cause}: {said}"
    return f"{step.name:<{_NAME}} {_STATE_WORDS[step.state]:<{_STATE}}{step.ms:>5} ms   {said}".rstrip()


def _row(name: str, said: str) -> str:
    return f"{name:<{_NAME}} {said}"
