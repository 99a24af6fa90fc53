"""Evaluates access control lists as Proxmox does (pve-access-control, AccessControl.pm and RPCEnvironment.pm)."""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from pxm_tui.simulator.accounts import AccessEntry, Accounts, split_token_id
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.roles import privileges_of_roles

ROOT = "root@pam"

Privileges = Mapping[str, int]
"""Privilege to 1 where it is inherited by paths below, else 0."""

CAPABILITIES = {
    "vms": re.compile(r"VM\.|Permissions\.Modify"),
    "storage": re.compile(r"Datastore\.|Permissions\.Modify"),
    "nodes": re.compile(r"Sys\.|Permissions\.Modify"),
    "access": re.compile(r"(User|Group)\.|Permissions\.Modify"),
    "dc": re.compile(r"Sys\.Audit|Sys\.Modify|SDN\."),
    "sdn": re.compile(r"SDN\.|Permissions\.Modify"),
    "mapping": re.compile(r"Mapping\.|Permissions\.Modify"),
}
DATACENTER_OF_6 = re.compile(r"Sys\.Audit|SDN\.")


class Permissions:
    """What users and tokens of one cluster may do.

    Args:
        accounts: users, tokens and access control entries.
        release: decides which privileges a role holds.
        members: the pools with the paths of their members, such as `{"prod": ["/vms/100"]}`.
    """

    def __init__(self, accounts: Accounts, release: Release, members: dict[str, list[str]]) -> None:
        self._accounts = accounts
        self._release = release
        self._members = members
        self._entries: dict[str, list[AccessEntry]] = {}
        for entry in accounts.access:
            self._entries.setdefault(entry.path, []).append(entry)

    def effective(self, authid: str, path: str) -> Privileges:
        """Give the privileges that a user or token holds on one path."""
        userid, token = split_token_id(authid)
        own = self._privileges(userid, path)
        if token is None:
            return own
        user = self._accounts.users.get(userid)
        known = None if user is None else user.tokens.get(token)
        if known is None:
            return {}
        if not known.privsep:
            return own
        granted = self._privileges(authid, path)
        return {
            privilege: int(propagate and own[privilege]) for privilege, propagate in granted.items() if privilege in own
        }

    def holds(self, authid: str, path: str, privileges: Iterable[str]) -> bool:
        """Tell whether a user or token holds all of `privileges` on `path`."""
        held = self.effective(authid, path)
        return all(privilege in held for privilege in privileges)

    def listed(self, authid: str) -> dict[str, Privileges]:
        """Give what `GET /access/permissions` lists without a path."""
        modern = self._release.at_least(7)
        paths = ["/", "/access", "/access/groups", "/nodes", "/storage", "/vms"]
        paths += ["/pool", "/sdn"] if modern else ["/pools"]
        paths += [entry.path for entry in self._accounts.access]
        paths += [path for members in self._members.values() for path in members]
        held = {path: self.effective(authid, path) for path in dict.fromkeys(paths)}
        return {path: privileges for path, privileges in held.items() if privileges}

    def capabilities(self, authid: str) -> dict[str, dict[str, int]]:
        """Give the `cap` of a login: a hint for user interfaces."""
        patterns = dict(CAPABILITIES)
        if not self._release.at_least(8):
            del patterns["mapping"]
        if not self._release.at_least(7):
            patterns["dc"] = DATACENTER_OF_6
        found: dict[str, dict[str, int]] = {name: {} for name in patterns}
        held = self.listed(authid)
        held.update({path: self.effective(authid, path) for path in ("/sdn", "/mapping")})
        for path, privileges in held.items():
            top = path.split("/")[1] or "dc"
            for target in ("vms", "storage") if top in {"pool", "pools"} else (top,):
                if target in found:
                    matching = (name for name in privileges if patterns[target].match(name))
                    found[target].update(dict.fromkeys(matching, 1))
        return found

    def _privileges(self, authid: str, path: str) -> Privileges:
        roles = self._roles_with_pools(authid, path)
        held = _privileges_of(self._release, frozenset(roles.items()))
        made = {role: self._accounts.roles[role] for role in roles if role in self._accounts.roles}
        if not made:
            return held
        combined = dict(held)
        for role, privileges in made.items():
            for privilege in privileges:
                combined[privilege] = max(combined.get(privilege, 0), int(roles[role]))
        return combined

    def _roles_with_pools(self, authid: str, path: str) -> dict[str, bool]:
        roles = self._roles(authid, path)
        for pool, members in self._members.items():
            if path in members:
                for role in self._roles(authid, f"/pool/{pool}"):
                    roles.setdefault(role, False)
        if "NoAccess" in roles:
            return {"NoAccess": roles["NoAccess"]}
        return roles

    def _roles(self, authid: str, path: str) -> dict[str, bool]:
        """Find the roles on a path: the deepest entry wins, a user's own before those of its groups."""
        if authid == ROOT:
            return {"Administrator": True}
        kind = "token" if "!" in authid else "user"
        user = self._accounts.users.get(authid)
        groups = user.groups if user is not None else set[str]()
        found: dict[str, bool] = {}
        for ancestor in _with_ancestors(path):
            entries = [entry for entry in self._entries.get(ancestor, ()) if ancestor == path or entry.propagate]
            found = _roles_of(entries, kind, {authid}) or _roles_of(entries, "group", groups) or found
        return found


def _roles_of(entries: list[AccessEntry], kind: str, subjects: set[str]) -> dict[str, bool]:
    return {entry.role: entry.propagate for entry in entries if entry.kind == kind and entry.subject in subjects}


@cache
def _privileges_of(release: Release, roles: frozenset[tuple[str, bool]]) -> Privileges:
    """Add up what roles hold; nobody changes the result, which is the same for all who hold them."""
    known = privileges_of_roles(release)
    held: dict[str, int] = {}
    for role, propagate in roles:
        for privilege in known.get(role, ()):
            held[privilege] = max(held.get(privilege, 0), int(propagate))
    return held


def _with_ancestors(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1))]
