"""A Proxmox VE that answers as it is told, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from pxm_tui.domain import certificate_messages, connection_messages, login_messages, token_messages
from pxm_tui.domain.certificate import Certificate, Claims, Trust, TrustMode
from pxm_tui.domain.cluster import (
    Endpoint,
    LoginMethod,
)
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.observation import Observation, Permissions, Realm
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.software import NodeSoftware
from pxm_tui.services.ports import (
    CodeSource,
    Credentials,
    Ticket,
)
from tests.fakes.samples import AUDITOR, TOP_PATHS, certificate, observation

T = TypeVar("T")


@dataclass
class FakeServer:
    """One endpoint of the scripted gateway. Set `errors[phase]` to make a phase fail, `gates[phase]` to hold it."""

    observed: Observation = field(default_factory=observation)
    certificate: Certificate = field(default_factory=certificate)
    trusted_by_system: bool = False
    authority: Certificate | None = None
    node_fingerprints: frozenset[str] = frozenset()
    presented: Certificate | None = None
    node_addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=lambda: {"root@pam": "right-password"})
    tokens: dict[str, str] = field(default_factory=lambda: {"monitor@pve!pxm": "right-secret"})
    code: str | None = None
    realms: tuple[Realm, ...] = (
        Realm("pam", "pam", "Linux PAM standard authentication", default=True),
        Realm("pve", "pve", "Proxmox VE authentication server"),
    )
    errors: dict[str, PxmError] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    roles: dict[str, frozenset[str]] = field(default_factory=lambda: {"PVEAuditor": AUDITOR})
    grants: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    token_writes: list[str] = field(default_factory=list)
    software: dict[str, NodeSoftware | PxmError] = field(default_factory=dict)
    software_asked: list[str] = field(default_factory=list)
    refused_tickets: int = 0
    logins: int = 0
    sessions: int = 0
    checks: int = 0
    refreshes: int = 0

    async def phase(self, name: str) -> None:
        """Hold, fail or pass a phase."""
        if name in self.gates:
            await self.gates[name].wait()
        if name in self.errors:
            raise self.errors[name]


class FakeGateway:
    """A gateway to made-up servers, by host."""

    def __init__(self, servers: Mapping[str, FakeServer] | None = None) -> None:
        self.servers = dict(servers or {})

    def open(
        self, endpoint: Endpoint, trust: Trust | None = None, *, token: bool = False, alone: bool = False
    ) -> FakeSession:
        """A session with the server of that host; an unknown host has no address."""
        return FakeSession(self.servers.get(endpoint.host), endpoint)

    async def read_certificate(self, endpoint: Endpoint) -> Certificate:
        """The one that is shown now."""
        server = self.servers.get(endpoint.host)
        if server is None:
            raise connection_messages.unknown_host(endpoint)
        await server.phase("read_certificate")
        return server.certificate

    def parse_certificate(self, pem: str) -> Certificate:
        """Among those of the made-up servers."""
        for server in self.servers.values():
            if server.certificate.pem == pem:
                return server.certificate
        raise ValueError


class FakeSession:
    """A session with a made-up server."""

    def __init__(self, server: FakeServer | None, endpoint: Endpoint) -> None:
        self._server = server or FakeServer(errors={"resolve": connection_messages.unknown_host(endpoint)})
        self._endpoint = endpoint
        self._server.sessions += 1
        self._token: Credentials | None = None
        self.trust = Trust(TrustMode.SYSTEM)
        self._resumed = False

    async def resolve(self) -> tuple[str, ...]:
        """One address."""
        await self._server.phase("resolve")
        return (self._endpoint.host if self._endpoint.host[0].isdigit() else "10.20.0.11",)

    async def connect(self) -> str:
        """Always the same one."""
        await self._server.phase("connect")
        return "10.20.0.11"

    async def secure(self, trust: Trust) -> Certificate:
        """Compare the trust with the made-up certificate."""
        await self._server.phase("secure")
        shown = self._server.certificate
        vouched = shown.pem in trust.vouched
        if trust.authority is not None and self._signed_by(trust.authority.pem):
            vouched = True
        if vouched:
            self.trust = trust
            return shown
        if trust.mode is TrustMode.SYSTEM and not self._server.trusted_by_system:
            raise certificate_messages.untrusted(self._endpoint, shown)
        if trust.mode is TrustMode.PINNED_LEAF and trust.fingerprint != shown.sha256:
            raise certificate_messages.changed(self._endpoint, "2025-11-03", shown)
        if trust.mode is TrustMode.PINNED_CA and not self._signed_by(trust.anchor_pem):
            raise certificate_messages.changed(self._endpoint, "2025-11-03", shown)
        self.trust = replace(trust, anchor_pem=shown.pem) if trust.mode is TrustMode.PINNED_LEAF else trust
        return shown

    def _signed_by(self, pem: str) -> bool:
        authority = self._server.authority
        return authority is not None and authority.pem == pem

    async def authority(self, leaf: Certificate | None = None) -> Certificate | None:
        """The one that has signed its certificate, or `leaf`."""
        await self._server.phase("authority")
        signed = leaf is None or leaf.sha256 in self._server.node_fingerprints
        return self._server.authority if signed else None

    @property
    def claims(self) -> Claims:
        """What the server was made to present and to list."""
        presented = self._server.presented or self._server.authority
        return Claims(frozenset({presented.sha256} if presented else ()), self._server.node_fingerprints)

    async def node_fingerprints(self) -> frozenset[str]:
        """Those that the server was made with."""
        await self._server.phase("node_fingerprints")
        return self._server.node_fingerprints

    async def node_addresses(self) -> Mapping[str, tuple[str, ...]]:
        """Those that the server was made with."""
        await self._server.phase("node_addresses")
        return self._server.node_addresses

    async def realms(self) -> tuple[Realm, ...]:
        """The server's realms."""
        await self._server.phase("realms")
        return self._server.realms

    async def login(self, credentials: Credentials, code: CodeSource | None) -> Ticket | None:
        """Compare with what the server knows."""
        self._server.logins += 1
        await self._server.phase("login")
        if credentials.method is LoginMethod.TOKEN:
            self._token = credentials
            return None
        if self._server.passwords.get(credentials.user) != credentials.secret.reveal():
            raise login_messages.credentials(self._endpoint, credentials.user, "authentication failure")
        if self._server.code is not None:
            given = await code(("totp", "recovery")) if code else None
            if given is None:
                raise login_messages.second_factor_needed(credentials.user, ("totp",))
            if given.reveal() != self._server.code:
                raise login_messages.second_factor_wrong(self._endpoint, credentials.user)
        return Ticket(credentials.user, Secret("PVE:ticket"), Secret("csrf"), 1000.0)

    async def resume(self, ticket: Ticket) -> Ticket:
        """Every ticket is good."""
        await self._server.phase("resume")
        self._resumed = True
        return ticket

    async def version(self) -> str:
        """Proves a token, too."""
        await self._server.phase("version")
        self._prove()
        return self._server.observed.version

    def _prove(self) -> None:
        if self._resumed and self._server.refused_tickets:
            self._server.refused_tickets -= 1
            raise login_messages.credentials(self._endpoint, "root@pam", "No ticket")
        if self._token is not None:
            name = self._token.token_id or ""
            if self._server.tokens.get(name) != self._token.secret.reveal():
                raise login_messages.token(self._endpoint, name, "token 'pxm' access expired")

    async def observe(self) -> Observation:
        """What the server says."""
        await self._server.phase("observe")
        self._server.checks += 1
        return self._server.observed

    async def refresh(self) -> Observation:
        """What the server says, without what a refresh does not ask for."""
        await self._server.phase("refresh")
        self._prove()
        self._server.refreshes += 1
        return replace(self._server.observed, version="", permissions={})

    async def software(self, node: str) -> NodeSoftware:
        """What the server was made with; else the same for all nodes."""
        await self._server.phase("software")
        self._prove()
        self._server.software_asked.append(node)
        found = self._server.software.get(node, NodeSoftware(node, "9.2.11", "6.17.2-1-pve"))
        if isinstance(found, PxmError):
            raise found
        return found

    def tokens(self) -> FakeOffice:
        """The server's tokens."""
        return FakeOffice(self._server, self._endpoint)

    async def aclose(self) -> None:
        """Nothing is open."""


class FakeOffice:
    """The tokens of a made-up server; each write is remembered, and can be held or made to fail by its name."""

    def __init__(self, server: FakeServer, endpoint: Endpoint) -> None:
        self._server = server
        self._endpoint = endpoint

    async def _write(self, what: str) -> None:
        self._server.token_writes.append(what)
        await self._server.phase(what.split(maxsplit=1)[0])

    async def roles(self) -> Mapping[str, frozenset[str]]:
        """The server's roles."""
        await self._server.phase("roles")
        return dict(self._server.roles)

    async def create_role(self, name: str, privileges: frozenset[str]) -> None:
        """Add one."""
        await self._write(f"create_role {name}")
        self._server.roles.setdefault(name, privileges)

    async def mint(self, user: str, name: str, *, separated: bool, expires_at: datetime, comment: str) -> Secret:
        """Add one; its name must be new. Fails after it was made, as a lost answer does."""
        if f"{user}!{name}" in self._server.tokens:
            raise token_messages.token_exists(self._endpoint, f"{user}!{name}")
        self._server.tokens[f"{user}!{name}"] = "minted-secret"
        await self._write(f"mint {user}!{name} {'separated' if separated else 'plain'}")
        return Secret("minted-secret")

    async def grant(self, token_id: str, roles: tuple[str, ...]) -> None:
        """Remember it."""
        await self._write(f"grant {token_id}")
        self._server.grants.append((token_id, roles))

    async def revoke(self, user: str, name: str) -> bool:
        """Remove one."""
        await self._write(f"revoke {user}!{name}")
        return self._server.tokens.pop(f"{user}!{name}", None) is not None

    async def names(self, user: str) -> tuple[str, ...]:
        """Those of a user."""
        return tuple(name.partition("!")[2] for name in self._server.tokens if name.startswith(f"{user}!"))

    async def rights_of(self, token_id: str, secret: Secret) -> Permissions:
        """What was granted; with a plain token all that the account has."""
        await self._server.phase("rights_of")
        if self._server.tokens.get(token_id) != secret.reveal():
            raise login_messages.token(self._endpoint, token_id, "no such token")
        granted = [roles for name, roles in self._server.grants if name == token_id]
        if f"mint {token_id} plain" in self._server.token_writes:
            return self._server.observed.permissions
        held = frozenset[str]().union(*(self._server.roles[role] for roles in granted for role in roles))
        return dict.fromkeys(TOP_PATHS, held) if held else {}
