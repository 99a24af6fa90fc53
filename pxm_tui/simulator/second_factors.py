"""Checks second factors and locks them after failures (proxmox-rs, proxmox-tfa)."""

import hmac

from pxm_tui.simulator.accounts import User
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.totp import matching_counter

TOTP_FAILURES = 8
"""Wrong codes in a row after which codes are refused."""
FACTOR_FAILURES = 100
"""Wrong second factors in a row after which all of them are refused for a while."""
LOCKED_FOR = 3600
"""Seconds that this takes."""


def accept(user: User, kind: str, response: str, now: float, release: Release) -> bool:
    """Check the answer to a challenge; from Proxmox VE 8 on, failures lock.

    Args:
        user: whose second factor it is.
        kind: `totp` or `recovery`.
        response: the code or key.
        now: the time, in seconds since 1970.
        release: the cluster's release.
    """
    if user.locked_until > now or (kind == "totp" and user.totp_locked):
        return False
    accepted = code_matches(user, response, now) if kind == "totp" else _key_matches(user, kind, response)
    if accepted:
        unlock(user)
    elif release.at_least(8):
        _count_failure(user, kind, now)
    return accepted


def unlock(user: User) -> bool:
    """Forget the failures of a user.

    Returns:
        Whether anything was locked.
    """
    was_locked = user.totp_locked or user.locked_until > 0
    user.totp_failures = user.factor_failures = user.locked_until = 0
    user.totp_locked = False
    return was_locked


def code_matches(user: User, code: str, now: float) -> bool:
    """Check a one-time code; each is good once, and none while codes are locked."""
    if user.totp_secret is None or user.totp_locked:
        return False
    counter = matching_counter(user.totp_secret, code, now)
    if counter is None or counter <= user.last_counter:
        return False
    user.last_counter = counter
    return True


def _key_matches(user: User, kind: str, response: str) -> bool:
    """Check a recovery key and use it up."""
    if kind != "recovery" or not user.recovery_keys:
        return False
    for index, key in user.recovery_keys.items():
        if hmac.compare_digest(key.encode(), response.encode()):
            del user.recovery_keys[index]
            return True
    return False


def _count_failure(user: User, kind: str, now: float) -> None:
    user.factor_failures += 1
    if kind == "totp":
        user.totp_failures += 1
        user.totp_locked = user.totp_failures >= TOTP_FAILURES
    if user.factor_failures >= FACTOR_FAILURES:
        user.factor_failures = 0
        user.locked_until = int(now) + LOCKED_FOR
