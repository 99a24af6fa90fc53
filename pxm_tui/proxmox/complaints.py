"""Proxmox VE's own errors: the one place where a status becomes an error of the domain."""

from __future__ import annotations

import re

from pxm_tui.domain import connection_messages, login_messages
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import PxmError, UnreachableError
from pxm_tui.domain.text import one_line
from pxm_tui.proxmox.answers import said
from pxm_tui.proxmox.api import Answer
from pxm_tui.services.ports import Credentials

OK = 200
BAD_REQUEST = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
NEVER_CONNECTED = 595

_MISSING = re.compile(r"\((?P<path>/[^,()]*), *(?P<privilege>[^()]+)\)")


def error_of(endpoint: Endpoint, answer: Answer, what: str, credentials: Credentials | None) -> PxmError:
    """What an answer other than 200 means for somebody who is logged in and asked for `what`."""
    words = said(answer)
    if answer.status == UNAUTHORIZED and credentials is not None:
        if credentials.token_id is not None:
            return login_messages.token(endpoint, credentials.token_id, words)
        return login_messages.credentials(endpoint, credentials.user, words)
    if answer.status == FORBIDDEN:
        found = _MISSING.search(words)
        privilege, path = (found["privilege"], found["path"]) if found else ("a privilege", "an unnamed path")
        return login_messages.missing_privilege(what, one_line(privilege, 60), one_line(path, 60))
    return connection_messages.server_failed(endpoint, answer.status, words)


def not_proxmox(endpoint: Endpoint, answer: Answer) -> PxmError:
    """What an answer other than a list of realms means: only Proxmox VE itself can have failed."""
    if answer.status >= 500 and answer.headers.get("server", "").startswith("pve-api-daemon"):
        return connection_messages.server_failed(endpoint, answer.status, said(answer))
    if 300 <= answer.status < 400:
        return connection_messages.not_proxmox(endpoint, f"it redirects to {answer.headers.get('location', 'nowhere')}")
    return connection_messages.not_proxmox(endpoint, f"{answer.status} {answer.reason}".strip())


def change_failed(endpoint: Endpoint, answer: Answer, said: str) -> UnreachableError:
    """What a status that Proxmox VE does not explain means for a request that changes something.

    Only 595 says that it arrived nowhere: the node that was asked could not connect to the one it is for. With 596,
    597 and 599 that node may have acted on it (pve-http-server, AnyEvent::HTTP's pseudo statuses).
    """
    error = connection_messages.server_failed(endpoint, answer.status, said)
    error.may_have_arrived = answer.status != NEVER_CONNECTED
    return error
