"""The wording of what can go wrong on the way to a cluster: names, networks, and what answers there.

`said` is always the server's own text; it is put on one line and quoted here, so callers pass it as it came.
"""

from __future__ import annotations

from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import UnreachableError
from pxm_tui.domain.text import one_line, quoted

OLDEST_VERSION = "6.4"

CHECK_AGAIN = "Check it again when the network is up."


def unknown_host(endpoint: Endpoint) -> UnreachableError:
    """The name does not resolve."""
    return UnreachableError(
        "unknown_host",
        f"The name {endpoint.host} has no address.",
        probably="A typing error, or this machine's DNS does not know the zone (VPN down?).",
        do=f"Try `getent hosts {endpoint.host}` here, or type the IP address.",
    )


def refused(endpoint: Endpoint) -> UnreachableError:
    """TCP connections are refused."""
    return UnreachableError(
        "refused",
        f"{endpoint.host} is up, but refuses port {endpoint.port}.",
        probably="pveproxy is not running, a firewall rejects this machine, or it is another port.",
        do="On the node: `systemctl status pveproxy`. Web interface of Proxmox VE: port 8006.",
    )


def timeout(endpoint: Endpoint, seconds: float) -> UnreachableError:
    """No answer within the limit."""
    return UnreachableError(
        "timeout",
        f"No answer from {endpoint.authority} within {seconds:g} s.",
        probably="The host is off, a firewall drops the packets, or the VPN to its network is down.",
        do=CHECK_AGAIN,
    )


def silent(endpoint: Endpoint, seconds: float) -> UnreachableError:
    """The connection stands, and what was to come over it has not come within the limit."""
    return UnreachableError(
        "timeout",
        f"{endpoint.authority} took the connection, then did not answer within {seconds:g} s.",
        probably="The node is overloaded or its cluster file system hangs, or large packets are lost on the way (MTU).",
        do="On the node: `systemctl status pveproxy pvedaemon pve-cluster`.",
    )


def no_other_endpoint(name: str) -> UnreachableError:
    """A cluster has no other endpoint than the one that it is to be asked about."""
    return UnreachableError("no_other_endpoint", f'"{one_line(name, 64)}" has no other endpoint that could be asked.')


def not_in_time(endpoint: Endpoint, seconds: float) -> UnreachableError:
    """A check of several was over before this one had ended."""
    return UnreachableError(
        "timeout",
        f"The check of {endpoint.host} was not over within the {seconds:g} s that all of them had.",
        do="Give more with `--timeout`, or check it alone.",
    )


def no_route(endpoint: Endpoint, address: str) -> UnreachableError:
    """The network says that there is no way."""
    return UnreachableError(
        "no_route",
        f"This machine has no route to {endpoint.host}.",
        do=f"Check VPN and routes: `ip route get {address}`.",
    )


def not_tls(endpoint: Endpoint) -> UnreachableError:
    """Something answers, but not in TLS."""
    return UnreachableError(
        "not_tls",
        f"{endpoint.authority} does not speak TLS.",
        do="Plain HTTP or another service: check the port.",
    )


def closed(endpoint: Endpoint, source_address: str = "") -> UnreachableError:
    """The connection was taken and closed without a byte."""
    here = f"; this machine is {source_address}" if source_address else ""
    return UnreachableError(
        "closed",
        f"{endpoint.host} took the connection and closed it without a byte.",
        do=f"Look for `ALLOW_FROM`, `DENY_FROM` in `/etc/default/pveproxy`{here}.",
    )


def bad_answer(endpoint: Endpoint, why: str) -> UnreachableError:
    """An answer that cannot be used; `why` continues the sentence, such as "ended in the middle (3 of 9 bytes)"."""
    return UnreachableError(
        "bad_answer",
        f"The answer of {endpoint.host} {why}.",
        probably="Something on the way cuts or changes it, or something else than Proxmox VE answers there.",
        do="Try again; if it stays, look at the network between (MTU, proxy).",
    )


def server_failed(endpoint: Endpoint, status: int, said: str) -> UnreachableError:
    """Proxmox VE answered with an error of its own."""
    return UnreachableError(
        "bad_answer",
        f"{endpoint.host} answered {status}: {quoted(said)}.",
        probably="The node is overloaded, starting, or its cluster file system is down.",
        do="On the node: `systemctl status pve-cluster pvedaemon pveproxy`. Then check it again.",
    )


def not_proxmox(endpoint: Endpoint, seen: str) -> UnreachableError:
    """Something else answers; `seen` says what."""
    return UnreachableError(
        "not_proxmox",
        f"{endpoint.authority} answers, but not as Proxmox VE: {one_line(seen, 120)}.",
        probably="Another web server, a reverse proxy with a login page, Proxmox Backup Server (8007) or Mail Gateway.",
        do=f"Open {endpoint.url} in a browser; register the address that shows Proxmox VE.",
    )


def too_old(endpoint: Endpoint, version: str) -> UnreachableError:
    """A version that is not supported."""
    return UnreachableError(
        "too_old",
        f"{endpoint.host} runs Proxmox VE {one_line(version, 20)}; {OLDEST_VERSION} is the oldest supported.",
        do="Upgrade it, or leave it out.",
    )
