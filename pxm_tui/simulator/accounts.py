"""Who may log in: realms, users with their second factors, API tokens, groups, roles, access control entries."""

from dataclasses import dataclass, field

from pxm_tui.simulator.errors import handler_error


@dataclass(slots=True)
class Realm:
    """An authentication domain."""

    name: str
    kind: str
    comment: str
    default: bool = False
    tfa: str | None = None


@dataclass(slots=True)
class Token:
    """An API token of a user.

    Attributes:
        expire: seconds since 1970, 0 for never; None where nobody said, which counts as never.
    """

    name: str
    secret: str = field(repr=False)
    privsep: bool = True
    expire: int | None = None
    comment: str = ""

    def info(self) -> dict[str, object]:
        """What Proxmox tells of a token: never the secret."""
        data: dict[str, object] = {"privsep": int(self.privsep), "expire": self.expire or 0}
        if self.comment:
            data["comment"] = self.comment
        return data


@dataclass(slots=True)
class User:
    """An account.

    Attributes:
        userid: `name@realm`.
        expire: seconds since 1970, 0 for never.
        totp_secret: base32 secret of the user's one-time codes, if any.
        recovery_keys: the recovery keys that are not used up yet, None where none were ever made.
        webauthn: it has a hardware key, for which the simulation has no answer.
        factors_since: when the second factors were set up, in seconds since 1970.
        last_counter: the time step of the last accepted code; a code is good once.
        totp_failures: wrong codes since the last good one.
        factor_failures: wrong second factors of any kind since the last good one.
        totp_locked: codes are refused until a recovery key or an administrator unlocks them.
        locked_until: all second factors are refused until then, in seconds since 1970.
    """

    userid: str
    password: str | None = field(default=None, repr=False)
    enabled: bool = True
    expire: int = 0
    comment: str = ""
    firstname: str = ""
    lastname: str = ""
    email: str = ""
    groups: set[str] = field(default_factory=set)
    tokens: dict[str, Token] = field(default_factory=dict)
    totp_secret: str | None = field(default=None, repr=False)
    recovery_keys: dict[int, str] | None = field(default=None, repr=False)
    webauthn: bool = False
    factors_since: int = 0
    last_counter: int = -1
    totp_failures: int = 0
    factor_failures: int = 0
    totp_locked: bool = False
    locked_until: int = 0

    @property
    def realm(self) -> str:
        """The realm that the user belongs to."""
        return self.userid.rpartition("@")[2]

    @property
    def needs_second_factor(self) -> bool:
        """Tell whether the password alone is not enough."""
        return self.totp_secret is not None or bool(self.recovery_keys) or self.webauthn

    def is_active(self, now: float) -> bool:
        """Tell whether the account is neither disabled nor expired."""
        return self.enabled and not (self.expire and self.expire <= now)


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One line of the access control list.

    Attributes:
        kind: `user`, `group` or `token`.
        subject: user id, group id or full token id.
    """

    path: str
    kind: str
    subject: str
    role: str
    propagate: bool = True


class Accounts:
    """The user configuration of one cluster, `user.cfg`.

    Attributes:
        groups: the groups with their comments; who belongs to one is written down with the users.
        roles: the roles that are not built in, with their privileges.
        access: the access control list.
    """

    def __init__(self) -> None:
        self.realms: dict[str, Realm] = {}
        self.users: dict[str, User] = {}
        self.groups: dict[str, str] = {}
        self.roles: dict[str, frozenset[str]] = {}
        self.access: list[AccessEntry] = []

    def user(self, userid: str) -> User:
        """Give a user.

        Raises:
            ApiError: there is none of that name.
        """
        if userid not in self.users:
            raise handler_error(f"no such user ('{userid}')")
        return self.users[userid]

    def token(self, userid: str, name: str) -> Token:
        """Give a token of a user.

        Raises:
            ApiError: the user or the token does not exist.
        """
        tokens = self.user(userid).tokens
        if name not in tokens:
            raise handler_error(f"no such token '{name}' for user '{userid}'")
        return tokens[name]

    def members(self, group: str) -> list[str]:
        """List the users of a group."""
        return [user.userid for user in self.users.values() if group in user.groups]

    def grant(self, path: str, kind: str, subject: str, role: str, *, propagate: bool = True) -> None:
        """Add an access control entry."""
        self.access.append(AccessEntry(path, kind, subject, role, propagate))


def split_token_id(full: str) -> tuple[str, str | None]:
    """Split `user@realm!name` into user and token name; a plain user has none."""
    userid, separator, name = full.partition("!")
    return userid, name if separator else None
