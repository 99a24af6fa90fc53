"""What all routes of guests share: finding the guest, starting its tasks, the tests before them."""

from pxm_tui.simulator.errors import BusyError, handler_error, parameter_error
from pxm_tui.simulator.guest_details import digest_of
from pxm_tui.simulator.guest_power import Body, Place, lock_timeout, locked
from pxm_tui.simulator.inventory import Guest, Node
from pxm_tui.simulator.permissions import ROOT
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.routes.base import Call, Handler, Route

ROOT_ONLY = frozenset(
    {
        *("skiplock", "keepActive", "nocheck", "migratedfrom", "stateuri", "migration_type", "migration_network"),
        *("targetstorage", "force-cpu", "with-conntrack-state", "nets-host-mtu", "force"),
    }
)
"""Parameters of power actions and migrations that nobody but root@pam may use."""


def kind_of(call: Call) -> str:
    """Tell from the path whether it is about virtual machines or containers."""
    return "lxc" if call.facts.path.startswith("/nodes/{node}/lxc") else "qemu"


def place_of(call: Call) -> Place:
    """Give where the guest of the path should be."""
    return Place(call.cluster, call.node, kind_of(call), int(call.place["vmid"]))


def guest_of(call: Call) -> Guest:
    """Give the guest of the path.

    Raises:
        ApiError: it is not on this node, or not of this kind.
    """
    place = place_of(call)
    guest = place.find()
    if guest is None:
        raise handler_error(f"Configuration file '{place.file}' does not exist")
    return guest


def start_task(call: Call, kind: str, body: Body, subject: object | None = None) -> str:
    """Start a task on this node for who asks, by default about the guest of the path, and give its UPID."""
    about = call.place.get("vmid", "") if subject is None else subject
    return run_task(call, call.node, kind, body, about)


def run_task(call: Call, node: Node, kind: str, body: Body, subject: object) -> str:
    """Start a task on any node for who asks and give its UPID."""
    return call.cluster.tasks.start(node, body, call.now, kind=kind, subject=subject, authid=call.authid).name


def require_quorum(call: Call) -> None:
    """Refuse what needs the whole cluster while this part of it has no majority.

    Raises:
        ApiError: it has none.
    """
    if not call.cluster.quorate(call.node):
        raise handler_error("cluster not ready - no quorum?")


def require_unlocked(guest: Guest) -> None:
    """Refuse to change a guest that is locked.

    Raises:
        ApiError: its configuration has a lock.
        BusyError: a task works on its configuration at the moment.
    """
    if guest.holder is not None:
        raise BusyError(lock_timeout(guest))
    if guest.lock is not None:
        raise handler_error(locked(guest))


def require_writable(call: Call, guest: Guest) -> None:
    """Refuse to write a configuration while /etc/pve is read-only.

    Raises:
        ApiError: it is.
    """
    if not call.cluster.quorate(call.node):
        path = f"/etc/pve/{place_of(call).file}.tmp.{15_000 + guest.vmid}"
        raise handler_error(f"unable to open file '{path}' - Permission denied")


def require_digest(call: Call, guest: Guest) -> None:
    """Refuse to change a configuration that is not the one that who asks has read.

    Raises:
        ApiError: the digests differ.
    """
    digest = call.text("digest")
    if digest is None or digest == digest_of(guest):
        return
    if guest.kind == "lxc":
        raise handler_error("detected modified configuration - file changed by other user? Try again.")
    word = "mismatch" if call.release.at_least(8) else "missmatch"
    raise handler_error(f"checksum {word} (file change by other user?)")


def require_root_for(call: Call, names: frozenset[str] = ROOT_ONLY) -> None:
    """Refuse parameters that are root's alone.

    Raises:
        ApiError: somebody else sent one.
    """
    if call.authid == ROOT:
        return
    for name in sorted(names & call.parameters.keys()):
        if name != "force" or kind_of(call) == "qemu":
            raise parameter_error({name: "Only root may use this option."})


def process_id(guest: Guest) -> int:
    """Give the process id that a running guest has."""
    return 2000 + (int(guest.started_at or 0) * 7 + guest.vmid * 131) % 4_000_000


def whole(value: object) -> int:
    """Give a figure that is known to be a whole number."""
    return value if isinstance(value, int) else 0


def as_number_text(value: int, release: Release) -> int | str:
    """Write a number as it is, or as a string where the release is so old that it did."""
    return value if release.at_least(7) else str(value)


def both(method: str, path: str, handler: Handler) -> tuple[Route, Route]:
    """Make the two routes of something that virtual machines and containers have alike."""
    machines, containers = (f"/nodes/{{node}}/{kind}{path}" for kind in ("qemu", "lxc"))
    return Route(method, machines, handler), Route(method, containers, handler)
