"""One conversation with one endpoint: from its address to what it knows of its cluster."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import replace
from ssl import PEM_cert_to_DER_cert
from typing import Any
from urllib.parse import quote

from pxm_tui.domain import connection_messages, login_messages
from pxm_tui.domain.certificate import Certificate, Claims, Trust
from pxm_tui.domain.cluster import Endpoint, LoginMethod
from pxm_tui.domain.observation import Observation, Realm
from pxm_tui.domain.pem import fingerprints, split
from pxm_tui.domain.software import NodeSoftware
from pxm_tui.proxmox.answers import (
    CertificateFiles,
    Join,
    NodeEntry,
    Nodes,
    Packages,
    Permissions,
    Realms,
    Resources,
    Status,
    StatusEntry,
    VersionData,
    describe,
    is_json,
    read,
)
from pxm_tui.proxmox.api import Answer, Api
from pxm_tui.proxmox.authority import proven_authority
from pxm_tui.proxmox.complaints import FORBIDDEN, OK, error_of, not_proxmox
from pxm_tui.proxmox.connections import Connections
from pxm_tui.proxmox.login import PasswordLogin, is_due, is_over, sendable
from pxm_tui.proxmox.observing import addresses_of, observation_of
from pxm_tui.proxmox.tokens import HttpTokenOffice
from pxm_tui.services.ports import Clock, CodeSource, Credentials, Ticket, Timer

_AUTHORITY_FILE = "pve-root-ca.pem"
_MOST_AUTHORITIES = 4
"""Looked at, of those that a node gives as its cluster's own: it has one, and each costs time to check."""
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})")
_OLDEST = tuple(int(part) for part in connection_messages.OLDEST_VERSION.split("."))
_EVERY_SERVER_HAS = {"pam", "pve"}


class HttpProxmoxSession:
    """A conversation, its phases in the order of `ProxmoxSession`.

    Args:
        endpoint: with whom.
        connections: lead there.
        api: sends over them.
        timer: monotonic seconds.
        clock: UTC now.
    """

    def __init__(self, endpoint: Endpoint, connections: Connections, api: Api, timer: Timer, clock: Clock) -> None:
        self._endpoint = endpoint
        self._connections = connections
        self._api = api
        self._timer = timer
        self._password_login = PasswordLogin(api, endpoint, timer, clock)
        self._credentials: Credentials | None = None
        self._claims = Claims()

    async def resolve(self) -> tuple[str, ...]:
        """Look up the host; its addresses. Raises `UnreachableError(unknown_host)`."""
        return await self._connections.resolve()

    async def connect(self) -> str:
        """Open TCP; the address that answered. Raises `UnreachableError(refused|timeout|no_route)`."""
        return await self._connections.connect()

    async def secure(self, trust: Trust) -> Certificate:
        """TLS, verified against `trust`; the certificate that was shown. Errors as in `ProxmoxSession`."""
        return await self._connections.secure(trust)

    async def realms(self) -> tuple[Realm, ...]:
        """The realms that one can log in to, without a login. Raises `UnreachableError(not_proxmox)`."""
        answer = await self._api.get("access/domains", login=False)
        if answer.status != OK:
            raise not_proxmox(self._endpoint, answer)
        if not is_json(answer):
            raise connection_messages.not_proxmox(self._endpoint, f"it sends {describe(answer)} for the list of realms")
        entries = read(self._endpoint, Realms, answer) or []
        if not {entry.realm for entry in entries} >= _EVERY_SERVER_HAS:
            names = ", ".join(entry.realm for entry in entries[:10]) or "none"
            raise connection_messages.not_proxmox(
                self._endpoint, f"its realms are {names}, and pam and pve are not both there"
            )
        return tuple(Realm(entry.realm, entry.type, entry.comment, bool(entry.default)) for entry in entries)

    async def login(self, credentials: Credentials, code: CodeSource | None) -> Ticket | None:
        """Log in; a ticket for a password, None for a token. Errors as in `ProxmoxSession`."""
        self._credentials = credentials
        if credentials.method is LoginMethod.TOKEN:
            self._use_token(credentials)
            return None
        ticket = await self._password_login.log_in(credentials.user, credentials.secret, code)
        self._api.use_ticket(ticket.ticket, ticket.csrf)
        return ticket

    def _use_token(self, credentials: Credentials) -> None:
        token_id = credentials.token_id or ""
        if not (sendable(token_id) and sendable(credentials.secret.reveal())):
            raise login_messages.token(self._endpoint, token_id, "invalid token value: it has characters that none has")
        self._api.use_token(token_id, credentials.secret)

    async def resume(self, ticket: Ticket) -> Ticket:
        """Use a ticket from before, renewed if it is near its end. Raises `LoginError(credentials)` if it is over."""
        now = self._timer()
        if is_over(ticket, now):
            raise login_messages.credentials(self._endpoint, ticket.user, "the ticket has run out")
        if is_due(ticket, now):
            ticket = await self._password_login.renew(ticket)
        self._credentials = Credentials(LoginMethod.PASSWORD, ticket.user, ticket.ticket)
        self._api.use_ticket(ticket.ticket, ticket.csrf)
        return ticket

    async def version(self) -> str:
        """Such as `9.2.11`. Raises `UnreachableError(too_old)` and, for tokens, `LoginError(token)`."""
        answer = await self._get("version", "the version")
        version = read(self._endpoint, VersionData, answer).version
        found = _VERSION.match(version)
        if found is None:
            raise connection_messages.bad_answer(self._endpoint, "holds no version of Proxmox VE")
        if (int(found[1]), int(found[2])) < _OLDEST:
            raise connection_messages.too_old(self._endpoint, version)
        return version

    async def observe(self) -> Observation:
        """Nodes, status, permissions and guests, side by side; the version is left empty, `version` reads it.

        Where they share one connection the status comes last, as in `refresh`.
        """
        nodes, permissions, resources, status = await _all(
            self._get("nodes", "the nodes"),
            self._get("access/permissions", "its own rights"),
            self._get("cluster/resources", "the guests"),
            self._get_status(),
        )
        entries = read(self._endpoint, Nodes, nodes)
        self._claims = replace(self._claims, leaves=_leaves_of(entries))
        return observation_of(
            entries,
            self._read_status(status),
            read(self._endpoint, Permissions, permissions),
            read(self._endpoint, Resources, resources),
            rtt_ms=1000 * min(answer.seconds for answer in (nodes, status, permissions, resources)),
        )

    @property
    def trust(self) -> Trust:
        """What `secure` verified against, with its anchor."""
        return self._connections.trust

    async def authority(self, leaf: Certificate | None = None) -> Certificate | None:
        """The cluster's own authority, where it has signed `leaf`, or the one that this conversation was shown."""
        signed = self._connections.leaf if leaf is None else PEM_cert_to_DER_cert(leaf.pem)
        known = self.trust.anchor_pem
        return proven_authority(signed, [known]) or proven_authority(signed, await self._presented())

    @property
    def claims(self) -> Claims:
        """What the server has said of its cluster's certificates in this conversation."""
        return self._claims

    async def node_fingerprints(self) -> frozenset[str]:
        """SHA-256 of the certificate of each node, as the cluster knows them."""
        return _leaves_of(read(self._endpoint, Nodes, await self._get("nodes", "the nodes")))

    async def node_addresses(self) -> dict[str, tuple[str, ...]]:
        """The addresses of each node by its name: that of its interface for the API, then those of corosync's links."""
        join = read(self._endpoint, Join, await self._get("cluster/config/join", "the addresses of the nodes"))
        return {str(entry.get("name")): addresses_of(entry) for entry in join.nodelist}

    async def _presented(self) -> list[str]:
        """What the node gives as its cluster's authority."""
        answer = await self._get("nodes/localhost/certificates/info", "the certificates")
        files = read(self._endpoint, CertificateFiles, answer)
        given = [pem for file in files if file.filename == _AUTHORITY_FILE for pem in split(file.pem)]
        found = given[:_MOST_AUTHORITIES]
        self._claims = replace(self._claims, authorities=fingerprints(tuple(found)))
        return found

    async def refresh(self) -> Observation:
        """Guests, nodes and status, on one connection; version and permissions are left empty.

        The status comes last: it is answered by another process of the node, after which Proxmox VE closes.
        """
        found = await self._get("cluster/resources", "the guests")
        status = await self._get_status()
        resources = read(self._endpoint, Resources, found)
        return observation_of(
            [entry for entry in resources if entry.type == "node"],
            self._read_status(status),
            {},
            resources,
            rtt_ms=1000 * min(found.seconds, status.seconds),
        )

    async def software(self, node: str) -> NodeSoftware:
        """What a node runs. Raises `NotPermittedError` where this login may not see it."""
        answer = await self._get(f"nodes/{quote(node, safe='')}/apt/versions", f"the versions on {node}")
        packages = {entry.package: entry for entry in read(self._endpoint, Packages, answer)}
        manager, meta = packages.get("pve-manager"), packages.get("proxmox-ve")
        version = "" if manager is None else manager.installed or manager.daemons.partition("/")[0]
        return NodeSoftware(node, version, "" if meta is None else meta.kernel)

    async def _get_status(self) -> Answer:
        return await self._get("cluster/status", "the cluster's status", allow_forbidden=True)

    def _read_status(self, answer: Answer) -> list[StatusEntry] | None:
        """None where the login may not see it."""
        return None if answer.status == FORBIDDEN else read(self._endpoint, Status, answer)

    def tokens(self) -> HttpTokenOffice:
        """The cluster's API tokens, for who is logged in."""
        return HttpTokenOffice(self._endpoint, self._api, self._credentials)

    async def aclose(self) -> None:
        """Close every connection and end every task."""
        await self._api.aclose()
        await self._connections.aclose()

    async def _get(self, path: str, what: str, *, allow_forbidden: bool = False) -> Answer:
        answer = await self._api.get(path)
        if answer.status == OK or (allow_forbidden and answer.status == FORBIDDEN):
            return answer
        raise error_of(self._endpoint, answer, what, self._credentials)


def _leaves_of(entries: list[NodeEntry]) -> frozenset[str]:
    return frozenset(entry.ssl_fingerprint.upper() for entry in entries if entry.ssl_fingerprint)


async def _all(*reads: Coroutine[Any, Any, Answer]) -> list[Answer]:
    """The answers of all reads; the first error ends the others."""
    tasks = [asyncio.create_task(work) for work in reads]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
