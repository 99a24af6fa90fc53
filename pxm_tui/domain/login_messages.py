"""The wording of refused logins and of missing rights.

`said` is always the server's own text; it is put on one line and quoted here, so callers pass it as it came.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from pxm_tui.domain.cluster import TOKEN_EXPIRED, Cluster, Endpoint, LoginMethod
from pxm_tui.domain.errors import LoginError, NotPermittedError
from pxm_tui.domain.remedies import BY_TOKEN, CHECK_AGAIN, GIVE_CODE, LOG_IN_AGAIN, SEE_AGAIN
from pxm_tui.domain.text import for_shell, one_line, quoted


def credentials(endpoint: Endpoint, user: str, said: str) -> LoginError:
    """Password login refused: Proxmox VE answers wrong password, unknown, disabled and expired user alike."""
    return LoginError(
        "credentials",
        f"{endpoint.host} rejected the login of {user}: {quoted(said)}.",
        probably="The password is wrong, or the user does not exist, is disabled or has expired: "
        "Proxmox answers all four alike.",
        do="Correct it and try again. Each try counts for fail2ban; pxm never repeats a rejected login. "
        f"Datacenter > Permissions > Users shows whether {user} is enabled.",
        field="password",
    )


def refused_before(cluster: Cluster, do: str) -> LoginError:
    """The stored login is not sent, because it was refused; `do` says what else there is."""
    known = cluster.error
    return LoginError(
        known.cause if known else "token" if cluster.login.method is LoginMethod.TOKEN else "credentials",
        known.message if known else "The stored login was refused.",
        probably="It is not tried again by itself: each try counts for fail2ban.",
        do=do,
    )


def second_factor_needed(user: str, kinds: Iterable[str] = ()) -> LoginError:
    """A code is needed, and there was none."""
    offered = set(kinds)
    only_keys = bool(offered) and not offered & {"totp", "recovery", "yubico"}
    probably = (
        "The account has hardware keys (WebAuthn) only, which a terminal cannot use."
        if only_keys
        else "Two-factor authentication is on for this user or realm."
    )
    return LoginError(
        "second_factor_needed",
        f"{user} needs a second factor{', and none that can be typed' if only_keys else ', and no code was given'}.",
        probably=probably,
        do="Add TOTP or recovery keys in the web interface, Datacenter > Permissions > Two Factor, or log in with an "
        f"API token{BY_TOKEN}, which needs no second factor."
        if only_keys
        else f"{GIVE_CODE} An API token needs none.",
        field="code",
    )


def second_factor_unfit(user: str, kinds: Iterable[str]) -> LoginError:
    """What was given can be none of what is asked for; it is not sent, because each try counts."""
    names = {"totp": "a TOTP code", "recovery": "a recovery key", "yubico": "what a YubiKey types"}
    wanted = " or ".join(name for kind, name in names.items() if kind in kinds)
    return LoginError(
        "second_factor_needed",
        f"{user} needs {wanted or 'a code'}, and what was given is none. It was not sent.",
        probably="A TOTP code has 6 to 8 digits, a recovery key four groups of four.",
        do=GIVE_CODE,
        field="code",
    )


def second_factor_wrong(endpoint: Endpoint, user: str, clock_skew: int = 0) -> LoginError:
    """The code was not accepted. `clock_skew` is the difference to the server's clock in seconds."""
    skew = f" The clocks of server and this machine differ by {clock_skew} s." if abs(clock_skew) > 15 else ""
    return LoginError(
        "second_factor_wrong",
        f"{endpoint.host} did not accept the code. The password was right.",
        probably=f"The code had run out (30 s), or belongs to another account.{skew}",
        do="Wait for the next code and type it. After 8 wrong codes Proxmox 8 and later locks TOTP for "
        f"{user}: a recovery key or `pveum user tfa unlock {shlex.quote(user)}` opens it.",
        field="code",
    )


def locked(user: str, until: str = "") -> LoginError:
    """The second factor is locked."""
    wait = f", or wait until {until}" if until else ""
    return LoginError(
        "locked",
        f"Proxmox has locked the second factor of {user}.",
        do=f"`pveum user tfa unlock {shlex.quote(user)}`{wait}.",
        field="code",
    )


def token(endpoint: Endpoint, token_id: str, said: str) -> LoginError:
    """An API token was refused; older servers say why."""
    user, _, name = token_id.partition("!")
    lowered = said.lower()
    token = f"{shlex.quote(user)} {shlex.quote(name)}"
    renew = f"Expired: `pveum user token modify {token} --expire $(date -d +1year +%s)`."
    remake = f"Secret lost: make a new token, then {LOG_IN_AGAIN}."
    if "user '" in lowered and "is disabled" in lowered:
        probably = f"The account {user} is disabled."
        do = f"On a node: `pveum user modify {shlex.quote(user)} --enable 1`. Then {CHECK_AGAIN}."
    elif "user '" in lowered and "expired" in lowered:
        probably = f"The account {user} has expired."
        do = f"On a node: `pveum user modify {shlex.quote(user)} --expire 0`. Then {CHECK_AGAIN}."
    elif "no such user" in lowered:
        probably, do = f"The account {user} was deleted.", f"With another one {LOG_IN_AGAIN}."
    elif "expired" in lowered:
        probably, do = TOKEN_EXPIRED, renew
    elif "no such token" in lowered:
        probably, do = "It was deleted.", f"Make a new token, then {LOG_IN_AGAIN}."
    elif "invalid token value" in lowered:
        probably, do = "Its secret is wrong.", remake
    else:
        probably = "It has expired, was deleted, its secret is wrong, or its owner is disabled."
        do = f"`pveum user token list {shlex.quote(user)}` on a node shows it. {renew} {remake}"
    return LoginError(
        "token",
        f"{endpoint.host} rejected the token {token_id}: {quoted(said)}.",
        probably=probably,
        do=do,
        field="token_secret",
    )


def unknown_realm(endpoint: Endpoint, realm: str, realms: Iterable[str]) -> LoginError:
    """The realm is not in the server's list."""
    return LoginError(
        "unknown_realm",
        f'{endpoint.host} has no realm "{one_line(realm, 40)}". It has: {", ".join(realms)}. No login was sent.',
        do="Choose one of them.",
        field="user",
    )


def openid_realm(endpoint: Endpoint, user: str, realm: str, others: Iterable[str]) -> LoginError:
    """The realm logs in through a browser, elsewhere."""
    return LoginError(
        "unknown_realm",
        f"{one_line(realm, 40)} of {endpoint.host} is an OpenID realm: {one_line(user, 64)} has no password there. "
        "No login was sent.",
        probably="Its users log in through a browser at another server, which a terminal cannot do.",
        do="Make an API token in the web interface (Datacenter > Permissions > API Tokens) and log in with that"
        f"{BY_TOKEN}, or as a user of {', '.join(sorted(others))}.",
        field="user",
    )


def secret_missing(name: str) -> LoginError:
    """The secret of a registered cluster is not kept, or its entry is gone."""
    return LoginError(
        "secret_missing",
        f"No secret is kept for {one_line(name, 64)}.",
        probably="It was imported without one, secrets are only held in memory here, or the entry was erased.",
        do=f"With its login {LOG_IN_AGAIN}.",
    )


def saved_without_secret(name: str) -> LoginError:
    """A cluster was imported from a file that does not have its secret."""
    return LoginError(
        "secret_missing",
        f"{one_line(name, 64)} came from a file without its secret.",
        do=f"With its login {LOG_IN_AGAIN}.",
    )


def missing_privilege(what: str, privilege: str, path: str) -> NotPermittedError:
    """The login works, but a call was refused."""
    return NotPermittedError(
        "missing_privileges",
        f"The login works, but may not see {what}: {privilege} on {path} is missing.",
        probably="A token with privilege separation starts with no rights; it needs them, and so does its owner.",
        do="On a node, as root: grant the role PVEAuditor on / (`pveum acl modify / --roles PVEAuditor …`). "
        f"{SEE_AGAIN}",
    )


def grant_line(user: str, token_id: str | None) -> str:
    """The command that gives a login the rights to see everything."""
    if token_id is None:
        return f"pveum acl modify / --roles PVEAuditor --users {for_shell(user)}"
    return f"pveum acl modify / --roles PVEAuditor --tokens {for_shell(token_id)}"
