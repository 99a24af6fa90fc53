"""A cluster as two plain JSON documents, and back: what a person decides, and the state that checks write.

They are kept apart because every refresh writes all states and hardly ever the rest. Together they have the fields
of the public record, in its form, and under `kept` what the record does not show. No secret is among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pxm_tui.domain.certificate import Certificate, Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint, Limit, Login, LoginMethod, Reason, Status
from pxm_tui.storage import fields
from pxm_tui.storage.endpoints import endpoint_of
from pxm_tui.storage.fields import optional_written, written
from pxm_tui.storage.problems import DamagedError

Document = dict[str, Any]

IDENTITY_KEYS = frozenset(
    {"id", "name", "api_endpoint", "created_at", "endpoints", "login", "labels", "trust", "guard", "kept"}
)
STATE_KEYS = frozenset(
    {
        "id", "status", "proxmox_version", "node_count", "updated_at", "last_seen_at", "nodes_online", "quorate",
        "guests_running", "guests_total", "limits", "error", "kept",
    }
)  # fmt: skip


def identity_document(cluster: Cluster) -> Document:
    """What a person decides: name, endpoints, login, labels, trust, guard."""
    login, trust = cluster.login, cluster.trust
    shown_login: Document = {"method": str(login.method), "user": login.user}
    if login.token_id is not None:
        shown_login |= {
            "token_id": login.token_id,
            "minted": login.minted,
            "expires_at": optional_written(login.expires_at),
        }
    return {
        "id": cluster.id,
        "name": cluster.name,
        "api_endpoint": cluster.endpoint.url,
        "created_at": written(cluster.created_at),
        "endpoints": [{"url": endpoint.url} for endpoint in cluster.endpoints],
        "login": shown_login,
        "labels": dict(cluster.labels),
        "trust": {
            "mode": str(trust.mode),
            "fingerprint": trust.fingerprint,
            "ca_fingerprint": trust.ca_fingerprint,
        },
        "guard": {"read_only": cluster.read_only},
        "kept": {
            "login_changed_at": optional_written(login.changed_at),
            "secret_id": login.secret_id,
            "trusted_at": optional_written(trust.trusted_at),
            "anchor_pem": trust.anchor_pem,
            "certificate": _certificate_document(trust.certificate, trust.anchor_pem),
            "authority": _certificate_document(trust.authority, trust.anchor_pem),
            "vouched": list(trust.vouched),
        },
    }


def state_document(cluster: Cluster) -> Document:
    """What checks write: status, counts, times."""
    return {
        "id": cluster.id,
        "status": cluster.status.value,
        "proxmox_version": cluster.proxmox_version,
        "node_count": cluster.node_count,
        "updated_at": written(cluster.updated_at),
        "last_seen_at": optional_written(cluster.last_seen_at),
        "nodes_online": cluster.nodes_online,
        "quorate": cluster.quorate,
        "guests_running": cluster.guests_running,
        "guests_total": cluster.guests_total,
        "limits": [{"privilege": limit.privilege, "path": limit.path} for limit in cluster.limits],
        "error": None if cluster.error is None else _error_document(cluster.error),
        "kept": {
            "own_name": cluster.own_name,
            "refused": cluster.login.refused,
            "error": None if cluster.error is None else _error_rest(cluster.error),
        },
    }


def cluster_of(identity: Any, state: Any) -> Cluster:
    """The cluster that the two documents describe.

    Raises:
        DamagedError: they are not such documents.
    """
    try:
        return _cluster(fields.mapping(identity, IDENTITY_KEYS), fields.mapping(state, STATE_KEYS))
    except DamagedError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise DamagedError(f"a value has a wrong form ({type(error).__name__})") from None


def _cluster(identity: Mapping[str, Any], state: Mapping[str, Any]) -> Cluster:
    kept = fields.mapping(state["kept"], ("own_name", "refused", "error"))
    if state["id"] != identity["id"]:
        raise DamagedError("a state belongs to another cluster")
    return Cluster(
        id=fields.text(identity["id"]),
        name=fields.text(identity["name"]),
        endpoints=_endpoints(identity),
        login=_login(identity, fields.boolean(kept["refused"])),
        trust=_trust(identity),
        created_at=fields.moment(identity["created_at"]),
        updated_at=fields.moment(state["updated_at"]),
        labels=tuple((key, fields.text(value)) for key, value in identity["labels"].items()),
        own_name=fields.optional_text(kept["own_name"]),
        status=Status(state["status"]),
        error=_reason(state["error"], kept["error"]),
        proxmox_version=fields.optional_text(state["proxmox_version"]),
        node_count=fields.optional_number(state["node_count"]),
        nodes_online=fields.optional_number(state["nodes_online"]),
        quorate=fields.optional_boolean(state["quorate"]),
        guests_running=fields.optional_number(state["guests_running"]),
        guests_total=fields.optional_number(state["guests_total"]),
        limits=tuple(
            Limit(fields.text(limit["privilege"]), fields.text(limit["path"]))
            for limit in fields.items(state["limits"])
        ),
        last_seen_at=fields.optional_moment(state["last_seen_at"]),
        read_only=fields.boolean(fields.mapping(identity["guard"], ("read_only",))["read_only"]),
    )


def _endpoints(identity: Mapping[str, Any]) -> tuple[Endpoint, ...]:
    found = tuple(endpoint_of(fields.text(entry["url"])) for entry in fields.items(identity["endpoints"]))
    if not found or found[0].url != identity["api_endpoint"]:
        raise DamagedError("the first endpoint is not the registered one")
    return found


def _login(identity: Mapping[str, Any], refused: bool) -> Login:
    login = identity["login"]
    method = LoginMethod(login["method"])
    token = method is LoginMethod.TOKEN
    return Login(
        method,
        fields.text(login["user"]),
        fields.text(login["token_id"]) if token else None,
        refused,
        fields.optional_moment(identity["kept"]["login_changed_at"]),
        fields.boolean(login["minted"]) if token else False,
        fields.optional_moment(login["expires_at"]) if token else None,
        fields.optional_text(identity["kept"]["secret_id"]),
    )


def _certificate_document(certificate: Certificate | None, anchor: str) -> Document | None:
    if certificate is None:
        return None
    return {
        "sha256": certificate.sha256,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "names": list(certificate.names),
        "not_before": written(certificate.not_before),
        "not_after": written(certificate.not_after),
        "key": certificate.key,
        "public_key_sha256": certificate.public_key_sha256,
        # a pinned certificate is its own anchor, and half of the record
        "pem": None if certificate.pem == anchor else certificate.pem,
    }


def _trust(identity: Mapping[str, Any]) -> Trust:
    trust, kept = identity["trust"], identity["kept"]
    anchor = fields.text(kept["anchor_pem"])
    found = Trust(
        TrustMode(trust["mode"]),
        fields.optional_text(trust["fingerprint"]),
        anchor,
        None if kept["authority"] is None else _certificate(kept["authority"], anchor),
        None if kept["certificate"] is None else _certificate(kept["certificate"], anchor),
        fields.optional_moment(kept["trusted_at"]),
        tuple(fields.text(pem) for pem in fields.items(kept["vouched"])),
    )
    if found.ca_fingerprint != trust["ca_fingerprint"]:
        raise DamagedError("the authority is not the one whose fingerprint is shown")
    return found


def _certificate(found: Mapping[str, Any], anchor: str) -> Certificate:
    return Certificate(
        sha256=fields.text(found["sha256"]),
        subject=fields.text(found["subject"]),
        issuer=fields.text(found["issuer"]),
        names=tuple(fields.text(name) for name in fields.items(found["names"])),
        not_before=fields.moment(found["not_before"]),
        not_after=fields.moment(found["not_after"]),
        key=fields.text(found["key"]),
        public_key_sha256=fields.text(found["public_key_sha256"]),
        pem=anchor if found["pem"] is None else fields.text(found["pem"]),
    )


def _error_document(error: Reason) -> Document:
    return {
        "cause": error.cause,
        "message": error.message,
        "hint": error.hint,
        "since": optional_written(error.since),
    }


def _error_rest(error: Reason) -> Document:
    return {"short": error.short, "probably": error.probably, "do": error.do, "step": error.step}


def _reason(shown: Any, rest: Any) -> Reason | None:
    if shown is None and rest is None:
        return None
    return Reason(
        fields.text(shown["cause"]),
        fields.text(rest["short"]),
        fields.text(shown["message"]),
        fields.text(rest["probably"]),
        fields.text(rest["do"]),
        fields.optional_moment(shown["since"]),
        fields.optional_text(rest["step"]),
    )
