"""Whether a known cluster vouches for a server that says it is of it: a node that has a certificate of its own.

What the server says (the authority that it presents, the nodes that it lists) only selects whom to ask, and proves
nothing. The known cluster proves: it is asked over its own endpoints, verified under its own trust, with its own login.
Nothing of it goes to the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pxm_tui.domain.certificate import Certificate, Claims, Trust
from pxm_tui.domain.cluster import Cluster, Endpoint, reason_of
from pxm_tui.domain.connection_messages import timeout
from pxm_tui.domain.errors import LoginError, PxmError, SecretsLockedError, StorageError
from pxm_tui.domain.pem import fingerprints
from pxm_tui.services.checking import Checker
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.endpoints import LOOK_LIMIT, wants_a_second_opinion
from pxm_tui.services.judge import REFUSALS, failed
from pxm_tui.services.ports import Clock, ClusterRepository, ProxmoxGateway, SecretStore
from pxm_tui.services.secrets import open_vault
from pxm_tui.services.vouching import ask_cluster

MOST_ASKED = 4
"""Clusters that one server makes us ask, whatever it says."""


def leaves_of(trust: Trust) -> frozenset[str]:
    """SHA-256 of the leaves that a trust has taken: the one that was shown last, and those that were vouched for."""
    return fingerprints(trust.vouched) | ({trust.fingerprint} if trust.fingerprint else frozenset())


def says_it_is_of(claims: Claims, cluster: Cluster) -> bool:
    """Whether a server that claims this says that it is of `cluster`."""
    trust = cluster.trust
    return trust.ca_fingerprint in claims.authorities or not claims.leaves.isdisjoint(leaves_of(trust))


@dataclass(frozen=True, slots=True)
class Word:
    """What a known cluster says of a certificate.

    Attributes:
        cluster: the known one.
        trust: its trust with the certificate in it; None where it does not vouch for that.
        why_not: in a few words why it could not be asked; empty where it was.
    """

    cluster: Cluster
    trust: Trust | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Membership:
    """Asks known clusters.

    Attributes:
        repository: is told of a login that is refused.
        secrets: where their logins are.
        gateway: opens the sessions.
        checker: knows their endpoints, and the tickets in memory.
        clock: UTC now.
    """

    repository: ClusterRepository
    secrets: SecretStore
    gateway: ProxmoxGateway
    checker: Checker
    clock: Clock

    async def open_vault(self, clusters: Iterable[Cluster], dialog: Dialog) -> None:
        """Let a person open the secret store where one of `clusters` needs it; that it stays closed is told later."""
        needed = any(self.checker.ticket(one.id) is None and not one.login.refused for one in clusters)
        with suppress(StorageError):
            if needed and not (state := await self.secrets.state()).open and state.exists:
                await open_vault(self.secrets, dialog)

    async def ask(self, clusters: Iterable[Cluster], endpoint: Endpoint, shown: Certificate) -> tuple[Word, ...]:
        """Ask all of `clusters` at once whether `shown`, which `endpoint` has shown, is of a node of theirs."""
        return tuple(await asyncio.gather(*(self._ask(one, endpoint, shown) for one in clusters)))

    async def _ask(self, cluster: Cluster, endpoint: Endpoint, shown: Certificate) -> Word:
        if cluster.login.refused:
            return Word(cluster, why_not="it has refused the stored login")
        try:
            async with asyncio.timeout(LOOK_LIMIT):
                return Word(cluster, await self._trust_with(cluster, endpoint, shown))
        except TimeoutError:
            return Word(cluster, why_not=reason_of(timeout(cluster.endpoint, LOOK_LIMIT)).short)
        except SecretsLockedError:
            return Word(cluster, why_not="the secret store is locked")
        except PxmError as error:
            await self._mark_refused(cluster, error)
            return Word(cluster, why_not=reason_of(error).short)

    async def _trust_with(self, cluster: Cluster, endpoint: Endpoint, shown: Certificate) -> Trust | None:
        """See `ask_cluster`. A ticket may have ended early; that says nothing of the password."""
        witnesses = await self._witnesses(cluster, endpoint)
        ticket = self.checker.ticket(cluster.id)
        if ticket is not None:
            with suppress(LoginError):
                log_in = self.checker.login_of(cluster, ticket)
                return await ask_cluster(self.gateway, cluster, endpoint, shown, witnesses, log_in)
        log_in = self.checker.login_of(cluster, None)
        return await ask_cluster(self.gateway, cluster, endpoint, shown, witnesses, log_in)

    async def _witnesses(self, cluster: Cluster, doubtful: Endpoint) -> Sequence[Endpoint]:
        """The endpoints to ask, the first that answers first: one that hangs would take all the time there is."""
        known = self.checker.endpoints.witnesses(cluster) or cluster.endpoints
        others = [one for one in known if one != doubtful]
        if len(others) < 2:
            return others
        passed_over = [one for one in cluster.endpoints if one not in others]
        first = await self.checker.endpoints.find_other(cluster, passed_over)
        return sorted(others, key=lambda one: one != first)

    async def _mark_refused(self, cluster: Cluster, error: PxmError) -> None:
        """A login that was refused is not sent again; a token's refusal takes two endpoints, where there are two."""
        believed = len(cluster.endpoints) == 1 or not wants_a_second_opinion(cluster, error)
        if isinstance(error, LoginError) and error.cause in REFUSALS and believed:
            with suppress(StorageError):
                result = failed(cluster, error, "login", self.clock().replace(microsecond=0))
                await self.repository.save_checks([result])
