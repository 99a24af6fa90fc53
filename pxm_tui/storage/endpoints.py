"""An endpoint from its URL, as stored documents have it."""

from __future__ import annotations

from pxm_tui.domain.cluster import Endpoint
from pxm_tui.storage.problems import DamagedError


def endpoint_of(url: str) -> Endpoint:
    """The reverse of `Endpoint.url`.

    Raises:
        DamagedError: it is not `https://host:port`.
    """
    host, _, port = url.removeprefix("https://").rpartition(":")
    endpoint = Endpoint(host.removeprefix("[").removesuffix("]"), int(port) if port.isdecimal() else 0)
    if endpoint.url != url:
        raise DamagedError("an endpoint is not https://host:port")
    return endpoint
