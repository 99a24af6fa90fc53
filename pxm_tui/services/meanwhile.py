"""What another program has changed since a record was read: it is not overwritten unseen."""

from __future__ import annotations

from pxm_tui.domain.certificate import Trust
from pxm_tui.domain.cluster import Cluster, Login
from pxm_tui.domain.messages import changed_meanwhile
from pxm_tui.services.edit_changes import Changes


def is_same_login(one: Login, other: Login) -> bool:
    """Whether it is one login, whatever checks have found of it since."""
    return (one.method, one.name, one.changed_at, one.secret_id) == (
        other.method,
        other.name,
        other.changed_at,
        other.secret_id,
    )


def same_anchor(one: Trust, other: Trust) -> bool:
    """Whether both verify against the same, whatever has been learned beside it."""
    return (one.mode, one.anchor_pem) == (other.mode, other.anchor_pem)


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
    if trust and not same_anchor(record.trust, before.trust):
        raise changed_meanwhile(before.name, "trust")
    if changes.credentials is not None:
        refuse_another_login(before, record)
