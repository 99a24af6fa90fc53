"""Logging in: tickets and second factors."""

import hmac

from pxm_tui.simulator.accounts import User
from pxm_tui.simulator.errors import ApiError
from pxm_tui.simulator.journal import note_login
from pxm_tui.simulator.permissions import ROOT
from pxm_tui.simulator.routes.base import Call, Route
from pxm_tui.simulator.second_factors import accept, code_matches


def _failure() -> ApiError:
    return ApiError(401, "authentication failure\n")


def show_login_page(_call: Call) -> None:
    """Answer `GET /access/ticket`, which exists for login pages only."""


def create_ticket(call: Call) -> dict[str, object]:
    """Answer `POST /access/ticket`: a password, a ticket to renew, or the second step of a login."""
    username = call.text("username") or ""
    realm = call.text("realm")
    userid = f"{username}@{realm}" if realm and "@" not in username else username
    try:
        reply = _log_in(call, userid)
    except ApiError:
        note_login(call.cluster, call.node.name, userid, accepted=False)
        raise
    note_login(call.cluster, call.node.name, userid, accepted=True)
    return reply


def _log_in(call: Call, userid: str) -> dict[str, object]:
    user = call.cluster.accounts.users.get(userid)
    if user is None or not user.is_active(call.now):
        raise _failure()
    challenge = call.text("tfa-challenge")
    if challenge is not None:
        _finish_second_factor(call, user, challenge)
        return _full_reply(call, user)
    if call.text("path") is not None:
        return _verify_only(call, user)
    if _is_renewal(call, user):
        return _full_reply(call, user)
    if not _password_matches(user, call.text("password") or ""):
        raise _failure()
    otp = call.text("otp")
    if otp is not None:
        _accept_inline_code(call, user, otp)
    elif user.needs_second_factor:
        return _half_reply(call, user)
    return _full_reply(call, user)


def finish_old_second_factor(call: Call) -> dict[str, object]:
    """Answer `POST /access/tfa`, the second step of the old login."""
    userid = call.identity.authid
    user = call.cluster.accounts.users.get(userid)
    code = call.text("response") or ""
    if not call.identity.half or user is None or not user.is_active(call.now):
        raise _failure()
    if not code_matches(user, code, call.now):
        raise _failure()
    return {
        "ticket": call.cluster.tickets.issue(userid, call.now),
        "cap": call.permissions.capabilities(userid),
    }


def _password_matches(user: User, password: str) -> bool:
    return user.password is not None and hmac.compare_digest(user.password.encode(), password.encode())


def _is_renewal(call: Call, user: User) -> bool:
    """Tell whether the password is a valid ticket: of the user itself, or of root@pam for anybody."""
    owner = call.cluster.tickets.check(call.text("password") or "", call.now)
    return owner in {user.userid, ROOT}


def _verify_only(call: Call, user: User) -> dict[str, object]:
    """Check a password or ticket and privileges on a path; give no ticket."""
    path = call.text("path") or ""
    privileges = [name for name in (call.text("privs") or "").replace(";", ",").split(",") if name]
    owner = call.cluster.tickets.check(call.text("password") or "", call.now)
    accepted = owner == user.userid or _password_matches(user, call.text("password") or "")
    if not accepted or not call.permissions.holds(user.userid, path, privileges):
        raise _failure()
    return {"username": user.userid}


def _finish_second_factor(call: Call, user: User, challenge: str) -> None:
    kind, _, response = (call.text("password") or "").partition(":")
    genuine = call.cluster.tickets.check_half(challenge, user.userid, call.now)
    if not genuine or not accept(user, kind, response, call.now, call.release):
        raise _failure()


def _accept_inline_code(call: Call, user: User, otp: str) -> None:
    """Check a code that came with the password."""
    if _uses_old_login(call):
        if user.needs_second_factor and not code_matches(user, otp, call.now):
            raise _failure()
        return
    kind, _, response = otp.partition(":")
    if not accept(user, kind, response, call.now, call.release):
        raise _failure()


def _uses_old_login(call: Call) -> bool:
    """Tell whether this login goes the way of Proxmox VE 6: always up to 7.0, until 8.0 unless asked otherwise."""
    if call.cluster.release.at_least(8):
        return False
    return not (call.cluster.release.at_least(7, 1) and call.number("new-format"))


def _half_reply(call: Call, user: User) -> dict[str, object]:
    tickets = call.cluster.tickets
    if _uses_old_login(call):
        if user.totp_secret is None or (user.recovery_keys and call.cluster.release.at_least(7, 1)):
            raise _failure()
        ticket = tickets.issue_old_half(user.userid, call.now)
    else:
        challenge: dict[str, object] = {}
        if user.totp_secret is not None:
            challenge["totp"] = True
        if user.recovery_keys is not None:
            challenge["recovery"] = list(user.recovery_keys)
        if user.webauthn:
            challenge["webauthn"] = {"publicKey": {"challenge": "c2ltdWxhdGVk", "allowCredentials": []}}
        ticket = tickets.issue_half(user.userid, challenge, call.now)
    return {**_common_reply(call, user), "ticket": ticket, "NeedTFA": 1}


def _full_reply(call: Call, user: User) -> dict[str, object]:
    return {
        **_common_reply(call, user),
        "ticket": call.cluster.tickets.issue(user.userid, call.now),
        "cap": call.permissions.capabilities(user.userid),
    }


def _common_reply(call: Call, user: User) -> dict[str, object]:
    cluster = call.cluster
    reply: dict[str, object] = {
        "username": user.userid,
        "CSRFPreventionToken": cluster.tickets.issue_csrf(user.userid, call.now),
    }
    if not cluster.options.standalone and call.permissions.holds(user.userid, "/", ["Sys.Audit"]):
        reply["clustername"] = cluster.name
    return reply


ROUTES = (
    Route("GET", "/access/ticket", show_login_page),
    Route("POST", "/access/ticket", create_ticket),
    Route("POST", "/access/tfa", finish_old_second_factor),
)
