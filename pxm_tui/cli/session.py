"""Runs a command's asynchronous work: core dumps off, the log begun, the services built, signals heard."""

from __future__ import annotations

import argparse
import asyncio
import resource
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pxm_tui.cli import output
from pxm_tui.domain.errors import StorageError
from pxm_tui.services.bundle import Services
from pxm_tui.settings import Settings, load_settings

Work = Callable[[Services], Awaitable[int]]

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings of this run. Raises `InvalidError`."""
    return load_settings(
        {
            "data_dir": getattr(arguments, "data_dir", None),
            "read_only": True if getattr(arguments, "read_only", False) else None,
        }
    )


def forbid_core_dumps() -> None:
    """A crash must not write memory that holds secrets to a file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run_with_services(settings: Settings, work: Work) -> int:
    """Build the services, run `work` with them to its end, and give its exit status.

    Raises:
        KeyboardInterrupt: Ctrl-C; the work was cancelled and has cleaned up.
        PxmError: as the work raised it.
    """
    forbid_core_dumps()
    return asyncio.run(_run(settings, work))


async def _run(settings: Settings, work: Work) -> int:
    from pxm_tui.bootstrap import inline_services, start_log

    start_log(settings)
    task = asyncio.current_task()
    assert task is not None  # noqa: S101
    loop, heard = asyncio.get_running_loop(), list[signal.Signals]()

    def end(number: signal.Signals) -> None:
        heard.append(number)
        task.cancel()

    for number in ENDING_SIGNALS:
        loop.add_signal_handler(number, end, number)
    try:
        async with inline_services(settings) as services:
            with suppress(StorageError):
                await services.clusters.means.sweep()
            for text in await services.clusters.means.left_overs.named():
                output.note(text)
            try:
                return await work(services)
            finally:
                for text in services.clusters.means.twins.take():
                    output.note(f"note: {text}")
    except asyncio.CancelledError:
        if not heard:
            raise
        return 128 + heard[0]
    finally:
        for number in ENDING_SIGNALS:
            loop.remove_signal_handler(number)
