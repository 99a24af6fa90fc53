"""Making an API token in place of a password: what may be made is read beforehand, never found out by trying.

Before the first write an intent is on the disk; it is forgotten when the cluster has been saved. What fails or is
cancelled in between takes the token back, over the login that made it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto

from pxm_tui.domain.cluster import Cluster, Endpoint, Login, LoginMethod
from pxm_tui.domain.errors import NotPermittedError, PxmError, StorageError
from pxm_tui.domain.observation import Observation, Permissions, limits_of
from pxm_tui.domain.remedies import BY_TOKEN, ROLE_ALL
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.token_messages import left_over, role_differs
from pxm_tui.domain.tokens import (
    OPERATOR_ROLE,
    TokenIntent,
    TokenRole,
    administrator_lines,
    allows,
    is_within,
    operator_privileges,
    roles_of,
    token_expiry,
    token_name,
)
from pxm_tui.services.audit import DONE, Audit
from pxm_tui.services.bridging import to_the_end
from pxm_tui.services.checklist import Checklist, StepNotes
from pxm_tui.services.dialog import Dialog, TokenChoice, TokenQuestion
from pxm_tui.services.guarding import Guard
from pxm_tui.services.journal import Journal
from pxm_tui.services.ports import Clock, Credentials
from pxm_tui.services.token_ports import IntentLog, TokenOffice

COMMENT = "made by pxm"


class Way(Enum):
    """How a token of a role comes about."""

    SEPARATED = auto()
    """With rights of its own, which the account may give it."""
    PLAIN = auto()
    """With all rights of the account, which are within the role, or were asked for."""
    WAITING = auto()
    """With rights of its own, none yet: an administrator gives them."""
    QUESTION = auto()
    """A person decides."""


@dataclass(frozen=True, slots=True)
class Mint:
    """What tokens are made with.

    Attributes:
        intents: the tokens that are about to be made.
        journal: told of what could not be taken back.
        clock: UTC now.
        random_below: a random whole number from 0 up to, and without, its argument.
        machine: this machine's host name.
        person: who runs pxm here.
        guard: what may not be changed.
        audit: where every change on a cluster is written down.
    """

    intents: IntentLog
    journal: Journal
    clock: Clock
    random_below: Callable[[int], int]
    machine: str
    person: str
    guard: Guard
    audit: Audit


@dataclass(frozen=True, slots=True)
class Wish:
    """Which token is wanted.

    Attributes:
        wanted: a token at all; else the login is kept as it is.
        role: what it may do.
        cluster_id: of the record.
        endpoint: of the cluster.
        identity: what makes it this cluster.
        number: the how many-th token of this record it is.
        with_token: a token makes it, which has the right to; else a token is kept as it is.
        cluster: the record; at a registration a read-only one of the same cluster, if there is one.
    """

    wanted: bool
    role: TokenRole
    cluster_id: str
    endpoint: Endpoint
    identity: str | None
    number: int = 1
    with_token: bool = False
    cluster: Cluster | None = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """The login that a record is to keep.

    Attributes:
        login: who; the secret is beside it.
        secret: the token's, or the password.
        permissions: what it may do.
        minted: the token was made just now.
    """

    login: Login
    secret: Secret
    permissions: Permissions
    minted: bool = False


@dataclass(slots=True)
class Minting:
    """One token, from the decision to the save.

    Args:
        mint: what it is made with.
        wish: which token.
        office: of the cluster, logged in as its owner.
        credentials: the owner's password login, or a token that is kept as it is.
        observed: what the owner sees and may do.
    """

    mint: Mint
    wish: Wish
    office: TokenOffice
    credentials: Credentials
    observed: Observation
    _roles: Mapping[str, frozenset[str]] = field(default_factory=dict, init=False)
    _intent: TokenIntent | None = field(default=None, init=False)

    @asynccontextmanager
    async def login(self, dialog: Dialog, checklist: Checklist, *, dry_run: bool) -> AsyncIterator[Keeping]:
        """The step `token`, around the save: gives the login to be kept, and takes a new token back if the body fails.

        The save calls `keep`.

        Raises:
            PxmError: the token cannot be made; none is left.
        """
        try:
            with checklist.step("token") as notes:
                keeping = await self._decide(dialog, checklist, notes, dry_run=dry_run)
            yield keeping
        except BaseException:
            if self._intent is not None:
                await to_the_end(self._take_back)
            raise
        await self.keep()

    async def keep(self) -> None:
        """The record has the token now: it is not taken back any more, whatever happens to who waits for the save."""
        intent, self._intent = self._intent, None
        if intent is not None:
            with suppress(StorageError):  # the next start finds the token in the registry, and clears it then
                await self.mint.intents.clear(intent)

    async def _decide(self, dialog: Dialog, checklist: Checklist, notes: StepNotes, *, dry_run: bool) -> Keeping:
        if not self._is_due(notes):
            return self._as_it_is()
        way = await self._way()
        if way is Way.QUESTION and not dry_run:
            with checklist.waiting(notes):
                choice = await dialog.token(self._question())
            if choice is TokenChoice.PASSWORD:
                notes.message = "none is made, the password is kept, as you chose"
                return self._as_it_is()
            way = _chosen(choice)
        if way is Way.QUESTION:
            self._warn_of_choice(notes)
        elif dry_run:
            notes.message = f"would make {self.token_id}, {self._what(way)}"
        else:
            return await self._made(way, notes)
        return self._as_it_is()

    def _is_due(self, notes: StepNotes) -> bool:
        """Whether a token is to be made at all; if not, it is said why."""
        if self.credentials.method is LoginMethod.TOKEN and not self.wish.with_token:
            notes.message = "the given one is used; pxm does not know when it ends"
        elif not self.wish.wanted:
            notes.message = "none is made, the password is kept"
        elif self.mint.guard.is_read_only(self.wish.cluster):
            notes.warn("read_only", "Nothing may be changed there, so no token is made and the password is kept.")
        elif self.observed.quorate is False:
            notes.warn("no_quorum", "No token can be made without quorum, so the password is kept.", _LATER)
        else:
            return True
        return False

    def _as_it_is(self) -> Keeping:
        given = self.credentials
        login = Login(given.method, given.user, given.token_id, changed_at=self._now())
        return Keeping(login, given.secret, self.observed.permissions)

    # Which way

    async def _way(self) -> Way:
        role, permissions = self.wish.role, self.observed.permissions
        if is_within(permissions, role):
            return Way.PLAIN
        if "Permissions.Modify" not in permissions.get("/", frozenset()):
            if role is TokenRole.OPERATOR:
                self._roles = await self.office.roles()
            return Way.QUESTION
        if role is TokenRole.OPERATOR and not await self._has_operator_role():
            may_make_it = "Sys.Modify" in permissions.get("/access", frozenset())
            return Way.SEPARATED if may_make_it else Way.QUESTION
        return Way.SEPARATED

    async def _has_operator_role(self) -> bool:
        """Whether the role is there. Raises `NotPermittedError(role_differs)` where it holds more than it should."""
        self._roles = await self.office.roles()
        held = self._roles.get(OPERATOR_ROLE)
        if held is None:
            return False
        extra = frozenset(name for name in held if not name.endswith(".Audit") and not allows(self.wish.role, name))
        if extra:
            raise role_differs(self.wish.endpoint, extra)
        return True

    def _question(self) -> TokenQuestion:
        held = frozenset[str]().union(*self.observed.permissions.values())
        return TokenQuestion(
            token_id=self.token_id,
            user=self.credentials.user,
            role=self.wish.role,
            lines=tuple(self._lines()),
            full_control=bool(held & {"User.Modify", "Permissions.Modify"}),
            missing=self._missing()[0],
        )

    def _missing(self) -> tuple[str, str]:
        """What the account may not do, and the privilege for it: to give rights, or to make the role that has them."""
        if "Permissions.Modify" in self.observed.permissions.get("/", frozenset()):
            return f"make the role {OPERATOR_ROLE}", "Sys.Modify on /access"
        return "give a token rights of its own", "Permissions.Modify on /"

    def _lines(self) -> list[str]:
        return administrator_lines(self.token_id, self.wish.role, self._roles, self.observed.version)

    def _warn_of_choice(self, notes: StepNotes) -> None:
        user, (what, privilege) = self.credentials.user, self._missing()
        notes.warn(
            "missing_privileges",
            f"{user} may do more than the role {self.wish.role}, and may not {what} ({privilege}), "
            "so no token is made and the password is kept.",
            f"An administrator can make one and give it its rights; log in with that{BY_TOKEN}. "
            f"{ROLE_ALL} that may do everything that {user} may, without a second factor.",
        )

    # Making it

    @property
    def token_id(self) -> str:
        """`user@realm!name` of the token."""
        wish, mint = self.wish, self.mint
        return f"{self.credentials.user}!{token_name(mint.machine, mint.person, wish.cluster_id, wish.number)}"

    async def _made(self, way: Way, notes: StepNotes) -> Keeping:
        keeping = await to_the_end(lambda: self._write(way))
        end = f"{keeping.login.expires_at:%Y-%m-%d}"
        notes.message = f"{self._what(way)}, to {end}: {self.token_id.partition('!')[2]}"
        if way is Way.WAITING:
            lines = ", then ".join(f"`{line}`" for line in self._lines())
            notes.warn(
                "missing_privileges", f"{notes.message}. It has no rights yet.", f"An administrator runs {lines}."
            )
        elif way is Way.SEPARATED and set(limits_of(keeping.permissions)) - set(limits_of(self.observed.permissions)):
            notes.warn(
                "missing_privileges",
                f"{notes.message}. It may see less than {self.credentials.user} does.",
                "On a node: `pveum acl list` shows a rule that stands against it.",
            )
        return keeping

    async def _write(self, way: Way) -> Keeping:
        """The intent, then the writes: the role where it is missing, the token, its rights; then a read with it."""
        separated = way is not Way.PLAIN
        user, name = self.credentials.user, self.token_id.partition("!")[2]
        expires_at = token_expiry(self.mint.clock(), self.mint.random_below)
        if way is Way.SEPARATED and self.wish.role is TokenRole.OPERATOR and OPERATOR_ROLE not in self._roles:
            await self.office.create_role(OPERATOR_ROLE, operator_privileges(self.observed.version))
            await self._record("make_role", role=OPERATOR_ROLE)
        intent = TokenIntent(self.wish.cluster_id, self.wish.endpoint.url, self.wish.identity, user, name)
        await self.mint.intents.add(intent)
        self._intent = intent
        secret = await self._mint(user, name, separated=separated, expires_at=expires_at)
        if way is Way.SEPARATED:
            await self.office.grant(self.token_id, roles_of(self.wish.role))
        await self._record("make_token", token=self.token_id, role=str(self.wish.role), way=way.name.lower())
        permissions = await self.office.rights_of(self.token_id, secret)
        login = Login(
            LoginMethod.TOKEN, user, self.token_id, changed_at=self._now(), minted=True, expires_at=expires_at
        )
        return Keeping(login, secret, permissions, minted=True)

    async def _mint(self, user: str, name: str, *, separated: bool, expires_at: datetime) -> Secret:
        try:
            return await self.office.mint(
                user, name, separated=separated, expires_at=expires_at, comment=self._comment()
            )
        except NotPermittedError as error:
            if error.cause == "token_exists" and self._intent is not None:
                # It is not ours, so it is not taken back.
                intent, self._intent = self._intent, None
                await self.mint.intents.clear(intent)
            raise

    def _comment(self) -> str:
        return f"{COMMENT} for {self.mint.person} on {self.mint.machine}, {self.wish.role}"[:200]

    def _what(self, way: Way) -> str:
        if way is Way.PLAIN:
            return f"all rights of {self.credentials.user}"
        return " and ".join(roles_of(self.wish.role)) if way is Way.SEPARATED else "no rights yet"

    # Taking it back

    async def _take_back(self) -> None:
        """Remove the token again; where that fails the intent stays, and the log says what is left."""
        intent = self._intent
        if intent is None:
            return
        self._intent = None
        try:
            await self.office.revoke(intent.owner, intent.name)
            await self.mint.intents.clear(intent)
        except PxmError as error:
            self.mint.journal.write(left_over(intent), failure=True)
            await self._record("take_back_token", error.cause, token=intent.token_id)
        else:
            await self._record("take_back_token", token=intent.token_id)

    async def _record(self, action: str, result: str = DONE, **facts: str) -> None:
        await self.mint.audit.record(action, self.wish.cluster, result, endpoint=self.wish.endpoint.url, **facts)

    def _now(self) -> datetime:
        return self.mint.clock().replace(microsecond=0)


_LATER = "`pxm rotate` makes one when the cluster is quorate."


def _chosen(choice: TokenChoice | None) -> Way:
    """The way that a person has chosen; the question stays open where there is nobody to ask."""
    if choice is None:
        return Way.QUESTION
    return Way.PLAIN if choice is TokenChoice.ALL else Way.WAITING


def seen_by(observed: Observation, keeping: Keeping) -> Observation:
    """What was observed, as it counts for the login that is kept."""
    return replace(observed, permissions=keeping.permissions)
