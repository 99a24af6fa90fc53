"""The public records straight from stored documents, for `pxm list`: without building the domain's objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IDENTITIES = "clusters"
STATES = "states"

RECORD_KEYS = (
    "id", "name", "api_endpoint", "status", "proxmox_version", "node_count", "created_at", "updated_at",
    "endpoints", "login", "labels", "trust", "last_seen_at", "nodes_online", "quorate", "guests_running",
    "guests_total", "limits", "error", "guard",
)  # fmt: skip
"""The fields of a record in their order, as `Cluster.to_json` gives them."""


def records_of(tables: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records of all clusters in the registry's tables, in their order there, which is that of their names.

    Raises:
        LookupError, TypeError, AttributeError: the documents have not the expected form.
    """
    states = tables[STATES]
    joined = (states[cluster_id] | identity for cluster_id, identity in tables[IDENTITIES].items())
    return [{key: fields[key] for key in RECORD_KEYS} for fields in joined]
