"""Why an action cannot work on a cluster now, as far as that is known before anything is tried.

The faces show such an action disabled, with this reason; the services refuse it all the same.
"""

from __future__ import annotations

from pxm_tui.domain.cluster import Cluster, LoginMethod, Status
from pxm_tui.domain.observation import Permissions
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.guarding import Guard
from pxm_tui.services.revoking import holds_tokens


def why_not_rotate(view: ClusterView, guard: Guard) -> str:
    """Why its token cannot be replaced now; empty where it can. Ends without a period."""
    cluster = view.cluster
    if guarded := why_guarded(cluster, guard):
        return f"{guarded}, so no token can be made or removed"
    if cluster.status is Status.UNTRUSTED:
        return "its certificate is not trusted, so no login is sent"
    if cluster.status is Status.UNREACHABLE:
        short = f" ({cluster.error.short})" if cluster.error else ""
        return f"it does not answer{short}"
    if cluster.quorate is False:
        return "it has no quorum and refuses every change; on a node: `pvecm status`"
    return ""


def why_no_token(cluster: Cluster | None, guard: Guard) -> str:
    """Why a password cannot be replaced by a token there; None is a cluster that is not registered yet."""
    guarded = why_guarded(cluster, guard)
    return f"{guarded}: none is made, the password is kept" if guarded else ""


def why_guarded(cluster: Cluster | None, guard: Guard) -> str:
    """Why nothing may be changed there; empty where something may."""
    if guard.read_only:
        return "this run is read-only"
    return "it is read-only" if guard.is_read_only(cluster) else ""


def why_owner_needed(cluster: Cluster, permissions: Permissions) -> str:
    """Why the stored login can neither make nor remove tokens, so that their owner's password is needed.

    Empty where it can, and where its permissions are not known.
    """
    if cluster.login.method is LoginMethod.PASSWORD:
        return ""
    if cluster.login.refused:
        return "the stored token was refused"
    if permissions and not holds_tokens(permissions):
        return "the stored token may not: User.Modify is missing"
    return ""
