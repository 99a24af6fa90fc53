"""proxxx's configuration: `[profiles.NAME]`, each with `auth` = token or password."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pxm_tui.domain.addresses import TOKEN_ID
from pxm_tui.formats.documents import bad_file
from pxm_tui.formats.fields import NOT_TAKEN_OVER, Fields, endpoints_of, login_of, row
from pxm_tui.formats.rows import GivenLogin, ImportRow


def rows_of(document: Mapping[str, Any]) -> tuple[ImportRow, ...]:
    """One row a profile. Raises `InvalidError` where there are no profiles."""
    profiles = document.get("profiles")
    if not isinstance(profiles, Mapping):
        raise bad_file("has no [profiles.NAME]")
    return tuple(row(f"profiles.{name}", partial(_profile, name, entry), name) for name, entry in profiles.items())


def _profile(name: str, entry: Any) -> ImportRow:
    fields = Fields(entry)
    endpoints, notes = endpoints_of(fields.text("url").split())
    return ImportRow(
        f"profiles.{name}",
        Fields({"name": name}).name("name"),
        endpoints,
        _login(fields),
        read_only=bool(fields.flag("read_only")),
        notes=(*notes, NOT_TAKEN_OVER) if fields.flag("verify_tls") is False else notes,
    )


def _login(fields: Fields) -> GivenLogin:
    """The login that `auth` chooses; what the profile has besides it is of no use to anybody."""
    user, token_name = fields.user("user"), fields.text("token_id")
    method = fields.text("auth") or ("token" if token_name else "password")
    if method == "token":
        token_id = token_name if TOKEN_ID.match(token_name) else f"{user}!{token_name}"
        return login_of(
            user="",
            password=None,
            token_id=Fields({"token_id": token_id}).token_id(),
            token_secret=fields.secret("token_secret"),
        )
    if method == "password":
        return login_of(user=user, password=fields.secret("password"), token_id="", token_secret=None)
    raise fields.wrong("auth", "is neither token nor password")
