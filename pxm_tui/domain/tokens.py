"""API tokens that pxm makes: what they may do, how they are called, how long they last.

Facts: pve-access-control, AccessControl.pm (privileges and roles by release), and the user manual on API tokens.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pxm_tui.domain.cluster import Cluster, Login
from pxm_tui.domain.observation import Permissions
from pxm_tui.domain.text import for_shell
from pxm_tui.domain.times import days_left

AUDITOR_ROLE = "PVEAuditor"
OPERATOR_ROLE = "PxmOperator-1"
"""What the operator holds beside the auditor. Another set of privileges gets another number: it is never changed."""

_OPERATES = frozenset(
    {
        "VM.PowerMgmt",
        "VM.Snapshot",
        "VM.Migrate",
        "VM.Console",
        "VM.Backup",
        "Datastore.AllocateSpace",
        "Sys.Syslog",
    }
)
_GUEST_AGENT = {False: "VM.Monitor", True: "VM.GuestAgent.Audit"}
"""What asking the guest agent takes, before 9 and from 9 on."""

DAYS = 365
SPREAD_DAYS = 60
"""A token lasts a year less up to so many days, so that those of a fleet do not end together."""

SOON_DAYS = 30
URGENT_DAYS = 7

_OUT_OF_PLACE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_PART = 24
_OWN_NAME = re.compile(r"!pxm-[A-Za-z0-9._-]+-[0-9a-f]{8}(-[0-9]{1,6})?\Z")


class TokenRole(StrEnum):
    """What a token may do: look; look and run guests; everything that its owner may do."""

    AUDITOR = "auditor"
    OPERATOR = "operator"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class TokenIntent:
    """A token that is about to be made: written down before, erased when the cluster is saved.

    Attributes:
        cluster_id: the record's, to be.
        endpoint: URL.
        identity: what makes it this cluster, as `Cluster.identity`.
        owner: `user@realm`.
        name: the token's.
    """

    cluster_id: str
    endpoint: str
    identity: str | None
    owner: str
    name: str

    @property
    def token_id(self) -> str:
        """`user@realm!name`."""
        return f"{self.owner}!{self.name}"

    def is_of(self, endpoint: str, identity: str | None) -> bool:
        """Whether it is a token of the cluster that has this URL or this identity."""
        return endpoint == self.endpoint or (identity is not None and identity == self.identity)


def operator_privileges(version: str) -> frozenset[str]:
    """The privileges of `OPERATOR_ROLE` on a release such as `9.2.11`."""
    return _OPERATES | {_GUEST_AGENT[_major(version) >= 9]}


def roles_of(role: TokenRole) -> tuple[str, ...]:
    """The roles of Proxmox VE that a token of `role` is given on `/`."""
    return (AUDITOR_ROLE, OPERATOR_ROLE) if role is TokenRole.OPERATOR else (AUDITOR_ROLE,)


def is_within(permissions: Permissions, role: TokenRole) -> bool:
    """Whether somebody with these permissions holds nothing beyond `role`, on any path."""
    if role is TokenRole.ALL:
        return True
    held = frozenset[str]().union(*permissions.values())
    return all(privilege.endswith(".Audit") or allows(role, privilege) for privilege in held)


def allows(role: TokenRole, privilege: str) -> bool:
    """Whether `role` holds a privilege that changes something, on any release."""
    return role is TokenRole.OPERATOR and (privilege in _OPERATES or privilege in _GUEST_AGENT.values())


def token_name(machine: str, person: str, cluster_id: str, number: int = 1) -> str:
    """`pxm-<host>-<user>-<8 hex of the cluster id>`; from the second on with its number behind it."""
    parts = ["pxm", _part(machine), _part(person), cluster_id[:8]]
    return "-".join(parts if number == 1 else [*parts, str(number)])


def is_own_name(token_id: str) -> bool:
    """Whether a token is called as `token_name` calls those that pxm makes."""
    return _OWN_NAME.search(token_id) is not None


def numbered_after(name: str) -> int:
    """The number of the token that replaces the one called `name`."""
    last = re.search(r"-[0-9a-f]{8}-([0-9]{1,6})\Z", name)
    return int(last[1]) + 1 if last else 2


def token_expiry(now: datetime, random_below: Callable[[int], int]) -> datetime:
    """When a token that is made now ends: in a year, less 0 to 60 days at random."""
    return (now + timedelta(days=DAYS - random_below(SPREAD_DAYS + 1))).replace(microsecond=0)


def ends_in_days(login: Login, now: datetime) -> int | None:
    """Whole days that the token is good for, negative when it has ended; None where that is not known."""
    return None if login.expires_at is None else days_left(login.expires_at, now)


def ends_soon(login: Login, now: datetime) -> bool:
    """Whether it is time to make another one."""
    left = ends_in_days(login, now)
    return left is not None and left <= SOON_DAYS


def expiry_words(login: Login, now: datetime) -> str:
    """`expires 2027-10-02 (314 d)`; of a token that pxm did not make `expires: unknown`; of a password nothing."""
    left = ends_in_days(login, now)
    if login.token_id is None:
        return ""
    if left is None or login.expires_at is None:
        return "expires: unknown"
    day = f"{login.expires_at:%Y-%m-%d}"
    if left < 0:
        return f"! expired {day}"
    if left <= URGENT_DAYS:
        return f"! expires {day} ({left} d): rotate it now"
    return f"! expires {day} ({left} d): rotate it" if left <= SOON_DAYS else f"expires {day} ({left} d)"


def remove_line(token_id: str) -> str:
    """The command that removes a token, on any node; it works from 6.4 to 9, and takes the token's rights with it."""
    user, _, name = token_id.partition("!")
    return f"pveum user token remove {shlex.quote(user)} {shlex.quote(name)}"


def administrator_lines(token_id: str, role: TokenRole, roles: Mapping[str, frozenset[str]], version: str) -> list[str]:
    """What an administrator runs to give a token its role; the role itself where the cluster has none yet."""
    lines = [f"pveum acl modify / --tokens {for_shell(token_id)} --roles {','.join(roles_of(role))}"]
    if role is TokenRole.OPERATOR and OPERATOR_ROLE not in roles:
        lines.insert(0, f"pveum role add {OPERATOR_ROLE} --privs '{','.join(sorted(operator_privileges(version)))}'")
    return lines


def is_in_use(token_id: str, clusters: tuple[Cluster, ...]) -> bool:
    """Whether a registered cluster logs in with this token."""
    return any(cluster.login.token_id == token_id for cluster in clusters)


def _part(text: str) -> str:
    return _OUT_OF_PLACE.sub("-", text)[:_LONGEST_PART].strip("-") or "x"


def _major(version: str) -> int:
    number = version.partition(".")[0]
    return int(number) if number.isdecimal() else 0
