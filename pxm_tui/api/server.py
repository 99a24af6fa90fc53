"""The server: it listens, watches the fleet meanwhile, and drains when it is told to end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from aiohttp import web

from pxm_tui.api.connection import Server
from pxm_tui.api.handlers import Handlers
from pxm_tui.api.limits import Limits
from pxm_tui.api.listening import Place, close_unix, load_certificate, open_sockets, tls_context
from pxm_tui.api.metrics import RequestCounter
from pxm_tui.api.pipeline import Pipeline
from pxm_tui.domain.errors import PxmError
from pxm_tui.services.access import AccessService
from pxm_tui.services.bundle import Services

_logger = logging.getLogger("pxm_tui.api")

Announce = Callable[[str], None]

_CLOSED = (
    "the secret store is closed, so no cluster is asked and none can be registered: put its passphrase into a file "
    "that only this user can read, and name that in PXM_VAULT_PASSPHRASE_FILE"
)


async def serve(services: Services, access: AccessService, place: Place, limits: Limits, announce: Announce) -> None:
    """Serve until SIGTERM or Ctrl-C, then let what runs come to its end.

    Args:
        services: what can be done.
        access: knows the tokens.
        place: where to listen.
        limits: what is put up with.
        announce: told, in sentences, where it listens and what a person should know.

    Raises:
        InvalidError: it may not or cannot listen there.
        StorageError: the registry cannot be read.
    """
    context = tls_context(place)
    services.fleet.load()
    sockets = await open_sockets(place)
    try:
        runner = _runner(services, access, place, limits)
        await runner.setup()
        try:
            for listening in sockets:
                await web.SockSite(runner, listening, ssl_context=context, backlog=1024).start()
            with _told_to_end(context, place) as end:
                await _announce(services, access, place, sockets, announce)
                _notify("READY=1")
                await _until(end, services)
                _notify("STOPPING=1")
        finally:
            await runner.cleanup()
    finally:
        for listening in sockets:
            listening.close()
        close_unix(place)


def _runner(services: Services, access: AccessService, place: Place, limits: Limits) -> web.ServerRunner:
    requests = RequestCounter()
    pipeline = Pipeline(
        handlers=Handlers(services, requests),
        access=access,
        limits=limits,
        requests=requests,
        timer=services.timer,
        behind_proxy=place.behind_proxy,
    )
    return web.ServerRunner(Server(pipeline.answer, pipeline.fail, limits), shutdown_timeout=limits.drain_seconds)


@contextmanager
def _told_to_end(context: ssl.SSLContext | None, place: Place) -> Iterator[asyncio.Event]:
    """The event of SIGTERM or Ctrl-C; SIGHUP takes a renewed certificate."""
    loop, end = asyncio.get_running_loop(), asyncio.Event()

    def reload() -> None:
        if context is not None:
            try:
                load_certificate(context, place)
            except PxmError as error:
                _logger.warning("%s The one in use stays.", error.message)

    handlers = {signal.SIGTERM: end.set, signal.SIGINT: end.set, signal.SIGHUP: reload}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield end
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


async def _until(end: asyncio.Event, services: Services) -> None:
    """Watch the fleet until the end; a watch that fails ends the server."""
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(services.fleet.watch(lambda: None), name="watch the fleet")
        await end.wait()
        watch.cancel()


async def _announce(
    services: Services, access: AccessService, place: Place, sockets: list[socket.socket], announce: Announce
) -> None:
    if place.unix_socket is not None:
        announce(f"listening on the socket {place.unix_socket}")
    else:
        for listening in sockets:
            host, port = listening.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            announce(f"listening on {place.scheme}://{shown}:{port}, documented at /docs")
    with suppress(PxmError):
        if not access.tokens():
            announce("no token has been made yet: `pxm serve token add NAME --role viewer|operator|admin`")
    try:
        closed = "" if (await services.clusters.vault()).open else _CLOSED
    except PxmError as error:
        closed = f"{error.message} {error.hint}"
    if closed:
        announce(closed)


def _notify(state: str) -> None:
    """Tell systemd, where it started this (sd_notify)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
