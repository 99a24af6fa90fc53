"""Decides whose request it is (pve-manager, HTTPServer.pm; pve-access-control, AccessControl.pm)."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from pxm_tui.simulator.accounts import split_token_id
from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.errors import ApiError, unauthorized

COOKIE = "PVEAuthCookie"
TOKEN = "PVEAPIToken"  # noqa: S105  (the name of a header's scheme)

PUBLIC = {
    ("GET", "/access/domains"),
    ("GET", "/access/ticket"),
    ("POST", "/access/ticket"),
}
"""What may be asked without a credential."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks.

    Attributes:
        authid: user or full token id; empty where nobody had to say.
        by_token: whether an API token was sent instead of a ticket.
        half: whether the ticket is one that still needs its second factor (old login).
    """

    authid: str = ""
    by_token: bool = False
    half: bool = False


@dataclass(frozen=True, slots=True)
class Presented:
    """The credentials that came with a request."""

    ticket: str | None
    token: str | None

    def __repr__(self) -> str:
        return f"Presented(ticket={self.ticket is not None}, token={self.token is not None})"


def presented(headers: Mapping[str, str]) -> Presented:
    """Take the credentials out of the headers; a cookie beats an API token."""
    ticket = _extract(headers.get("Cookie", ""), COOKIE)
    authorization = headers.get("Authorization", "")
    if ticket is None:
        ticket = _extract(authorization, COOKIE)
    token = None if ticket is not None else _extract(authorization, TOKEN)
    return Presented(ticket, token)


def _extract(header: str, name: str) -> str | None:
    match = re.search(rf"(?:^|\s){name}(?:=| )([^;]*)", header)
    return unquote(match.group(1)) if match else None


def authenticate(cluster: Cluster, method: str, path: str, headers: Mapping[str, str]) -> Identity:
    """Find out who asks.

    Raises:
        ProtocolError: 401, nobody that the cluster knows.
    """
    credential = presented(headers)
    if (method, path) in PUBLIC:
        return Identity(by_token=credential.token is not None)
    if credential.token is not None:
        return Identity(_check_token(cluster, credential.token), by_token=True)
    if credential.ticket is None:
        raise unauthorized("No ticket")
    identity = _check_ticket(cluster, credential.ticket, path)
    if method != "GET":
        csrf = headers.get("CSRFPreventionToken", "")
        if not cluster.tickets.check_csrf(csrf, identity.authid, cluster.clock()):
            raise unauthorized("Permission denied - invalid csrf token")
    return identity


def _check_ticket(cluster: Cluster, ticket: str, path: str) -> Identity:
    release = cluster.release
    now = cluster.clock()
    half_user = None if release.at_least(8) else cluster.tickets.check_old_half(ticket, now)
    if half_user is not None:
        if path != "/access/tfa":
            raise unauthorized("No ticket")
        return Identity(half_user, half=True)
    userid = cluster.tickets.check(ticket, now)
    if userid is None:
        raise _refusal(cluster, "permission denied - invalid PVE ticket")
    _check_account(cluster, userid)
    return Identity(userid)


def _check_account(cluster: Cluster, userid: str) -> None:
    try:
        user = cluster.accounts.user(userid)
    except ApiError as error:
        raise _refusal(cluster, error.message.strip()) from None
    if not user.enabled:
        raise _refusal(cluster, f"user '{userid}' is disabled")
    if not user.is_active(cluster.clock()):
        raise _refusal(cluster, f"user '{userid}' access expired")


def _check_token(cluster: Cluster, value: str) -> str:
    full, separator, secret = value.partition("=")
    userid, name = split_token_id(full)
    if not separator or name is None or not re.fullmatch(r"\S+@\S+", userid):
        raise _refusal(cluster, "no tokenid specified")
    _check_account(cluster, userid)
    try:
        token = cluster.accounts.token(userid, name)
    except ApiError as error:
        raise _refusal(cluster, error.message.strip()) from None
    if token.expire and token.expire <= cluster.clock():
        modern = cluster.release.at_least(7)
        raise _refusal(cluster, f"token '{name}' access expired" if modern else "token expired")
    if not hmac.compare_digest(token.secret.encode(), secret.encode()):
        raise _refusal(cluster, "invalid token value!")
    return full


def _refusal(cluster: Cluster, reason: str) -> Exception:
    return unauthorized("Authentication failed!" if cluster.release.hides_authentication_details else reason)
