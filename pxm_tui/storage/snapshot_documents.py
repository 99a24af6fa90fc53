"""Snapshots as plain JSON documents, and back."""

from __future__ import annotations

import sys
from typing import Any

from pxm_tui.domain.observation import EndpointState, ErrorEntry, Node, Permissions, Snapshot
from pxm_tui.storage import fields
from pxm_tui.storage.endpoints import endpoint_of
from pxm_tui.storage.fields import optional_written, written
from pxm_tui.storage.problems import DamagedError


def snapshot_document(snapshot: Snapshot) -> dict[str, Any]:
    """What the cache keeps of a cluster."""
    return {
        "cluster": snapshot.cluster_id,
        "taken_at": optional_written(snapshot.taken_at),
        "nodes": [_node_document(node) for node in snapshot.nodes],
        "rtts_ms": list(snapshot.rtts_ms),
        "rights": snapshot.rights,
        "certificate_not_after": optional_written(snapshot.certificate_not_after),
        "errors": [_error_document(entry) for entry in snapshot.errors],
        "endpoints": [_endpoint_document(state) for state in snapshot.endpoints],
        "permissions": _permissions_document(snapshot.permissions),
    }


def snapshot_of(document: Any) -> Snapshot:
    """The reverse.

    Raises:
        DamagedError: it is not such a document.
    """
    try:
        return Snapshot(
            fields.text(document["cluster"]),
            fields.optional_moment(document["taken_at"]),
            tuple(_node(node) for node in fields.items(document["nodes"])),
            tuple(fields.real(rtt) for rtt in fields.items(document["rtts_ms"])),
            fields.text(document["rights"]),
            fields.optional_moment(document["certificate_not_after"]),
            tuple(_error(entry) for entry in fields.items(document["errors"])),
            tuple(_endpoint(state) for state in fields.items(document.get("endpoints", []))),
            _permissions(document.get("permissions", [])),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise DamagedError(f"a value has a wrong form ({type(error).__name__})") from None


def _permissions_document(permissions: Permissions) -> list[list[list[str]]]:
    """Each set of privileges once, with its paths: there are few sets, and there may be a path for every guest."""
    paths: dict[frozenset[str], list[str]] = {}
    for path, held in permissions.items():
        paths.setdefault(held, []).append(path)
    return [[sorted(held), found] for held, found in paths.items()]


def _permissions(found: Any) -> Permissions:
    kept: dict[str, frozenset[str]] = {}
    for privileges, paths in fields.items(found):
        held = frozenset(sys.intern(fields.text(one)) for one in fields.items(privileges))
        kept |= dict.fromkeys((fields.text(path) for path in fields.items(paths)), held)
    return kept


def _node_document(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "state": node.state,
        "address": node.address,
        "cpu": node.cpu,
        "memory_used": node.memory_used,
        "memory_total": node.memory_total,
        "uptime": node.uptime,
        "guests": node.guests,
        "local": node.local,
    }


def _node(found: Any) -> Node:
    return Node(
        fields.text(found["name"]),
        fields.text(found["state"]),
        fields.optional_text(found["address"]),
        fields.optional_real(found["cpu"]),
        fields.optional_number(found["memory_used"]),
        fields.optional_number(found["memory_total"]),
        fields.optional_number(found["uptime"]),
        fields.optional_number(found["guests"]),
        fields.boolean(found["local"]),
    )


def _error_document(entry: ErrorEntry) -> dict[str, Any]:
    return {
        "step": entry.step,
        "short": entry.short,
        "first_at": written(entry.first_at),
        "last_at": written(entry.last_at),
        "count": entry.count,
    }


def _error(found: Any) -> ErrorEntry:
    return ErrorEntry(
        fields.text(found["step"]),
        fields.text(found["short"]),
        fields.moment(found["first_at"]),
        fields.moment(found["last_at"]),
        fields.number(found["count"]),
    )


def _endpoint_document(state: EndpointState) -> dict[str, Any]:
    return {
        "url": state.endpoint.url,
        "in_use": state.in_use,
        "rtt_ms": state.rtt_ms,
        "error": state.error,
        "since": optional_written(state.since),
    }


def _endpoint(found: Any) -> EndpointState:
    return EndpointState(
        endpoint_of(fields.text(found["url"])),
        fields.boolean(found["in_use"]),
        fields.optional_real(found["rtt_ms"]),
        fields.text(found["error"]),
        fields.optional_moment(found["since"]),
    )
