"""The named formats of strings (register_format in pve-common, pve-access-control, pve-storage, qemu-server, …).

A format that is not listed accepts everything: it belongs to a route that is not simulated, or to an option
whose content nothing here depends on.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping

from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.roles import privileges_of_roles
from pxm_tui.simulator.schema.facts import Parameter
from pxm_tui.simulator.schema.values import split_list


class FormatError(Exception):
    """A value does not have its format; the text is Proxmox's, usually with a newline at its end."""


Checker = Callable[[str, Release], None]

USER = re.compile(r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+")
TOKEN = re.compile(r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+![A-Za-z][A-Za-z0-9.\-_]+")
DNS_NAME = re.compile(r"([a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?\.)*[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?")


def check_format(form: str, text: str, release: Release) -> None:
    """Check that `text` has the format `form`, which may end in `-list`, `-alist` or `-opt`.

    Raises:
        FormatError: it has not.
    """
    match = re.fullmatch(r"(.*?)(?:-(a?list|opt))?", form)
    name, kind = (match.group(1), match.group(2)) if match else (form, None)
    checker = CHECKERS.get(name)
    if checker is None or (kind == "opt" and text in {"", "0"}):
        return
    for part in split_list(text) if kind in {"list", "alist"} else (text,):
        checker(part, release)


def parse_property_string(text: str, parts: Mapping[str, Parameter]) -> dict[str, str]:
    """Split a property string such as `virtio,bridge=vmbr0` into its parts.

    Raises:
        FormatError: a part comes twice, or has no name and none is expected.
    """
    default = next((name for name, part in parts.items() if part.default_key), None)
    values: dict[str, str] = {}
    for chunk in re.split(r"\s*,\s*", text):
        if not chunk.strip():
            continue
        name, separator, value = chunk.strip().partition("=")
        if not separator:
            if default is None:
                raise FormatError("value without key, but schema does not define a default key\n")
            name, value = default, chunk.strip()
        for key, content in _named(name, value, parts):
            if key in values:
                raise FormatError(f"duplicate key in comma-separated list property: {key}\n")
            values[key] = content
    return values


def _named(name: str, value: str, parts: Mapping[str, Parameter]) -> list[tuple[str, str]]:
    """Follow aliases: `virtio=MAC` stands for `model=virtio` and `macaddr=MAC`."""
    part = parts.get(name)
    if part is None:
        raise FormatError(f"invalid comma-separated list property: {name}\n")
    if part.alias is None or part.alias not in parts:
        return [(name, value)]
    found = [(part.alias, value)]
    return [(part.key_alias, name), *found] if part.key_alias else found


def _matching(pattern: str, message: str, flags: int = 0) -> Checker:
    """Make the checker of a format that is a regular expression; `{}` in its message is the value."""
    compiled = re.compile(pattern, flags)

    def check(text: str, _release: Release) -> None:
        if not compiled.fullmatch(text):
            raise FormatError(message.replace("{}", text) + "\n")

    return check


def check_user(text: str, _release: Release) -> None:
    """Check `name@realm`."""
    if len(text) < 3:
        raise FormatError(f"user name '{text}' is too short\n")
    if len(text) > 64:
        raise FormatError(f"user name '{text}' is too long ({len(text)} > 64)\n")
    if not USER.fullmatch(text):
        raise FormatError(f"value '{text}' does not look like a valid user name\n")


def _check_storage(text: str, release: Release) -> None:
    if release.at_least(9) and len(text) < 2:
        raise FormatError(f"storage ID '{text}' cannot be shorter than 2 characters\n")
    if not re.fullmatch(r"[a-z][a-z0-9\-_.]*[a-z0-9]", text, re.IGNORECASE):
        raise FormatError(f"storage ID '{text}' contains illegal characters\n")


def _check_privilege(text: str, release: Release) -> None:
    if text not in privileges_of_roles(release)["Administrator"]:
        raise FormatError(f"invalid privilege '{text}'\n")


def _check_volume(text: str, release: Release) -> None:
    storage, separator, volume = text.partition(":")
    if not separator or not volume:
        raise FormatError(f"unable to parse volume ID '{text}'\n")
    _check_storage(storage, release)


def _address(kind: str, accept: Callable[[str], object]) -> Checker:
    def check(text: str, _release: Release) -> None:
        try:
            accept(text)
        except ValueError:
            raise FormatError(f"value does not look like a valid {kind}\n") from None

    return check


def _network(text: str) -> object:
    if "/" not in text:
        raise ValueError(text)
    return ipaddress.ip_network(text, strict=False)


def _check_address(text: str, release: Release) -> None:
    if not DNS_NAME.fullmatch(text):
        _address("address", ipaddress.ip_address)(text, release)


CHECKERS: dict[str, Checker] = {
    "pve-node": _matching(r"[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?", "value does not look like a valid node name"),
    "pve-vmid": _matching(r"[1-9][0-9]{2,8}", "value does not look like a valid VM ID"),
    "pve-configid": _matching(r"[a-z][a-z0-9_-]+", "invalid configuration ID '{}'", re.IGNORECASE),
    "pve-storage-id": _check_storage,
    "pve-userid": check_user,
    "pve-realm": _matching(r"[A-Za-z][A-Za-z0-9.\-_]+", "value does not look like a valid realm"),
    "pve-groupid": _matching(r"[A-Za-z0-9.\-_]+", "group name '{}' contains invalid characters"),
    "pve-roleid": _matching(r"[A-Za-z0-9.\-_]+", "role name '{}' contains invalid characters"),
    "pve-poolid": _matching(r"[A-Za-z0-9.\-_]+(/[A-Za-z0-9.\-_]+){0,2}", "pool name '{}' contains invalid characters"),
    "pve-tokenid": _matching(TOKEN.pattern, "value '{}' does not look like a valid token ID"),
    "pve-priv": _check_privilege,
    "email": _matching(
        r"[\w+\-~]+(\.[\w+\-~]+)*@[a-zA-Z0-9\-]+(\.[a-zA-Z0-9\-]+)*", "value does not look like a valid email address"
    ),
    "pve-volume-id": _check_volume,
    "pve-storage-content": _matching(
        "(images|rootdir|vztmpl|iso|backup|snippets|import|none)", "invalid content type '{}'"
    ),
    "pve-task-status-type": _matching("(ok|error|warning|unknown)", "invalid status '{}'", re.IGNORECASE),
    "pve-tag": _matching(r"[a-z0-9_][a-z0-9_\-+.]*", "invalid characters in tag", re.IGNORECASE),
    "pve-replication-job-id": _matching(r"[1-9][0-9]{2,8}-\d{1,9}", "invalid replication job id '{}'"),
    "pve-iface": _matching(r"[a-z][a-z0-9_]{1,20}([:.]\d+)?", "invalid network interface name '{}'", re.IGNORECASE),
    "mac-addr": _matching(
        r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}", "value does not look like a valid unicast MAC address", re.IGNORECASE
    ),
    "dns-name": _matching(DNS_NAME.pattern, "value does not look like a valid DNS name"),
    "address": _check_address,
    "ip": _address("IP address", ipaddress.ip_address),
    "ipv4": _address("IPv4 address", ipaddress.IPv4Address),
    "ipv6": _address("IPv6 address", ipaddress.IPv6Address),
    "CIDR": _address("CIDR network", _network),
    "pve-startup-order": _matching(
        r"(order=)?\d+(,(up|down)=\d+)*|(up|down)=\d+(,(up|down)=\d+)*", "unable to parse startup options"
    ),
}
