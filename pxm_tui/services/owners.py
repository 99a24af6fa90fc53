"""Logging in to a registered cluster for its tokens' sake: as their owner, or with a token that may manage tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from pxm_tui.domain.cluster import Cluster, Endpoint, LoginMethod
from pxm_tui.domain.errors import CertificateError, UnreachableError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.services.checking import Checker
from pxm_tui.services.checklist import Checklist
from pxm_tui.services.conversation import Conversation, Reading
from pxm_tui.services.dialog import Dialog
from pxm_tui.services.leftovers import LeftOvers
from pxm_tui.services.ports import Clock, Credentials, ProxmoxGateway, ProxmoxSession
from pxm_tui.services.vouching import as_change


@dataclass(frozen=True, slots=True)
class Key:
    """What to log in with.

    Attributes:
        credentials: given by a person, or kept for the cluster.
        code: a second factor that is known beforehand.
    """

    credentials: Credentials
    code: Secret | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Entered:
    """A session that is logged in.

    Attributes:
        session: with the endpoint.
        conversation: the same, reported step by step.
        reading: what is read after the login.
        endpoint: the one that answered.
    """

    session: ProxmoxSession
    conversation: Conversation
    reading: Reading
    endpoint: Endpoint

    @property
    def credentials(self) -> Credentials:
        """What was logged in with, the user complete with its realm."""
        return self.reading.credentials


@dataclass(frozen=True, slots=True)
class Door:
    """Opens registered clusters.

    Attributes:
        gateway: opens the sessions.
        checker: knows which endpoint answers.
        clock: UTC now.
        left_overs: tokens that a run before may have left are removed by the way.
    """

    gateway: ProxmoxGateway
    checker: Checker
    clock: Clock
    left_overs: LeftOvers

    @asynccontextmanager
    async def enter(self, cluster: Cluster, key: Key, dialog: Dialog, checklist: Checklist) -> AsyncIterator[Entered]:
        """Log in at the first endpoint that answers; the steps `address` to `login`. The login itself is sent once.

        Raises:
            PxmError: no endpoint answers, its certificate is not the trusted one, or the login is not taken.
        """
        session, conversation, endpoint = await self._reach(cluster, key, checklist)
        async with aclosing(session):
            realms = await conversation.realms()
            reading = await conversation.enter(key.credentials, dialog, code=key.code, realms=realms)
            async with aclosing(reading):
                tokens = session.tokens()
                await self.left_overs.remove(tokens, reading.credentials, cluster.endpoints, cluster.identity, cluster)
                yield Entered(session, conversation, reading, endpoint)

    async def _reach(
        self, cluster: Cluster, key: Key, checklist: Checklist
    ) -> tuple[ProxmoxSession, Conversation, Endpoint]:
        token = key.credentials.method is LoginMethod.TOKEN
        *others, last = self._in_order(cluster)
        for endpoint in (*others, last):
            session = self.gateway.open(endpoint, cluster.trust, token=token, alone=True)
            conversation = Conversation(session, endpoint, checklist)
            try:
                await conversation.reach()
                await conversation.secure(cluster.trust, lambda _certificate: "the trusted one")
            except BaseException as error:
                await session.aclose()
                if isinstance(error, CertificateError):
                    raise as_change(cluster, endpoint, error, self.clock()) from None
                if not isinstance(error, UnreachableError) or endpoint == last:
                    raise
            else:
                return session, conversation, endpoint
        raise AssertionError("the last endpoint raises")

    def _in_order(self, cluster: Cluster) -> Iterable[Endpoint]:
        first = self.checker.endpoints.choose(cluster, Snapshot(cluster.id))
        return (first, *(endpoint for endpoint in cluster.endpoints if endpoint != first))
