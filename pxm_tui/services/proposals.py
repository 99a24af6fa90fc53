"""The other endpoints of a cluster that has just been registered: one of each other node, as it is seen from here.

A node's address is the one in the cluster's status; where that is missing, or cannot be used from here, those of the
cluster's configuration are tried in their order, and the first that works is the one. Nothing but a handshake goes
there. What shows a certificate that the trust does not cover is believed where the registered endpoint, verified and
logged in, vouches for it: that one alone is asked, and only where there is something to ask. It has no say about an
endpoint of another cluster that is registered: the login of the one has no business at the other.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Self, TypeVar

from pxm_tui.domain.certificate import Certificate, Trust
from pxm_tui.domain.cluster import Cluster, Endpoint, reason_of
from pxm_tui.domain.connection_messages import timeout
from pxm_tui.domain.errors import LoginError, PxmError
from pxm_tui.domain.messages import of_another
from pxm_tui.domain.observation import Node
from pxm_tui.domain.text import natural_key
from pxm_tui.services.endpoints import Look
from pxm_tui.services.owning import end_all
from pxm_tui.services.ports import ProxmoxGateway, ProxmoxSession, Timer
from pxm_tui.services.same_cluster import prove
from pxm_tui.services.vouching import LogIn, call_witness, is_doubtful, vouched

T = TypeVar("T")

PROPOSAL_LIMIT = 1.5
"""Seconds that all of it may take: nodes of one cluster are about as far away as each other, and a registration is not
to be held up by those that cannot be reached from here."""
PATIENCE = 0.5
"""Seconds after which a node's next address is tried beside one that has not answered yet."""
MOST_PROPOSED = 32
NOT_VOUCHED = "certificate not of the cluster"
_MOST_ADDRESSES = 4
"""Of one node, beside the one in the status."""
_MOST_LOOKS = 3
"""At one endpoint: as it is, after the cluster's authority was learned, after its certificate was vouched for."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One of the other nodes.

    Attributes:
        node: its name.
        look: what was found at its address: the first that works, else the first of all.
        vouched: its certificate is one of its own, for which the cluster has vouched.
    """

    node: str
    look: Look
    vouched: bool = False

    @property
    def works(self) -> bool:
        """It can be an endpoint of the cluster."""
        return self.look.error is None

    @property
    def words(self) -> str:
        """How it is, in short: `answers, 12 ms`, or why it cannot be an endpoint."""
        if self.look.error is not None:
            doubtful = is_doubtful(self.look.error)
            return NOT_VOUCHED if doubtful else reason_of(self.look.error).short
        answers = f"answers, {max(1, round(self.look.rtt_ms or 0))} ms"
        return f"{answers}; own certificate" if self.vouched else answers


@dataclass(frozen=True, slots=True)
class Proposals:
    """What was found.

    Attributes:
        nodes: each other node that has an address, by name.
        trust: the cluster's trust, with what it has vouched for.
        vouched: the certificates that it has vouched for, and where they were shown.
    """

    nodes: tuple[Proposal, ...]
    trust: Trust
    vouched: tuple[tuple[Endpoint, Certificate], ...] = ()

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Those that work, in the order of their nodes."""
        return tuple(one.look.endpoint for one in self.nodes if one.works)


def with_learned(record: Trust, found: Trust) -> Trust:
    """A record's trust with what `found` knows beside the same anchor: the cluster's authority, vouched leaves."""
    leaves = tuple(dict.fromkeys([*record.vouched, *found.vouched]))
    return replace(record, vouched=leaves, authority=record.authority or found.authority)


def proposed(cluster: Cluster, nodes: Iterable[Node]) -> tuple[tuple[Node, Endpoint | None], ...]:
    """The other nodes in the order of their names, each with its address at the registered endpoint's port.

    A node without an address has None, and so has one with the address of another; one that is an endpoint already
    is none of them.
    """
    taken, found = set[Endpoint](), list[tuple[Node, Endpoint | None]]()
    for node in sorted(nodes, key=lambda node: natural_key(node.name)):
        endpoint = _endpoint(cluster, node.address)
        if node.local or endpoint in cluster.endpoints:
            continue
        found.append((node, None if endpoint in taken else endpoint))
        if endpoint is not None:
            taken.add(endpoint)
    return tuple(found[:MOST_PROPOSED])


def _endpoint(cluster: Cluster, text: str | None) -> Endpoint | None:
    """An address of a node; names are its cluster's own business, and so are zones, which may be any text."""
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    return None if "%" in str(address) else Endpoint(str(address), cluster.endpoint.port)


async def find_proposals(  # noqa: PLR0917
    gateway: ProxmoxGateway,
    cluster: Cluster,
    nodes: Sequence[Node],
    timer: Timer,
    log_in: LogIn,
    others: Iterable[Cluster] = (),
) -> Proposals:
    """Look at all other nodes at once, in a short time.

    Args:
        gateway: opens the looks.
        cluster: the record that was just saved.
        nodes: all nodes, as the cluster has told.
        timer: monotonic seconds.
        log_in: logs in to the registered endpoint, as the cluster's own login.
        others: the other clusters that are registered.
    """
    wanted = proposed(cluster, nodes) if any(node.local for node in nodes) else ()
    async with _Search(gateway, cluster, timer, log_in, others) as search:
        tasks = [asyncio.ensure_future(search.of_node(node, endpoint)) for node, endpoint in wanted]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=PROPOSAL_LIMIT)
            looks = [_look_of(task, endpoint, search.seen) for task, (_, endpoint) in zip(tasks, wanted, strict=True)]
        finally:
            await end_all(tasks)
    leaves = {endpoint for endpoint, shown in search.vouched.items() if shown.pem in search.trust.vouched}
    found = dict[Endpoint, Proposal]()
    for (node, _), look in zip(wanted, looks, strict=True):
        if look is not None and look.endpoint not in found:
            found[look.endpoint] = Proposal(node.name, look, look.endpoint in leaves)
    return Proposals(tuple(found.values()), search.trust, tuple(search.vouched.items()))


def _look_of(
    task: asyncio.Future[Look | None], endpoint: Endpoint | None, seen: Mapping[Endpoint, Look]
) -> Look | None:
    """What was found; of a node for which the time was too short, what is known of its first address."""
    if task.done():
        return task.result()
    if endpoint is None:
        return None
    return seen.get(endpoint) or Look(endpoint, error=timeout(endpoint, PROPOSAL_LIMIT))


class _Search:
    """Looks at nodes, and asks the registered endpoint where there is something to ask.

    It is the witness itself: what it has been told once is not asked again.

    Attributes:
        trust: the cluster's, with what it has vouched for so far.
        vouched: the certificates that it vouched for, by where they were shown.
        seen: what was found, by where.
    """

    def __init__(
        self, gateway: ProxmoxGateway, cluster: Cluster, timer: Timer, log_in: LogIn, others: Iterable[Cluster]
    ) -> None:
        self._taken = {endpoint: other for other in others for endpoint in other.endpoints}
        self.trust = cluster.trust
        self.vouched: dict[Endpoint, Certificate] = {}
        self.seen: dict[Endpoint, Look] = {}
        self._gateway = gateway
        self._cluster = cluster
        self._timer = timer
        self._log_in = log_in
        self._one_at_a_time = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._session: ProxmoxSession | None = None
        self._failure: PxmError | None = None
        self._fingerprints: frozenset[str] | None = None
        self._addresses: Mapping[str, tuple[str, ...]] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    # Looking

    async def of_node(self, node: Node, first: Endpoint | None) -> Look | None:
        """The first of the node's addresses that works; else what was found at the first of all, or None."""
        waiting, others_known = [] if first is None else [first], False
        looks = list[asyncio.Future[Look]]()
        try:
            while True:
                found = next((look.result() for look in looks if _works(look)), None)
                if found is not None:
                    return found
                if not waiting and not others_known:
                    waiting, others_known = await self._others(node, first), True
                    continue
                if waiting:
                    looks.append(asyncio.ensure_future(self._look(waiting.pop(0))))
                running = [look for look in looks if not look.done()]
                if not running:
                    return looks[0].result() if looks else None
                patience = PATIENCE if waiting or not others_known else None
                await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_all(looks)

    async def _look(self, endpoint: Endpoint) -> Look:
        """A look at one endpoint; where its certificate is in doubt, once more after the cluster has spoken for it."""
        if endpoint in self._taken:
            return Look(endpoint, error=of_another(self._taken[endpoint], endpoint))
        for _ in range(_MOST_LOOKS):
            trust = self.trust
            known = replace(self._cluster, trust=trust)
            look = await prove(self._gateway, known, endpoint, self._timer, PROPOSAL_LIMIT)
            shown = None if look.error is None else is_doubtful(look.error)
            if shown is None or not await self._is_vouched_for(endpoint, shown, trust):
                break
        self.seen[endpoint] = look
        return look

    # Asking the registered endpoint

    async def _is_vouched_for(self, endpoint: Endpoint, shown: Certificate, doubted: Trust) -> bool:
        """Whether the trust has grown since it `doubted` what is shown."""
        async with self._one_at_a_time:
            if self.trust.authority != doubted.authority:
                return True
            try:
                grown = await vouched(self, self.trust, shown)
            except PxmError:
                return False
            if grown is not None:
                self.trust = grown
                self.vouched[endpoint] = shown
            return grown is not None

    async def authority(self, leaf: Certificate | None = None) -> Certificate | None:
        """The cluster's own authority, where it has signed `leaf`."""
        return await self._ask(lambda session: session.authority(leaf))

    async def node_fingerprints(self) -> frozenset[str]:
        """SHA-256 of the certificate of each node."""
        if self._fingerprints is None:
            self._fingerprints = await self._ask(lambda session: session.node_fingerprints())
        return self._fingerprints

    async def _others(self, node: Node, first: Endpoint | None) -> list[Endpoint]:
        """The node's other addresses; none where the cluster does not tell, or says itself that the node is off."""
        if node.state == "offline":
            return []
        async with self._one_at_a_time:
            if self._addresses is None:
                try:
                    self._addresses = await self._ask(lambda session: session.node_addresses())
                except PxmError:
                    self._addresses = {}
        found = [_endpoint(self._cluster, text) for text in self._addresses.get(node.name, ())]
        known = {first, None, *self._cluster.endpoints}
        return [one for one in dict.fromkeys(found) if one is not None and one not in known][:_MOST_ADDRESSES]

    async def _ask(self, question: Callable[[ProxmoxSession], Awaitable[T]]) -> T:
        """Ask the registered endpoint. Where it cannot be had, or refuses the login, it is not tried again."""
        if self._failure is not None:
            raise self._failure
        try:
            if self._session is None:
                calling = call_witness(self._gateway, self._cluster.endpoint, self._cluster.trust, self._log_in)
                self._session = await self._stack.enter_async_context(calling)
            return await question(self._session)
        except PxmError as error:
            if self._session is None or isinstance(error, LoginError):
                self._failure = error
            raise


def _works(look: asyncio.Future[Look]) -> bool:
    return look.done() and look.result().error is None
