"""Nodes, guests, storages and pools of a simulated cluster, made from its seed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pxm_tui.simulator.burden import MEMORY_SWING, Burden
from pxm_tui.simulator.clock import seeded
from pxm_tui.simulator.rhythm import activity_and_work

if TYPE_CHECKING:
    from pxm_tui.simulator.guest_details import GuestDetails

GIB = 2**30
MOST_BUSY = 0.8
"""The share of a node's processors and memory that its guests take at most."""

HOSTILE_NAME = "[/foo] [red] [@click=app.quit]x[/]"
"""A name that would do harm where somebody took it for markup."""
HOSTILE_ESCAPES = "\x1b[2J\x1b]0;owned\x07\x1b[31mred\u202e\n\tx"
"""A name that would do harm where somebody wrote it to a terminal."""


Times = tuple[tuple[float, float], ...]
"""Spans of time from and to, in seconds since 1970, the last of them at the end."""
REMEMBERED_BREAKS = 100


class Changes:
    """Counts what makes a difference to the burden of nodes, of all fleets together: it happens rarely."""

    count = 0

    @classmethod
    def note(cls) -> None:
        """Count one more."""
        cls.count += 1


def with_break(breaks: Times, begin: float, end: float) -> Times:
    """Add a span of time in which something stood still."""
    return (*breaks[1 - REMEMBERED_BREAKS :], (begin, end))


def within(times: Times, moment: float) -> bool:
    """Tell whether a moment lies in one of some spans of time."""
    return any(begin < moment <= end for begin, end in times)


@dataclass(slots=True)
class Node:
    """One Proxmox VE host.

    Attributes:
        number: position in the cluster, from 1; 0 for a standalone node.
        started_at: time of boot, in seconds since 1970.
        offline_since: when the node went away, None while it is there.
        phase: sets the node's metrics apart from those of others, 0 to 1.
        full: names of its storages on which nothing is left.
        burden: what its guests use together.
        outages: when it was away before.
        first_boot: when it was started first, None where that was `started_at`.
    """

    name: str
    number: int
    address: str
    cores: int
    memory: int
    disk: int
    started_at: float
    phase: float
    offline_since: float | None = None
    full: set[str] = field(default_factory=set)
    burden: Burden = field(default_factory=Burden, repr=False)
    outages: Times = ()
    first_boot: float | None = None

    @property
    def online(self) -> bool:
        """Tell whether the node runs and is part of its cluster."""
        return self.offline_since is None

    def carry(self, burden: Burden) -> None:
        """Be as large as it takes for guests that use so much together."""
        while burden.most > MOST_BUSY * self.cores:
            self.cores *= 2
        while burden.memory * (1 + MEMORY_SWING) > MOST_BUSY * self.memory:
            self.memory *= 2

    def come_back(self, now: float) -> None:
        """Be part of the cluster again."""
        if self.offline_since is not None:
            self.outages = with_break(self.outages, self.offline_since, now)
        self.offline_since = None

    def boot(self, now: float) -> None:
        """Start anew."""
        self.come_back(now)
        self.first_boot = self.started_at if self.first_boot is None else self.first_boot
        self.started_at = now

    def was_away(self, moment: float) -> bool:
        """Tell whether nobody heard of the node at a moment."""
        return within(self.outages, moment) or (self.offline_since is not None and moment > self.offline_since)

    def was_there(self, moment: float) -> bool:
        """Tell whether the node ran at a moment."""
        born = self.started_at if self.first_boot is None else self.first_boot
        return moment >= born and not self.was_away(moment)


@dataclass(slots=True)
class Guest:
    """A virtual machine (`qemu`) or a container (`lxc`).

    Attributes:
        status: as `GET /cluster/resources` gives it: running, stopped, paused, …
        started_at: when it was started, in seconds since 1970; None where it is not running.
        load: mean share of its processors that it uses, 0 to 1.
        quiet_since: since when it is paused, None where it is not.
        missed: seconds of work that it did not do while it was paused.
        holder: whoever holds the lock on its configuration file at the moment.
        details: configuration and snapshots, made when first looked at (`guest_details.py`).
        stopped_at: since when it does not run, in seconds since 1970; None while it does.
        breaks: when it did not run before.
        born: when it was made, in seconds since 1970; 0 where that was before anybody looked.
        work_at_start: where the work that its rhythm makes it do stood when it started, in seconds.
        encoded: its entry in `/cluster/resources` as it was last made (`routes/guest_rows.py`).
    """

    kind: str
    vmid: int
    name: str
    node: str
    status: str
    cores: int
    memory: int
    disk: int
    phase: float
    load: float
    started_at: float | None = None
    template: bool = False
    lock: str | None = None
    tags: str | None = None
    quiet_since: float | None = None
    missed: float = 0.0
    holder: object = field(default=None, repr=False)
    details: "GuestDetails | None" = field(default=None, repr=False)
    encoded: "EncodedRow | None" = field(default=None, repr=False)
    stopped_at: float | None = field(default=None, init=False, repr=False)
    breaks: Times = field(default=(), init=False, repr=False)
    born: float = 0.0
    work_at_start: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.started_at is None:
            self.stopped_at = 0.0
        else:
            self.work_at_start = activity_and_work(self.phase, self.load, self.started_at)[1]

    def switch_on(self, now: float) -> None:
        """Let it run from this moment on: its counters begin anew."""
        if self.stopped_at is not None:
            self.breaks = with_break(self.breaks, self.stopped_at, now)
        self.status, self.started_at, self.stopped_at = "running", now, None
        self.quiet_since, self.missed = None, 0.0
        Changes.note()
        self.work_at_start = activity_and_work(self.phase, self.load, now)[1]

    def switch_off(self, now: float) -> None:
        """Let it stand still from this moment on."""
        self.status, self.started_at, self.stopped_at = "stopped", None, now
        Changes.note()
        self.quiet_since, self.missed = None, 0.0

    @property
    def running(self) -> bool:
        """Tell whether the guest uses processor and memory."""
        return self.started_at is not None

    def move_to(self, node: str) -> None:
        """Be on another node."""
        self.node = node
        Changes.note()

    def was_running(self, moment: float) -> bool:
        """Tell whether the guest ran at a moment of the past."""
        stopped = self.stopped_at is not None and moment > self.stopped_at
        return moment >= self.born and not stopped and not within(self.breaks, moment)


EncodedRow = tuple[tuple[object, ...], str]
"""All that a guest's entry in a list depends on, and the entry as JSON.

A bare tuple: ten thousand are made for one answer.
"""


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage definition of the cluster; one that is not shared exists on each node by itself."""

    name: str
    plugin: str
    content: str
    size: int
    shared: bool = False
    fill: float = 0.4


@dataclass(slots=True)
class Pool:
    """A resource pool with the paths of its members."""

    name: str
    comment: str = ""
    members: list[str] = field(default_factory=list)


STORAGES = (
    Storage("local", "dir", "iso,vztmpl,backup", 100 * GIB, fill=0.31),
    Storage("local-lvm", "lvmthin", "images,rootdir", 800 * GIB, fill=0.57),
    Storage("nas", "nfs", "backup,iso", 8192 * GIB, shared=True, fill=0.68),
)

# Kind, status, template and lock of the first ten guests. The fourth is the stopped, unlocked machine that
# every cluster of ten guests or more has; what follows them comes from the seed.
FIRST_TEN = (
    ("qemu", "running", False, None),
    ("qemu", "running", False, None),
    ("lxc", "running", False, None),
    ("qemu", "stopped", False, None),
    ("qemu", "running", False, None),
    ("lxc", "running", False, None),
    ("qemu", "stopped", True, None),
    ("qemu", "running", False, None),
    ("lxc", "stopped", False, None),
    ("qemu", "paused", False, None),
)
BOOT_SECONDS = 90
"""From the start of a node until its guests run."""
PURPOSES = ("web", "db", "dns", "app", "cache", "mail", "debian12-tmpl", "build", "proxy", "queue", "git", "log")
TAGS = ("prod", "prod;web", "dev", "db;prod", None, None)


def make_node(seed: str, name: str, number: int, address: str, now: float) -> Node:
    """Make a node of plausible size that has been up for days."""
    numbers = seeded(seed, "node", name)
    return Node(
        name=name,
        number=number,
        address=address,
        cores=numbers.choice((16, 24, 32, 64)),
        memory=numbers.choice((64, 128, 256)) * GIB,
        disk=numbers.choice((94, 220)) * GIB,
        started_at=now - numbers.randrange(3 * 86400, 200 * 86400),
        phase=numbers.random(),
    )


def make_guests(seed: str, nodes: Sequence[Node], count: int, now: float, *, hostile: bool = False) -> list[Guest]:
    """Make `count` guests, spread over `nodes`; none runs for longer than its node.

    Args:
        seed: what they follow from.
        nodes: the nodes.
        count: how many.
        now: the time, in seconds since 1970.
        hostile: give the first two names that try to break whoever shows them.
    """
    guests = [_make_guest(seed, nodes, index, now) for index in range(count)]
    for guest, name in zip(guests, (HOSTILE_NAME, HOSTILE_ESCAPES) if hostile else (), strict=False):
        guest.name = name
    return guests


def _make_guest(seed: str, nodes: Sequence[Node], index: int, now: float) -> Guest:
    numbers = seeded(seed, "guest", index)
    node = nodes[index % len(nodes)]
    if index < len(FIRST_TEN):
        kind, status, template, lock = FIRST_TEN[index]
    else:
        kind = numbers.choices(("qemu", "lxc"), (3, 2))[0]
        status = numbers.choices(("running", "stopped"), (4, 1))[0]
        template, lock = False, None
    uptime = min(numbers.randrange(3600, 60 * 86400), int(now - node.started_at) - BOOT_SECONDS)
    return Guest(
        kind=kind,
        vmid=100 + index,
        name=f"{PURPOSES[index % len(PURPOSES)]}-{index // len(PURPOSES) + 1:02d}",
        node=node.name,
        status=status,
        cores=numbers.choice((1, 2, 4, 8)),
        memory=numbers.choice((1, 2, 4, 8, 16)) * GIB,
        disk=numbers.choice((8, 16, 32, 64, 120)) * GIB,
        phase=numbers.random(),
        load=numbers.uniform(0.02, 0.6),
        started_at=None if status == "stopped" else now - uptime,
        template=template,
        lock=lock,
        tags=numbers.choice(TAGS),
        quiet_since=now if status == "paused" else None,
    )
