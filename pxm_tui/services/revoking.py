"""Removing a token that a cluster's record does not use any more: where it may not be, it is named."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress

from pxm_tui.domain.cluster import Cluster, Login, LoginMethod
from pxm_tui.domain.errors import PxmError, StorageError
from pxm_tui.domain.observation import Permissions
from pxm_tui.domain.tokens import TokenIntent, remove_line
from pxm_tui.services.bridging import to_the_end
from pxm_tui.services.checklist import Checklist, StepNotes
from pxm_tui.services.minting import Mint
from pxm_tui.services.ports import Credentials
from pxm_tui.services.token_ports import TokenOffice

Enter = Callable[[], AbstractAsyncContextManager[TokenOffice]]
"""Gives the cluster's office for tokens, logged in."""


def may_manage_tokens(credentials: Credentials, owner: str, permissions: Permissions) -> bool:
    """Whether this login may remove tokens of `owner` and make others: its owner itself may, with a password.

    A token is nobody's self: it needs User.Modify, as for the tokens of others (pve-access-control, API2/User.pm).
    """
    if credentials.method is LoginMethod.PASSWORD and credentials.user == owner:
        return True
    return holds_tokens(permissions)


def holds_tokens(permissions: Permissions) -> bool:
    """Whether who has these may make and remove the tokens of others."""
    return any("User.Modify" in permissions.get(path, frozenset()) for path in ("/access/groups", "/access"))


def is_abandoned(before: Cluster, login: Login) -> bool:
    """Whether a token that pxm made for the record `before` is not used any more with `login`."""
    old = before.login
    return old.minted and old.token_id is not None and old.token_id != login.token_id


def intent_of(before: Cluster) -> TokenIntent:
    """What is written down of the token of the record `before`, which is to be removed."""
    owner, _, name = (before.login.token_id or "").partition("!")
    return TokenIntent(before.id, before.endpoint.url, before.identity, owner, name)


async def revoke_old(  # noqa: PLR0917
    mint: Mint,
    before: Cluster,
    login: Login,
    credentials: Credentials,
    permissions: Permissions,
    enter: Enter,
    checklist: Checklist,
) -> bool | None:
    """The step `revoke`, after `login` has been saved in place of that of `before`: a failure is a warning.

    Args:
        mint: has the intents and the guard.
        before: the record that still had the old login.
        login: the one that is in use now.
        credentials: what is logged in with.
        permissions: what that login may do.
        enter: gives the cluster's office for tokens.
        checklist: where the step is reported.

    Returns:
        Whether the old token was removed; None where pxm made none.
    """
    if not is_abandoned(before, login):
        return None
    with checklist.step("revoke") as notes:
        removed = await _revoke(mint, before, credentials, permissions, enter, notes, login.name)
    with suppress(StorageError):
        await mint.intents.clear(intent_of(before))  # what stays is named in the step
    return removed


async def _revoke(  # noqa: PLR0917
    mint: Mint,
    before: Cluster,
    credentials: Credentials,
    permissions: Permissions,
    enter: Enter,
    notes: StepNotes,
    in_use: str,
) -> bool:
    owner, token_id = before.login.user, before.login.token_id or ""
    line = f"On a node: `{remove_line(token_id)}`."
    if mint.guard.is_read_only(before):
        notes.warn("read_only", f"{token_id} stays: nothing may be changed there.", line)
        return False
    if not may_manage_tokens(credentials, owner, permissions):
        notes.warn("missing_privileges", f"{token_id} stays: {credentials.name} may not remove it.", line)
        return False
    try:
        async with enter() as office:
            await to_the_end(lambda: _remove(mint, before, office))
    except PxmError as error:
        notes.warn(error.cause, f"{token_id} stays: {error.message}", line)
        return False
    notes.message = f"{token_id} is removed, {in_use} is in use"
    return True


async def _remove(mint: Mint, before: Cluster, office: TokenOffice) -> None:
    """Remove the token, which was written down before the record let go of it."""
    intent = intent_of(before)
    await office.revoke(intent.owner, intent.name)
    with suppress(StorageError):  # it is gone, and the next login finds that out
        await mint.intents.clear(intent)
