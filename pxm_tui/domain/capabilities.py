"""What a login can see and do: which privilege on which path each feature of Proxmox VE takes, release by release.

Facts: the permissions of the official API schema, AccessControl.pm (privileges by release), and check_volume_access of
pve-storage (who sees backups and disks).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pxm_tui.domain.cluster import Limit, Login
from pxm_tui.domain.observation import Permissions
from pxm_tui.domain.text import for_shell
from pxm_tui.domain.tokens import AUDITOR_ROLE, OPERATOR_ROLE, operator_privileges

NEWEST = (9, 2)
"""The release that is assumed where it is not known."""

Release = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Need:
    """A privilege that a feature takes.

    Attributes:
        any_of: one of these is enough; the first is the one to ask for.
        root: the path on which it is needed, or below which the object's own path is.
        since: the first release that wants it.
        before: the first release that does not want it any more.
    """

    any_of: tuple[str, ...]
    root: str
    since: Release = (0, 0)
    before: Release = (99, 0)


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a login may see or do.

    Attributes:
        name: the stable word.
        words: what it is called on the screen.
        ways: the privileges that it takes; where there are several ways, each is enough, and the first is asked for.
        instead: where it takes a privilege that pxm never asks for: what is shown instead.
        pam_only_before: the first release in which not only logins of the realm `pam` may do it.
    """

    name: str
    words: str
    ways: tuple[tuple[Need, ...], ...]
    instead: str = ""
    pam_only_before: Release = (0, 0)


def _action(name: str, words: str, *needs: Need) -> Action:
    return Action(name, words, (needs,))


def _vm(*any_of: str, since: Release = (0, 0), before: Release = (99, 0)) -> Need:
    return Need(any_of, "/vms", since, before)


_SPACE = Need(("Datastore.AllocateSpace",), "/storage")
_CONFIG = tuple(
    f"VM.Config.{part}" for part in ("Options", "CPU", "Memory", "Network", "Disk", "HWType", "CDROM", "Cloudinit")
)

SEE_NODES = _action("see_nodes", "nodes", Need(("Sys.Audit",), "/nodes"))
SEE_CLUSTER = _action("see_cluster", "quorum", Need(("Sys.Audit",), "/"))
SEE_GUESTS = _action("see_guests", "guests", _vm("VM.Audit"))
SEE_STORAGE = _action("see_storage", "storage", Need(("Datastore.Audit", "Datastore.AllocateSpace"), "/storage"))
SEE_BACKUPS = Action(
    "see_backups",
    "backups",
    ((_SPACE, _vm("VM.Backup")), (Need(("Datastore.Allocate",), "/storage"),)),
)
SEE_DISKS = Action(
    "see_disks",
    "disks",
    (
        (Need(("Datastore.Audit",), "/storage"), _vm("VM.Config.Disk")),
        (Need(("Datastore.Allocate",), "/storage"),),
    ),
)
SEE_TASKS = _action("see_tasks", "tasks", Need(("Sys.Audit",), "/"))
SEE_LOG = _action("see_log", "log", Need(("Sys.Syslog",), "/"))
SEE_NODE_LOG = _action("see_node_log", "node logs", Need(("Sys.Syslog",), "/nodes"))
SEE_POOLS = _action(
    "see_pools",
    "pools",
    Need(("Pool.Audit",), "/pool", since=(7, 0)),
    Need(("Pool.Allocate",), "/pool", before=(7, 0)),
)
SEE_AGENT = _action(
    "see_agent",
    "agent",
    _vm("VM.Monitor", before=(9, 0)),
    _vm("VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted", since=(9, 0)),
)
SEE_VERSIONS = _action("see_versions", "installed versions", Need(("Sys.Audit",), "/nodes"))
SEE_UPDATES = Action(
    "see_updates",
    "updates",
    ((Need(("Sys.Modify",), "/nodes"),),),
    instead="the installed versions are shown instead",
)

POWER = _action("power", "power", _vm("VM.PowerMgmt"))
HIBERNATE = _action("hibernate", "hibernate", _vm("VM.PowerMgmt"), _vm("VM.Config.Disk"), _SPACE)
SNAPSHOT = _action("snapshot", "snapshots", _vm("VM.Snapshot"))
ROLLBACK = _action("rollback", "rollback", _vm("VM.Snapshot", "VM.Snapshot.Rollback"))
ROLLBACK_AND_START = _action(
    "rollback_and_start",
    "rollback and start",
    _vm("VM.Snapshot", "VM.Snapshot.Rollback"),
    _vm("VM.PowerMgmt", since=(9, 1)),
)
CONSOLE = _action("console", "console", _vm("VM.Console"))
MIGRATE = _action("migrate", "migrate", _vm("VM.Migrate"))
MIGRATE_TO_STORAGE = _action(
    "migrate_to_storage", "migrate to another storage", _vm("VM.Migrate"), _SPACE, _vm("VM.Config.Disk", since=(8, 4))
)
BACKUP = _action("backup", "backup", _vm("VM.Backup"), _SPACE)
CONFIGURE = _action("configure", "configure", _vm(*_CONFIG))
CLONE = _action(
    "clone",
    "clone",
    _vm("VM.Clone"),
    _vm("VM.Allocate"),
    _SPACE,
    Need(("SDN.Use",), "/sdn", since=(8, 0)),
)
CREATE = _action("create", "create", _vm("VM.Allocate"), _SPACE)
STOP_TASK = _action("stop_task", "stop others' tasks", Need(("Sys.Modify",), "/nodes"))
NODE_POWER = _action("node_power", "node power", Need(("Sys.PowerMgmt",), "/nodes"))
SHELL = Action("shell", "node shell", ((Need(("Sys.Console",), "/nodes"),),), pam_only_before=(8, 0))
USERS = _action("users", "users", Need(("User.Modify",), "/access/groups"))
PERMISSIONS = _action("permissions", "permissions", Need(("Permissions.Modify",), "/"))

SEES = (
    SEE_NODES,
    SEE_CLUSTER,
    SEE_GUESTS,
    SEE_STORAGE,
    SEE_TASKS,
    SEE_POOLS,
    SEE_LOG,
    SEE_NODE_LOG,
    SEE_AGENT,
    SEE_BACKUPS,
    SEE_DISKS,
    SEE_UPDATES,
)
"""What a login may see, the most important first."""

DOES = (
    POWER,
    SNAPSHOT,
    CONSOLE,
    MIGRATE,
    BACKUP,
    CONFIGURE,
    CLONE,
    CREATE,
    NODE_POWER,
    SHELL,
    USERS,
    PERMISSIONS,
)
"""What a login may do, the most important first; the actions that only vary one of these are not among them."""


class Extent(StrEnum):
    """How far a capability goes."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Capability:
    """Whether a login may see or do something.

    Attributes:
        action: what.
        extent: everywhere, on some objects, nowhere.
        missing: the privileges that it lacks, with their paths; where several ways lead there, of the first.
        blocked: a reason beyond privileges; no privilege helps.
    """

    action: Action
    extent: Extent
    missing: tuple[Limit, ...] = ()
    blocked: str = ""

    @property
    def allowed(self) -> bool:
        """It may, somewhere at least."""
        return self.extent is not Extent.NONE

    def why_not(self) -> str:
        """What is missing, in words; empty where nothing is. Ends without a period."""
        if self.blocked:
            return self.blocked
        return " and ".join(f"{limit.privilege} on {limit.path}" for limit in self.missing)


def release_of(version: str | None) -> Release:
    """`9.2.11` and `7.4-16` as numbers; where it is not known, the newest."""
    found = re.match(r"(\d+)\.(\d+)", version or "")
    return (int(found[1]), int(found[2])) if found else NEWEST


def can(
    action: Action, permissions: Permissions, *paths: str, version: str | None = None, user: str = ""
) -> Capability:
    """Whether a login may see or do something.

    Args:
        action: what.
        permissions: what Proxmox VE says that the login holds.
        paths: of the objects, such as `/vms/100` and `/storage/local`; for a kind of which no object is named, the
            whole cluster is meant, and to be allowed on some of it counts as `SOME`.
        version: of the cluster, such as `9.2.11`; the newest where it is not known.
        user: `user@realm`, where the realm may matter.
    """
    release = release_of(version)
    blocked = _blocked(action, release, user)
    if blocked:
        return Capability(action, Extent.NONE, blocked=blocked)
    ways = [[need for need in way if need.since <= release < need.before] for way in action.ways]
    found = [_way(way, permissions, paths) for way in ways]
    extent, missing = min(found, key=lambda one: _ORDER.index(one[0]))
    return Capability(action, extent, missing)


_ORDER = tuple(Extent)


def _blocked(action: Action, release: Release, user: str) -> str:
    if release >= action.pam_only_before or not user or user.endswith("@pam"):
        return ""
    return f"before Proxmox VE {action.pam_only_before[0]} only logins of the realm pam may"


def _way(needs: list[Need], permissions: Permissions, paths: tuple[str, ...]) -> tuple[Extent, tuple[Limit, ...]]:
    extent = Extent.ALL
    missing: list[Limit] = []
    for need in needs:
        named = next((path for path in paths if path == need.root or path.startswith(_below(need.root))), None)
        path = named or need.root
        if held(permissions, path) & set(need.any_of):
            continue
        missing.append(Limit(need.any_of[0], path))
        # what is asked for on / itself is not made up for below it
        somewhere = (named is None and need.root != "/") and any(
            other.startswith(_below(need.root)) and privileges & set(need.any_of)
            for other, privileges in permissions.items()
        )
        extent = Extent.SOME if somewhere and extent is not Extent.NONE else Extent.NONE
    return extent, tuple(missing)


def held(permissions: Permissions, path: str) -> frozenset[str]:
    """The privileges on a path: as listed, else those of the nearest path above it that is listed.

    Proxmox VE always lists the paths of the first level on which something is held, so the search ends there. What it
    lists without propagation counts for the objects below all the same: then the server has the last word.
    """
    while path not in permissions:
        above = path.rpartition("/")[0]
        if not above:
            return frozenset()
        path = above
    return permissions[path]


def _below(root: str) -> str:
    return f"{root.rstrip('/')}/"


# What grants it

PURPOSES: tuple[tuple[str, tuple[Action, ...]], ...] = (
    ("To see nodes, guests, storage, tasks", (SEE_NODES, SEE_CLUSTER, SEE_GUESTS, SEE_STORAGE, SEE_TASKS, SEE_POOLS)),
    ("To read logs", (SEE_LOG, SEE_NODE_LOG)),
    ("To run guests and see their backups", (POWER, SNAPSHOT, CONSOLE, MIGRATE, BACKUP, SEE_AGENT)),
    ("To make and change guests and see their disks", (CONFIGURE, CLONE, CREATE, SEE_DISKS)),
    ("To look after nodes and users", (NODE_POWER, SHELL, USERS)),
)
"""What commands are grouped by, the harmless first: nobody wants all of them."""

RUNNING = PURPOSES[2][0]

NEVER_ASKED_FOR = frozenset({"Sys.Modify", "Permissions.Modify"})
"""Who has one of these has the cluster."""

_ROLES = {
    "VM.Clone": "PVEVMAdmin",
    "VM.Allocate": "PVEVMAdmin",
    "Datastore.Allocate": "PVEDatastoreAdmin",
    "Datastore.AllocateSpace": "PVEDatastoreUser",
    "SDN.Use": "PVESDNUser",
    "Pool.Allocate": "PVEPoolAdmin",
    "Sys.Console": "PVESysAdmin",
    "User.Modify": "PVEUserAdmin",
}
"""The smallest built-in role with a privilege, where there is one that is not much larger."""


def commands(
    found: Mapping[Action, Capability], login: Login, version: str | None
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """For each purpose that something is missing for: the commands, for a node, that give it to a login."""
    grouped: list[tuple[str, tuple[str, ...]]] = []
    operators = operator_privileges(version or "9")
    for purpose, actions in PURPOSES:
        missing = tuple(dict.fromkeys(limit for action in actions for limit in found[action].missing))
        operates = purpose == RUNNING and any(limit.privilege in operators for limit in missing)
        lines = operator_lines(login, version) if operates else grant_lines(missing, login)
        if lines:
            grouped.append((purpose, lines))
    return tuple(grouped)


def grant_lines(missing: tuple[Limit, ...], login: Login) -> tuple[str, ...]:
    """The commands for a node that give a login what is missing, and as little else as there is a role for.

    Nothing is said of privileges that pxm never asks for.
    """
    by_role: dict[str, list[Limit]] = {}
    for limit in missing:
        if limit.privilege not in NEVER_ASKED_FOR:
            by_role.setdefault(_role_with(limit.privilege), []).append(limit)
    return tuple(line for role, limits in by_role.items() for line in _lines(role, limits, login))


def operator_lines(login: Login, version: str | None) -> tuple[str, ...]:
    """The commands for a node that give a login the role for running guests."""
    privileges = ",".join(sorted(operator_privileges(version or "9")))
    return (f'pveum role add {OPERATOR_ROLE} --privs "{privileges}"', _acl("/", OPERATOR_ROLE, login))


def _role_with(privilege: str) -> str:
    if privilege.endswith(".Audit"):
        return AUDITOR_ROLE
    if privilege.startswith("VM.Config."):
        return "PVEVMAdmin"
    return _ROLES.get(privilege, f"{_OWN}{privilege.replace('.', '-')}")


_OWN = "Pxm-"
"""How roles of one privilege begin, which are made where no built-in one is small enough."""


def _lines(role: str, limits: list[Limit], login: Login) -> Iterator[str]:
    if role.startswith(_OWN):
        yield f"pveum role add {role} --privs {limits[0].privilege}"
    paths = {limit.path for limit in limits}
    yield _acl(paths.pop() if len(paths) == 1 else "/", role, login)


def _acl(path: str, role: str, login: Login) -> str:
    whom = f"--tokens {for_shell(login.token_id)}" if login.token_id else f"--users {for_shell(login.user)}"
    return f"pveum acl modify {shlex.quote(path)} --roles {role} {whom}"
