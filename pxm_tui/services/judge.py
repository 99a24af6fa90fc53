"""What an answer, or the lack of one, means for a cluster's status."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

from pxm_tui.domain.certificate import Certificate
from pxm_tui.domain.cluster import (
    CheckResult,
    Cluster,
    Facts,
    Reason,
    Status,
    reason_of,
)
from pxm_tui.domain.errors import CertificateError, LoginError, PxmError
from pxm_tui.domain.observation import KEPT_RTTS, ErrorEntry, Observation, Snapshot, guest_counts, limits_of
from pxm_tui.domain.rights import rights_in_words

KEPT_ERRORS = 20


def status_of_error(error: PxmError) -> Status:
    """The status of a cluster that gave this error."""
    if isinstance(error, CertificateError):
        return Status.UNTRUSTED
    if isinstance(error, LoginError):
        return Status.UNAUTHORIZED
    return Status.UNREACHABLE


def judge(observed: Observation) -> tuple[Status, Reason | None]:
    """Healthy, or degraded and why."""
    offline = [node.name for node in observed.nodes if node.state == "offline"]
    unknown = [node.name for node in observed.nodes if node.state not in {"offline", "online"}]
    all_nodes = len(observed.nodes)
    online = all_nodes - len(offline) - len(unknown)
    if observed.quorate is False:
        seen = f"{online} of {all_nodes} nodes answer each other"
        if online == 1 < all_nodes:
            seen = f"The node that answers sees none of the other {all_nodes - 1}"
        message = f"{seen}; reading works, every change will be refused."
        return Status.DEGRADED, Reason("no_quorum", "no quorum", message, do="On a node: `pvecm status`.")
    if len(offline) == 1:
        quorum = "have quorum" if observed.quorate else "answer"
        message = f"Node {offline[0]} is offline; the other {online} of {all_nodes} {quorum}."
        return Status.DEGRADED, Reason("node_offline", f"{offline[0]} offline", message)
    if offline:
        message = f"Nodes {', '.join(offline)} are offline; {online} of {all_nodes} answer."
        return Status.DEGRADED, Reason("node_offline", f"{len(offline)} nodes offline", message)
    if unknown:
        message = f"Node {unknown[0]} sends no figures; its status is unknown."
        return (
            Status.DEGRADED,
            Reason("node_unknown", f"{unknown[0]} unknown", message, do="On it: `systemctl status pvestatd`."),
        )
    return Status.HEALTHY, None


def facts_of(observed: Observation) -> Facts:
    """The part of an observation that the record keeps."""
    running, total = guest_counts(observed)
    return Facts(
        proxmox_version=observed.version,
        node_count=len(observed.nodes),
        nodes_online=sum(node.state == "online" for node in observed.nodes),
        quorate=observed.quorate,
        guests_running=running,
        guests_total=total,
        limits=limits_of(observed.permissions),
        own_name=observed.own_name,
    )


def answered(cluster: Cluster, observed: Observation, at: datetime) -> CheckResult:
    """The result of a check that went through."""
    status, reason = judge(observed)
    return CheckResult(cluster.id, cluster.basis(), at, status, reason, facts_of(observed), refused=False)


def failed(cluster: Cluster, error: PxmError, step: str | None, at: datetime) -> CheckResult:
    """The result of a check that stopped at an error."""
    refused = True if isinstance(error, LoginError) and error.cause in REFUSALS else None
    return CheckResult(cluster.id, cluster.basis(), at, status_of_error(error), reason_of(error, step), None, refused)


REFUSALS = frozenset({"credentials", "token", "locked", "second_factor_wrong"})
"""Causes in which Proxmox VE itself refused what was sent."""


def snapshot_of(
    before: Snapshot, cluster: Cluster, observed: Observation, certificate: Certificate, at: datetime
) -> Snapshot:
    """The snapshot after a check that went through."""
    counts = Counter(guest.node for guest in observed.guests if not guest.template)
    may_see_guests = guest_counts(observed)[1] is not None
    nodes = tuple(replace(node, guests=counts.get(node.name, 0) if may_see_guests else None) for node in observed.nodes)
    as_before = observed.permissions is before.permissions  # of a refresh, which did not ask for them
    rights = before.rights if as_before else rights_in_words(observed.permissions, cluster.login.name, observed.version)
    return replace(
        before,
        taken_at=at,
        nodes=nodes,
        rtts_ms=(*before.rtts_ms, observed.rtt_ms)[-KEPT_RTTS:],
        rights=rights,
        permissions=observed.permissions,
        certificate_not_after=certificate.not_after,
    )


def with_error(before: Snapshot, reason: Reason, at: datetime) -> Snapshot:
    """The snapshot after a failure; the same one as the last only counts."""
    last = before.errors[0] if before.errors else None
    step = reason.step or ""
    if last is not None and (last.step, last.short) == (step, reason.short) and last.first_at.date() == at.date():
        entry = replace(last, last_at=at, count=last.count + 1)
        return replace(before, errors=(entry, *before.errors[1:]))
    return replace(before, errors=(ErrorEntry(step, reason.short, at, at), *before.errors)[:KEPT_ERRORS])
