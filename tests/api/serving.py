"""The REST API over stand-ins for registry and clusters, on a real port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from pxm_tui.api.limits import Limits
from pxm_tui.api.listening import Place
from pxm_tui.api.server import serve
from pxm_tui.domain.access import Role
from pxm_tui.services.access import AccessService
from pxm_tui.storage.api_tokens import FileTokenBook
from tests.fakes import Bench, FakeServer, certificate, make_bench

BODY: dict[str, Any] = {
    "name": "prod-cluster",
    "api_endpoint": "https://10.20.0.11:8006",
    "username": "root@pam",
    "password": "right-password",
    "fingerprint": certificate().sha256,
}
"""Registers the made-up server at 10.20.0.11."""
CLUSTERS = "/api/v1/clusters"
UNLIMITED = Limits(requests=1e6, live=1e6, strangers=1e6)


@dataclass
class Running:
    """A server that runs.

    Attributes:
        url: where.
        bench: the stand-ins behind it.
        access: its tokens.
        tokens: one of each role.
        said: what it announced.
    """

    url: str
    bench: Bench
    access: AccessService
    tokens: dict[Role, str]
    said: list[str] = field(default_factory=list)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        role: Role | None = Role.ADMIN,
        headers: dict[str, str] | None = None,
        **how: Any,
    ) -> httpx.Response:
        """Send one request, with a token of that role."""
        sent = {**({"Authorization": f"Bearer {self.tokens[role]}"} if role else {}), **(headers or {})}
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            return await client.request(method, path, headers=sent, **how)


def bench(server: FakeServer | None = None, **options: Any) -> Bench:
    """Stand-ins with one made-up server."""
    return make_bench(servers={"10.20.0.11": server or FakeServer()}, **options)


@asynccontextmanager
async def serving(
    found: Bench, directory: Path, *, limits: Limits = UNLIMITED, place: Place | None = None, roles: bool = True
) -> AsyncIterator[Running]:
    """Serve until the block ends."""
    access = AccessService(FileTokenBook(directory / "data"), found.clock)
    tokens = {role: access.add(str(role), role)[1].reveal() for role in Role} if roles else {}
    said: list[str] = []
    heard = asyncio.Event()

    def announce(text: str) -> None:
        said.append(text)
        heard.set()

    chosen = place or Place(port=0)
    task = asyncio.create_task(serve(found.services, access, chosen, limits, announce), name="the server")
    waiting = asyncio.create_task(heard.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if task.done():
            await task
        url = said[0].removeprefix("listening on ").partition(",")[0]
        yield Running(url, found, access, tokens, said)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
