"""The state of one simulated cluster: what its routes answer from, and what steers it."""

import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random

from pxm_tui.simulator.burden import Part, add_up
from pxm_tui.simulator.certificates import LEAF_DAYS, Certificate, CertificateAuthority, PrivateKey
from pxm_tui.simulator.clock import Clock, ShiftedClock, seeded, seeded_bytes
from pxm_tui.simulator.consoles import Consoles
from pxm_tui.simulator.ha import MANAGED, SINCE_INDEX, HaResource
from pxm_tui.simulator.inventory import Changes, Guest, Node, Pool, make_guests, make_node
from pxm_tui.simulator.journal import Journal, make_journal
from pxm_tui.simulator.metrics import part_of
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.simulator.permissions import Permissions
from pxm_tui.simulator.population import make_accounts, make_credentials
from pxm_tui.simulator.power import Power
from pxm_tui.simulator.releases import RELEASES, Release, before_update
from pxm_tui.simulator.task_history import make_history
from pxm_tui.simulator.tasks import Tasks
from pxm_tui.simulator.tickets import TicketOffice
from pxm_tui.simulator.volumes import Volume

STALE_AFTER = 300
"""Seconds after which the last figures of a silent node are dropped (pmxcfs, status.c)."""
LOG_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request as a node received it.

    Attributes:
        node: name of the node.
        path: path as it was asked for, without the query.
        headers: names of the headers, in lower case.
        credential: whether a ticket, a token or a login's body came with it.
    """

    node: str
    method: str
    path: str
    headers: tuple[str, ...]
    credential: bool


class Cluster:
    """One simulated cluster, or one standalone node.

    Attributes:
        partitioned: every node sees itself alone.
        deaf: names of nodes that run and refuse connections.
        mute: names of nodes that run and accept connections without ever saying a word.
        walled: names of nodes that run behind something that drops all packets.
        wrong_clock: the cluster's clock.
        spoiled: by node the faults of its answers with their values (`wire_faults.py`).
        dead_peers: nodes that the others do not reach, with the status that they give instead of an answer.
        told_addresses: of nodes which the cluster says are elsewhere than where they listen; empty: it does not know.
        not_simulated: how often routes were asked for that the release has and the simulator has not.
    """

    def __init__(self, options: ClusterOptions, *, seed: str, clock: Clock, keys: str, addresses: list[str]) -> None:
        self.options = options
        self.name = options.name
        self.seed = seed
        self.wrong_clock = ShiftedClock(clock)
        self.clock: Clock = self.wrong_clock
        self.release = RELEASES[options.version]
        self.created_at = clock()
        self.domain = f"{re.sub('[^a-z0-9-]+', '-', options.name.lower()).strip('-') or 'lab'}.test"
        self.partitioned = False
        self.deaf: set[str] = set()
        self.mute: set[str] = set()
        self.walled: set[str] = set()
        self.spoiled: dict[str, dict[str, float]] = {}
        self.dead_peers: dict[str, int] = {}
        self.told_addresses: dict[str, str] = {}
        self.configuration_version = 3
        self.requests: deque[ReceivedRequest] = deque(maxlen=LOG_LENGTH)
        self.request_count = 0
        self.connection_count = 0
        self.not_simulated: Counter[str] = Counter()
        self.credentials = make_credentials(options, seed)
        self.accounts = make_accounts(options, self.credentials, self.created_at)
        self.tickets = TicketOffice(seeded_bytes(32, seed, "tickets"))
        self.numbers: Random = seeded(seed, "order")
        self._keys = keys
        self._leaves: dict[str, Certificate] = {}
        self._generation = 0
        self.nodes = {node.name: node for node in self._make_nodes(addresses)}
        nodes, hostile = list(self.nodes.values()), options.hostile
        self.guests = make_guests(seed, nodes, options.guests, self.created_at, hostile=hostile)
        for node in nodes:
            node.carry(add_up(part_of(guest, works=True) for guest in self.guests if guest.node == node.name))
        self._weighed: tuple[int, int] | None = None
        self.weigh()
        self.volumes: list[Volume] = []
        self.journal: Journal = make_journal()
        self.power = Power(self.clock, lambda: self.guests)
        self._by_number: dict[int, Guest] = {}
        self._consoles: dict[str, Consoles] = {}
        for name in options.offline:
            self.nodes[name].offline_since = self.created_at - 2 * STALE_AFTER

    def _make_nodes(self, addresses: list[str]) -> list[Node]:
        options = self.options
        names = options.all_node_names
        first = 0 if options.standalone else 1
        return [
            make_node(self.seed, name, index + first, address, self.created_at)
            for index, (name, address) in enumerate(zip(names, addresses, strict=True))
        ]

    def weigh(self) -> None:
        """Find out what the guests of each node use together, where that has changed."""
        state = (Changes.count, len(self.guests))
        if state == self._weighed:
            return
        self._weighed = state
        parts: dict[str, list[Part]] = {name: [] for name in self.nodes}
        for guest in self.guests:
            if guest.running:
                parts[guest.node].append(part_of(guest, works=guest.quiet_since is None))
        for name, node in self.nodes.items():
            node.burden = add_up(parts[name])

    def installed_on(self, node: Node) -> Release:
        """Give the packages that a node has; it speaks as the cluster's release all the same."""
        return before_update(self.release) if node.name in self.options.outdated else self.release

    def guest(self, vmid: int, *, node: str | None = None, kind: str | None = None) -> Guest | None:
        """Give the guest of a number; None where there is none, or it is elsewhere or of the other kind."""
        if len(self._by_number) != len(self.guests):
            self._by_number = {guest.vmid: guest for guest in self.guests}
        guest = self._by_number.get(vmid)
        if guest is None or node not in {None, guest.node} or kind not in {None, guest.kind}:
            return None
        return guest

    def add_guest(self, guest: Guest) -> None:
        """Add a guest."""
        self.guests.append(guest)
        self._by_number[guest.vmid] = guest

    def remove_guest(self, guest: Guest) -> None:
        """Remove a guest, from its pool as well."""
        self.guests.remove(guest)
        self._by_number.pop(guest.vmid, None)
        self.ha.pop(guest.vmid, None)
        for pool in self.pools:
            path = f"/vms/{guest.vmid}"
            pool.members[:] = [member for member in pool.members if member != path]

    @cached_property
    def ha(self) -> dict[int, HaResource]:
        """The guests under high availability, by number."""
        if len(self.nodes) < 2 or len(self.guests) < 2 * SINCE_INDEX:
            return {}
        chosen = [guest for guest in self.guests[SINCE_INDEX:] if guest.running][:MANAGED]
        return {guest.vmid: HaResource(guest.kind, guest.vmid) for guest in chosen}

    @cached_property
    def tasks(self) -> Tasks:
        """What runs and has run on the nodes."""
        return Tasks(self.nodes, seeded(self.seed, "processes"), lambda node: make_history(self, node))

    def consoles(self, node: Node) -> Consoles:
        """Give the consoles that were asked for at a node."""
        if node.name not in self._consoles:
            self._consoles[node.name] = Consoles(seeded_bytes(32, self.seed, "consoles"), self.tasks)
        return self._consoles[node.name]

    @cached_property
    def pools(self) -> list[Pool]:
        """The cluster's pools: one, with two guests."""
        return [Pool("prod", "Production", [f"/vms/{guest.vmid}" for guest in self.guests[:2]])]

    @property
    def permissions(self) -> Permissions:
        """What users and tokens may do at this moment."""
        return Permissions(self.accounts, self.release, {pool.name: pool.members for pool in self.pools})

    @cached_property
    def authority(self) -> CertificateAuthority:
        """The cluster's certificate authority."""
        return CertificateAuthority(
            f"{self.seed}/authority {self._generation}",
            now=self.created_at,
            keys=self._keys,
            key_usage=self.release.authority_has_key_usage,
        )

    def leaf(self, name: str) -> Certificate:
        """Give the certificate that a node serves."""
        if name not in self._leaves:
            self._leaves[name] = self._issue(name, now=self.created_at)
        return self._leaves[name]

    def reissue(self, name: str, *, new_key: bool = False, expired: bool = False) -> None:
        """Give a node another leaf, with the key it had unless `new_key` is set."""
        key = None if new_key else self.leaf(name).key
        days = -30 if expired else LEAF_DAYS
        self._leaves[name] = self._issue(name, now=self.clock(), key=key, days=days)

    def replace_authority(self) -> None:
        """Throw the authority away and issue every leaf anew, from another one."""
        self._generation += 1
        del self.authority
        self._leaves.clear()

    def certificates(self) -> Callable[[], None]:
        """Note the authority and all leaves; what is returned puts them back."""
        authority, leaves = self.authority, {name: self.leaf(name) for name in self.nodes}

        def put_back() -> None:
            self.authority = authority
            self._leaves = dict(leaves)

        return put_back

    def present(self, name: str, leaf: Certificate) -> None:
        """Let a node serve a leaf."""
        self._leaves[name] = leaf

    def _issue(self, name: str, *, now: float, key: PrivateKey | None = None, days: int = LEAF_DAYS) -> Certificate:
        address = self.nodes[name].address
        return self.authority.issue(name, domain=self.domain, address=address, now=now, key=key, days=days)

    def told_address(self, node: Node) -> str:
        """Give the address at which the cluster says that a node is; empty where it does not know."""
        return self.told_addresses.get(node.name, node.address)

    def node_online(self, node: Node, seen_from: Node) -> bool:
        """Tell whether one node is online in the eyes of another."""
        return node.online and (not self.partitioned or node is seen_from)

    def quorate(self, seen_from: Node) -> bool:
        """Tell whether the part of the cluster that a node belongs to has the majority."""
        if self.options.standalone:
            return True
        online = sum(self.node_online(node, seen_from) for node in self.nodes.values())
        return online > len(self.nodes) // 2

    def figures_time(self, node: Node, now: float) -> float | None:
        """Give the time of the last figures of a node's guests and storages; None where they are too old."""
        if node.offline_since is None:
            return now
        return node.offline_since if now - node.offline_since < STALE_AFTER else None
