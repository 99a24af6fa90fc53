"""What another program has changed since a record was read: it is not overwritten unseen."""

from __future__ import annotations

from pxm_tui.domain.cluster import Cluster, Login
from pxm_tui.domain.messages import changed_meanwhile
from pxm_tui.services.edit_changes import Changes


def is_same_login(one: Login, other: Login) -> bool:
    """Whether it is one login, whatever checks have found of it since."""
    return (one.method, one.user, one.token_id, one.changed_at) == (
        other.method,
        other.user,
        other.token_id,
        other.changed_at,
    )


def refuse_another_login(before: Cluster, record: Cluster) -> None:
    """Raise `InvalidError` where the login of `record` is not that of `before` any more."""
    if not is_same_login(before.login, record.login):
        raise changed_meanwhile(before.name, "login")


def refuse_other_changes(before: Cluster, record: Cluster, changes: Changes, *, trust: bool) -> None:
    """Raise `InvalidError` where what is to be changed is not as it was read: somebody else was quicker."""
    if changes.labels is not None and record.labels != before.labels:
        raise changed_meanwhile(before.name, "labels")
    if changes.endpoints is not None and record.endpoints != before.endpoints:
        raise changed_meanwhile(before.name, "endpoints")
    if trust and (record.trust.mode, record.trust.anchor_pem) != (before.trust.mode, before.trust.anchor_pem):
        raise changed_meanwhile(before.name, "trust")
    if changes.credentials is not None:
        refuse_another_login(before, record)
