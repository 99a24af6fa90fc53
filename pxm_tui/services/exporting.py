"""The registry as a file that `pxm import` reads: everything a person decided, no secret, no state.

The same registry gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pxm_tui.domain.certificate import Trust
from pxm_tui.domain.cluster import Cluster, Login
from pxm_tui.domain.pem import fingerprints
from pxm_tui.domain.text import natural_key
from pxm_tui.domain.times import iso
from pxm_tui.formats.writing import WRITERS

EXPORT_FORMATS = tuple(WRITERS)


def export(clusters: Sequence[Cluster], form: str) -> str:
    """The text of the file.

    Args:
        clusters: in any order; the file has them by name.
        form: one of `EXPORT_FORMATS`.
    """
    ordered = sorted(clusters, key=lambda cluster: (natural_key(cluster.name), cluster.id))
    entries = [entry_of(cluster) for cluster in ordered]
    for copy in copies(ordered):
        entries[copy]["separate"] = True
    return WRITERS[form](entries)


def copies(clusters: Sequence[Cluster]) -> list[int]:
    """The places of those that share an authority or leaf with another, as clones do that were registered apart."""
    places: dict[str, set[int]] = {}
    for place, cluster in enumerate(clusters):
        trust = cluster.trust
        for mark in {trust.ca_fingerprint, trust.fingerprint, *fingerprints(trust.vouched)} - {None}:
            places.setdefault(str(mark), set()).add(place)
    return sorted(set().union(*(found for found in places.values() if len(found) > 1)))


def entry_of(cluster: Cluster) -> dict[str, Any]:
    """One cluster: its identity, without what checks find."""
    return {
        "id": cluster.id,
        "name": cluster.name,
        "api_endpoint": cluster.endpoint.url,
        "endpoints": [endpoint.url for endpoint in cluster.endpoints],
        "created_at": iso(cluster.created_at),
        "login": _login(cluster.login),
        "labels": dict(sorted(cluster.labels)),
        "guard": {"read_only": cluster.read_only},
        "trust": _trust(cluster.trust),
    }


def _login(login: Login) -> dict[str, Any]:
    found: dict[str, Any] = {"method": str(login.method), "user": login.user}
    if login.token_id is not None:
        found |= {"token_id": login.token_id, "minted": login.minted, "expires_at": _moment(login.expires_at)}
    return found | {"changed_at": _moment(login.changed_at)}


def _trust(trust: Trust) -> dict[str, Any]:
    return {
        "mode": str(trust.mode),
        "fingerprint": trust.fingerprint,
        "ca_fingerprint": trust.ca_fingerprint,
        "anchor_pem": trust.anchor_pem or None,
        "certificate_pem": trust.certificate.pem if trust.certificate else None,
        "authority_pem": trust.authority.pem if trust.authority else None,
        "vouched": list(trust.vouched),
        "trusted_at": _moment(trust.trusted_at),
    }


def _moment(value: Any) -> str | None:
    return iso(value) if value is not None else None
