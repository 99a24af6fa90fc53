"""Starts and stops a whole simulated fleet."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from pxm_tui.simulator.addresses import AddressBook
from pxm_tui.simulator.cluster import Cluster
from pxm_tui.simulator.connection import Pace
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.fault_board import FaultBoard
from pxm_tui.simulator.listener import Listener
from pxm_tui.simulator.options import ClusterOptions, FleetOptions

__all__ = ["Fleet", "SimulatedCluster"]

R = TypeVar("R")


class Fleet:
    """A running simulated fleet, an asynchronous context manager.

    Attributes:
        clusters: the clusters, in the order of the options.
        faults: what is wrong with them; to be touched on the fleet's loop (`run`).
    """

    def __init__(self, options: FleetOptions | None = None) -> None:
        self.options = options or FleetOptions()
        self.clusters: list[SimulatedCluster] = []
        self.faults = FaultBoard(lambda: self.clusters)
        self._pace = Pace(self.options.latency_ms / 1000, self.options.auth_delay, self.options.sleep)
        self._listeners: list[Listener] = []
        self._addresses: AddressBook | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def cluster(self, name: str) -> SimulatedCluster:
        """Give a cluster by its name."""
        return next(cluster for cluster in self.clusters if cluster.name == name)

    @property
    def auth_delay(self) -> float:
        """Seconds that a 401 is held back."""
        return self._pace.auth_delay

    @auth_delay.setter
    def auth_delay(self, seconds: float) -> None:
        self._pace.auth_delay = seconds

    @property
    def latency_ms(self) -> float:
        """Simulated round-trip time in milliseconds."""
        return self._pace.latency * 1000

    @latency_ms.setter
    def latency_ms(self, milliseconds: float) -> None:
        self._pace.latency = milliseconds / 1000

    async def start(self, on_ready: Callable[[SimulatedCluster], None] = lambda _cluster: None) -> None:
        """Start every cluster.

        Args:
            on_ready: is told of each cluster as soon as it answers.

        Raises:
            NoAddressError: there is no free address.
        """
        self._loop = asyncio.get_running_loop()
        self._addresses = AddressBook(self.options.seed, self.options.port)
        for index, options in enumerate(self.options.each_cluster()):
            cluster = self._start_cluster(index, options, self._addresses)
            self.clusters.append(cluster)
            on_ready(cluster)
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Stop listening, cut every connection, give the addresses back."""
        for listener in self._listeners:
            listener.close()
        await asyncio.gather(*(listener.wait_closed() for listener in self._listeners))
        self._listeners.clear()
        if self._addresses is not None:
            self._addresses.close()

    def run(self, action: Callable[[], R]) -> R:
        """Run `action` on the fleet's loop and give what it returns, from whatever thread."""
        loop = self._loop
        if loop is None or loop is _running_loop() or not loop.is_running():
            return action()

        async def act() -> R:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), loop).result(timeout=10)

    def _start_cluster(self, index: int, options: ClusterOptions, book: AddressBook) -> SimulatedCluster:
        sockets = book.listen_together(options.nodes)
        places = [bound.getsockname() for bound in sockets]
        cluster = Cluster(
            options,
            seed=f"{self.options.seed}/{index}/{options.name}",
            clock=self.options.clock,
            keys=self.options.keys,
            addresses=[address for address, _ in places],
        )
        listeners = {name: Listener(cluster, node, self._pace) for name, node in cluster.nodes.items()}
        self._listeners.extend(listeners.values())
        for (name, listener), bound in zip(listeners.items(), sockets, strict=True):
            listener.open(bound)
            if not cluster.nodes[name].online:
                listener.close()
        ports = {name: port for name, (_, port) in zip(listeners, places, strict=True)}
        simulated = SimulatedCluster(self, cluster, listeners, ports)
        cluster.power.connect(simulated.switch, asyncio.get_running_loop().call_later)
        return simulated


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
