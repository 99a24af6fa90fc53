"""How failures are answered: one JSON form, one status for each code and cause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pxm_tui.domain.errors import (
    Code,
    InternalError,
    InvalidError,
    LoginError,
    NotFoundError,
    NotPermittedError,
    PxmError,
    UnreachableError,
)
from pxm_tui.domain.steps import Step

STATUSES = {
    Code.INVALID: 422,
    Code.NOT_FOUND: 404,
    Code.ALREADY_REGISTERED: 409,
    Code.LOGIN_FAILED: 422,
    Code.CERTIFICATE_UNTRUSTED: 422,
    Code.UNREACHABLE: 504,
    Code.NOT_PERMITTED: 422,
    Code.STORAGE_UNUSABLE: 507,
}
"""The status of a failure that is not the API's own. Trouble with a cluster's login is never a 401 of ours."""

BAD_GATEWAY = frozenset({"bad_answer", "not_proxmox", "not_tls"})
"""Causes of `unreachable` in which something answered, but nothing that can be used."""


class Refusal(Exception):
    """A request ends here, with a status of its own.

    Attributes:
        status: of the answer.
        error: what is said.
        headers: that go with it.
        steps: how far a registration came.
    """

    def __init__(
        self,
        status: int,
        error: PxmError,
        headers: Mapping[str, str] | None = None,
        steps: tuple[Step, ...] | None = None,
    ) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.headers = dict(headers or {})
        self.steps = steps

    def to_json(self) -> dict[str, Any]:
        """The body."""
        found: dict[str, Any] = {"error": self.error.to_json()}
        if self.steps is not None:
            found["steps"] = [step.to_json() for step in self.steps]
        return found


def status_of(error: PxmError) -> int:
    """The status for an error of the services."""
    if error.code is Code.UNREACHABLE and error.cause in BAD_GATEWAY:
        return 502
    return STATUSES.get(error.code, 500)


def refusal(error: PxmError, steps: tuple[Step, ...] | None = None) -> Refusal:
    """The answer to an error of the services."""
    return Refusal(status_of(error), error, steps=steps)


# The API's own


def malformed(why: str) -> Refusal:
    """400: what came is no request; `why` is a sentence."""
    return Refusal(400, InvalidError("malformed", why, do="The body is one JSON object in UTF-8."))


def no_token(*, any_made: bool) -> Refusal:
    """401: no bearer token came, or one that is nobody's."""
    message = (
        "This needs a valid bearer token." if any_made else "This needs a bearer token, and none has been made yet."
    )
    error = LoginError(
        "api_token",
        message,
        do="Send `Authorization: Bearer TOKEN`. On the server `pxm serve token add NAME --role viewer` makes one "
        "(or operator, admin).",
    )
    return Refusal(401, error, {"WWW-Authenticate": 'Bearer realm="pxm"'})


def wrong_role(role: str, needed: str) -> Refusal:
    """403: the token may not do this."""
    error = NotPermittedError(
        "role",
        f"A token of the role {role} may not do this; it takes {needed}.",
        do=f"On the server `pxm serve token add NAME --role {needed}` makes one.",
    )
    return Refusal(403, error)


def unknown_path() -> Refusal:
    """404: there is no such path."""
    return Refusal(404, NotFoundError("path", "There is nothing at this path.", do="/docs lists what there is."))


def wrong_method(allowed: str) -> Refusal:
    """405: the path takes other methods."""
    error = InvalidError("method", f"This path takes {allowed}.", do="/docs lists what there is.")
    return Refusal(405, error, {"Allow": allowed})


def slow_body(seconds: float) -> Refusal:
    """408: the body did not come."""
    error = InvalidError("timeout", f"The request was not complete within {seconds:g} s.", do="Send it again.")
    return Refusal(408, error, {"Connection": "close"})


def too_large(most: int) -> Refusal:
    """413: the body is larger than any that is meant."""
    error = InvalidError("too_large", f"The body has more than {most} bytes.", do="Send less.")
    return Refusal(413, error, {"Connection": "close"})


def not_json() -> Refusal:
    """415: the body is not sent as JSON."""
    error = InvalidError(
        "media_type", "The body is not sent as JSON.", do="Send `Content-Type: application/json`, uncompressed."
    )
    return Refusal(415, error)


def too_many(seconds: int) -> Refusal:
    """429: slow down."""
    error = NotPermittedError(
        "too_many_requests", "Too many requests at once.", do=f"Come back after {seconds} s (`Retry-After`)."
    )
    return Refusal(429, error, {"Retry-After": str(seconds)})


def defect() -> Refusal:
    """500: a defect; where it is stands in the log."""
    return Refusal(500, InternalError("internal", "An unexpected error; its place is in the server's log."))


def took_too_long(seconds: float) -> Refusal:
    """504: the work was stopped."""
    error = UnreachableError(
        "timeout", f"This was not done within {seconds:g} s, and was stopped.", do="Try again; look at the cluster."
    )
    return Refusal(504, error)
