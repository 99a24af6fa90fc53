"""What people paste: endpoints, tokens, fingerprints, labels. Understood generously, refused clearly."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.messages import bad_address, bad_name, invalid
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.text import has_control

DEFAULT_PORT = 8006
BACKUP_SERVER_PORT = 8007

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?\Z")
_TOKEN = re.compile(
    r"(?:Authorization:\s*)?(?:PVEAPIToken[=\s])?\s*(?P<id>[^\s@!=:]+@[A-Za-z0-9][A-Za-z0-9._-]*![A-Za-z][A-Za-z0-9._-]+)"
    r"[=:](?P<secret>[^\s=]+)\Z"
)
TOKEN_ID = re.compile(r"[^\s@!=:/]+@[A-Za-z0-9][A-Za-z0-9._-]*![A-Za-z][A-Za-z0-9._-]+\Z")
USER_ID = re.compile(r"[^\s:/@]+(@[A-Za-z0-9][A-Za-z0-9._-]*)?\Z")
_FINGERPRINT_PREFIX = re.compile(r"^\s*(sha-?256)?\s*(fingerprint)?\s*[=:]?\s*", re.IGNORECASE)
_LABEL_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}\Z")
NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class ParsedEndpoint:
    """An endpoint and what is worth saying of how it was understood."""

    endpoint: Endpoint
    notes: tuple[str, ...] = ()


def parse_endpoint(text: str) -> ParsedEndpoint:
    """Understand an address, a URL of the web interface, or an IPv6 address with or without brackets.

    Raises:
        InvalidError: it is none; user:password@ is refused without echoing it.
    """
    typed = text.strip()
    if not typed:
        raise invalid("endpoint", "The endpoint is missing.", "Examples: pve1, 10.0.0.11, https://pve1:8006.")
    if "@" in typed.split("://", 1)[-1].split("/", 1)[0]:
        raise invalid(
            "endpoint",
            "The endpoint holds a user name or password.",
            "Type only the address here; the login has fields of its own.",
        )
    if has_control(typed) or " " in typed:
        raise _bad(typed, "it has spaces or control characters")
    notes: list[str] = []
    scheme, rest = _split_scheme(typed, notes)
    host, port = _split_host(typed, f"{scheme}://{rest}")
    if port == BACKUP_SERVER_PORT:
        notes.append("8007 is the port of Proxmox Backup Server")
    return ParsedEndpoint(Endpoint(host, port), tuple(notes))


def _bad(typed: str, why: str) -> InvalidError:
    """The error for an endpoint; what holds an `@` may hold a password and is not echoed."""
    return bad_address("…" if "@" in typed else typed, why)


def _split_scheme(typed: str, notes: list[str]) -> tuple[str, str]:
    scheme, separator, rest = typed.partition("://")
    if not separator:
        bare = typed.split("/", 1)[0]
        is_ipv6 = _ip(bare) is not None and ":" in bare
        return "https", f"[{bare}]" if is_ipv6 else typed
    if scheme.lower() == "http":
        notes.append("https is used: Proxmox VE has no plain HTTP")
    elif scheme.lower() != "https":
        raise _bad(typed, f'"{scheme}" is not https')
    return "https", rest


def _split_host(typed: str, url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _bad(typed, "its port or its brackets are wrong") from None
    if not host:
        raise _bad(typed, "there is no host in it")
    if port is not None and not 1 <= port <= 65535:
        raise _bad(typed, "ports go from 1 to 65535")
    return _normal_host(typed, host), DEFAULT_PORT if port is None else port


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _normal_host(typed: str, host: str) -> str:
    address = _ip(host)
    if address is not None:
        return str(address)
    if re.fullmatch(r"[0-9.]+", host):
        raise _bad(typed, "an IPv4 address has four numbers from 0 to 255")
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise _bad(typed, "the host name cannot be written in DNS") from None
    if not _HOST_NAME.match(ascii_host):
        raise _bad(typed, "a host name has letters, digits, dots and hyphens")
    return ascii_host.rstrip(".").lower()


@dataclass(frozen=True, slots=True)
class ParsedToken:
    """A token id and its secret, pasted together."""

    token_id: str
    secret: Secret


def parse_token(text: str) -> ParsedToken | None:
    """Understand `user@realm!name=secret`, with or without `PVEAPIToken=` before it; None if it is something else."""
    found = _TOKEN.match(text.strip())
    return ParsedToken(found["id"], Secret(found["secret"])) if found else None


def parse_fingerprint(text: str) -> str:
    """A SHA-256 fingerprint in any spelling, as upper-case pairs with colons.

    Raises:
        InvalidError: it is not 32 bytes of hexadecimal digits.
    """
    digits = re.sub(r"[\s:]", "", _FINGERPRINT_PREFIX.sub("", text.strip()))
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", digits):
        raise invalid(
            "fingerprint",
            "This is not a SHA-256 fingerprint: it has 64 hexadecimal digits, with or without colons.",
            "On the node: `pvenode cert info` prints it.",
        )
    upper = digits.upper()
    return ":".join(upper[index : index + 2] for index in range(0, 64, 2))


def parse_label(text: str) -> tuple[str, str]:
    """Understand `key=value`.

    Raises:
        InvalidError: there is no `=`, or the key has other characters than letters, digits, `.`, `_`, `/`, `-`.
    """
    key, separator, value = text.partition("=")
    if not separator or not _LABEL_KEY.match(key) or not value or len(value) > 128 or has_control(value):
        raise invalid("labels", "A label is key=value, such as site=fra.", "Separate labels by spaces.")
    return key, value


def check_name(text: str) -> str:
    """The name of a cluster, trimmed.

    Raises:
        InvalidError: it is empty, longer than 64 characters, or has control characters.
    """
    name = text.strip()
    if not name:
        raise bad_name("is empty")
    if len(name) > NAME_LENGTH:
        raise bad_name(f"has {len(name)} characters, at most {NAME_LENGTH} are possible")
    if has_control(name):
        raise bad_name("has control characters")
    return name


def check_user(text: str) -> str:
    """A user name, with or without its realm.

    Raises:
        InvalidError: it is no user name of Proxmox VE.
    """
    user = text.strip()
    if not USER_ID.match(user) or len(user) > NAME_LENGTH or has_control(user):
        raise InvalidError(
            "user", "This is not a user name of Proxmox VE.", do="Examples: root@pam, anna@pve.", field="user"
        )
    return user


def check_token_id(text: str) -> str:
    """A full token id.

    Raises:
        InvalidError: it is not `user@realm!name`.
    """
    token_id = text.strip()
    if not TOKEN_ID.match(token_id) or has_control(token_id):
        raise InvalidError(
            "token_id",
            "This is not a full token ID.",
            do="It is user@realm!name, such as monitor@pve!pxm.",
            field="token_id",
        )
    return token_id
