"""`pxm serve`: the REST API, and its tokens."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pxm_tui.bootstrap import open_access, run_api
from pxm_tui.cli import output
from pxm_tui.cli.session import forbid_core_dumps
from pxm_tui.cli.table import table
from pxm_tui.cli.ui_terminal import ui_settings
from pxm_tui.domain.access import check_days, check_role, check_token_name
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.times import iso

if TYPE_CHECKING:
    from pxm_tui.domain.access import ApiToken
    from pxm_tui.domain.secret import Secret
    from pxm_tui.services.access import AccessService
    from pxm_tui.settings import Settings

_SERVER_OPTIONS = ("host", "port", "unix_socket", "tls_cert", "tls_key", "rate_limit", "live_limit", "refresh")
_TOKEN_OPTIONS = ("role", "expires", "out")


def run(arguments: argparse.Namespace) -> int:
    """Serve, or tend to the tokens. Raises `PxmError`."""
    settings = ui_settings(arguments, data_dir=getattr(arguments, "data_dir", None))
    forbid_core_dumps()
    if not arguments.words:
        _refuse(arguments, _TOKEN_OPTIONS, "takes effect with `pxm serve token add` only")
        return run_api(settings, _place(arguments), _limits(arguments), output.note)
    _refuse(arguments, _SERVER_OPTIONS, "has no meaning for tokens")
    return _tend(arguments, open_access(settings), settings)


def _refuse(arguments: argparse.Namespace, names: tuple[str, ...], why: str) -> None:
    for name in names:
        if getattr(arguments, name, None) is not None:
            raise _usage(f"--{name.replace('_', '-')} {why}.")


def _usage(message: str) -> InvalidError:
    return InvalidError("usage", message, do="`pxm serve --help` shows how it is used.")


# Serving


def _place(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.unix_socket and (arguments.host or arguments.port is not None or arguments.tls_cert):
        raise _usage("A Unix socket has neither host, nor port, nor TLS.")
    if arguments.tls_key and not arguments.tls_cert:
        raise _usage("--tls-key is the key of --tls-cert.")
    if arguments.port is not None and not 0 <= arguments.port <= 65535:
        raise _usage("Ports go from 1 to 65535.")
    found = {
        "host": arguments.host,
        "port": arguments.port,
        "unix_socket": _path(arguments.unix_socket),
        "tls_cert": _path(arguments.tls_cert),
        "tls_key": _path(arguments.tls_key),
        "behind_proxy": arguments.behind_proxy,
    }
    return {name: value for name, value in found.items() if value is not None}


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser().absolute() if text else None


def _limits(arguments: argparse.Namespace) -> dict[str, float]:
    found = {"requests": arguments.rate_limit, "live": arguments.live_limit}
    given = {name: value for name, value in found.items() if value is not None}
    if not all(0 < value < float("inf") for value in given.values()):
        raise _usage("A limit is a number of calls a second, more than 0.")
    return given


# Tokens


def _tend(arguments: argparse.Namespace, access: AccessService, settings: Settings) -> int:
    match arguments.words:
        case ["token", "add", name]:
            return _add(arguments, access, name)
        case ["token", "list"]:
            return _list(access, as_json=arguments.json)
        case ["token", "revoke", name]:
            gone = access.revoke(check_token_name(name))
            if arguments.json:
                output.print_json(gone.to_json())
            else:
                output.say(f"Revoked {gone.name}; running servers on {settings.data_dir} know it already.")
            return 0
    raise _usage("After `pxm serve` comes nothing, or token add NAME, token list, token revoke NAME.")


def _add(arguments: argparse.Namespace, access: AccessService, name: str) -> int:
    if arguments.role is None:
        raise _usage("--role is missing: viewer, operator or admin.")
    role = check_role(arguments.role)
    days = None if arguments.expires is None else check_days(arguments.expires)
    check_token_name(name)
    if arguments.out is None:
        token, secret = access.add(name, role, days)
        _print_token(token, secret, as_json=arguments.json)
        return 0
    path = _path(arguments.out)
    assert path is not None  # noqa: S101
    token = _add_into(path, access, lambda: access.add(name, role, days))
    if arguments.json:
        output.print_json(_shown(token, None))
    else:
        output.say(f"The token {token.name} ({token.role}) is in {path}.")
    return 0


def _add_into(path: Path, access: AccessService, add: Any) -> ApiToken:
    """Make the token once its file is there; take it back where it cannot be written. Raises `InvalidError`."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _cannot_write(path, error) from None
    made: ApiToken | None = None
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            made, secret = add()
            file.write(f"{secret.reveal()}\n")
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        path.unlink(missing_ok=True)
        if made is not None:
            access.revoke(made.name)
        if isinstance(error, OSError):
            raise _cannot_write(path, error) from None
        raise
    return made


def _cannot_write(path: Path, error: OSError) -> InvalidError:
    why = (error.strerror or "error").lower()
    return InvalidError(
        "out", f"Cannot write {path}: {why}.", do="--out takes a file that is not there yet.", field="out"
    )


def _shown(token: ApiToken, secret: Secret | None) -> dict[str, Any]:
    return {
        "name": token.name,
        "role": str(token.role),
        "token": secret.reveal() if secret else None,
        "expires_at": iso(token.expires_at) if token.expires_at else None,
    }


def _print_token(token: ApiToken, secret: Secret, *, as_json: bool) -> None:
    if as_json:
        output.print_json(_shown(token, secret))
        return
    output.say(secret.reveal())
    ends = f"until {iso(token.expires_at)}" if token.expires_at else "without an end"
    output.note(f"this is the token {token.name}, {token.role}, valid {ends}. It is not shown again.")


def _list(access: AccessService, *, as_json: bool) -> int:
    tokens = access.tokens()
    if as_json:
        output.print_json({"tokens": [token.to_json() for token in tokens], "total": len(tokens)})
    elif tokens:
        rows = [
            (token.name, str(token.role), iso(token.created_at), iso(token.expires_at) if token.expires_at else "never")
            for token in tokens
        ]
        output.say(table(("NAME", "ROLE", "MADE", "ENDS"), rows))
    else:
        output.note("no token has been made yet: `pxm serve token add NAME --role viewer|operator|admin`.")
    return 0
