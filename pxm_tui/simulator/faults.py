"""The faults that a running fleet can be put into, in one table."""

from collections.abc import Sequence
from dataclasses import dataclass

from pxm_tui.simulator import fault_effects as effects
from pxm_tui.simulator import wire_faults as wire
from pxm_tui.simulator.fault_effects import Effect

Value = float | str


class FaultError(ValueError):
    """A fault cannot be set or ended; the text says why."""


class UnknownError(FaultError):
    """There is no such cluster, node or fault."""


@dataclass(frozen=True, slots=True)
class Number:
    """A value that is a number.

    Attributes:
        means: what it is, with its unit.
        whole: it has no fraction.
    """

    means: str
    default: float
    least: float
    most: float
    whole: bool = False
    kind = "number"

    def check(self, value: object) -> float:
        """Give the number. Raises `FaultError`."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.least <= value <= self.most:
            raise FaultError(f"the value is a number from {self.least:g} to {self.most:g}: {self.means}")
        if self.whole and value != int(value):
            raise FaultError(f"the value is a whole number: {self.means}")
        return value


@dataclass(frozen=True, slots=True)
class Text:
    """A value that is a text.

    Attributes:
        means: what it is.
    """

    means: str
    default: str = ""
    kind = "text"

    def check(self, value: object) -> str:
        """Give the text. Raises `FaultError`."""
        if not isinstance(value, str):
            raise FaultError(f"the value is a text: {self.means}")
        return value


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble.

    Attributes:
        name: what it is called.
        title: the same for people.
        help: one line about what happens.
        per_node: it takes place on one node or on each; else on the cluster as a whole.
        value: what can be chosen about it, if anything can.
        group: of the faults of one group only the last is in force at one place.
    """

    name: str
    title: str
    help: str
    effect: Effect
    group: str = ""
    per_node: bool = True
    value: Number | Text | None = None

    def to_json(self) -> dict[str, object]:
        """Describe it."""
        value = self.value
        described = None if value is None else {"kind": value.kind, "means": value.means, "default": value.default}
        return {
            "fault": self.name,
            "title": self.title,
            "help": self.help,
            "per": "node" if self.per_node else "cluster",
            "value": described,
        }


ACCOUNT = Text("user@realm; empty: every account")

FAULTS = (
    Fault("down", "Refuses connections", "pveproxy is stopped; the node itself runs on.", effects.refuse, "network"),
    Fault("drop-packets", "Packets are dropped", "As behind a firewall: connecting times out.",
          effects.drop_packets, "network"),
    Fault("hang", "Hangs after accept", "Connections are accepted, and then nothing comes.", effects.hang, "network"),
    Fault("node-offline", "Node is off", "The node refuses connections, the others see it offline.",
          effects.take_offline, "network"),
    Fault("slow", "Slow answers", "Every answer comes later.", effects.spoil(wire.SLOW),
          value=Number("milliseconds more for each answer", 2000, 0, 600_000)),
    Fault("cut-body", "Cut in mid-body", "The connection ends in the middle of each answer.",
          effects.spoil(wire.CUT), "answers"),
    Fault("garbage", "Garbage, no HTTP", "Answers are noise.", effects.spoil(wire.GARBAGE), "answers"),
    Fault("html", "HTML, no JSON", "Answers are the page of something that is no Proxmox VE.",
          effects.spoil(wire.HTML), "answers"),
    Fault("huge-body", "Huge answers", "Answers are far larger than any real one.",
          effects.spoil(wire.HUGE), "answers", value=Number("mebibytes of each answer", 64, 1, 4096)),
    Fault("server-error", "Server errors", "Every request fails.", effects.spoil(wire.STATUS), "answers",
          value=Number("HTTP status, 5xx", 500, 500, 599, whole=True)),
    Fault("dead-peer", "Dead peer", "The other nodes do not reach the node and answer 595 or 596 in its place.",
          effects.lose_peer, value=Number("HTTP status: 595 not reached, 596 broken off", 595, 595, 596, whole=True)),
    Fault("no-quorum", "No quorum", "The nodes do not see each other.", effects.lose_quorum, per_node=False),
    Fault("certificate-renewed", "Certificate renewed", "Another certificate of the same CA for the same key.",
          effects.renew_certificate, "certificate"),
    Fault("certificate-replaced", "Another CA", "Every certificate is replaced by one of another CA.",
          effects.replace_authority, "certificate", per_node=False),
    Fault("certificate-expired", "Certificate expired", "Its dates lie in the past.",
          effects.let_certificate_expire, "certificate"),
    Fault("login-disabled", "Login disabled", "The account is disabled, with its tokens.",
          effects.disable_login, per_node=False, value=ACCOUNT),
    Fault("tfa-locked", "Second factor locked", "Every code is refused.",
          effects.lock_second_factors, per_node=False, value=ACCOUNT),
    Fault("token-revoked", "API token revoked", "The token is deleted.",
          effects.revoke_tokens, per_node=False, value=Text("user@realm!name; empty: every token")),
    Fault("privileges-taken", "Privileges taken away", "Nothing is granted any more; only root@pam keeps its rights.",
          effects.take_privileges, per_node=False, value=Text("user@realm or token; empty: all")),
    Fault("clock-skew", "Clock is wrong", "Date header, tickets and tasks follow a clock that is ahead or behind.",
          effects.set_clock_wrong, per_node=False, value=Number("seconds ahead", 10_800, -86_400_000, 86_400_000)),
    Fault("storage-full", "Storage full", "Nothing is left on the storage: what needs space fails.",
          effects.fill_storage, value=Text("name of a storage; empty: all")),
    Fault("task-fails", "Tasks fail", "Every task that is started fails.", effects.let_tasks_fail, "tasks",
          per_node=False, value=Text("what the task ends with", "unable to read tail (got 0 bytes)")),
    Fault("task-hangs", "Tasks never end", "Tasks that are started go on until somebody stops them.",
          effects.let_tasks_hang, "tasks", per_node=False),
)  # fmt: skip


def find_fault(name: str) -> Fault:
    """Give the fault of that name. Raises `UnknownError`."""
    for fault in FAULTS:
        if fault.name == name:
            return fault
    raise UnknownError(f"there is no fault '{name}'; there are {', '.join(fault.name for fault in FAULTS)}")


def check_value(fault: Fault, value: object) -> Value | None:
    """Give the value that counts: the one given or the default. Raises `FaultError`."""
    if fault.value is None:
        if value is not None:
            raise FaultError(f"{fault.name} takes no value")
        return None
    return fault.value.default if value is None else fault.value.check(value)


def places(fault: Fault, cluster: str, nodes: Sequence[str], node: str | None) -> list[str | None]:
    """Give where a fault takes place: one node, each node, or None for the cluster as a whole.

    Raises:
        FaultError: the node does not exist, or the fault is none of a node.
    """
    if node is not None and node not in nodes:
        raise UnknownError(f"{cluster} has no node '{node}'; it has {', '.join(nodes)}")
    if not fault.per_node:
        if node is not None:
            raise FaultError(f"{fault.name} is a fault of a whole cluster; leave out the node")
        return [None]
    return [node] if node is not None else list(nodes)
