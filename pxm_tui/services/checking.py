"""Checking a registered cluster: the steps of a registration on the record as it is, and what they mean for it.

A full check reads everything; a refresh reads what changes by the minute, over one connection, and builds on the last
full check. Both take the same way to the cluster and are judged alike.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from pxm_tui.domain.certificate import Certificate, Trust
from pxm_tui.domain.cluster import CheckResult, Cluster, Endpoint, LoginMethod
from pxm_tui.domain.errors import CertificateError, LoginError, PxmError, StorageError, UnreachableError
from pxm_tui.domain.observation import Observation, Realm, Snapshot
from pxm_tui.domain.steps import CHECK_STEPS, Step, StepState
from pxm_tui.domain.times import left_words
from pxm_tui.domain.token_messages import expiring
from pxm_tui.services.attempt import Attempt, Learned
from pxm_tui.services.authority import as_unexpected, warn_of_expiry, with_authority
from pxm_tui.services.checklist import Checklist
from pxm_tui.services.conversation import Conversation, Reading
from pxm_tui.services.dialog import Dialog, Silent
from pxm_tui.services.endpoints import Endpoints
from pxm_tui.services.judge import answered, failed, snapshot_of, with_error
from pxm_tui.services.leftovers import Tidy
from pxm_tui.services.owning import end_all
from pxm_tui.services.passed_over import with_passed_over
from pxm_tui.services.ports import Clock, Credentials, ProxmoxGateway, ProxmoxSession, SecretStore, Ticket, Timer
from pxm_tui.services.refreshing import Known, SurpriseError
from pxm_tui.services.secrets import stored_credentials
from pxm_tui.services.vouching import LogIn, Tell, Voucher, as_change, is_doubtful, with_leaf

LOOK_PATIENCE = 2.0
"""Seconds that a check which is through waits for the look at the endpoints that it did not use."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found.

    Attributes:
        result: what it means for the record.
        snapshot: the view beyond the record.
        steps: the checklist.
        error: what stopped it; None when it went through.
        observed: what the cluster said; None where it was not reached.
    """

    result: CheckResult
    snapshot: Snapshot
    steps: tuple[Step, ...]
    error: PxmError | None = None
    observed: Observation | None = None


async def _nobody(cluster: Cluster, endpoint: Endpoint, shown: Certificate) -> None:
    """Tell nobody."""


class Checker:
    """Checks clusters; between checks it keeps the tickets of password logins and what refreshes build on, in memory.

    Attributes:
        endpoints: which endpoint of each cluster is asked.

    Args:
        secrets: where the credentials are.
        gateway: opens the sessions.
        clock: UTC now.
        timer: monotonic seconds.
        tell: told of each certificate that a cluster has vouched for.
        tidy: clears up at the end of each full check that went through.
    """

    def __init__(  # noqa: PLR0917
        self,
        secrets: SecretStore,
        gateway: ProxmoxGateway,
        clock: Clock,
        timer: Timer,
        tell: Tell = _nobody,
        tidy: Tidy | None = None,
    ) -> None:
        self._secrets = secrets
        self._gateway = gateway
        self._clock = clock
        self._timer = timer
        self._tickets: dict[str, Ticket] = {}
        self._known: dict[str, Known] = {}
        self._asked: set[tuple[str, Endpoint, str]] = set()
        self._voucher = Voucher(gateway, tell)
        self._tidy = tidy
        self.endpoints = Endpoints(gateway, clock, timer)

    def keep_ticket(self, cluster_id: str, ticket: Ticket | None) -> None:
        """Use this login for the next checks; None forgets the last one, and what it saw."""
        if ticket is None:
            self._tickets.pop(cluster_id, None)
            self._known.pop(cluster_id, None)
        else:
            self._tickets[cluster_id] = ticket

    def ticket(self, cluster_id: str) -> Ticket | None:
        """The login that the last check has made with a password."""
        return self._tickets.get(cluster_id)

    def forget_tickets(self) -> None:
        """Log in anew at the next checks."""
        self._tickets.clear()

    async def check(
        self,
        cluster: Cluster,
        before: Snapshot,
        dialog: Dialog,
        credentials: Credentials | None = None,
        *,
        alone: bool = False,
        prove: bool = False,
        looked_at: bool = False,
    ) -> Outcome:
        """Check `cluster` live, with other `credentials` than the stored ones if given; `alone`: on one connection.

        `prove`: its trust is new, and the cluster's own authority takes the place of a leaf that it has signed.
        `looked_at`: somebody else says how its other endpoints do.

        Raises:
            StorageError: the secret cannot be read; that says nothing about the cluster.
        """
        ticket = None if credentials else self._tickets.get(cluster.id)
        endpoint = self.endpoints.choose(cluster, before)
        attempt = Attempt(cluster, endpoint, dialog, credentials, ticket, alone=alone, prove=prove, looked_at=looked_at)
        outcome = await self._run(attempt, before)
        if ticket is not None and isinstance(outcome.error, LoginError):
            # A ticket ends early when the cluster's keys change or its clock jumps; the password was not refused.
            outcome = await self._run(replace(attempt, ticket=None), before)
        return outcome if prove else await self._resolve_doubts(attempt, outcome)

    async def _resolve_doubts(self, attempt: Attempt, outcome: Outcome) -> Outcome:
        """After a check that went through: ask about endpoints whose certificate a look has not trusted.

        Each certificate is asked about once, until a person checks the cluster.
        """
        cluster = attempt.cluster
        doubts = self.endpoints.doubtful(cluster) if outcome.error is None and len(cluster.endpoints) > 1 else ()
        for endpoint, shown in doubts:
            asked = (cluster.id, endpoint, shown.sha256)
            if asked in self._asked:
                continue
            self._asked.add(asked)
            known = replace(cluster, trust=outcome.result.trust or cluster.trust)
            doubtful = replace(attempt, cluster=known, endpoint=endpoint, ticket=self._tickets.get(cluster.id))
            trust = await self._ask_others(doubtful, shown)
            if trust is not None:
                self.endpoints.vouched(cluster, endpoint)
                outcome = replace(outcome, result=replace(outcome.result, trust=trust))
        return outcome

    async def check_everywhere(self, cluster: Cluster, before: Snapshot, dialog: Dialog) -> Outcome:
        """As `check`, with a look at all other endpoints beside it.

        Raises:
            StorageError: as `check`.
        """
        if len(cluster.endpoints) < 2:
            return await self.check(cluster, before, dialog)
        self._asked = {asked for asked in self._asked if asked[0] != cluster.id}
        look = asyncio.ensure_future(self.endpoints.look_around(cluster, everywhere=True))
        try:
            outcome = await self.check(cluster, before, dialog, looked_at=True)
            await asyncio.wait([look], timeout=LOOK_PATIENCE)
        finally:
            await end_all([look])
        attempt = Attempt(cluster, cluster.endpoint, dialog, None, None)
        return self._with_states(cluster, await self._resolve_doubts(attempt, outcome), dialog)

    async def look_at_others(self, cluster: Cluster, outcome: Outcome, dialog: Dialog) -> Outcome:
        """The outcome of a check under a new trust, completed by a look at the other endpoints under that trust."""
        if len(cluster.endpoints) < 2 or outcome.error is not None:
            return outcome
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_PATIENCE):
                await self.endpoints.look_around(cluster, everywhere=True)
        return self._with_states(cluster, outcome, dialog)

    def _with_states(self, cluster: Cluster, outcome: Outcome, dialog: Dialog) -> Outcome:
        states = self.endpoints.states(cluster)
        steps = outcome.steps if outcome.error else with_passed_over(outcome.steps, states, dialog)
        return replace(outcome, steps=steps, snapshot=replace(outcome.snapshot, endpoints=states))

    async def refresh(self, cluster: Cluster, before: Snapshot) -> Outcome:
        """See what has changed; a full check where none of this run is recent, or where one is needed to explain it.

        Raises:
            StorageError: as `check`.
        """
        ticket, known = self._tickets.get(cluster.id), self._known.get(cluster.id)
        logged_in = ticket is not None or cluster.login.method is LoginMethod.TOKEN
        endpoint = self.endpoints.choose(cluster, before)
        if known is not None and logged_in and known.serves(cluster, endpoint, self._timer()):
            with suppress(SurpriseError):
                attempt = Attempt(cluster, endpoint, Silent(), None, ticket, known, alone=True)
                outcome = await self._run(attempt, before)
                if ticket is None or not isinstance(outcome.error, LoginError):
                    return outcome
            self._known.pop(cluster.id, None)
        return await self.check(cluster, before, Silent(), alone=True)

    async def _run(self, attempt: Attempt, before: Snapshot) -> Outcome:
        """The steps at one endpoint, and at others where it does not answer; only the last failure is reported."""
        why = ""

        async def at(endpoint: Endpoint) -> Outcome:
            nonlocal why
            known = attempt.known if endpoint == attempt.endpoint else None
            again = replace(attempt, endpoint=endpoint, known=known, why=why, learned=Learned())
            found = await self._once(again, before)
            why = self.endpoints.why_elsewhere(cluster, endpoint, found.error)
            stopped = next((step for step in found.steps if step.state is StepState.FAILED), None)
            if why and stopped is not None:
                attempt.dialog.step(Step(stopped.name, StepState.RUNNING, message=f"{why}; looking for another"))
            return found

        cluster = attempt.cluster
        outcome = await self.endpoints.run(cluster, attempt.endpoint, at)
        if isinstance(outcome.error, LoginError) and attempt.given is None:
            self.keep_ticket(cluster.id, None)
        for step in outcome.steps:
            if step.state is StepState.FAILED:
                attempt.dialog.step(step)
        return replace(outcome, snapshot=replace(outcome.snapshot, endpoints=self.endpoints.states(cluster)))

    async def _once(self, attempt: Attempt, before: Snapshot) -> Outcome:
        def report(step: Step) -> None:
            if step.state is StepState.RUNNING and attempt.why:
                step = replace(step, message=f"{attempt.why}; asking {attempt.endpoint.authority}")
            if step.state is not StepState.FAILED:
                attempt.dialog.step(step)

        checklist, cluster = Checklist(CHECK_STEPS, report, self._timer), attempt.cluster
        try:
            observed, certificate = await self._converse(attempt, checklist)
        except StorageError:
            raise
        except PxmError as error:
            outcome = self._failed(cluster, before, checklist, error)
            return replace(outcome, result=replace(outcome.result, trust=attempt.learned.trust))
        self.endpoints.answered(cluster, attempt.endpoint, observed.rtt_ms)
        now = self._clock().replace(microsecond=0)
        snapshot = snapshot_of(before, cluster, observed, certificate, now)
        result = replace(answered(cluster, observed, now), trust=attempt.learned.trust)
        return Outcome(result, snapshot, checklist.steps(), observed=observed)

    def _failed(self, cluster: Cluster, before: Snapshot, checklist: Checklist, error: PxmError) -> Outcome:
        now = self._clock().replace(microsecond=0)
        result = failed(cluster, error, checklist.failed_at(), now)
        assert result.error is not None  # noqa: S101
        return Outcome(result, with_error(before, result.error, now), checklist.steps(), error)

    async def _converse(self, attempt: Attempt, checklist: Checklist) -> tuple[Observation, Certificate]:
        cluster = attempt.cluster
        token = cluster.login.method is LoginMethod.TOKEN
        endpoint = attempt.endpoint
        session = self._gateway.open(endpoint, cluster.trust, token=token, alone=attempt.alone)
        async with aclosing(session):
            conversation = Conversation(session, endpoint, checklist)
            failing = () if attempt.looked_at else self.endpoints.failing(cluster)
            await conversation.reach([state for state in failing if state.endpoint != endpoint])
            with checklist.step("certificate") as notes:
                certificate = await self._secure(session, attempt)
                self._learn(session, attempt, certificate)
                now = self._clock()
                notes.message = f"the trusted one{left_words(certificate.not_after, now)}"
                warn_of_expiry(notes, certificate, attempt.learned.trust or cluster.trust, now)
            if attempt.known is None:
                observed = await self._read_all(session, conversation, attempt)
                learned = replace(cluster, trust=attempt.learned.trust or cluster.trust)
                self._known[cluster.id] = Known.of(learned, endpoint, observed, self._timer())
            else:
                with checklist.step("login"):
                    observed = attempt.known.complete(await self._look_again(session, attempt))
        return observed, certificate

    async def _read_all(self, session: ProxmoxSession, conversation: Conversation, attempt: Attempt) -> Observation:
        # The stored trust has vouched for the server, so the realms are read beside the rest, not before it.
        realms = asyncio.create_task(conversation.realms(), name="read realms")
        try:
            reading = await self._enter(conversation, attempt, realms)
            async with aclosing(reading):
                await realms
                observed = await conversation.read(reading, attempt.cluster.login)
                if attempt.prove and attempt.learned.trust is not None:
                    attempt.learned.trust = with_authority(attempt.learned.trust, await reading.authority())
                if self._tidy is not None:
                    await self._tidy(session, reading.credentials, attempt.cluster, observed)
                return observed
        finally:
            await end_all([realms])

    async def _look_again(self, session: ProxmoxSession, attempt: Attempt) -> Observation:
        """Log in as before and read; an error that does not speak of the login is left to a full check to name."""
        try:
            if attempt.ticket is not None:
                self.keep_ticket(attempt.cluster.id, await session.resume(attempt.ticket))
            else:
                await session.login(await stored_credentials(self._secrets, attempt.cluster), None)
            return await session.refresh()
        except (LoginError, StorageError):
            raise
        except PxmError:
            raise SurpriseError from None

    async def _secure(self, session: ProxmoxSession, attempt: Attempt) -> Certificate:
        """The handshake; a certificate that is not trusted is one that the cluster's other nodes may vouch for."""
        cluster, endpoint = attempt.cluster, attempt.endpoint
        try:
            return await session.secure(cluster.trust)
        except CertificateError as error:
            if attempt.prove:
                raise as_unexpected(endpoint, cluster.trust, error) from None
            shown = is_doubtful(error)
            trust = None if shown is None else await self._ask_others(attempt, shown)
            if trust is None:
                raise as_change(cluster, endpoint, error, self._clock()) from None
        attempt.learned.trust = trust
        return await session.secure(trust)

    async def vouch(self, cluster: Cluster, endpoint: Endpoint, shown: Certificate) -> Trust | None:
        """The trust with what `endpoint` shows in it, where another endpoint of the cluster vouches for that; or None.

        Nobody is asked with a login that was refused.

        Raises:
            StorageError: the secret cannot be read.
        """
        if cluster.login.refused:
            return None
        return await self._ask_others(Attempt(cluster, endpoint, Silent(), None, self._tickets.get(cluster.id)), shown)

    async def _ask_others(self, attempt: Attempt, shown: Certificate) -> Trust | None:
        cluster, log_in = attempt.cluster, self.login_of(attempt.cluster, attempt.ticket, attempt.given)
        return await self._voucher.ask(cluster, attempt.endpoint, shown, self.endpoints.witnesses(cluster), log_in)

    def login_of(self, cluster: Cluster, ticket: Ticket | None, given: Credentials | None = None) -> LogIn:
        """Logs in to a secured session as `cluster`: by the ticket, else with what is given, or stored."""

        async def log_in(session: ProxmoxSession) -> None:
            if ticket is not None:
                await session.resume(ticket)
            else:
                await session.login(given or await stored_credentials(self._secrets, cluster), None)

        return log_in

    def _learn(self, session: ProxmoxSession, attempt: Attempt, certificate: Certificate) -> None:
        """Keep what the handshake has shown: a new trust with its anchor, a renewed leaf of the first endpoint."""
        cluster = attempt.cluster
        if attempt.prove:
            attempt.learned.trust = replace(
                session.trust,
                fingerprint=certificate.sha256,
                certificate=certificate,
                trusted_at=self._clock().replace(microsecond=0),
            )
        elif attempt.endpoint == cluster.endpoint:
            trust = with_leaf(attempt.learned.trust or cluster.trust, certificate)
            if trust != cluster.trust:
                attempt.learned.trust = trust

    async def _enter(
        self, conversation: Conversation, attempt: Attempt, realms: asyncio.Task[tuple[Realm, ...]]
    ) -> Reading:
        """Log in; what is no Proxmox VE says so, rather than that the login failed."""
        try:
            soon = None if attempt.given else expiring(attempt.cluster, self._clock())
            credentials = attempt.given or stored_credentials(self._secrets, attempt.cluster)
            reading = await conversation.enter(
                credentials, attempt.dialog, ticket=attempt.ticket, prove=attempt.prove, expiring=soon
            )
        except PxmError as error:
            try:
                await realms
            except UnreachableError as other:
                other.may_have_arrived = isinstance(error, LoginError) or getattr(error, "may_have_arrived", False)
                raise
            raise
        if reading.ticket is not None:
            self.keep_ticket(attempt.cluster.id, reading.ticket)
        elif attempt.given is not None:
            self.keep_ticket(attempt.cluster.id, None)
        return reading
