"""The wording of what can go wrong with tokens that pxm makes; the other failures stand in `messages`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.errors import NotPermittedError, UnreachableError
from pxm_tui.domain.remedies import GIVE_OWNER, GIVE_ROLE, KEEP_PASSWORD, rotate
from pxm_tui.domain.text import one_line
from pxm_tui.domain.tokens import OPERATOR_ROLE, URGENT_DAYS, TokenIntent, ends_in_days, ends_soon, remove_line


def may_not(endpoint: Endpoint, what: str, said: str) -> NotPermittedError:
    """A write about tokens was refused; `what` continues "may not"."""
    return NotPermittedError(
        "missing_privileges",
        f'{endpoint.host} says that this login may not {what}: "{one_line(said)}".',
        probably="Its rights were changed meanwhile, or a rule beyond its privileges stands against it.",
        do=f"Ask an administrator of the cluster, or {KEEP_PASSWORD}.",
    )


def token_may_not(login: str, what: str) -> NotPermittedError:
    """A login that may not manage tokens; `what` continues "may not"."""
    return NotPermittedError(
        "missing_privileges",
        f"{one_line(login, 128)} may not {what}: User.Modify is missing.",
        probably="A token may not even read its own entry; its owner may do this with the password.",
        do=GIVE_OWNER,
    )


def needs_a_role(token_id: str) -> NotPermittedError:
    """A token with more rights than pxm's roles have is to be replaced."""
    return NotPermittedError(
        "role_needed",
        f"{one_line(token_id, 128)} may do more than an operator, and pxm makes no token of that kind unasked.",
        do=GIVE_ROLE,
    )


def not_made(name: str) -> NotPermittedError:
    """Rotating came to the point where the old login is kept."""
    return NotPermittedError(
        "not_made",
        f"No token was made for {one_line(name, 64)}; its login stays as it was.",
        probably="The login may do more than the role and may not give a token rights, or there is no quorum.",
        do="The step `token` says which.",
    )


def no_quorum(endpoint: Endpoint, what: str) -> UnreachableError:
    """A write was refused because the cluster has no quorum."""
    return UnreachableError(
        "bad_answer",
        f"{endpoint.host} cannot {what}: the cluster has no quorum, and refuses every change.",
        do=f"On a node: `pvecm status`. Try again when it is quorate, or {KEEP_PASSWORD}.",
    )


def token_exists(endpoint: Endpoint, token_id: str) -> NotPermittedError:
    """A token of that name is there already."""
    return NotPermittedError(
        "token_exists",
        f"{endpoint.host} has a token {one_line(token_id, 128)} already, and nobody can read its secret any more.",
        do=f"If nothing uses it, on a node: `{remove_line(token_id)}`. Then try again.",
    )


def role_differs(endpoint: Endpoint, extra: frozenset[str]) -> NotPermittedError:
    """A role that pxm would use holds more than pxm would give."""
    return NotPermittedError(
        "role_differs",
        f"The role {OPERATOR_ROLE} of {endpoint.host} holds more than an operator needs: "
        f"{one_line(', '.join(sorted(extra)), 200)}. No token was made.",
        probably="Somebody has changed it. pxm never changes or deletes it.",
        do=f"On a node: `pveum role delete {OPERATOR_ROLE}` and try again; or take the role auditor.",
    )


@dataclass(frozen=True, slots=True)
class Expiring:
    """That a token ends soon.

    Attributes:
        words: continues its name.
        do: what to do about it.
    """

    words: str
    do: str


def expiring(cluster: Cluster, now: datetime) -> Expiring | None:
    """What a check says of a token that ends in 30 days or less; None where there is nothing to say."""
    left = ends_in_days(cluster.login, now)
    if left is None or not ends_soon(cluster.login, now):
        return None
    urgent = " now" if left <= URGENT_DAYS else ""
    return Expiring(
        f"expires on {cluster.login.expires_at:%Y-%m-%d}, in {left} d.",
        f"Make another one{urgent}: {rotate(one_line(cluster.name, 64))}.",
    )


def left_over(intent: TokenIntent) -> str:
    """What a start says of a token that a run before may have left."""
    return (
        f"pxm was broken off in the middle: the token {one_line(intent.token_id, 128)} may be left at "
        f"{one_line(intent.endpoint, 200)}. Its secret is lost. The next login there as {one_line(intent.owner, 64)} "
        f"removes it; by hand, on a node: {one_line(remove_line(intent.token_id), 200)}"
    )
