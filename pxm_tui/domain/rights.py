"""What a login may see and do, in words."""

from __future__ import annotations

from pxm_tui.domain.capabilities import DOES, SEE_GUESTS, SEE_NODES, SEE_STORAGE, SEE_TASKS, Extent, can
from pxm_tui.domain.observation import Permissions

_SEES = (SEE_NODES, SEE_GUESTS, SEE_STORAGE)
_EVERYTHING = frozenset({"Permissions.Modify", "Sys.Modify", "VM.Allocate", "Datastore.Allocate"})


def may_everything(permissions: Permissions) -> bool:
    """The login has the whole cluster."""
    return permissions.get("/", frozenset()) >= _EVERYTHING


def rights_in_words(permissions: Permissions, login: str, version: str | None = None) -> str:
    """One sentence such as `sees nodes, guests, storage, tasks; may not act (PVEAuditor)`."""
    if may_everything(permissions):
        return f"sees and may do everything ({login})"
    found = [can(action, permissions, version=version) for action in _SEES]
    seen = [
        action.words if one.extent is Extent.ALL else f"some {action.words}"
        for action, one in zip(_SEES, found, strict=True)
        if one.allowed
    ]
    hidden = [
        f"not {action.words} ({one.missing[0].privilege})"
        for action, one in zip(_SEES, found, strict=True)
        if not one.allowed
    ]
    if can(SEE_TASKS, permissions, version=version).allowed:
        seen.append(SEE_TASKS.words)
    user = login.partition("!")[0]
    acts = [action.words for action in DOES if can(action, permissions, version=version, user=user).allowed]
    parts = [f"sees {', '.join(seen)}" if seen else "sees nothing but names"]
    if hidden:
        parts.append(", ".join(hidden))
    if acts:
        parts.append(f"may act ({', '.join(acts)})")
    elif not hidden:
        parts.append("may not act (PVEAuditor)")
    return "; ".join(parts)
