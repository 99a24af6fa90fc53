"""The REST API's bearer tokens: made, listed, revoked, recognised. The token itself is shown once and kept nowhere."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from pxm_tui.domain.access import ApiToken, Role
from pxm_tui.domain.errors import AlreadyRegisteredError, NotFoundError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.ports import Clock

PREFIX = "pxm_"
"""Begins every token, so that scanners for leaked secrets know it."""
_BYTES = 32
_LONGEST = 200


class TokenBook(Protocol):
    """Where the tokens are kept. Every method may raise `StorageError`."""

    def read(self) -> tuple[ApiToken, ...]:
        """All tokens as they are on disk now; one `stat` where nothing has changed."""
        ...

    def change(self, change: Callable[[tuple[ApiToken, ...]], tuple[ApiToken, ...]]) -> None:
        """Replace the tokens by what `change` makes of them, under the lock."""
        ...


class AccessService:
    """See the module.

    Args:
        book: where the tokens are kept.
        clock: UTC now.
        random: gives so many random bytes, as URL-safe text.
        told: called with `add` or `revoke` and the token, once that is done.
    """

    def __init__(
        self,
        book: TokenBook,
        clock: Clock,
        random: Callable[[int], str] = secrets.token_urlsafe,
        told: Callable[[str, ApiToken], None] = lambda *_: None,
    ) -> None:
        self._book = book
        self._clock = clock
        self._random = random
        self._told = told

    def add(self, name: str, role: Role, days: int | None = None) -> tuple[ApiToken, Secret]:
        """Make a token.

        Args:
            name: of its own, checked.
            role: what it may do.
            days: until it ends; None: never.

        Raises:
            AlreadyRegisteredError: there is one of that name.
        """
        now = self._clock().replace(microsecond=0)
        secret = Secret(PREFIX + self._random(_BYTES))
        expires_at = None if days is None else now + timedelta(days=days)
        token = ApiToken(name, role, _hash(secret.reveal()), now, expires_at)

        def with_it(tokens: tuple[ApiToken, ...]) -> tuple[ApiToken, ...]:
            if any(known.name == name for known in tokens):
                raise AlreadyRegisteredError(
                    "token_exists",
                    f'There is a token named "{name}" already.',
                    do=f"Choose another name, or revoke it: `pxm serve token revoke {name}`.",
                    field="name",
                )
            return (*tokens, token)

        self._book.change(with_it)
        self._told("add", token)
        return token, secret

    def tokens(self) -> tuple[ApiToken, ...]:
        """All tokens, oldest first, expired ones too."""
        return self._book.read()

    def revoke(self, name: str) -> ApiToken:
        """Make a token worthless, for running servers as well; gives what it was.

        Raises:
            NotFoundError: there is none of that name.
        """
        gone: list[ApiToken] = []

        def without_it(tokens: tuple[ApiToken, ...]) -> tuple[ApiToken, ...]:
            gone.extend(token for token in tokens if token.name == name)
            if not gone:
                raise NotFoundError(
                    "token_not_found", "There is no token of that name.", do="`pxm serve token list` shows all."
                )
            return tuple(token for token in tokens if token.name != name)

        self._book.change(without_it)
        self._told("revoke", gone[0])
        return gone[0]

    def identify(self, presented: str) -> ApiToken | None:
        """Whose token this is; None where it is nobody's, or has run out.

        Every stored hash is compared, each in constant time.
        """
        shown = _hash(presented[:_LONGEST])
        found = None
        for token in self._book.read():
            if hmac.compare_digest(token.sha256, shown):
                found = token
        return None if found is None or found.expired(self._clock()) else found


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
