"""Registering a cluster: checked live step by step, nothing kept before the last."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

from pxm_tui.domain.addresses import NAME_LENGTH
from pxm_tui.domain.certificate import Certificate, Trust, TrustMode, names_host
from pxm_tui.domain.cluster import Cluster, Endpoint, Login, apply_check
from pxm_tui.domain.errors import AlreadyRegisteredError, CertificateError, PxmError
from pxm_tui.domain.messages import already_registered
from pxm_tui.domain.observation import Observation, Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import REGISTER_STEPS, Step
from pxm_tui.domain.text import fold, one_line
from pxm_tui.domain.times import left_words
from pxm_tui.services.authority import (
    as_unexpected,
    is_known_before,
    requested_trust,
    warn_of_expiry,
    why_trusted,
    with_authority,
)
from pxm_tui.services.bridging import to_the_end
from pxm_tui.services.checklist import Checklist, StepNotes
from pxm_tui.services.conversation import Conversation, short_fingerprint
from pxm_tui.services.dialog import Dialog, RealmListener, TrustQuestion
from pxm_tui.services.identity import Identification, Join
from pxm_tui.services.judge import answered, snapshot_of
from pxm_tui.services.leftovers import LeftOvers
from pxm_tui.services.login_saving import LoginSaver
from pxm_tui.services.membership import Membership
from pxm_tui.services.minting import Keeping, Mint, Minting, Wish, seen_by
from pxm_tui.services.ports import (
    Clock,
    ClusterRepository,
    Credentials,
    ProxmoxGateway,
    ProxmoxSession,
    Refusal,
    SecretStore,
    Ticket,
    Timer,
)
from pxm_tui.services.requests import RegistrationRequest
from pxm_tui.services.secrets import open_vault

Completion = Callable[[Cluster], Cluster]
"""Gives a new record what a request does not say, before it is saved."""


class RegistrationFailedError(Exception):
    """A registration stopped. Carries the steps so far and the error that stopped it."""

    def __init__(self, steps: tuple[Step, ...], error: PxmError) -> None:
        super().__init__(error.message)
        self.steps = steps
        self.error = error


@dataclass(frozen=True, slots=True)
class Registration:
    """A cluster that was registered, or could be (with `dry_run`)."""

    cluster: Cluster
    snapshot: Snapshot
    steps: tuple[Step, ...]
    ticket: Ticket | None = None
    joined: bool = False
    """Nothing was registered: the endpoint was added to `cluster`, which is known."""
    vouched: Certificate | None = None
    """For which that cluster vouches: its trust has taken it."""


@dataclass(frozen=True, slots=True)
class Registrar:
    """Runs registrations.

    Args:
        repository: where the record goes.
        secrets: where the secret goes.
        gateway: opens the sessions.
        clock: UTC now.
        timer: monotonic seconds.
        new_id: makes a UUID4; called before anything is saved.
        mint: what tokens are made with.
        left_overs: tokens that registrations before have left.
        membership: asks known clusters about nodes with a certificate of their own.
    """

    repository: ClusterRepository
    secrets: SecretStore
    gateway: ProxmoxGateway
    clock: Clock
    timer: Timer
    new_id: Callable[[], str]
    mint: Mint
    left_overs: LeftOvers
    membership: Membership

    async def register(
        self,
        request: RegistrationRequest,
        dialog: Dialog,
        *,
        dry_run: bool = False,
        complete: Completion | None = None,
    ) -> Registration:
        """Check `request` live and save it, completed by `complete`.

        Raises:
            RegistrationFailedError: a step failed; nothing was saved.
        """
        names = REGISTER_STEPS[:-1] if dry_run else REGISTER_STEPS
        checklist = Checklist(names, dialog.step, self.timer)
        try:
            return await self._register(request, dialog, checklist, dry_run=dry_run, complete=complete)
        except PxmError as error:
            raise RegistrationFailedError(checklist.steps(), error) from None

    async def _register(
        self,
        request: RegistrationRequest,
        dialog: Dialog,
        checklist: Checklist,
        *,
        dry_run: bool,
        complete: Completion | None,
    ) -> Registration:
        with checklist.step("name") as notes:
            notes.message = await self._check_name(request.name)
        asked = requested_trust(request)
        early = asked if is_known_before(asked) else None
        session = self.gateway.open(request.target, early, token=bool(request.token_id))
        async with aclosing(session):
            conversation = Conversation(session, request.target, checklist)
            await conversation.reach()
            trust = await self._decide_trust(session, request.target, asked, dialog, checklist)
            realms = await conversation.realms()
            if isinstance(dialog, RealmListener):
                dialog.realms(realms)
            code = Secret(request.code.get_secret_value()) if request.code else None
            reading = await conversation.enter(request.credentials(), dialog, code=code, realms=realms, prove=True)
            async with aclosing(reading):
                credentials = reading.credentials
                login = Login(credentials.method, credentials.user, credentials.token_id, changed_at=self._now())
                observed = await conversation.read(reading, login)
                trust = with_authority(trust, await reading.authority())
            identification = Identification(
                self.repository, self.membership, request.target, request.separate, session.claims
            )
            join = await identification.run(trust, dialog, checklist)
            if join is not None:
                return await self._join(join, observed, checklist, dry_run=dry_run)
            guarded = identification.guarded
            minting = await self._minting(request, trust, session, credentials, observed, guarded, dry_run=dry_run)
            # The session, and with it the login, outlives the save: a token that cannot be saved is taken back.
            async with minting.login(dialog, checklist, dry_run=dry_run) as keeping:
                observed = seen_by(observed, keeping)
                cluster, snapshot = self._record(
                    minting.wish.cluster_id, request, trust, keeping.login, observed, complete=complete
                )
                if not dry_run:
                    with checklist.step("save") as notes:
                        with checklist.waiting(notes):
                            await open_vault(self.secrets, dialog)
                        refuse = identification.refuse(cluster)
                        cluster = await self._save(cluster, keeping, refuse, minting, named=bool(request.name))
                        notes.message = cluster.name
        ticket = None if keeping.minted else reading.ticket
        return Registration(cluster, snapshot, checklist.steps(), ticket)

    async def _join(self, join: Join, observed: Observation, checklist: Checklist, *, dry_run: bool) -> Registration:
        """Add the endpoint to the cluster that is known; what was typed to log in is forgotten."""
        cluster = join.added(join.known, self._now())
        if not dry_run:
            with checklist.step("save") as notes:
                cluster = await to_the_end(lambda: join.save(self._now()))
                notes.message = f"added to {cluster.name}"
        certificate = join.trust.certificate
        assert certificate is not None  # noqa: S101
        snapshot = snapshot_of(Snapshot(cluster.id), cluster, observed, certificate, self._now())
        vouched = None if join.grown is None else certificate
        return Registration(cluster, snapshot, checklist.steps(), joined=True, vouched=vouched)

    async def _minting(  # noqa: PLR0917
        self,
        request: RegistrationRequest,
        trust: Trust,
        session: ProxmoxSession,
        credentials: Credentials,
        observed: Observation,
        guarded: Cluster | None,
        *,
        dry_run: bool,
    ) -> Minting:
        """The token to be made; one that a registration before has left at this cluster is removed first.

        Neither where the cluster is `guarded` by a record that it has already.
        """
        identity = trust.ca_fingerprint or trust.fingerprint
        office = session.tokens()
        if not dry_run:
            endpoints, permissions = (request.target,), observed.permissions
            await self.left_overs.remove(office, credentials, endpoints, identity, guarded, permissions)
        wish = Wish(request.mint_token, request.token_role, self.new_id(), request.target, identity, cluster=guarded)
        return Minting(self.mint, wish, office, credentials, observed)

    async def _check_name(self, name: str) -> str:
        if not name:
            return "the cluster's own name"
        found = await self.repository.find_by_name(name)
        if found is not None:
            raise already_registered(found.name, found.endpoint)
        return f"{name} is free"

    async def _decide_trust(
        self, session: ProxmoxSession, endpoint: Endpoint, trust: Trust, dialog: Dialog, checklist: Checklist
    ) -> Trust:
        """The step `certificate`: as requested, or by a person where nobody vouches for it."""
        with checklist.step("certificate") as notes:
            try:
                certificate = await session.secure(trust)
                notes.message = f"{why_trusted(session.trust)}{left_words(certificate.not_after, self.clock())}"
            except CertificateError as error:
                if error.certificate is None or trust.mode is not TrustMode.SYSTEM:
                    raise as_unexpected(endpoint, trust, error) from None
                trust = await self._ask(endpoint, error, dialog, checklist, notes)
                certificate = await session.secure(trust)
                notes.message = f"trusted by you, SHA-256 {short_fingerprint(certificate.sha256)}"
            warn_of_expiry(notes, certificate, session.trust, self.clock())
        return replace(session.trust, fingerprint=certificate.sha256, certificate=certificate, trusted_at=self._now())

    async def _ask(
        self, endpoint: Endpoint, error: CertificateError, dialog: Dialog, checklist: Checklist, notes: StepNotes
    ) -> Trust:
        assert error.certificate is not None  # noqa: S101
        shown = error.certificate
        with checklist.waiting(notes):
            trusted = await dialog.trust(TrustQuestion(endpoint, shown, names_host(shown.names, endpoint.host)))
        if not trusted:
            raise error
        return Trust(TrustMode.PINNED_LEAF, shown.sha256, shown.pem)

    def _now(self) -> datetime:
        return self.clock().replace(microsecond=0)

    def _record(
        self,
        cluster_id: str,
        request: RegistrationRequest,
        trust: Trust,
        login: Login,
        observed: Observation,
        *,
        complete: Completion | None,
    ) -> tuple[Cluster, Snapshot]:
        now = self._now()
        assert trust.certificate is not None  # noqa: S101
        cluster = Cluster(
            id=cluster_id,
            name=request.name or _own_name(observed),
            endpoints=(request.target,),
            login=login,
            trust=trust,
            created_at=now,
            updated_at=now,
            labels=request.labels,
        )
        if complete is not None:
            cluster = complete(cluster)
        cluster = apply_check(cluster, answered(cluster, observed, now))
        return cluster, snapshot_of(Snapshot(cluster.id), cluster, observed, trust.certificate, now)

    async def _save(
        self, cluster: Cluster, keeping: Keeping, refuse: Refusal, minting: Minting, *, named: bool
    ) -> Cluster:
        """Secret first, record second, both or neither; once begun it goes on to its end. See `LoginSaver`."""

        async def save_record(login: Login) -> Cluster:
            return await self._save_record(replace(cluster, login=login), refuse, named=named)

        saver = LoginSaver(self.repository, self.secrets, self.mint.intents)
        return await to_the_end(lambda: saver.save_first(cluster.id, keeping, minting, save_record))

    async def _save_record(self, cluster: Cluster, refuse: Refusal, *, named: bool) -> Cluster:
        """Save under the name; the cluster's own name gets `-2` and so on where it is taken."""
        taken: set[str] = set()
        while True:
            found = cluster if named else replace(cluster, name=free_name(cluster.name, taken))
            try:
                await self.repository.save(found, refuse)
            except AlreadyRegisteredError as error:
                if named or error.field != "name":
                    raise
                taken |= {found.name} | {known.name for known in await self.repository.list()}
            else:
                return found


def free_name(name: str, taken: Collection[str]) -> str:
    """`name`, or `name-2`, `name-3` and so on, whichever is not in `taken`."""
    folded = {fold(known) for known in taken}
    number, candidate = 1, name
    while fold(candidate) in folded:
        number += 1
        candidate = f"{name[: NAME_LENGTH - 5]}-{number}"
    return candidate


def _own_name(observed: Observation) -> str:
    return one_line(observed.own_name or "cluster", NAME_LENGTH)
