"""Which of a cluster's endpoints is asked, and which others are tried when it does not answer.

The first endpoint in the registered order that answers is used, and every call of a conversation stays with it. One
that failed is passed over until a look at it, after a growing pause, finds it again. A look is a verified handshake,
after which one that failed before has to name its realms, which everybody may ask for; it needs no credential. What is
known of each endpoint is kept in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from pxm_tui.domain.certificate import Certificate, Trust
from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod, reason_of
from pxm_tui.domain.connection_messages import timeout
from pxm_tui.domain.errors import LoginError, PxmError, UnreachableError
from pxm_tui.domain.observation import KEPT_RTTS, EndpointState, Snapshot, median
from pxm_tui.services.owning import end_all
from pxm_tui.services.polling import BACK_OFF
from pxm_tui.services.ports import Clock, ProxmoxGateway, Timer
from pxm_tui.services.vouching import is_doubtful

LOOK_LIMIT = 5.0
"""Seconds that a look at an endpoint may take in all."""
LOOK_AGAIN = 600.0
"""Seconds after which an endpoint that answers, but is not used, is looked at again."""
FAILOVER_LIMIT = 20.0
"""Seconds after which no further endpoint is tried: those that hang are passed over the next time."""


def goes_elsewhere(error: PxmError | None) -> bool:
    """Whether what failed with `error` may be done over at another endpoint.

    Not where Proxmox VE answered, where the certificate is in doubt, or where a change may have arrived.
    """
    return isinstance(error, UnreachableError) and error.cause != "too_old" and not error.may_have_arrived


def wants_a_second_opinion(cluster: Cluster, error: PxmError | None) -> bool:
    """A refused token is believed when a second endpoint refuses it.

    A node without quorum, or one whose clock is wrong, refuses good ones.
    """
    token = cluster.login.method is LoginMethod.TOKEN
    return token and isinstance(error, LoginError) and error.cause == "token"


class Attempted(Protocol):
    """What came of trying something at an endpoint."""

    @property
    def error(self) -> PxmError | None:
        """What stopped it; None where it went through."""
        ...


Tried = TypeVar("Tried", bound=Attempted)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at an endpoint found.

    Attributes:
        endpoint: which.
        rtt_ms: how long opening TCP took, milliseconds; None where it does not answer.
        error: why it cannot be used; None where it can.
        certificate: what it showed, where that was accepted.
        trust: what that was verified against, complete with its anchor.
    """

    endpoint: Endpoint
    rtt_ms: float | None = None
    error: PxmError | None = None
    certificate: Certificate | None = None
    trust: Trust | None = None


async def look_at(
    gateway: ProxmoxGateway,
    endpoint: Endpoint,
    trust: Trust,
    timer: Timer,
    limit: float = LOOK_LIMIT,
    *,
    closely: bool = False,
) -> Look:
    """Connect to `endpoint` and verify it under `trust`, in at most `limit` seconds; no credential is sent.

    `closely`: see that Proxmox VE answers, too.
    """
    try:
        async with asyncio.timeout(limit), aclosing(gateway.open(endpoint, alone=True)) as session:
            await session.resolve()
            began = timer()
            await session.connect()
            rtt_ms = (timer() - began) * 1000
            certificate = await session.secure(trust)
            verified = session.trust
            if closely:
                await session.realms()
    except TimeoutError:
        return Look(endpoint, error=timeout(endpoint, limit))
    except PxmError as error:
        return Look(endpoint, error=error)
    return Look(endpoint, rtt_ms, certificate=certificate, trust=verified)


@dataclass(slots=True)
class _Memory:
    """What is known of one endpoint.

    Attributes:
        rtts_ms: the last round-trip times.
        error: the words for why it fails; empty where it does not.
        since: when it began to fail.
        tries: failures since it was last used with success; a look alone does not set them back, so that one which
            shakes hands but then does not answer is left alone longer and longer.
        next_look: when it is looked at, by the monotonic timer, seconds.
        doubtful: a certificate of it that is not trusted, and that the cluster can be asked about.
    """

    rtts_ms: tuple[float, ...] = ()
    error: str = ""
    since: datetime | None = None
    tries: int = 0
    next_look: float = 0.0
    doubtful: Certificate | None = None

    def heard(self, rtt_ms: float | None) -> None:
        self.error, self.since, self.doubtful = "", None, None
        if rtt_ms is not None:
            self.rtts_ms = (*self.rtts_ms, rtt_ms)[-KEPT_RTTS:]


@dataclass(slots=True)
class _Known:
    """What is known of one cluster's endpoints, and which of them answered last."""

    endpoints: dict[Endpoint, _Memory] = field(default_factory=dict)
    in_use: Endpoint | None = None


class Endpoints:
    """Remembers how each endpoint of each cluster does, and chooses. Used on the client's loop only.

    Args:
        gateway: opens the looks.
        clock: UTC now.
        timer: monotonic seconds.
    """

    def __init__(self, gateway: ProxmoxGateway, clock: Clock, timer: Timer) -> None:
        self._gateway = gateway
        self._clock = clock
        self._timer = timer
        self._clusters: dict[str, _Known] = {}

    def choose(self, cluster: Cluster, before: Snapshot) -> Endpoint:
        """The first endpoint that is not known to fail; the registered one where all do.

        Args:
            cluster: whose.
            before: its last snapshot, which an earlier run may have left.
        """
        known = self._of(cluster, before)
        return next((one for one in cluster.endpoints if not known.endpoints[one].error), cluster.endpoint)

    def witnesses(self, cluster: Cluster) -> tuple[Endpoint, ...]:
        """The endpoints that may be asked about another one's certificate: those that answer, the one in use first."""
        known = self._of(cluster)
        fine = [one for one in cluster.endpoints if not known.endpoints[one].error]
        return tuple(sorted(fine, key=lambda one: one != known.in_use))

    def doubtful(self, cluster: Cluster) -> tuple[tuple[Endpoint, Certificate], ...]:
        """The endpoints whose certificate is not trusted, and that the cluster can be asked about."""
        known = self._of(cluster)
        return tuple((one, shown) for one in cluster.endpoints if (shown := known.endpoints[one].doubtful))

    def vouched(self, cluster: Cluster, endpoint: Endpoint) -> None:
        """The cluster has vouched for the endpoint's certificate: it can be used."""
        self._of(cluster).endpoints[endpoint].heard(None)

    def failing(self, cluster: Cluster) -> tuple[EndpointState, ...]:
        """The endpoints that are known to fail."""
        return tuple(state for state in self.states(cluster) if state.error)

    def states(self, cluster: Cluster) -> tuple[EndpointState, ...]:
        """How each endpoint does, in the registered order; empty where there is one only."""
        known = self._clusters.get(cluster.id)
        if known is None or len(cluster.endpoints) < 2:
            return ()
        return tuple(
            EndpointState(one, known.in_use == one, median(memory.rtts_ms), memory.error, memory.since)
            for one in cluster.endpoints
            if (memory := known.endpoints.get(one)) is not None
        )

    def answered(self, cluster: Cluster, endpoint: Endpoint, rtt_ms: float | None = None) -> None:
        """It was used with success. Where none could be used before, the others are worth a look at once."""
        known = self._of(cluster)
        if all(one.error for one in known.endpoints.values()):
            self.hurry(cluster)
        known.in_use = endpoint
        memory = known.endpoints[endpoint]
        memory.heard(rtt_ms)
        memory.tries, memory.next_look = 0, self._timer() + LOOK_AGAIN

    def failed(self, cluster: Cluster, endpoint: Endpoint, error: PxmError) -> None:
        """It could not be used."""
        known = self._of(cluster)
        if known.in_use == endpoint:
            known.in_use = None
        memory = known.endpoints[endpoint]
        memory.tries += 1
        words = reason_of(error).short
        if memory.since is None or memory.error != words:
            memory.error, memory.since = words, self._clock().replace(microsecond=0)
        memory.doubtful = is_doubtful(error)
        memory.next_look = self._timer() + BACK_OFF[min(memory.tries, len(BACK_OFF)) - 1]

    def hurry(self, cluster: Cluster) -> None:
        """Those that fail are looked at the next time that others than the one in use are."""
        for memory in self._of(cluster).endpoints.values():
            if memory.error:
                memory.next_look = self._timer()

    def why_elsewhere(self, cluster: Cluster, endpoint: Endpoint, error: PxmError | None) -> str:
        """Why another endpoint is asked after `endpoint`; empty where none is, or there is none."""
        if error is None or len(cluster.endpoints) < 2:
            return ""
        if wants_a_second_opinion(cluster, error):
            return f"{endpoint.authority} refused the token"
        return f"{endpoint.authority}: {reason_of(error).short}" if goes_elsewhere(error) else ""

    def forget(self, cluster_id: str) -> None:
        """The cluster was deregistered."""
        self._clusters.pop(cluster_id, None)

    async def run(self, cluster: Cluster, first: Endpoint, work: Callable[[Endpoint], Awaitable[Tried]]) -> Tried:
        """Do `work` at the `first` endpoint, and where that does not answer at others that do.

        Where none does, the registered one has the last word. A change that may have arrived is not done over.
        """
        began, tried = self._timer(), [first]
        outcome = await work(first)
        if wants_a_second_opinion(cluster, outcome.error):
            return await self._second_opinion(cluster, first, outcome, work)
        while isinstance(outcome.error, UnreachableError):
            self.failed(cluster, tried[-1], outcome.error)
            if not goes_elsewhere(outcome.error) or self._timer() - began > FAILOVER_LIMIT:
                break
            other = await self.find_other(cluster, tried)
            if other is None and cluster.endpoint not in tried:
                other = cluster.endpoint
            if other is None:
                break
            tried.append(other)
            outcome = await work(other)
        return outcome

    async def _second_opinion(
        self, cluster: Cluster, first: Endpoint, refused: Tried, work: Callable[[Endpoint], Awaitable[Tried]]
    ) -> Tried:
        """What another endpoint says of a login that the first one refused."""
        other = await self.find_other(cluster, [first])
        if other is None:
            return refused
        outcome = await work(other)
        if goes_elsewhere(outcome.error):
            return refused
        if outcome.error is None and refused.error is not None:
            self.failed(cluster, first, refused.error)
        return outcome

    async def find_other(self, cluster: Cluster, tried: Collection[Endpoint]) -> Endpoint | None:
        """Look at all endpoints that were not `tried`, at once; the first that answers, or None."""
        looks = [self._look(cluster, one) for one in cluster.endpoints if one not in tried]
        try:
            for done in asyncio.as_completed(looks):
                if self._note(cluster, look := await done):
                    return look.endpoint
        finally:
            await end_all(looks)
        return None

    async def look_around(self, cluster: Cluster, *, everywhere: bool = False) -> bool:
        """Look at endpoints that are not in use, nor the next to be used, and due: all that fail, and one other.

        Args:
            cluster: whose.
            everywhere: look at all of them, due or not.

        Returns:
            Whether any was looked at.
        """
        known, now = self._of(cluster), self._timer()
        used = known.in_use or next((one for one in cluster.endpoints if not known.endpoints[one].error), None)
        unused = [one for one in cluster.endpoints if one != used]
        due = unused if everywhere else [one for one in unused if known.endpoints[one].next_look <= now]
        failing = [one for one in due if known.endpoints[one].error]
        others = [one for one in due if not known.endpoints[one].error]
        wanted = failing + (others if everywhere else others[:1])
        looks = [self._look(cluster, one) for one in wanted]
        try:
            for done in asyncio.as_completed(looks):
                self._note(cluster, await done)
        finally:
            await end_all(looks)
        return bool(wanted)

    def _look(self, cluster: Cluster, endpoint: Endpoint) -> asyncio.Future[Look]:
        """Begin a look; a close one where the endpoint failed, for it may fail after the handshake."""
        closely = bool(self._of(cluster).endpoints[endpoint].error)
        return asyncio.ensure_future(look_at(self._gateway, endpoint, cluster.trust, self._timer, closely=closely))

    def _note(self, cluster: Cluster, look: Look) -> bool:
        """Remember what a look found; whether the endpoint can be used."""
        if look.error is not None:
            self.failed(cluster, look.endpoint, look.error)
            return False
        memory = self._of(cluster).endpoints[look.endpoint]
        memory.heard(look.rtt_ms)
        memory.next_look = self._timer() + LOOK_AGAIN
        return True

    def _of(self, cluster: Cluster, before: Snapshot | None = None) -> _Known:
        """What is known of the cluster's endpoints, each of them there; at first as an earlier run left it."""
        known = self._clusters.get(cluster.id)
        if known is None:
            known = self._clusters[cluster.id] = _Known()
            _take_over(known, () if before is None else before.endpoints)
        for endpoint in cluster.endpoints:
            known.endpoints.setdefault(endpoint, _Memory())
        if known.in_use not in cluster.endpoints:
            known.in_use = None
        return known


def _take_over(known: _Known, states: Iterable[EndpointState]) -> None:
    for state in states:
        rtts = () if state.rtt_ms is None else (state.rtt_ms,)
        known.endpoints[state.endpoint] = _Memory(rtts, state.error, state.since, tries=1 if state.error else 0)
