"""The phases that a registration and a check share, from the address to the discovery, on one session."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from pxm_tui.domain.certificate import Certificate, Trust
from pxm_tui.domain.cluster import Endpoint, Login, LoginMethod
from pxm_tui.domain.errors import LoginError, PxmError, UnreachableError
from pxm_tui.domain.login_messages import grant_line, openid_realm, unknown_realm
from pxm_tui.domain.observation import EndpointState, Observation, Realm, limits_of
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.token_messages import Expiring
from pxm_tui.services.checklist import Checklist, StepNotes
from pxm_tui.services.dialog import CodeQuestion, Dialog
from pxm_tui.services.judge import judge
from pxm_tui.services.owning import end_all
from pxm_tui.services.passed_over import CAUSE, passed_over_words
from pxm_tui.services.ports import CodeSource, Credentials, ProxmoxSession, Ticket

SHORT_FINGERPRINT = 11


def short_fingerprint(sha256: str) -> str:
    """The first and last four bytes of a fingerprint: `3F:9A:1C:77 … 72:B6:0F:C4`."""
    return f"{sha256[:SHORT_FINGERPRINT]} … {sha256[-SHORT_FINGERPRINT:]}"


class Conversation:
    """One session, reported step by step.

    Args:
        session: with the endpoint; closed by the caller.
        endpoint: for the words.
        checklist: where the steps are reported.
    """

    def __init__(self, session: ProxmoxSession, endpoint: Endpoint, checklist: Checklist) -> None:
        self._session = session
        self._endpoint = endpoint
        self._checklist = checklist

    async def reach(self, passed_over: Sequence[EndpointState] = ()) -> None:
        """The steps `address` and `connect`; the latter says which endpoints were passed over, if any."""
        with self._checklist.step("address") as notes:
            addresses = await self._session.resolve()
            literal = self._endpoint.host in addresses
            shown = self._endpoint.host if literal else f"{self._endpoint.host}, {addresses[0]}"
            notes.message = f"{shown}, port {self._endpoint.port}"
        with self._checklist.step("connect") as notes:
            await self._session.connect()
            notes.message = "answered"
            if passed_over:
                notes.warn(CAUSE, passed_over_words(self._endpoint, passed_over))

    async def secure(self, trust: Trust, say: Callable[[Certificate], str]) -> Certificate:
        """The step `certificate`, where the trust is known."""
        with self._checklist.step("certificate") as notes:
            certificate = await self._session.secure(trust)
            notes.message = say(certificate)
        return certificate

    async def realms(self) -> tuple[Realm, ...]:
        """The step `proxmox`."""
        with self._checklist.step("proxmox") as notes:
            realms = await self._session.realms()
            notes.message = f"Proxmox VE; realms {', '.join(sorted(realm.name for realm in realms))}"
        return realms

    async def enter(
        self,
        given: Credentials | Awaitable[Credentials],
        dialog: Dialog,
        *,
        code: Secret | None = None,
        ticket: Ticket | None = None,
        realms: tuple[Realm, ...] = (),
        prove: bool = False,
        expiring: Expiring | None = None,
    ) -> Reading:
        """The step `login`; all reads are begun at its end.

        Args:
            given: what to log in with, or where it comes from.
            dialog: asked for a second factor where the server wants one.
            code: the second factor, where it is known beforehand.
            ticket: a login from before.
            realms: those of the server, to check or complete the user's; empty: they are known to fit.
            prove: the cluster's own authority is read as well.
            expiring: that the login's token ends soon.
        """
        with self._checklist.step("login") as notes:
            credentials = given if isinstance(given, Credentials) else await given
            if realms:
                credentials = check_realm(credentials, realms, self._endpoint)
            granted = await self._log_in(credentials, self._code_source(dialog, credentials, code, notes), ticket)
            reading = Reading(self._session, credentials, granted, prove=prove)
            proven = credentials.method is not LoginMethod.TOKEN or await reading.proof()
            notes.message = f"{'token ' if credentials.token_id else ''}{credentials.name}"
            if not proven:
                notes.warn("unproven", f"{notes.message} was sent; no answer says whether it was taken")
            elif expiring is not None:
                notes.warn("token_expires", f"{notes.message} {expiring.words}", expiring.do)
        return reading

    def _code_source(
        self, dialog: Dialog, credentials: Credentials, code: Secret | None, notes: StepNotes
    ) -> CodeSource:
        async def ask(kinds: tuple[str, ...]) -> Secret | None:
            if code:
                return code
            with self._checklist.waiting(notes):
                return await dialog.code(CodeQuestion(credentials.user, kinds))

        return ask

    async def _log_in(self, credentials: Credentials, code: CodeSource, ticket: Ticket | None) -> Ticket | None:
        if ticket is not None:
            try:
                return await self._session.resume(ticket)
            except LoginError:
                pass  # it has run out; the password makes a new one
        return await self._session.login(credentials, code)

    async def read(self, reading: Reading, login: Login) -> Observation:
        """The steps `version` and `discovery`."""
        with self._checklist.step("version") as notes:
            notes.message = f"Proxmox VE {await reading.version()}"
        with self._checklist.step("discovery") as notes:
            observed = await reading.observation()
            _say_discovery(notes, observed, login)
        return observed


class Reading:
    """The reads after the login, all begun at once: the version, and the rest.

    Attributes:
        credentials: what was logged in with, the user complete with its realm.
        ticket: what the server granted for a password.
    """

    def __init__(
        self, session: ProxmoxSession, credentials: Credentials, ticket: Ticket | None, *, prove: bool = False
    ) -> None:
        self.credentials = credentials
        self.ticket = ticket
        self._version = asyncio.create_task(session.version(), name="read version")
        self._observation = asyncio.create_task(session.observe(), name="observe")
        self._authority = asyncio.create_task(session.authority(), name="read authority") if prove else None

    async def proof(self) -> bool:
        """Whether the server has taken the login: it answered. Raises `LoginError` where it has not taken it."""
        try:
            await asyncio.shield(self._version)
        except UnreachableError:
            return False  # the step `version` tells why
        except BaseException:
            await self.aclose()
            raise
        return True

    async def version(self) -> str:
        """Such as `9.2.11`."""
        return await self._version

    async def observation(self) -> Observation:
        """Everything else."""
        return replace(await self._observation, version=await self.version())

    async def authority(self) -> Certificate | None:
        """The cluster's own authority, where it was asked for, can be read and is proven."""
        if self._authority is None:
            return None
        try:
            return await self._authority
        except PxmError:
            return None  # the leaf stays pinned; what else fails is told by the other reads

    async def aclose(self) -> None:
        """Cancel what still runs and wait for its end."""
        await end_all([task for task in (self._version, self._observation, self._authority) if task is not None])


def _say_discovery(notes: StepNotes, observed: Observation, login: Login) -> None:
    online = sum(node.state == "online" for node in observed.nodes)
    words = [f"{online} of {len(observed.nodes)} nodes online"]
    if observed.quorate is not None:
        words.append("quorate" if observed.quorate else "no quorum")
    visible = [guest for guest in observed.guests if not guest.template]
    if visible:
        words.append(f"{sum(guest.running for guest in visible)} of {len(visible)} guests running")
    notes.message = ", ".join(words)
    _, reason = judge(observed)
    limits = limits_of(observed.permissions)
    if reason is not None:
        notes.warn(reason.cause, reason.message, reason.do)
    elif limits:
        missing = ", ".join(f"{limit.privilege} on {limit.path}" for limit in limits)
        line = grant_line(login.user, login.token_id)
        notes.warn(
            "missing_privileges",
            f"{', '.join(words)}. The login works, but may not see everything: {missing} is missing.",
            f"On a node: `{line}`.",
        )


def check_realm(credentials: Credentials, realms: tuple[Realm, ...], endpoint: Endpoint) -> Credentials:
    """The credentials with their realm: the server's default one where none was given.

    Raises:
        LoginError: `unknown_realm`, also where it is an OpenID realm, which knows no passwords.
    """
    user, separator, name = credentials.user.rpartition("@")
    if not separator:
        user, name = name, next((realm.name for realm in realms if realm.default), "pam")
    found = next((realm for realm in realms if realm.name == name), None)
    if found is None:
        raise unknown_realm(endpoint, name, sorted(realm.name for realm in realms))
    if found.is_openid and credentials.method is LoginMethod.PASSWORD:
        raise openid_realm(endpoint, user, name, others=[realm.name for realm in realms if not realm.is_openid])
    return replace(credentials, user=f"{user}@{name}")
