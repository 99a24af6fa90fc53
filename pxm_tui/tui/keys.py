"""The keys, declared once: bindings, footer, help, the `:` command line and the README's table come from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that a screen can do.

    Attributes:
        id: `screen.action`, for the user's own keymap.
        keys: as Textual names them, joined by commas.
        action: the screen's `action_…`.
        shown: the keys as help and footer name them.
        label: the word in the footer.
        help: what it does, for help and the README.
        group: the block of the help page.
        names: names at the `:` prompt, the first of them shown there; none: not a command.
        hidden_names: names that are understood at the `:` prompt and never shown.
        command_help: one line for the `:` prompt; `help` where empty.
        verb: set where it acts on one cluster: the screen's `do_…`, which the `:` prompt calls with another cluster.
    """

    id: str
    keys: str
    action: str
    shown: str
    label: str
    help: str
    group: str = ""
    names: tuple[str, ...] = ()
    hidden_names: tuple[str, ...] = ()
    command_help: str = ""
    verb: str = ""

    @property
    def footer_key(self) -> str:
        """The first of its keys."""
        return self.shown.split(" ")[0]


def bindings(keys: Iterable[Key]) -> list[Binding]:
    """Textual's bindings for these keys.

    All have priority, so that keys typed ahead act in the order in which they were typed (a binding without
    priority acts later, in the focused widget's own queue).
    """
    from textual.binding import Binding

    return [
        Binding(key.keys, key.action, key.label, show=False, priority=True, id=key.id, tooltip=key.help)
        for key in keys
        if key.keys
    ]


def on_cluster(  # noqa: PLR0917
    id: str,  # noqa: A002
    keys: str,
    verb: str,
    shown: str,
    label: str,
    help: str,  # noqa: A002
    *names: str,
    hidden_names: tuple[str, ...] = (),
    command_help: str = "",
) -> Key:
    """A key that acts on the selected cluster by the screen's `do_VERB`."""
    return Key(
        id, keys, f"on('{verb}')", shown, label, help, "Clusters", names, hidden_names, command_help or help, verb
    )


MOVES = (
    Key("grid.down", "j,down", "move(1)", "j k ↓ ↑", "", "line", "Move"),
    Key("grid.up", "k,up", "move(-1)", "", "", "", "Move"),
    Key("grid.page_down", "pagedown", "page(1)", "PgUp PgDn", "", "page", "Move"),
    Key("grid.page_up", "pageup", "page(-1)", "", "", "", "Move"),
    Key("grid.first", "g,home", "edge(-1)", "g G", "", "first, last", "Move"),
    Key("grid.last", "G,end", "edge(1)", "", "", "", "Move"),
)
"""The grid's keys; those without `shown` are named by the one before."""

OPEN = on_cluster("clusters.open", "enter,d", "open", "Enter d", "Open", "details", "open", command_help="its details")
CHECK = on_cluster(
    "clusters.check",
    "c",
    "check",
    "c",
    "Check",
    "check, step by step",
    "check",
    command_help="step-by-step check of this cluster",
)
EDIT = on_cluster(
    "clusters.edit",
    "e",
    "edit",
    "e",
    "Edit",
    "",
    "edit",
    command_help="change its name, labels, endpoints, trust, login",
)
EDIT_ONE = replace(EDIT, help="edit")
"""Named in a row of its own, where there is no registering."""
DEREGISTER = on_cluster(
    "clusters.deregister",
    "D",
    "deregister",
    "D",
    "Deregister",
    "deregister (asks)",
    "deregister",
    hidden_names=("rm", "delete", "remove"),
    command_help="deregister this cluster; asks first",
)
ROTATE = on_cluster(
    "clusters.rotate",
    "",
    "rotate",
    "",
    "Rotate",
    "",
    "rotate",
    command_help="replace its token by a new one",
)
GUARD = on_cluster(
    "clusters.guard",
    "",
    "guard",
    "",
    "",
    "",
    "read-only",
    hidden_names=("readonly", "guard", "writable"),
    command_help="make this cluster read-only, or writable again",
)
COPY = on_cluster("clusters.copy", "y", "copy", "y", "Copy", "copy …", "copy", command_help="copy something of it")
REGISTER = Key(
    "clusters.register",
    "a",
    "register",
    "a e",
    "Register",
    "register, edit",
    "Clusters",
    ("register",),
    ("add", "new"),
    "register a cluster",
)
REFRESH = Key("clusters.refresh", "r", "refresh", "r", "Refresh", "refresh all now", "Clusters", ("refresh",))
FILTER = Key("clusters.filter", "slash", "filter", "/", "Filter", "filter", "Find", ("filter",))
PROBLEMS = Key("clusters.problems", "!", "problems", "!", "Problems", "problems only", "Find", ("problems",))
SORT = Key("clusters.sort", "s", "sort", "s S", "Sort", "sort by, reverse", "Find", ("sort",))
REVERSE = Key("clusters.reverse", "S", "reverse", "", "Reverse", "", "Find", ("reverse",), (), "turn the order round")
COMMAND = Key("app.command", "colon", "command", ":", "Command", "command line", "Program")
LOG = Key(
    "app.log",
    "l",
    "log",
    "l",
    "Log",
    "log; :audit changes",
    "Program",
    ("log",),
    command_help="log of this run",
)
AUDIT = Key(
    "app.audit",
    "",
    "audit",
    "",
    "Audit",
    "",
    "Program",
    ("audit",),
    command_help="every change that pxm has made, in any run",
)
HELP = Key("app.help", "question_mark,f1", "help", "? F1", "Help", "help", "Program", ("help",))
BACK = Key("app.back", "escape", "back", "Esc q", "Back", "back; q quits at home", "Move", ("back",))
STOP = Key("app.interrupt", "", "interrupt", "Ctrl-C", "Stop", "stop what runs", "Move")
QUIT = Key("app.quit", "q", "leave", "q", "Quit", "", "Program")
QUIT_COMMAND = Key("app.exit", "", "quit", "", "Quit", "quit", "Program", ("quit",), ("q", "qa", "exit"), "end pxm")
SECRETS = Key(
    "app.secrets", "", "secrets", "", "Secrets", "", "Program", ("secrets",), ("vault",), "how secrets are kept"
)  # fmt: skip
LOCK = Key("app.lock", "", "lock", "", "Lock", "", "Program", ("lock",), (), "drop all secrets from memory")
UNLOCK = Key("app.unlock", "", "unlock", "", "Unlock", "", "Program", ("unlock",), (), "open the secret store")
VAULT = (SECRETS, LOCK, UNLOCK)
"""Commands of every screen that has a command line."""

TAB = Key("cluster.tab", "tab,shift+tab", "switch", "Tab", "Nodes/Errors", "nodes, errors", "Move")

RIGHTS = on_cluster(
    "cluster.rights",
    "p",
    "rights",
    "p",
    "Rights",
    "rights and grants",
    "rights",
    hidden_names=("permissions",),
    command_help="what its login may, and what grants the rest",
)
RIGHTS_COMMAND = replace(RIGHTS, keys="", shown="", help="")
"""At home there is no key for it."""

HOME: tuple[Key, ...] = (
    OPEN,
    REGISTER,
    CHECK,
    REFRESH,
    EDIT,
    DEREGISTER,
    GUARD,
    ROTATE,
    RIGHTS_COMMAND,
    COPY,
    FILTER,
    PROBLEMS,
    SORT,
    REVERSE,
    COMMAND,
    LOG,
    AUDIT,
    HELP,
    QUIT,
    BACK,
    STOP,
    QUIT_COMMAND,
    *VAULT,
)
"""The keys of the home screen, in the order of its help."""

FAULT = on_cluster("demo.fault", "F", "fault", "F", "Faults", "faults (demo)", "fault")
"""A key of the home screen, in the demo alone."""

DETAIL: tuple[Key, ...] = (
    TAB,
    CHECK,
    REFRESH,
    EDIT_ONE,
    DEREGISTER,
    GUARD,
    ROTATE,
    RIGHTS,
    COPY,
    COMMAND,
    LOG,
    AUDIT,
    HELP,
    BACK,
    STOP,
    QUIT,
    QUIT_COMMAND,
    *VAULT,
)
"""The keys of the screen of one cluster."""

PAGE = (BACK, COMMAND, QUIT, STOP, QUIT_COMMAND, *VAULT)
"""The keys of the screens that only show something."""

COPY_LINE = Key("log.copy", "y", "copy", "y", "Copy the line", "copy the line", "Log", ("copy",))

LOG_KEYS = (COPY_LINE, HELP, *PAGE)
"""The keys of the log."""

VERIFY = Key("audit.verify", "v", "verify", "v", "Verify", "verify the audit", "Audit", ("verify",))

AUDIT_KEYS = (COPY_LINE, VERIFY, HELP, *PAGE)
"""The keys of the audit."""
