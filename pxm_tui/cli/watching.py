"""`pxm check --watch`: the fleet is asked as politely as by the screens, and each change is a line of JSON."""

from __future__ import annotations

import asyncio
import os
import select
import stat
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

from pxm_tui.cli import output
from pxm_tui.services.bundle import Services
from pxm_tui.services.changes import Changes


async def watch(services: Services, only: Collection[str] | None) -> int:
    """Print changes until Ctrl-C, SIGTERM or SIGHUP; gives the exit status.

    Raises:
        BrokenPipeError: nobody reads any more.
        StorageError: the registry cannot be read.
    """
    fleet, changes, news = services.fleet, Changes(services.clock, only), asyncio.Event()
    told: set[str] = set()

    def tell() -> None:
        view = fleet.view()
        for event in changes.of(view):
            output.print_json_line(event)
        for text in view.notices:
            if text not in told:
                told.add(text)
                output.note(text)

    fleet.load()
    tell()
    watching = asyncio.create_task(fleet.watch(news.set), name="watch")
    watching.add_done_callback(lambda _: news.set())
    try:
        with _reader_gone(news) as gone:
            while not watching.done():
                await news.wait()
                news.clear()
                if gone.is_set():
                    raise BrokenPipeError
                tell()
        await watching  # it ends by an error only
    except asyncio.CancelledError:
        return 0
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    return 0


@contextmanager
def _reader_gone(news: asyncio.Event) -> Iterator[asyncio.Event]:
    """An event for the end of who reads stdout, which a quiet fleet would not make us notice by writing."""
    gone, descriptor = asyncio.Event(), sys.stdout.fileno()
    loop = asyncio.get_running_loop()

    def look() -> None:
        poll = select.poll()
        poll.register(descriptor, 0)
        if any(found & (select.POLLERR | select.POLLHUP) for _, found in poll.poll(0)):
            gone.set()
            news.set()
        loop.remove_reader(descriptor)

    kind = os.fstat(descriptor).st_mode
    piped = stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)
    if piped:
        with suppress(OSError):  # not every system lets the writing end be watched
            loop.add_reader(descriptor, look)
    try:
        yield gone
    finally:
        if piped:
            loop.remove_reader(descriptor)
