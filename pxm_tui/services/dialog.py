"""What a service asks and tells a person while it works. Each face implements it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from pxm_tui.domain.certificate import Certificate
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.domain.observation import Realm
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import Step
from pxm_tui.domain.tokens import TokenRole


@dataclass(frozen=True, slots=True)
class TrustQuestion:
    """Whether a certificate that nobody here vouches for is to be trusted for this cluster.

    Attributes:
        endpoint: where it was shown.
        certificate: what was shown.
        host_named: the endpoint's host is among the certificate's names.
    """

    endpoint: Endpoint
    certificate: Certificate
    host_named: bool


@dataclass(frozen=True, slots=True)
class CodeQuestion:
    """A second factor is needed.

    Attributes:
        user: for whom.
        kinds: what the server takes, such as `totp`, `recovery`, `webauthn`.
    """

    user: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PassphraseQuestion:
    """The vault of secrets needs its passphrase.

    Attributes:
        new: there is no vault yet: the person chooses a passphrase, or declines (then secrets are kept in memory only).
        wrong: the last answer was not the right one.
    """

    new: bool
    wrong: bool = False


class TokenChoice(StrEnum):
    """What is done where an account holds more than its token is to have, and may not give a token rights itself."""

    SEPARATED = "separated"
    PASSWORD = "password"  # noqa: S105
    ALL = "all"


@dataclass(frozen=True, slots=True)
class TokenQuestion:
    """A token of the chosen role cannot be made ready without an administrator: which way to take.

    Attributes:
        token_id: what it would be called, `user@realm!name`.
        user: whose it would be.
        role: what it is to be allowed.
        lines: what an administrator runs to give it that.
        full_control: a token with all rights of the account could make users and change rights.
        missing: what the account may not do, and so cannot make it ready itself.
    """

    token_id: str
    user: str
    role: TokenRole
    lines: tuple[str, ...]
    full_control: bool
    missing: str = "give a token rights of its own"


class KnownAnswer(StrEnum):
    """What is done with an endpoint of a cluster that is registered already."""

    ENDPOINT = "endpoint"
    SEPARATE = "separate"


class Kinship(StrEnum):
    """What shows that a server is of a cluster that is known."""

    AUTHORITY = "authority"
    CERTIFICATE = "certificate"
    VOUCHED = "vouched"

    def words(self, name: str) -> str:
        """How it is the known cluster, which has this name."""
        if self is Kinship.VOUCHED:
            return f"{name} vouches for its certificate"
        return f"the same {self} as {name}"


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """The cluster that is being registered is known already.

    Attributes:
        cluster: the known one.
        endpoint: what is being registered; it may be an endpoint of the known one already.
        kind: what shows that it is.
    """

    cluster: Cluster
    endpoint: Endpoint
    kind: Kinship

    @property
    def may_add(self) -> bool:
        """The endpoint is a new one."""
        return self.endpoint not in self.cluster.endpoints


class Dialog(Protocol):
    """A face's side of a registration or check."""

    def step(self, step: Step) -> None:
        """A step has begun or ended."""
        ...

    async def trust(self, question: TrustQuestion) -> bool:
        """True when the person trusts the certificate."""
        ...

    async def code(self, question: CodeQuestion) -> Secret | None:
        """The second factor, or None when there is nobody to ask."""
        ...

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:
        """The passphrase, or None when the person declines or there is nobody to ask."""
        ...

    async def token(self, question: TokenQuestion) -> TokenChoice | None:
        """Which way to take, or None when there is nobody to ask."""
        ...

    async def known(self, question: KnownQuestion) -> KnownAnswer | None:
        """What to do with a cluster that is known; None stops, or there is nobody to ask."""
        ...


@runtime_checkable
class RealmListener(Protocol):
    """A face that shows which realms a server has, besides being a `Dialog`."""

    def realms(self, realms: tuple[Realm, ...]) -> None:
        """The server's realms have been read."""
        ...


class Silent:
    """Nobody to tell and nobody to ask: trusts nothing, knows no code."""

    def step(self, step: Step) -> None:
        """Say nothing."""

    async def trust(self, question: TrustQuestion) -> bool:  # noqa: ARG002
        """Never."""
        return False

    async def code(self, question: CodeQuestion) -> Secret | None:  # noqa: ARG002
        """None."""
        return None

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:  # noqa: ARG002
        """None."""
        return None

    async def token(self, question: TokenQuestion) -> TokenChoice | None:  # noqa: ARG002
        """None."""
        return None

    async def known(self, question: KnownQuestion) -> KnownAnswer | None:  # noqa: ARG002
        """None."""
        return None
