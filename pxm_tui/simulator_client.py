"""Adapter: speaks to the control API of the simulated fleet that the demo has started."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pxm_tui.domain.errors import InternalError, InvalidError, PxmError
from pxm_tui.services.faults import ActiveFault, BreakableCluster, FaultControl, FaultKind, FaultValue
from pxm_tui.services.ports import Runner

PATIENCE = 5.0
"""Seconds for one answer."""


class HttpFaultInjector:
    """Implements `FaultInjector`.

    Args:
        control: where the fleet takes orders.
        runner: where the client's work runs.
    """

    def __init__(self, control: FaultControl, runner: Runner) -> None:
        self._control = control
        self._runner = runner

    async def kinds(self) -> tuple[FaultKind, ...]:
        """List what can go wrong. Raises `PxmError`."""
        return tuple(_kind(found) for found in (await self._ask("GET", "/faults"))["faults"])

    async def clusters(self) -> tuple[BreakableCluster, ...]:
        """List the fleet's clusters. Raises `PxmError`."""
        return tuple(_cluster(found) for found in (await self._ask("GET", "/clusters"))["clusters"])

    async def set(
        self, cluster: str, fault: str, node: str | None = None, value: FaultValue | None = None
    ) -> BreakableCluster:
        """Put a fault in force. Raises `PxmError`."""
        body = {"fault": fault, "node": node, "value": value}
        return _cluster(await self._ask("POST", f"/clusters/{quote(cluster, safe='')}/faults", json=body))

    async def clear(self, cluster: str, fault: str, node: str | None = None) -> BreakableCluster:
        """End a fault. Raises `PxmError`."""
        path = f"/clusters/{quote(cluster, safe='')}/faults/{quote(fault, safe='')}"
        return _cluster(await self._ask("DELETE", path, params={} if node is None else {"node": node}))

    async def _ask(self, method: str, path: str, **content: Any) -> Any:
        return await self._runner.run(lambda: self._send(method, path, content))

    async def _send(self, method: str, path: str, content: dict[str, Any]) -> Any:
        """Ask the fleet, on a connection of its own: this happens as often as somebody presses a key."""
        import ssl

        import httpx

        # An empty context: nothing here is TLS, and the default one reads every certificate of the machine.
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            async with httpx.AsyncClient(
                base_url=self._control.url, verify=plain, timeout=PATIENCE, trust_env=False
            ) as client:
                headers = {"Authorization": f"Bearer {self._control.token.reveal()}"}
                answer = await client.request(method, path, headers=headers, **content)
            found = answer.json()
        except (httpx.HTTPError, ValueError):
            raise _lost() from None
        if answer.status_code != httpx.codes.OK:
            raise _refused(found)
        return found


def _lost() -> PxmError:
    return InternalError("demo", "The simulated fleet does not take orders any more.", do="Leave the demo, start anew.")


def _refused(found: Any) -> PxmError:
    said = found.get("error", {}).get("message", "") if isinstance(found, dict) else ""
    return InvalidError("fault", f"The simulated fleet refuses: {said}." if said else "The simulated fleet refuses.")


def _kind(found: dict[str, Any]) -> FaultKind:
    value = found["value"] or {}
    return FaultKind(
        name=found["fault"],
        title=found["title"],
        help=found["help"],
        per_node=found["per"] == "node",
        means=value.get("means", ""),
        default=value.get("default"),
    )


def _cluster(found: dict[str, Any]) -> BreakableCluster:
    active = tuple(ActiveFault(one["fault"], one["node"], one["value"]) for one in found["active"])
    return BreakableCluster(found["name"], tuple(found["endpoints"]), tuple(found["nodes"]), active)
