"""Reading the fields of one entry: each is what it should be, or the entry is wrong and says where."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from pxm_tui.domain.addresses import (
    check_name,
    check_token_id,
    check_user,
    parse_endpoint,
    parse_fingerprint,
    parse_label,
)
from pxm_tui.domain.cluster import Endpoint, LoginMethod
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.messages import invalid
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.text import one_line
from pxm_tui.formats.rows import GivenLogin, ImportRow

LONGEST_SECRET = 4096
MOST_ENDPOINTS = 64
_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0", ""})
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
NOT_TAKEN_OVER = "the file switches certificate verification off; that is not taken over"


def row(place: str, make: Callable[[], ImportRow], name: object = "") -> ImportRow:
    """What `make` gives, or a row that says what is wrong."""
    try:
        return make()
    except InvalidError as error:
        shown = one_line(name, 64) if isinstance(name, str) else ""
        return ImportRow(place, shown, error=error)


class Fields:
    """The fields of one entry.

    Args:
        entry: the entry as it was parsed.
        where: in front of the fields' names in errors, such as `trust.`.

    Raises:
        InvalidError: it is no mapping.
    """

    def __init__(self, entry: Any, where: str = "") -> None:
        if not isinstance(entry, Mapping):
            raise invalid(where.rstrip(".") or "row", f"{where.rstrip('.') or 'This entry'} has no fields.")
        self._entry = entry
        self._where = where

    def only(self, known: Collection[str]) -> None:
        """Refuse fields that nobody reads: a typing error in `fingerprint` must not go unseen."""
        for key in self._entry:
            if key not in known:
                shown = one_line(str(key), 40)
                raise invalid(
                    f"{self._where}{shown}", f"There is no field {self._where}{shown}.", "Check its spelling."
                )

    def raw(self, *names: str) -> Any:
        """The value of the first of `names` that has one, else None."""
        return next((self._entry[name] for name in names if self._entry.get(name) is not None), None)

    def text(self, *names: str) -> str:
        """A text without the spaces around it; empty where there is none."""
        return self.verbatim(*names).strip()

    def verbatim(self, *names: str) -> str:
        """A text exactly as it stands there; empty where there is none."""
        value = self.raw(*names)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(names[0], "is no text", "Put it into quotes.")
        if not is_text(value):
            raise self.wrong(names[0], "has signs that are none")
        return value

    def secret(self, *names: str) -> Secret | None:
        """A secret, exactly as it stands there; None where there is none."""
        value = self.verbatim(*names)
        if not value:
            return None
        if len(value) > LONGEST_SECRET or not value.isprintable():
            raise self.wrong(names[0], "is too long, or no text")
        return Secret(value)

    def flag(self, name: str) -> bool | None:
        """Whether; None where nothing is said."""
        value = self.raw(name)
        if value is None or isinstance(value, bool):
            return value
        lowered = value.strip().lower() if isinstance(value, str) else None
        if lowered in _TRUE:
            return True
        if lowered in _FALSE:
            return False
        raise self.wrong(name, "is neither true nor false")

    def moment(self, name: str) -> datetime | None:
        """A time with its zone, in UTC; None where there is none."""
        value = self.text(name)
        if not value:
            return None
        try:
            parsed = datetime.fromisoformat(value)
            found = None if parsed.tzinfo is None else parsed.astimezone(UTC)
        except (ValueError, OverflowError):  # the first and the last day there is, in another zone
            found = None
        if found is None:
            raise self.wrong(name, "is no time with its zone", "Example: 2026-11-22T10:30:00Z.")
        return found.replace(microsecond=0)

    def wrong(self, name: str, why: str, do: str = "") -> InvalidError:
        """The error for a field; the value is not repeated, it could be a secret."""
        return invalid(f"{self._where}{name}", f"{self._where}{name} {why}.", do)

    # What rows have

    def name(self, *names: str) -> str:
        """A cluster's name, or an empty one."""
        found = self.text(*names)
        return check_name(found) if found else ""

    def fingerprint(self, name: str = "fingerprint") -> str | None:
        """A SHA-256 fingerprint, or None."""
        found = self.text(name)
        return parse_fingerprint(found) if found else None

    def identifier(self, name: str = "id") -> str | None:
        """A UUID, or None."""
        found = self.text(name).lower()
        if found and not _ID.match(found):
            raise self.wrong(name, "is no id of a cluster", "Leave it out.")
        return found or None

    def token_id(self, name: str = "token_id") -> str:
        """A full token id, or an empty one."""
        found = self.text(name)
        return check_token_id(found) if found else ""

    def user(self, *names: str) -> str:
        """A user, or an empty one."""
        found = self.text(*names)
        return check_user(found) if found else ""


def endpoints_of(urls: Collection[str]) -> tuple[tuple[Endpoint, ...], tuple[str, ...]]:
    """The endpoints, each once, and notes on how they were understood. Raises `InvalidError` where there is none."""
    if not urls:
        raise invalid("endpoint", "The endpoint is missing.", "Examples: pve1, 10.0.0.11, https://pve1:8006.")
    if len(urls) > MOST_ENDPOINTS:
        raise invalid("endpoints", f"There are {len(urls)} endpoints; {MOST_ENDPOINTS} are possible.")
    parsed = [parse_endpoint(url) for url in urls]
    notes = tuple(dict.fromkeys(note for found in parsed for note in found.notes))
    return tuple(dict.fromkeys(found.endpoint for found in parsed)), notes


def labels_of(pairs: Collection[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Labels, checked and in the order of their keys."""
    if not all(is_text(value) for _, value in pairs):
        raise invalid("labels", "The value of a label has signs that are none.")
    return tuple(sorted(dict(parse_label(f"{key}={value}") for key, value in pairs).items()))


def is_text(value: str) -> bool:
    """Whether it can be written down: JSON may hold halves of signs."""
    return not any("\ud800" <= sign <= "\udfff" for sign in value)


def login_of(
    *, user: str, password: Secret | None, token_id: str, token_secret: Secret | None, code: Secret | None = None
) -> GivenLogin:
    """The login that a row describes.

    Raises:
        InvalidError: it describes none, or two.
    """
    if password and (token_id or token_secret):
        raise invalid("password", "There are a password and a token.", "Keep one of them.")
    if token_secret and not token_id:
        raise invalid("token_id", "The token ID is missing.", "It is user@realm!name.")
    if token_id:
        if code:
            raise invalid("otp", "A token needs no second factor.", "Leave it out.")
        owner = token_id.partition("!")[0]
        if user and user != owner:
            raise invalid("username", "The user and the token are of two accounts.", "Leave out the user.")
        return GivenLogin(LoginMethod.TOKEN, owner, token_id, token_secret)
    if not user:
        raise invalid("username", "Nothing says who logs in.", "Give username and password, or token_id.")
    if password is None and "@" not in user:
        raise invalid("username", "The realm is missing, which only a login could add.", "Example: root@pam.")
    return GivenLogin(LoginMethod.PASSWORD, user, None, password, code)
