"""Rows of pxm's own: what `pxm export` writes, what the REST API takes, and what people write by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pxm_tui.domain.certificate import TrustMode
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.messages import invalid
from pxm_tui.domain.tokens import is_own_name
from pxm_tui.formats.documents import not_too_many
from pxm_tui.formats.fields import Fields, endpoints_of, labels_of, login_of, row
from pxm_tui.formats.rows import GivenLogin, GivenTrust, ImportRow

KNOWN = frozenset(
    {
        "id", "name", "api_endpoint", "endpoint", "endpoints", "username", "user", "password", "token_id",
        "token_secret", "otp", "mint_token", "fingerprint", "ca", "ca_file", "labels", "read_only", "login", "trust",
        "guard", "created_at",
        "separate",
    }
)  # fmt: skip
"""The fields of a row that are read."""
STATE = frozenset(
    {
        "status", "proxmox_version", "node_count", "updated_at", "last_seen_at", "nodes_online", "quorate",
        "guests_running", "guests_total", "limits", "error",
    }
)  # fmt: skip
"""Fields of a record that a check finds; an import does not take them over."""
LOGIN = frozenset({"method", "user", "token_id", "minted", "expires_at", "changed_at"})
TRUST = frozenset(
    {
        "mode", "fingerprint", "ca_fingerprint", "anchor_pem", "certificate_pem", "authority_pem", "vouched",
        "trusted_at",
    }
)  # fmt: skip
PEM_MARK = "-----BEGIN CERTIFICATE-----"


def rows_of(document: Any) -> tuple[ImportRow, ...]:
    """The rows of a parsed JSON or YAML document: a list, or a mapping whose `clusters` is one.

    Raises:
        InvalidError: it is neither.
    """
    entries = document.get("clusters") if isinstance(document, Mapping) else document
    if not isinstance(entries, list):
        raise InvalidError(
            "file",
            "The file holds no list of clusters.",
            do="It is a list of rows, or a mapping with `clusters`; `pxm help import` shows one.",
        )
    rows = enumerate(not_too_many(entries), start=1)
    return tuple(row_of(f"row {number}", entry) for number, entry in rows)


def row_of(place: str, entry: Any) -> ImportRow:
    """One row; what is wrong with it is in its `error`."""
    name = entry.get("name", "") if isinstance(entry, Mapping) else ""
    return row(place, lambda: _row(place, Fields(entry)), name)


def _row(place: str, fields: Fields) -> ImportRow:
    fields.only(KNOWN | STATE)
    trust = fields.raw("trust")
    found = ImportRow(
        place,
        fields.name("name"),
        login=_login(fields),
        fingerprint=fields.fingerprint(),
        ca_pem=_pem(fields, "ca"),
        ca_file=fields.text("ca_file"),
        labels=labels_of(_label_pairs(fields.raw("labels"))),
        read_only=_read_only(fields),
        separate=bool(fields.flag("separate")),
        cluster_id=fields.identifier(),
        created_at=fields.moment("created_at"),
    )
    endpoints, notes = endpoints_of(_urls(fields))
    found = replace(found, endpoints=endpoints, notes=notes)
    if trust is not None:
        found = _with_trust(found, Fields(trust, "trust."))
    if sum(map(bool, (found.ca_pem, found.ca_file, found.trust))) + bool(found.trust and found.fingerprint) > 1:
        raise invalid("trust", "The row says twice what is trusted.", "Keep one of ca, ca_file and trust.")
    return found


def _urls(fields: Fields) -> list[str]:
    """All endpoints, the registered one first."""
    first = fields.text("api_endpoint", "endpoint").split()
    more = fields.raw("endpoints")
    if isinstance(more, str):
        return [*first, *more.split()]
    if more is None:
        return first
    if not isinstance(more, list):
        raise fields.wrong("endpoints", "is no list")
    return [*first, *(_url(fields, entry) for entry in more)]


def _url(fields: Fields, entry: Any) -> str:
    found = entry.get("url") if isinstance(entry, Mapping) else entry
    if not isinstance(found, str):
        raise fields.wrong("endpoints", "is no list of URLs")
    return found


def _login(fields: Fields) -> GivenLogin:
    kept = fields.raw("login")
    record = Fields({} if kept is None else kept, "login.")
    record.only(LOGIN)
    method = record.text("method")
    if method not in {"", "token", "password"}:
        raise record.wrong("method", "is neither token nor password")
    found = login_of(
        user=fields.user("username", "user") or record.user("user"),
        password=fields.secret("password"),
        token_id=fields.token_id() or record.token_id(),
        token_secret=fields.secret("token_secret"),
        code=fields.secret("otp"),
    )
    return replace(
        found,
        mint=fields.flag("mint_token"),
        # what pxm has made it may remove: a file must not make it remove anything else
        minted=bool(record.flag("minted")) and found.token_id is not None and is_own_name(found.token_id),
        expires_at=record.moment("expires_at") if found.token_id is not None else None,
        changed_at=record.moment("changed_at"),
    )


def _read_only(fields: Fields) -> bool:
    guard = fields.raw("guard")
    kept = Fields({} if guard is None else guard, "guard.").flag("read_only")
    return bool(fields.flag("read_only") or kept)


def _label_pairs(labels: Any) -> list[tuple[str, str]]:
    """Of a mapping, a list of `key=value`, or a text of them with spaces between."""
    if labels is None:
        return []
    if isinstance(labels, Mapping):
        pairs = list(labels.items())
    else:
        words = labels.split() if isinstance(labels, str) else labels
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise invalid("labels", "labels is neither a mapping nor a list of key=value.")
        pairs = [(key, value) for key, _, value in (word.partition("=") for word in words)]
    if not all(isinstance(value, str) for pair in pairs for value in pair):
        raise invalid("labels", "The value of a label is no text.", "Put it into quotes.")
    return pairs


def _pem(fields: Fields, name: str) -> str:
    found = fields.text(name)
    if found and (PEM_MARK not in found or not found.isascii()):
        raise fields.wrong(name, "holds no certificate in PEM form")
    return found


def _with_trust(found: ImportRow, fields: Fields) -> ImportRow:
    """The row with its trust; a record that shows fingerprints only is as good as its fingerprint."""
    fields.only(TRUST)
    try:
        mode = TrustMode(fields.text("mode"))
    except ValueError:
        raise fields.wrong("mode", f"is none of {', '.join(TrustMode)}") from None
    anchor = _whole_pem(fields, "anchor_pem")
    if not anchor and mode in {TrustMode.PINNED_LEAF, TrustMode.PINNED_CA}:
        name = "fingerprint" if mode is TrustMode.PINNED_LEAF else "ca_fingerprint"
        expected = fields.fingerprint(name)
        if expected is None:
            raise fields.wrong(name, "is missing")
        return replace(found, fingerprint=expected)
    if not anchor and mode is TrustMode.CA_FILE:
        raise fields.wrong("anchor_pem", "is missing", "The authority's certificates belong there.")
    trust = GivenTrust(
        mode,
        fields.fingerprint(),
        anchor,
        _whole_pem(fields, "certificate_pem"),
        _whole_pem(fields, "authority_pem"),
        _pems(fields),
        fields.moment("trusted_at"),
        fields.fingerprint("ca_fingerprint"),
    )
    return replace(found, trust=trust)


def _whole_pem(fields: Fields, name: str) -> str:
    """PEM exactly as it stands there, as it is stored."""
    return fields.verbatim(name) if _pem(fields, name) else ""


def _pems(fields: Fields) -> tuple[str, ...]:
    """The vouched leaves: a list of PEM, or one text of several."""
    found = fields.raw("vouched")
    texts = [found] if isinstance(found, str) else [] if found is None else found
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise fields.wrong("vouched", "is no list of certificates in PEM form")
    parts = [part for text in texts for part in text.split(PEM_MARK)[1:]]
    return tuple(f"{PEM_MARK}{part}" for part in parts)
