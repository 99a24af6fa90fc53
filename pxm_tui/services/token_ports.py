"""What the services need for API tokens from the outside: a cluster's office for them, and the intents on disk."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from pxm_tui.domain.observation import Permissions
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.tokens import TokenIntent


class TokenOffice(Protocol):
    """Tokens of a cluster, over a session that is logged in. No write is repeated.

    Every method may raise `UnreachableError`, `LoginError`, and `NotPermittedError` where the login may not do it.
    """

    async def roles(self) -> Mapping[str, frozenset[str]]:
        """Every role with its privileges."""
        ...

    async def create_role(self, name: str, privileges: frozenset[str]) -> None:
        """Make a role; one that is there already stays as it is."""
        ...

    async def mint(self, user: str, name: str, *, separated: bool, expires_at: datetime, comment: str) -> Secret:
        """Make a token and give its secret, which is told this once.

        Args:
            user: `user@realm`, whose token it is.
            name: the token's.
            separated: with rights of its own, none to begin with; else it may do all that the user may.
            expires_at: when it ends, UTC.
            comment: shown beside it.
        """
        ...

    async def grant(self, token_id: str, roles: tuple[str, ...]) -> None:
        """Give a token roles on `/` and everything below."""
        ...

    async def revoke(self, user: str, name: str) -> bool:
        """Remove a token; False where there was none."""
        ...

    async def names(self, user: str) -> tuple[str, ...]:
        """The names of a user's tokens."""
        ...

    async def rights_of(self, token_id: str, secret: Secret) -> Permissions:
        """What a token may do, asked with the token itself. Raises `LoginError(token)` where it is not accepted."""
        ...


class IntentLog(Protocol):
    """Tokens that are about to be made, on disk until the cluster is saved. May raise `StorageError`."""

    async def add(self, intent: TokenIntent) -> None:
        """Write it down; on the disk when this returns, and held by this process until it is cleared."""
        ...

    async def clear(self, intent: TokenIntent) -> None:
        """Forget it; one that is not there is forgotten already."""
        ...

    async def left_over(self) -> tuple[TokenIntent, ...]:
        """Those of processes that have ended without clearing them, by token."""
        ...
