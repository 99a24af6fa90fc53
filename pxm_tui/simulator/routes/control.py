"""Realms, groups, roles and the access control list."""

import hashlib
import re

from pxm_tui.simulator.accounts import AccessEntry, split_token_id
from pxm_tui.simulator.errors import handler_error, parameter_error
from pxm_tui.simulator.roles import privileges_of_roles
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.users import forget_subject

SEE_GROUP = ("User.Modify", "Sys.Audit", "Group.Allocate")
SUBJECTS = {"users": "user", "groups": "group", "tokens": "token"}
PATHS = re.compile(
    r"/|/access(/groups(/[^/]+)?|/realm(/[^/]+)?)?|/nodes(/[^/]+)?|/pool(/[^/]+){0,3}|/storage(/[^/]+)?"
    r"|/vms(/[1-9][0-9]{2,})?|/sdn(/.+)?|/mapping(/.+)?"
)


def list_realms(call: Call) -> list[Entry]:
    """Answer `GET /access/domains`."""
    found: list[Entry] = []
    for realm in call.accounts.realms.values():
        entry: Entry = {"realm": realm.name, "type": realm.kind, "comment": realm.comment}
        if realm.default:
            entry["default"] = 1
        if realm.tfa:
            entry["tfa"] = realm.tfa
        found.append(entry)
    return call.shuffled(found)


def show_realm(call: Call) -> Entry:
    """Answer `GET /access/domains/{realm}`."""
    name = call.place["realm"]
    realm = call.accounts.realms.get(name)
    if realm is None:
        raise handler_error(f"domain '{name}' does not exist")
    content = "".join(f"{item.kind}: {item.name}\n" for item in call.accounts.realms.values())
    entry: Entry = {"type": realm.kind, "comment": realm.comment, "digest": _digest(content)}
    if realm.default:
        entry["default"] = 1
    if realm.tfa:
        entry["tfa"] = realm.tfa
    return entry


def _digest(content: str) -> str:
    return hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()


def list_groups(call: Call) -> list[Entry]:
    """Answer `GET /access/groups`, filtered."""
    found: list[Entry] = []
    for name, comment in call.accounts.groups.items():
        if call.may_any(f"/access/groups/{name}", *SEE_GROUP):
            entry: Entry = {"groupid": name, "users": ",".join(sorted(call.accounts.members(name)))}
            found.append({**entry, "comment": comment} if comment else entry)
    return call.shuffled(found)


def show_group(call: Call) -> Entry:
    """Answer `GET /access/groups/{groupid}`."""
    name = call.place["groupid"]
    comment = _comment_of_group(call, name)
    members = sorted(call.accounts.members(name))
    return {"members": members, "comment": comment} if comment else {"members": members}


def _comment_of_group(call: Call, name: str, prefix: str = "") -> str:
    if name not in call.accounts.groups:
        raise handler_error(f"{prefix}group '{name}' does not exist")
    return call.accounts.groups[name]


def create_group(call: Call) -> None:
    """Answer `POST /access/groups`."""
    name = call.text("groupid") or ""
    call.require_quorum("create group failed")
    if name in call.accounts.groups:
        raise handler_error(f"create group failed: group '{name}' already exists")
    call.accounts.groups[name] = call.text("comment") or ""


def change_group(call: Call) -> None:
    """Answer `PUT /access/groups/{groupid}`."""
    name = call.place["groupid"]
    call.require_quorum("update group failed")
    _comment_of_group(call, name, "update group failed: ")
    if "comment" in call.parameters:
        call.accounts.groups[name] = call.text("comment") or ""


def delete_group(call: Call) -> None:
    """Answer `DELETE /access/groups/{groupid}`."""
    name = call.place["groupid"]
    call.require_quorum("delete group failed")
    _comment_of_group(call, name, "delete group failed: ")
    del call.accounts.groups[name]
    for user in call.accounts.users.values():
        user.groups.discard(name)
    forget_subject(call.accounts, name)


def _roles(call: Call) -> dict[str, frozenset[str]]:
    return {**privileges_of_roles(call.release), **call.accounts.roles}


def list_roles(call: Call) -> list[Entry]:
    """Answer `GET /access/roles`."""
    built_in = privileges_of_roles(call.release)
    entries: list[Entry] = [
        {"roleid": name, "privs": ",".join(sorted(privileges)), "special": int(name in built_in)}
        for name, privileges in _roles(call).items()
    ]
    return call.shuffled(entries)


def show_role(call: Call) -> Entry:
    """Answer `GET /access/roles/{roleid}`."""
    name = call.place["roleid"]
    roles = _roles(call)
    if name not in roles:
        raise handler_error(f"role '{name}' does not exist")
    return dict.fromkeys(sorted(roles[name]), 1)


def create_role(call: Call) -> None:
    """Answer `POST /access/roles`."""
    name = call.text("roleid") or ""
    if call.release.at_least(8) and name.lower().startswith("pve"):
        reserved = "cannot use role ID starting with the (case-insensitive) 'PVE' namespace"
        raise parameter_error({"roleid": reserved})
    call.require_quorum("create role failed")
    if name in _roles(call):
        raise handler_error(f"create role failed: role '{name}' already exists")
    call.accounts.roles[name] = frozenset(call.items("privs"))


def change_role(call: Call) -> None:
    """Answer `PUT /access/roles/{roleid}`."""
    name = call.place["roleid"]
    _check_role_is_ours(call, name, "update role failed", "modified")
    kept = call.accounts.roles[name] if call.number("append") else frozenset[str]()
    call.accounts.roles[name] = kept | frozenset(call.items("privs"))


def delete_role(call: Call) -> None:
    """Answer `DELETE /access/roles/{roleid}`."""
    name = call.place["roleid"]
    _check_role_is_ours(call, name, "delete role failed", "deleted")
    del call.accounts.roles[name]
    call.accounts.access = [entry for entry in call.accounts.access if entry.role != name]


def _check_role_is_ours(call: Call, name: str, what: str, done: str) -> None:
    call.require_quorum(what)
    if name in privileges_of_roles(call.release):
        raise handler_error(f"{what}: auto-generated role '{name}' cannot be {done}")
    if name not in call.accounts.roles:
        raise handler_error(f"{what}: role '{name}' does not exist")


def list_access(call: Call) -> list[Entry]:
    """Answer `GET /access/acl`: all for who may audit access, else what who asks may change."""
    entries = call.accounts.access
    if not call.may("/access", "Sys.Audit"):
        entries = [entry for entry in entries if call.may(entry.path, "Permissions.Modify")]
    return call.shuffled(
        [
            {
                "path": entry.path,
                "type": entry.kind,
                "ugid": entry.subject,
                "roleid": entry.role,
                "propagate": int(entry.propagate),
            }
            for entry in entries
        ]
    )


def change_access(call: Call) -> None:
    """Answer `PUT /access/acl`: add or remove entries."""
    if not any(name in call.parameters for name in SUBJECTS):
        problem = "either 'users', 'groups' or 'tokens' is required."
        raise parameter_error(dict.fromkeys(SUBJECTS, problem))
    given = call.text("path") or ""
    path = "/" + "/".join(part for part in given.split("/") if part)
    if not given.startswith("/") or not PATHS.fullmatch(path):
        raise parameter_error({"path": f"invalid ACL path '{given}'"})
    call.require_quorum("ACL update failed")
    propagate = call.number("propagate")
    for role in call.items("roles"):
        _check_role_may_be_given(call, path, role)
        for name, kind in SUBJECTS.items():
            for subject in call.items(name):
                _check_subject(call, kind, subject)
                _set_entry(call, AccessEntry(path, kind, subject, role, propagate is None or bool(propagate)))


def _set_entry(call: Call, entry: AccessEntry) -> None:
    same = (entry.path, entry.kind, entry.subject, entry.role)
    accounts = call.accounts
    accounts.access = [old for old in accounts.access if (old.path, old.kind, old.subject, old.role) != same]
    if not call.number("delete"):
        accounts.access.append(entry)


def _check_role_may_be_given(call: Call, path: str, role: str) -> None:
    roles = _roles(call)
    if role not in roles:
        raise handler_error(f"ACL update failed: role '{role}' does not exist")
    held = call.permissions.effective(call.authid, path)
    if call.release.at_least(8) and "Permissions.Modify" not in held and not roles[role] <= set(held):
        verb = "remove" if call.number("delete") else "add"
        needed = "requires 'Permissions.Modify' or superset of privileges."
        raise parameter_error({"role": f"Cannot {verb} role '{role}' - {needed}"})


def _check_subject(call: Call, kind: str, subject: str) -> None:
    accounts = call.accounts
    if kind == "group" and subject not in accounts.groups:
        raise handler_error(f"ACL update failed: group '{subject}' does not exist")
    if kind == "user" and subject not in accounts.users:
        raise handler_error(f"ACL update failed: user '{subject}' does not exist")
    if kind == "token":
        userid, name = split_token_id(subject)
        if userid not in accounts.users or name not in accounts.users[userid].tokens:
            raise handler_error(f"ACL update failed: no such token '{name}' for user '{userid}'")


GROUP = "/access/groups/{groupid}"
ROLE = "/access/roles/{roleid}"

ROUTES = (
    Route("GET", "/access/domains", list_realms),
    Route("GET", "/access/domains/{realm}", show_realm),
    Route("GET", "/access/groups", list_groups),
    Route("POST", "/access/groups", create_group),
    Route("GET", GROUP, show_group),
    Route("PUT", GROUP, change_group),
    Route("DELETE", GROUP, delete_group),
    Route("GET", "/access/roles", list_roles),
    Route("POST", "/access/roles", create_role),
    Route("GET", ROLE, show_role),
    Route("PUT", ROLE, change_role),
    Route("DELETE", ROLE, delete_role),
    Route("GET", "/access/acl", list_access),
    Route("PUT", "/access/acl", change_access),
)
