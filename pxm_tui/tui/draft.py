"""What the register form keeps while it is closed, and from run to run. Never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pxm_tui.domain.cluster import LoginMethod
from pxm_tui.services.bundle import Preferences

PREFERENCE = "register"
ENVIRONMENTS = ("none", "prod", "staging", "test", "lab")


@dataclass(frozen=True, slots=True)
class RegisterDraft:
    """The fields of the form but password, token secret and code.

    Attributes:
        token: the role of the token that is made, or `none`.
        labels: as typed, separated by spaces.
    """

    endpoint: str = ""
    method: LoginMethod = LoginMethod.PASSWORD
    user: str = ""
    token_id: str = ""
    token: str = "auditor"  # noqa: S105
    name: str = ""
    environment: str = "none"
    labels: str = ""


@dataclass(frozen=True, slots=True)
class RegisterOutcome:
    """How the form was left.

    Attributes:
        draft: what was typed, for the next time; None after a registration.
        cluster_ids: what was registered meanwhile.
    """

    draft: RegisterDraft | None
    cluster_ids: tuple[str, ...] = ()


def remembered(preferences: Preferences) -> RegisterDraft:
    """A form with environment, user and way of login of the last registration."""
    found = preferences.read().get(PREFERENCE)
    kept: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    method = LoginMethod.TOKEN if kept.get("method") == "token" else LoginMethod.PASSWORD
    environment, login = str(kept.get("environment", "none")), str(kept.get("user", ""))[:128]
    return RegisterDraft(
        method=method,
        user=login if method is LoginMethod.PASSWORD else "",
        token_id=login if method is LoginMethod.TOKEN else "",
        environment=environment if environment in ENVIRONMENTS else "none",
    )


def remember(preferences: Preferences, draft: RegisterDraft) -> None:
    """Keep what the next registration begins with."""
    login = draft.user if draft.method is LoginMethod.PASSWORD else draft.token_id
    kept = {"environment": draft.environment, "user": login, "method": str(draft.method)}
    preferences.write({**preferences.read(), PREFERENCE: kept})
