"""Users, their passwords and the list of their second factors."""

import uuid

from pxm_tui.simulator.accounts import Accounts, User
from pxm_tui.simulator.clock import seeded_bytes
from pxm_tui.simulator.errors import ApiError, handler_error, parameter_error, permission_error
from pxm_tui.simulator.permissions import ROOT
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.second_factors import unlock

MANAGE = ("User.Modify", "Sys.Audit")
TEXTS = ("comment", "email", "firstname", "lastname")


def visible_users(call: Call) -> list[User]:
    """Give the users that who asks may see: all, those of groups it may audit, and itself."""
    users = list(call.accounts.users.values())
    if call.may_any("/access/groups", *MANAGE):
        return users
    groups = {group for group in call.accounts.groups if call.may_any(f"/access/groups/{group}", *MANAGE)}
    return [user for user in users if user.groups & groups or user.userid == call.authid]


def list_users(call: Call) -> list[Entry]:
    """Answer `GET /access/users`."""
    full, enabled = bool(call.number("full")), call.number("enabled")
    found = []
    for user in visible_users(call):
        if enabled is not None and bool(enabled) != user.enabled:
            continue
        entry: Entry = {"userid": user.userid, **_data(user, call)}
        if call.release.at_least(7):
            entry["realm-type"] = call.accounts.realms[user.realm].kind
        if full:
            tokens: list[Entry] = [{"tokenid": token.name, **token.info()} for token in user.tokens.values()]
            entry.update(groups=",".join(sorted(user.groups)), tokens=tokens or None)
        entry.update(_locks(user, call.now))
        found.append(entry)
    return call.shuffled(found)


def show_user(call: Call) -> Entry:
    """Answer `GET /access/users/{userid}`."""
    user = call.accounts.user(call.place["userid"])
    tokens = {token.name: token.info() for token in user.tokens.values()}
    return {**_data(user, call), "groups": sorted(user.groups), "tokens": tokens or None}


def _data(user: User, call: Call) -> Entry:
    data: Entry = {"enable": int(user.enabled), "expire": user.expire}
    data.update({name: getattr(user, name) for name in TEXTS if getattr(user, name)})
    if user.needs_second_factor:
        data["keys"] = "x" if call.release.at_least(7) else "x!oath"
    if user.needs_second_factor or user.comment:
        # The line in user.cfg goes on behind the address, which is therefore there, if empty.
        data["email"] = user.email
    return data


def _locks(user: User, now: float) -> Entry:
    locks: Entry = {"totp-locked": 1} if user.totp_locked else {}
    if user.locked_until > now:
        locks["tfa-locked-until"] = user.locked_until
    return locks


def create_user(call: Call) -> None:
    """Answer `POST /access/users`."""
    userid = call.text("userid") or ""
    call.require_quorum("create user failed")
    if userid in call.accounts.users:
        raise handler_error(f"create user failed: user '{userid}' already exists")
    if userid.rpartition("@")[2] not in call.accounts.realms:
        raise handler_error(f"create user failed: domain '{userid.rpartition('@')[2]}' does not exist")
    user = User(userid)
    _change(call, user, "create user failed")
    password = call.text("password")
    if password is not None:
        _check_length(call, password)
        user.password = password
    call.accounts.users[userid] = user


def change_user(call: Call) -> None:
    """Answer `PUT /access/users/{userid}`."""
    call.require_quorum("update user failed")
    _change(call, call.accounts.user(call.place["userid"]), "update user failed")


def _change(call: Call, user: User, what: str) -> None:
    groups = set(call.items("groups"))
    for group in groups - set(call.accounts.groups):
        raise handler_error(f"{what}: no such group '{group}'")
    enable, expire = call.number("enable"), call.number("expire")
    if enable is not None:
        user.enabled = bool(enable)
    if expire is not None:
        user.expire = expire
    for name in TEXTS:
        text = call.text(name)
        if text is not None:
            setattr(user, name, text)
    if "groups" in call.parameters:
        user.groups = user.groups | groups if call.number("append") else groups


def delete_user(call: Call) -> None:
    """Answer `DELETE /access/users/{userid}`; its access control entries go with it."""
    userid = call.place["userid"]
    call.require_quorum("delete user failed")
    call.accounts.user(userid)
    del call.accounts.users[userid]
    forget_subject(call.accounts, userid)


def forget_subject(accounts: Accounts, subject: str) -> None:
    """Remove the access control entries of a user and its tokens, or of a group."""
    accounts.access = [
        entry for entry in accounts.access if entry.subject != subject and not entry.subject.startswith(f"{subject}!")
    ]


def unlock_second_factors(call: Call) -> int:
    """Answer `PUT /access/users/{userid}/unlock-tfa`: whether anything was locked."""
    user = call.accounts.user(call.place["userid"])
    call.require_quorum(file="priv_tfa_cfg")
    return int(unlock(user))


def change_password(call: Call) -> None:
    """Answer `PUT /access/password`."""
    userid, password = call.text("userid") or "", call.text("password") or ""
    user = call.accounts.user(userid)
    if userid == ROOT and call.authid != ROOT:
        raise permission_error()
    _check_length(call, password)
    if call.release.at_least(8, 4) and call.authid != ROOT:
        _confirm(call)
    if user.realm == "pve":
        call.require_quorum(file="priv_shadow_cfg")
    user.password = password


def _check_length(call: Call, password: str) -> None:
    shortest = 8 if call.release.at_least(8) else 5
    if len(password) < shortest:
        raise parameter_error({"password": f"value must be at least {shortest} characters long"})


def _confirm(call: Call) -> None:
    confirmation = call.text("confirmation-password")
    if confirmation is None:
        raise parameter_error({"confirmation-password": "password is required to modify user"})
    if call.accounts.user(call.authid).password != confirmation:
        raise ApiError(401, "authentication failure\n")


def _factors(call: Call, user: User) -> list[Entry]:
    entries: list[Entry] = []
    if user.recovery_keys is not None:
        entries.append({"id": "recovery", "type": "recovery", "description": "", "created": user.factors_since})
    if user.totp_secret is not None:
        identity = str(uuid.UUID(bytes=seeded_bytes(16, call.cluster.seed, user.userid, "totp")))
        entries.append({"id": identity, "type": "totp", "description": "phone", "created": user.factors_since})
    return entries


def list_second_factors(call: Call) -> list[Entry]:
    """Answer `GET /access/tfa`: users that have second factors."""
    users = [user for user in visible_users(call) if user.needs_second_factor]
    return [{"userid": user.userid, "entries": _factors(call, user), **_locks(user, call.now)} for user in users]


def list_second_factors_of_user(call: Call) -> list[Entry]:
    """Answer `GET /access/tfa/{userid}`."""
    return _factors(call, call.accounts.user(call.place["userid"]))


def show_second_factor(call: Call) -> Entry:
    """Answer `GET /access/tfa/{userid}/{id}`, the one route with an honest 404."""
    wanted = call.place["id"]
    for entry in list_second_factors_of_user(call):
        if entry["id"] == wanted:
            return entry
    raise ApiError(404, f"no such tfa entry '{wanted}'\n")


def show_kinds_of_second_factors(call: Call) -> Entry:
    """Answer `GET /access/users/{userid}/tfa`."""
    user = call.accounts.user(call.place["userid"])
    if not user.needs_second_factor:
        return {}
    if call.number("multiple"):
        return {"types": sorted(str(entry["type"]) for entry in _factors(call, user))}
    return {"user": "oath"} if user.totp_secret is not None else {}


USER = "/access/users/{userid}"

ROUTES = (
    Route("GET", "/access/users", list_users),
    Route("POST", "/access/users", create_user),
    Route("GET", USER, show_user),
    Route("PUT", USER, change_user),
    Route("DELETE", USER, delete_user),
    Route("PUT", f"{USER}/unlock-tfa", unlock_second_factors),
    Route("GET", f"{USER}/tfa", show_kinds_of_second_factors),
    Route("PUT", "/access/password", change_password),
    Route("GET", "/access/tfa", list_second_factors),
    Route("GET", "/access/tfa/{userid}", list_second_factors_of_user),
    Route("GET", "/access/tfa/{userid}/{id}", show_second_factor),
)
