"""The two clients: the same methods, one gives results, the other gives them when awaited."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Generic, ParamSpec, Self, TypeVar, overload

import httpx

from pxm_tui.client import calls
from pxm_tui.client.calls import Call

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8080"
TIMEOUT = 150.0
"""Seconds: longer than the server gives a call that talks to a cluster."""


class _Method(Generic[P, T]):
    """Makes a method of the description of a call: on one client it gives the result, on the other an awaitable."""

    def __init__(self, describe: Callable[P, Call[T]]) -> None:
        self._describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: PxmClient, owner: type) -> Callable[P, T]: ...

    @overload
    def __get__(self, client: AsyncPxmClient, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...

    def __get__(self, client: PxmClient | AsyncPxmClient | None, owner: type) -> Any:
        if client is None:
            return self

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.send(self._describe(*args, **kwargs))

        method.__doc__ = self.__doc__
        return method


class _Methods:
    register = _Method(calls.register)
    dry_run = _Method(calls.dry_run)
    list = _Method(calls.list_clusters)
    get = _Method(calls.get)
    edit = _Method(calls.edit)
    check = _Method(calls.check)
    deregister = _Method(calls.deregister)
    health = _Method(calls.health)
    metrics = _Method(calls.metrics)
    openapi = _Method(calls.openapi)


class PxmClient(_Methods):
    """Calls the API and waits. A context manager, or call `close`.

    Every method may raise `PxmApiError`, and `httpx.TransportError` where nobody answers.

    Args:
        url: where the server is; plain HTTP is for this machine only, for the token would be seen on its way.
        token: the bearer token.
        unix_socket: the server's socket, in place of `url`.
        ca_file: PEM of the authority that signs the server's certificate, where this machine does not know it.
        timeout: seconds for one call.

    Raises:
        ValueError: plain HTTP to another machine.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        token: str | None = None,
        *,
        unix_socket: str | Path | None = None,
        ca_file: str | Path | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        transport = httpx.HTTPTransport(verify=_trust(ca_file), uds=_uds(unix_socket), trust_env=False)
        self._client = httpx.Client(
            base_url=_safe(url, unix_socket),
            headers=_headers(token),
            transport=transport,
            timeout=timeout,
            trust_env=False,
        )

    def send(self, call: Call[T]) -> T:
        """Make a call."""
        return call.result(self._client.send(call.request(self._client)))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncPxmClient(_Methods):
    """As `PxmClient`, for asyncio. An asynchronous context manager, or call `close`."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        token: str | None = None,
        *,
        unix_socket: str | Path | None = None,
        ca_file: str | Path | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        transport = httpx.AsyncHTTPTransport(verify=_trust(ca_file), uds=_uds(unix_socket), trust_env=False)
        self._client = httpx.AsyncClient(
            base_url=_safe(url, unix_socket),
            headers=_headers(token),
            transport=transport,
            timeout=timeout,
            trust_env=False,
        )

    async def send(self, call: Call[T]) -> T:
        """Make a call."""
        return call.result(await self._client.send(call.request(self._client)))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _trust(ca_file: str | Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)


def _uds(path: str | Path | None) -> str | None:
    return None if path is None else str(path)


def _headers(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _safe(url: str, unix_socket: str | Path | None) -> str:
    """The URL, where a token may be sent to it."""
    if unix_socket is not None:
        return "http://localhost"
    parsed = httpx.URL(url)
    if parsed.scheme != "https" and not (parsed.scheme == "http" and _is_here(parsed.host)):
        raise ValueError("plain HTTP to another machine would show the token on its way: use https://")
    return url


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
