"""A cluster's API tokens, roles and access list, as far as making and removing tokens of our own takes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from pxm_tui.domain import connection_messages, token_messages
from pxm_tui.domain.cluster import Endpoint, LoginMethod
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.observation import Permissions as Rights
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.answers import MintedToken, Permissions, Roles, Tokens, complaint, read, said
from pxm_tui.proxmox.api import Answer, Api, token_header
from pxm_tui.proxmox.complaints import BAD_REQUEST, FORBIDDEN, OK, error_of
from pxm_tui.services.ports import Credentials


class HttpTokenOffice:
    """Implements `services.token_ports.TokenOffice`.

    Args:
        endpoint: for the words.
        api: sends, with the login that is in use.
        credentials: who is logged in.
    """

    def __init__(self, endpoint: Endpoint, api: Api, credentials: Credentials | None) -> None:
        self._endpoint = endpoint
        self._api = api
        self._credentials = credentials

    async def roles(self) -> Mapping[str, frozenset[str]]:
        """Every role with its privileges."""
        answer = await self._api.get("access/roles")
        if answer.status != OK:
            raise error_of(self._endpoint, answer, "the roles", self._credentials)
        found = read(self._endpoint, Roles, answer)
        return {entry.roleid: frozenset(entry.privs.replace(",", " ").split()) for entry in found}

    async def create_role(self, name: str, privileges: frozenset[str]) -> None:
        """Make a role; one that is there already stays as it is."""
        form = {"roleid": name, "privs": ",".join(sorted(privileges))}
        answer = await self._api.post("access/roles", form)
        if "already exists" not in said(answer):
            self._expect(answer, f"make the role {name}")

    async def mint(self, user: str, name: str, *, separated: bool, expires_at: datetime, comment: str) -> Secret:
        """Make a token and give its secret."""
        form = {"privsep": str(int(separated)), "expire": str(int(expires_at.timestamp())), "comment": comment}
        answer = await self._api.post(_path(user, name), form)
        if answer.status == BAD_REQUEST and "exists" in str((complaint(answer).errors or {}).get("tokenid")):
            raise token_messages.token_exists(self._endpoint, f"{user}!{name}")
        self._expect(answer, "make a token")
        return Secret(read(self._endpoint, MintedToken, answer).value)

    async def grant(self, token_id: str, roles: tuple[str, ...]) -> None:
        """Give a token roles on `/` and everything below."""
        form = {"path": "/", "tokens": token_id, "roles": ",".join(roles), "propagate": "1"}
        self._expect(await self._api.put("access/acl", form), f"give it {', '.join(roles)} on /")

    async def revoke(self, user: str, name: str) -> bool:
        """Remove a token; False where there was none."""
        answer = await self._api.delete(_path(user, name))
        if answer.status != OK and "no such token" in said(answer):
            return False
        self._expect(answer, "remove the token")
        return True

    async def names(self, user: str) -> tuple[str, ...]:
        """The names of a user's tokens."""
        answer = await self._api.get(f"access/users/{quote(user, safe='@')}/token")
        if answer.status != OK:
            raise error_of(self._endpoint, answer, "the tokens", self._credentials)
        return tuple(entry.tokenid for entry in read(self._endpoint, Tokens, answer))

    async def rights_of(self, token_id: str, secret: Secret) -> Rights:
        """What a token may do, asked with the token itself; the login in use stays in use."""
        answer = await self._api.get("access/permissions", headers=token_header(token_id, secret))
        if answer.status != OK:
            with_token = Credentials(LoginMethod.TOKEN, token_id.partition("!")[0], secret, token_id)
            raise error_of(self._endpoint, answer, "its own rights", with_token)
        return {path: frozenset(held) for path, held in read(self._endpoint, Permissions, answer).items()}

    def _expect(self, answer: Answer, what: str) -> None:
        if answer.status != OK:
            raise self._refused(answer, what)

    def _refused(self, answer: Answer, what: str) -> PxmError:
        if answer.status == FORBIDDEN:
            return token_messages.may_not(self._endpoint, what, said(answer))
        if answer.status >= BAD_REQUEST and "quorum" in said(answer):
            return token_messages.no_quorum(self._endpoint, what)
        if answer.status == BAD_REQUEST:
            errors = complaint(answer).errors or {}
            words = "; ".join([said(answer).strip(), *(f"{name}: {text}" for name, text in errors.items())])
            return connection_messages.server_failed(self._endpoint, answer.status, words)
        return error_of(self._endpoint, answer, what, self._credentials)


def _path(user: str, name: str) -> str:
    return f"access/users/{quote(user, safe='@')}/token/{quote(name, safe='')}"
