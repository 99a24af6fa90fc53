"""pvetui's `config.yml`: `profiles`, one a cluster, each with a password or a token."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pxm_tui.domain.addresses import TOKEN_ID
from pxm_tui.domain.messages import invalid
from pxm_tui.domain.secret import Secret
from pxm_tui.formats.fields import NOT_TAKEN_OVER, Fields, endpoints_of, labels_of, login_of, row
from pxm_tui.formats.rows import ImportRow

GROUP_LABEL = "group"
SEALED = ("ENC[", "age1:")
"""How values begin that are encrypted in the file itself."""


def is_pvetui(document: Any) -> bool:
    """Whether the document looks like this program's."""
    profiles = document.get("profiles") if isinstance(document, Mapping) else None
    return isinstance(profiles, Mapping)


def rows_of(document: Mapping[str, Any]) -> tuple[ImportRow, ...]:
    """One row a profile."""
    return tuple(
        row(f"profiles.{name}", partial(_profile, name, entry), name) for name, entry in document["profiles"].items()
    )


def _profile(name: str, entry: Any) -> ImportRow:
    fields = Fields(entry)
    endpoints, notes = endpoints_of(fields.text("addr").split())
    user = _user(fields)
    token_name = fields.text("token_id")
    # the name of the token alone, or by some the whole id
    token_id = token_name if not token_name or TOKEN_ID.match(token_name) else f"{user}!{token_name}"
    return ImportRow(
        f"profiles.{name}",
        Fields({"name": name}).name("name"),
        endpoints,
        login_of(
            user="" if token_id else user,
            password=_secret(fields, "password"),
            token_id=Fields({"token_id": token_id}).token_id(),
            token_secret=_secret(fields, "token_secret"),
        ),
        labels=labels_of([(GROUP_LABEL, groups)] if (groups := _groups(fields)) else []),
        notes=(*notes, NOT_TAKEN_OVER) if fields.flag("insecure") else notes,
    )


def _user(fields: Fields) -> str:
    user, realm = fields.text("user"), fields.text("realm")
    whole = f"{user}@{realm}" if user and realm and "@" not in user else user
    return Fields({"user": whole}).user("user")


def _secret(fields: Fields, name: str) -> Secret | None:
    found = fields.secret(name)
    if found is not None and found.reveal().startswith(SEALED):
        raise invalid(name, f"{name} is encrypted in the file.", "Decrypt the file first.")
    return found


def _groups(fields: Fields) -> str:
    groups = fields.raw("groups")
    if groups is None:
        return ""
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise fields.wrong("groups", "is no list of names")
    return ",".join(groups)
