"""A fleet on a thread of its own, for callers that are not asynchronous."""

import asyncio
import threading
from types import TracebackType
from typing import Self

from pxm_tui.simulator.fleet import Fleet, SimulatedCluster
from pxm_tui.simulator.options import FleetOptions


class FleetThread:
    """Runs a fleet on its own loop in a thread; a context manager.

    `fleet` and the clusters in it may be steered from any thread.
    """

    def __init__(self, options: FleetOptions | None = None) -> None:
        self.fleet = Fleet(options)
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="simulated fleet", daemon=True)

    @property
    def clusters(self) -> list[SimulatedCluster]:
        """The fleet's clusters."""
        return self.fleet.clusters

    def cluster(self, name: str) -> SimulatedCluster:
        """Give a cluster by its name."""
        return self.fleet.cluster(name)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with self.fleet:
                self._ready.set()
                await self._stop.wait()
        except BaseException as error:  # noqa: BLE001  (handed to the thread that waits)
            self._error = error
        finally:
            self._ready.set()
