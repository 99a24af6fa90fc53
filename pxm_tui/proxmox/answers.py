"""What Proxmox VE answers, read generously: numbers as text, 0 and 1 for booleans, keys that are not there.

Facts: Perl makes no difference between a number and its text; figures vanish for nodes that are offline and for
logins that may not see them (pve-manager, PVE/API2Tools.pm); every release adds keys.
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.connection_messages import bad_answer
from pxm_tui.domain.text import one_line
from pxm_tui.proxmox.api import Answer

_LONGEST_TEXT = 200
_MOST_CONTAINERS = 200_000
"""Objects and lists in one answer: what they take once read does not show in the size of the answer."""


def _number(value: object) -> float | None:
    if isinstance(value, (int, float, str)):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return number if isfinite(number) else None
    return None


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and abs(number) < 2**63 else None


def _flag(value: object) -> bool | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.lower() in {"true", "yes", "on", "false", "no", "off"}:
        return value.lower() in {"true", "yes", "on"}
    number = _number(value)
    return None if number is None else number != 0


def _text(value: object) -> str:
    return one_line(value, _LONGEST_TEXT) if isinstance(value, str) else "" if value is None else str(value)[:20]


_LEFT = Field(union_mode="left_to_right")
_FLOAT = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_INT = Annotated[int, Field(strict=True, gt=-(2**63), lt=2**63)]
_PLAIN = Annotated[str, Field(strict=True, pattern=r"^[!-~]*$", max_length=_LONGEST_TEXT)]

# Nearly every value is what it should be, and taken without a step into Python; the rest is read generously.
Number = Annotated[_FLOAT | Annotated[float | None, BeforeValidator(_number)], _LEFT]
Whole = Annotated[_INT | Annotated[int | None, BeforeValidator(_whole)], _LEFT]
Flag = Annotated[bool | Annotated[bool | None, BeforeValidator(_flag)], _LEFT]
Text = Annotated[_PLAIN | Annotated[str, BeforeValidator(_text)], _LEFT]
Printable = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$", max_length=32768)]
"""What goes back into a header; a half ticket holds a whole challenge of WebAuthn."""


class _Entry(BaseModel):
    """Unknown keys are passed over; errors never show what was in the answer."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, populate_by_name=True)


class RealmEntry(_Entry):
    """Of `/access/domains`."""

    realm: Text
    type: Text = ""
    comment: Text = ""
    default: Flag = None


class TicketEntry(_Entry):
    """Of `POST /access/ticket` and, without the user and the CSRF token, of `POST /access/tfa`."""

    ticket: Printable = Field(min_length=1, repr=False)
    username: Text = ""
    csrf: Printable = Field("", alias="CSRFPreventionToken", repr=False)
    need_tfa: Flag = Field(None, alias="NeedTFA")


class VersionEntry(_Entry):
    """Of `/version`."""

    version: Text


class NodeEntry(_Entry):
    """Of `/nodes`."""

    node: Text
    status: Text = "unknown"
    ssl_fingerprint: Text = ""
    cpu: Number = None
    mem: Whole = None
    maxmem: Whole = None
    uptime: Whole = None


class StatusEntry(_Entry):
    """Of `/cluster/status`: the cluster, or one of its nodes."""

    type: Text
    name: Text = ""
    quorate: Flag = None
    online: Flag = None
    local: Flag = None
    ip: Text = ""


class ResourceEntry(NodeEntry):
    """Of `/cluster/resources`: a guest, as far as counting needs it, or a node with its figures."""

    type: Text
    node: Text = ""
    vmid: Whole = None
    template: Flag = None


class CertificateEntry(_Entry):
    """Of `/nodes/{node}/certificates/info`."""

    filename: Text = ""
    pem: str = Field("", max_length=64 * 1024)


class PackageEntry(_Entry):
    """Of `/nodes/{node}/apt/versions`; `OldVersion` is what is installed, `Version` what could be."""

    package: Text = Field("", alias="Package")
    installed: Text = Field("", alias="OldVersion")
    daemons: Text = Field("", alias="ManagerVersion")
    kernel: Text = Field("", alias="RunningKernel")


class JoinEntry(_Entry):
    """Of `/cluster/config/join`: of each node its name and addresses, as corosync's configuration has them."""

    nodelist: list[dict[str, Any]] = []


class RoleEntry(_Entry):
    """Of `/access/roles`; the privileges are one text, and not cut: all of them count."""

    roleid: Text
    privs: str = Field("", max_length=8192)


class TokenEntry(_Entry):
    """Of `/access/users/{userid}/token`."""

    tokenid: Text


class MintedEntry(_Entry):
    """Of `POST /access/users/{userid}/token/{tokenid}`."""

    value: Printable = Field(min_length=1, repr=False)


PermissionEntries = dict[str, dict[str, Any]]
"""Of `/access/permissions`: privileges by path; one that is there is held, whatever its value says of propagation."""

D = TypeVar("D")


class Data(_Entry, Generic[D]):
    """The envelope of every answer."""

    data: D


# Made once: pydantic forgets a parametrized model that nobody holds, and making it takes a millisecond.
Realms = Data[list[RealmEntry] | None]
TicketData = Data[TicketEntry]
VersionData = Data[VersionEntry]
Nodes = Data[list[NodeEntry]]
Status = Data[list[StatusEntry]]
Permissions = Data[PermissionEntries]
CertificateFiles = Data[list[CertificateEntry]]
Join = Data[JoinEntry]
Resources = Data[list[ResourceEntry]]
Packages = Data[list[PackageEntry]]
Roles = Data[list[RoleEntry]]
Tokens = Data[list[TokenEntry]]
MintedToken = Data[MintedEntry]


class Complaint(_Entry):
    """The envelope of an error."""

    message: str = ""
    errors: dict[str, Any] | None = None


def read(endpoint: Endpoint, envelope: type[Data[D]], answer: Answer) -> D:
    """What is in the envelope.

    Raises:
        UnreachableError: `bad_answer`: it is no JSON, or says something else than Proxmox VE would.
    """
    if not is_json(answer):
        raise bad_answer(endpoint, f"is {describe(answer)} where JSON was expected")
    if answer.body.count(b"[") + answer.body.count(b"{") > _MOST_CONTAINERS:
        raise bad_answer(endpoint, "is split into too many parts")
    try:
        return envelope.model_validate_json(answer.body).data
    except (ValidationError, RecursionError):
        raise bad_answer(endpoint, "is not what Proxmox VE says there") from None


def complaint(answer: Answer) -> Complaint:
    """What an error says in its body; empty where it says nothing."""
    try:
        return Complaint.model_validate_json(answer.body[:_LONGEST_COMPLAINT])
    except (ValidationError, RecursionError):
        return Complaint()


_LONGEST_COMPLAINT = 64 * 1024


def said(answer: Answer) -> str:
    """The server's message: of the body, or of the reason phrase, which has it before 8.4 and for every 401."""
    return complaint(answer).message.strip() or answer.reason


def is_json(answer: Answer) -> bool:
    """Whether the answer says that it is JSON."""
    return answer.headers.get("content-type", "").split(";")[0].strip().lower() == "application/json"


def describe(answer: Answer) -> str:
    """What kind of answer it is, in a few words."""
    kind = answer.headers.get("content-type", "").split(";")[0].strip()
    return one_line(kind, 60) or "of no known kind"
