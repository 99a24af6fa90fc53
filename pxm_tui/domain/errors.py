"""Every error that a user may see: typed, with a code, a cause, and what to do about it.

The wording for each cause stands in `pxm_tui.domain.messages`; this module holds the types.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pxm_tui.domain.certificate import Certificate


class Code(StrEnum):
    """What kind of failure it is; each has an exit status of its own."""

    INTERNAL = "internal"
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    ALREADY_REGISTERED = "already_registered"
    LOGIN_FAILED = "login_failed"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    UNREACHABLE = "unreachable"
    NOT_PERMITTED = "not_permitted"
    STORAGE_UNUSABLE = "storage_unusable"
    PARTIAL_FAILURE = "partial_failure"


EXIT_STATUS = {code: number for number, code in enumerate(Code, start=1)}
"""The exit status of the command line for each code."""


class PxmError(Exception):
    """A failure that is explained to the user.

    Attributes:
        cause: the stable word for programs, such as `refused`.
        message: what happened, one sentence, with the server's own words where it said any.
        probably: the likely reason, or an empty string.
        do: what to do next, or an empty string.
        field: the field of the request that is wrong, if it is one.
    """

    code: ClassVar[Code] = Code.INTERNAL

    def __init__(self, cause: str, message: str, *, probably: str = "", do: str = "", field: str | None = None) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.probably = probably
        self.do = do
        self.field = field

    @property
    def hint(self) -> str:
        """The likely reason and the next step, together."""
        return " ".join(part for part in (self.probably, self.do) if part)

    @property
    def exit_status(self) -> int:
        """The exit status that the command line ends with."""
        return EXIT_STATUS[self.code]

    def to_json(self) -> dict[str, Any]:
        """The error as all faces print it: `code`, `cause`, `message`, `hint`, and `field` if there is one."""
        found: dict[str, Any] = {
            "code": str(self.code),
            "cause": self.cause,
            "message": self.message,
            "hint": self.hint,
        }
        if self.field is not None:
            found["field"] = self.field
        return found


class InternalError(PxmError):
    """A defect of the program."""


class InvalidError(PxmError):
    """Something that was typed cannot be used."""

    code = Code.INVALID


class NotFoundError(PxmError):
    """No such cluster."""

    code = Code.NOT_FOUND


class AlreadyRegisteredError(PxmError):
    """The name, or the cluster itself, is registered already."""

    code = Code.ALREADY_REGISTERED


class LoginError(PxmError):
    """Proxmox VE did not accept the login, or it cannot be tried."""

    code = Code.LOGIN_FAILED


class CertificateError(PxmError):
    """The certificate is not the one to be trusted. No credential was sent.

    Attributes:
        certificate: the one that was shown, where it could be read.
    """

    code = Code.CERTIFICATE_UNTRUSTED

    def __init__(
        self,
        cause: str,
        message: str,
        *,
        probably: str = "",
        do: str = "",
        certificate: Certificate | None = None,
    ) -> None:
        super().__init__(cause, message, probably=probably, do=do)
        self.certificate = certificate

    def to_json(self) -> dict[str, Any]:
        """As for every error, with `certificate` beside it."""
        found = super().to_json()
        if self.certificate is not None:
            found["certificate"] = self.certificate.to_json()
        return found


class UnreachableError(PxmError):
    """No usable Proxmox VE answers at the endpoint.

    Attributes:
        may_have_arrived: a request that changes something may have reached the server, so it is not sent again.
    """

    code = Code.UNREACHABLE
    may_have_arrived = False


class NotPermittedError(PxmError):
    """The login is good, but may not do this."""

    code = Code.NOT_PERMITTED


class StorageError(PxmError):
    """The data directory or the secret store cannot be used."""

    code = Code.STORAGE_UNUSABLE


class SecretsLockedError(StorageError):
    """The secret store is whole, but nobody has given its key."""
