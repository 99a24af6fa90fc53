"""Reading what the nodes of a cluster run, when a person looks at it; a refresh does not: it costs each node a second.

Only a login that is in use already is used: no password is sent, no second factor is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from pxm_tui.domain.cluster import Cluster, LoginMethod
from pxm_tui.domain.errors import LoginError, NotPermittedError, PxmError, SecretsLockedError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.software import ClusterSoftware, NodeSoftware, unseen
from pxm_tui.services.means import Means
from pxm_tui.services.owning import end_all
from pxm_tui.services.ports import ProxmoxSession
from pxm_tui.services.secrets import stored_credentials

KEPT_FOR = 600.0
"""Seconds for which what was read is shown again: packages change rarely."""
AT_ONCE = 4
"""Nodes of a cluster that are asked at the same time."""


@dataclass(slots=True)
class SoftwareService:
    """See the module. The work runs on the Proxmox client's loop; callers await it on their own.

    Attributes:
        means: what it works with.
    """

    means: Means
    _kept: dict[str, tuple[float, ClusterSoftware]] = field(default_factory=dict, init=False)

    def kept(self, cluster_id: str) -> ClusterSoftware | None:
        """What was read not long ago; None where nothing was."""
        at, found = self._kept.get(cluster_id, (0.0, None))
        return found if found is not None and self.means.timer() - at < KEPT_FOR else None

    async def read(self, cluster: Cluster, snapshot: Snapshot) -> ClusterSoftware:
        """Ask each node of a cluster that answers; the nodes and rights are those that were last seen of it.

        Nodes that are not online, and those that the login may not see, are not asked. What fails is said.
        """
        known = unseen(cluster, snapshot.permissions, snapshot.nodes)
        names = [node.name for node in snapshot.nodes if node.name not in known]
        problem = ""
        try:
            if names:
                known |= await self.means.runner.run(lambda: self._ask(cluster, snapshot, names))
        except PxmError as error:
            problem = _words(error)
        found = ClusterSoftware(tuple(known[node.name] for node in snapshot.nodes if node.name in known), problem)
        if problem or any(node.problem for node in found.nodes if node.node in names):
            self._kept.pop(cluster.id, None)  # the next look asks again: what failed may be mended by then
        else:
            self._kept[cluster.id] = self.means.timer(), found
        return found

    async def _ask(self, cluster: Cluster, snapshot: Snapshot, names: list[str]) -> dict[str, NodeSoftware]:
        """Each of these nodes, over the endpoint that answers: it hands the question on."""
        token = cluster.login.method is LoginMethod.TOKEN
        endpoint = self.means.checker().endpoints.choose(cluster, snapshot)
        async with aclosing(self.means.client().open(endpoint, cluster.trust, token=token)) as session:
            await session.resolve()
            await session.connect()
            await session.secure(cluster.trust)
            await self._enter(cluster, session)
            turn = asyncio.Semaphore(AT_ONCE)
            tasks = [asyncio.create_task(_asked(session.software, name, turn), name=f"ask {name}") for name in names]
            try:
                found = await asyncio.gather(*tasks)
            finally:
                await end_all(tasks)
        return {node.node: node for node in found}

    async def _enter(self, cluster: Cluster, session: ProxmoxSession) -> None:
        """With the stored token, or the ticket of the last check."""
        if cluster.login.method is LoginMethod.TOKEN:
            await session.login(await stored_credentials(self.means.secrets, cluster), None)
            return
        checker = self.means.checker()
        ticket = checker.ticket(cluster.id)
        if ticket is None:
            raise LoginError("credentials", "The login of this run is over.")
        checker.keep_ticket(cluster.id, await session.resume(ticket))


async def _asked(ask: Callable[[str], Awaitable[NodeSoftware]], name: str, turn: asyncio.Semaphore) -> NodeSoftware:
    async with turn:
        try:
            return await ask(name)
        except LoginError:
            raise  # the other nodes would say the same
        except PxmError as error:
            return NodeSoftware(name, problem=_words(error))


def _words(error: PxmError) -> str:
    if isinstance(error, SecretsLockedError):
        return "the secrets are locked"
    if isinstance(error, NotPermittedError):
        return error.message.rpartition(": ")[2].removesuffix(".")
    return error.message.removesuffix(".")
