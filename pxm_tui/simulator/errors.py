"""How a request to a simulated cluster can fail."""


class ApiError(Exception):
    """A failure that the API's formatter puts into words: parameters, permissions, a handler that died.

    Attributes:
        status: the HTTP status code.
        message: the text as Proxmox's exception holds it, usually with a newline at its end.
        errors: what is wrong with each parameter, if that is the failure.
    """

    def __init__(self, status: int, message: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


class ProtocolError(Exception):
    """A failure below the API: the reason phrase is all there is, or a bare text as the body.

    Attributes:
        status: the HTTP status code.
        message: the reason phrase.
        text: the body, if there is one.
        wait: seconds until it is known.
    """

    def __init__(self, status: int, message: str, text: str | None = None, *, wait: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.text = text
        self.wait = wait


class BusyError(Exception):
    """Something is locked; whoever asked waits for it a while and then asks no more.

    Attributes:
        message: the failure when patience ends.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class DroppedError(Exception):
    """The connection is cut without an answer."""


def parameter_error(errors: dict[str, str]) -> ApiError:
    """Make the failure of a request whose parameters are wrong."""
    return ApiError(400, "Parameter verification failed.\n", errors)


def permission_error(what: str = "") -> ApiError:
    """Make the failure of a request that its user may not make."""
    detail = f" ({what})" if what else ""
    return ApiError(403, f"Permission check failed{detail}\n")


def handler_error(message: str) -> ApiError:
    """Make the failure of a handler that died with `message`."""
    return ApiError(500, message + "\n")


def unauthorized(reason: str) -> ProtocolError:
    """Make the failure of a request whose credential is missing or not accepted."""
    return ProtocolError(401, reason)
