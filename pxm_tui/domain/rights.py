"""What a login may see and do, from the privileges that Proxmox VE lists for it."""

from __future__ import annotations

from pxm_tui.domain.observation import Permissions

_SEES = (("nodes", "Sys.Audit", "/nodes"), ("guests", "VM.Audit", "/vms"), ("storage", "Datastore.Audit", "/storage"))
_ACTS = ("VM.PowerMgmt", "VM.Snapshot", "VM.Migrate", "VM.Backup", "Sys.PowerMgmt")
_EVERYTHING = frozenset({"Permissions.Modify", "Sys.Modify", "VM.Allocate", "Datastore.Allocate"})


def rights_in_words(permissions: Permissions, login: str) -> str:
    """One sentence such as `sees nodes, guests, storage, tasks; may not act (PVEAuditor)`."""
    root = permissions.get("/", frozenset())
    if root >= _EVERYTHING:
        return f"sees and may do everything ({login})"
    seen = [what for what, privilege, path in _SEES if privilege in permissions.get(path, frozenset())]
    hidden = [
        f"not {what} ({privilege})"
        for what, privilege, path in _SEES
        if privilege not in permissions.get(path, frozenset())
    ]
    if "Sys.Audit" in root:
        seen.append("tasks")
    sees = f"sees {', '.join(seen)}" if seen else "sees nothing but names"
    held = frozenset().union(*permissions.values()) if permissions else frozenset()
    acts = [privilege for privilege in _ACTS if privilege in held]
    if hidden:
        return "; ".join([sees, ", ".join(hidden)])
    if acts:
        return f"{sees}; may act ({', '.join(acts)})"
    return f"{sees}; may not act (PVEAuditor)"
