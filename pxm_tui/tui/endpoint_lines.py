"""What is said about a cluster's endpoints: one in a line, several in a line each with state and round-trip time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from pxm_tui.domain.cluster import Endpoint, Status
from pxm_tui.domain.observation import EndpointState
from pxm_tui.domain.times import local_short
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.glyphs import Glyphs
from pxm_tui.tui.text import safe


def endpoint_lines(view: ClusterView, now: datetime, glyphs: Glyphs, most: int) -> Iterator[str]:
    """A line for each endpoint, at most so many: those in use and those that fail are not left out for others."""
    endpoints = view.cluster.endpoints
    if len(endpoints) == 1:
        yield f"{endpoints[0].url}{_node(view, endpoints[0], in_use=True)}, the only one"
        return
    states = {state.endpoint: state for state in view.snapshot.endpoints}
    found = [_stopped(view, states.get(endpoint, EndpointState(endpoint))) for endpoint in endpoints]
    shown = set(sorted(range(len(found)), key=lambda index: (_rank(found[index]), index))[:most])
    for index in sorted(shown):
        yield _line(view, found[index], now, glyphs)
    left = len(found) - len(shown)
    if left:
        failing = sum(bool(state.error) for index, state in enumerate(found) if index not in shown)
        verb = "fails" if failing == 1 else "fail"
        yield f"and {left} more" + (f", {failing} of them {verb}" if failing else "")


def _stopped(view: ClusterView, state: EndpointState) -> EndpointState:
    """Where the certificate of the one in use stopped the cluster, it is that one's failure."""
    reason = view.cluster.error
    if view.cluster.status is not Status.UNTRUSTED or reason is None or not state.in_use:
        return state
    return replace(state, in_use=False, error=reason.short, since=reason.since)


def _rank(state: EndpointState) -> int:
    return 0 if state.in_use else 1 if state.error else 2


def _line(view: ClusterView, state: EndpointState, now: datetime, glyphs: Glyphs) -> str:
    sign = "unreachable" if state.error else "unknown" if state.rtt_ms is None else "healthy"
    words = [f"{glyphs.of_status(sign)} {state.endpoint.url}{_node(view, state.endpoint, in_use=state.in_use)}"]
    if state.in_use:
        words.append("in use")
    if state.error:
        since = f" since {local_short(state.since, now)}" if state.since else ""
        words.append(f"{safe(state.error)}{since}")
    else:
        words.append("not tried yet" if state.rtt_ms is None else f"RTT {max(1, round(state.rtt_ms))} ms")
    return ", ".join(words)


def _node(view: ClusterView, endpoint: Endpoint, *, in_use: bool) -> str:
    """Which node it is, where that is known."""
    nodes = view.snapshot.nodes
    name = next((node.name for node in nodes if node.address == endpoint.host), "")
    if not name and in_use:
        name = next((node.name for node in nodes if node.local), "")
    return f" (node {safe(name)})" if name else ""
