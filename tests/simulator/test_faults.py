"""Each fault, set and ended through the control API, as a client sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from pxm_tui.simulator.faults import FAULTS, Fault
from pxm_tui.simulator.wire_faults import MEBIBYTE
from tests.simulator.trouble import Lab, lab

Look = Callable[[Lab], Awaitable[Any]]


async def _outcome(here: Lab, node: str = "pve1") -> str:
    try:
        answer = await here.get("/version", node)
    except httpx.TransportError as error:
        return type(error).__name__
    return f"{answer.status_code} {answer.headers.get('Content-Type', '')}".strip()


async def _silence(here: Lab) -> tuple[bool, str]:
    return await here.connects(), await _outcome(here)


async def _states(here: Lab) -> tuple[str, dict[str, str]]:
    nodes = await here.data("/nodes")
    return await _outcome(here, "pve3"), {node["node"]: node["status"] for node in nodes}


async def _seconds(here: Lab) -> float:
    before = here.clock.now
    await here.get("/version")
    return here.clock.now - before


async def _size(here: Lab) -> int:
    answer = await here.get("/version")
    assert answer.json().keys() == {"data"}
    return len(answer.content) // MEBIBYTE


async def _status_of_peer(here: Lab) -> int:
    return (await here.get("/nodes/pve2/status")).status_code


async def _quorate(here: Lab) -> int:
    entries = await here.data("/cluster/status")
    return int(next(entry["quorate"] for entry in entries if entry["type"] == "cluster"))


async def _certificate(here: Lab) -> tuple[bool, bool, bool, bool]:
    """Whether it is the first one, is of the same CA, for the same key, and valid."""
    leaf, first = await here.leaf(), here.first
    assert first is not None
    valid = leaf.not_valid_after_utc > datetime.fromtimestamp(here.clock.now, UTC)
    return leaf == first, leaf.issuer == first.issuer, leaf.public_key() == first.public_key(), valid


async def _login(here: Lab) -> int:
    return (await here.log_in()).status_code


async def _second_factor(here: Lab) -> int:
    return (await here.log_in_with_code()).status_code


async def _token(here: Lab) -> int:
    return (await here.get("/version")).status_code


async def _rights(here: Lab) -> int:
    return (await here.get("/nodes/pve1/status")).status_code


async def _date_ahead(here: Lab) -> float:
    answer = await here.get("/version")
    return parsedate_to_datetime(answer.headers["Date"]).timestamp() - int(here.clock.now)


async def _full(here: Lab) -> list[str]:
    return [found["storage"] for found in await here.data("/nodes/pve1/storage") if found["used"] == found["total"]]


async def _task(here: Lab) -> str:
    stopped = [
        one for one in await here.data("/cluster/resources") if one["type"] == "qemu" and one["status"] == "stopped"
    ]
    guest = next(one for one in stopped if not one.get("template") and not one.get("lock"))
    path = f"/nodes/{guest['node']}"
    answer = await here.post(f"{path}/qemu/{guest['vmid']}/status/start")
    upid = answer.json()["data"]
    here.clock.advance(3600)
    status = await here.data(f"{path}/tasks/{upid}/status")
    if status["status"] == "running":
        url = f"{here.cluster.endpoint}/api2/json{path}/tasks/{upid}"
        token = f"PVEAPIToken={here.cluster.token_id}={here.cluster.token_secret}"
        await here.client.delete(url, headers={"Authorization": token})
    elif status["exitstatus"] == "OK":
        await here.post(f"{path}/qemu/{guest['vmid']}/status/stop")
        here.clock.advance(3600)
        await here.data("/cluster/resources")
    return str(status.get("exitstatus", status["status"]))


FINE = "200 application/json;charset=UTF-8"
FIRST = (True, True, True, True)
ON = {"pve1": "online", "pve2": "online", "pve3": "online"}

SEEN: dict[str, tuple[str | None, object, Look, object, object]] = {
    "down": ("pve1", None, _outcome, FINE, "ConnectError"),
    "drop-packets": ("pve1", None, _silence, (True, FINE), (False, "ConnectTimeout")),
    "hang": ("pve1", None, _silence, (True, FINE), (True, "ConnectTimeout")),
    "node-offline": ("pve3", None, _states, (FINE, ON), ("ConnectError", {**ON, "pve3": "offline"})),
    "slow": ("pve1", 1500, _seconds, 0.0, 1.5),
    "cut-body": (None, None, _outcome, FINE, "RemoteProtocolError"),
    "garbage": ("pve1", None, _outcome, FINE, "RemoteProtocolError"),
    "html": (None, None, _outcome, FINE, "200 text/html; charset=UTF-8"),
    "huge-body": (None, 2, _size, 0, 2),
    "server-error": (None, 503, _outcome, FINE, "503"),
    "dead-peer": ("pve2", 596, _status_of_peer, 200, 596),
    "no-quorum": (None, None, _quorate, 1, 0),
    "certificate-renewed": ("pve1", None, _certificate, FIRST, (False, True, True, True)),
    "certificate-replaced": (None, None, _certificate, FIRST, (False, False, False, True)),
    "certificate-expired": ("pve1", None, _certificate, FIRST, (False, True, True, False)),
    "login-disabled": (None, "root@pam", _login, 200, 401),
    "tfa-locked": (None, "totp@pve", _second_factor, 200, 401),
    "token-revoked": (None, "root@pam!fleet", _token, 200, 401),
    "privileges-taken": (None, None, _rights, 200, 403),
    "clock-skew": (None, -7200, _date_ahead, 0.0, -7200.0),
    "storage-full": ("pve1", "nas", _full, [], ["nas"]),
    "task-fails": (None, "no space left on device", _task, "OK", "no space left on device"),
    "task-hangs": (None, None, _task, "OK", "running"),
}
"""By fault: node and value, how to look, and what is seen without and with the fault."""


@pytest.mark.parametrize("version", ["6.4", "9.2"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_it_comes_and_goes(fault: Fault, version: str) -> None:
    node, value, look, without, within = SEEN[fault.name]
    async with lab(version) as here:
        assert await look(here) == without
        described = await here.set(fault.name, node, value)
        assert {entry["fault"] for entry in described["active"]} == {fault.name}
        assert await look(here) == within
        assert (await here.clear(fault.name))["active"] == []
        assert await look(here) == without


THROUGH_ANOTHER = {
    "down": (None, 595, "Connection refused", 0.0),
    "drop-packets": (None, 595, "Connection timed out", 30.0),
    "hang": (None, 596, "Connection timed out", 30.0),
    "node-offline": (None, 595, "No route to host", 0.0),
    "slow": (2500, 200, "OK", 2.5),
    "cut-body": (None, 597, "Broken pipe", 0.0),
    "garbage": (None, 599, "Invalid server response", 0.0),
    "html": (None, 200, "OK", 0.0),
    "huge-body": (1, 200, "OK", 0.0),
    "server-error": (503, 503, "Service Unavailable", 0.0),
    "dead-peer": (595, 595, "Connection timed out", 0.0),
}
"""By fault of a node: its value, and what another node makes of it: status, reason, seconds that it takes."""


@pytest.mark.parametrize("fault", THROUGH_ANOTHER)
async def test_another_node_passes_it_on(fault: str) -> None:
    value, status, reason, seconds = THROUGH_ANOTHER[fault]
    async with lab() as here:
        await here.set(fault, "pve2", value)
        before = here.clock.now
        answer = await here.get("/nodes/pve2/status")
        assert (answer.status_code, answer.reason_phrase) == (status, reason)
        assert here.clock.now - before == seconds
        if fault in {"html", "huge-body"}:
            assert "uptime" not in answer.text
        assert (await here.get("/nodes/pve2/rrddata?timeframe=hour")).status_code == 200  # replicated
        assert (await here.get("/cluster/resources")).status_code == 200
        await here.clear(fault)
        assert (await here.data("/nodes/pve2/status"))["uptime"] > 0


async def test_a_task_runs_although_its_answer_came_too_late() -> None:
    async with lab() as here:
        guest = next(one for one in here.cluster.state.guests if one.node == "pve2" and one.kind == "qemu")
        await here.set("slow", "pve2", 45_000)
        before = here.clock.now
        answer = await here.post(f"/nodes/pve2/qemu/{guest.vmid}/status/stop")
        assert (answer.status_code, answer.reason_phrase) == (596, "Connection timed out")
        assert here.clock.now - before == 30
        await here.clear("slow")
        newest = (await here.data("/nodes/pve2/tasks?source=all&limit=1"))[0]
        assert (newest["type"], newest["id"]) == ("qmstop", str(guest.vmid))


async def test_a_slow_answer_may_be_cut_as_well() -> None:
    async with lab() as here:
        await here.set("slow", "pve2", 2500)
        await here.set("cut-body", "pve2")
        before = here.clock.now
        answer = await here.get("/nodes/pve2/status")
        assert (answer.status_code, here.clock.now - before) == (597, 2.5)
