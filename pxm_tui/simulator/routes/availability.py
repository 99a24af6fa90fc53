"""High availability: quorum, managers, fencing and the resources that they look after."""

import hashlib
from datetime import UTC, datetime

from pxm_tui.simulator.errors import handler_error
from pxm_tui.simulator.ha import HaResource
from pxm_tui.simulator.routes.base import Call, Entry, Route


def show_ha_status(call: Call) -> list[Entry]:
    """Answer `GET /cluster/ha/status/current`."""
    cluster = call.cluster
    quorate = cluster.quorate(call.node)
    status = "OK" if quorate else f"No quorum on node '{call.node.name}'!"
    entries: list[Entry] = [
        {"id": "quorum", "type": "quorum", "node": call.node.name, "quorate": int(quorate), "status": status}
    ]
    if cluster.ha:
        entries += _managers(call)
    if call.release.at_least(9, 2):
        entries.append(_fencing(call))
    return entries + [_service(call, resource) for resource in cluster.ha.values()]


def _managers(call: Call) -> list[Entry]:
    now = int(call.now)
    online = [node for node in call.cluster.nodes.values() if call.cluster.node_online(node, call.node)]
    master = online[0].name
    idle = "idle, watchdog standby" if call.release.at_least(9, 2) else "idle"
    busy = {resource.node for resource in _placed(call)}
    entries: list[Entry] = [
        {
            "id": "master",
            "type": "master",
            "node": master,
            "status": f"{master} (active, {_date(now)})",
            "timestamp": now,
        }
    ]
    for node in call.cluster.nodes.values():
        seen = now if node.offline_since is None else int(node.offline_since)
        state = "active" if node.name in busy else idle
        state = state if node in online else "old timestamp - dead?"
        status = f"{node.name} ({state}, {_date(seen)})"
        entries.append(
            {"id": f"lrm:{node.name}", "type": "lrm", "node": node.name, "status": status, "timestamp": seen}
        )
    return entries


def _placed(call: Call) -> list["_Placed"]:
    return [_Placed(call, resource) for resource in call.cluster.ha.values()]


class _Placed:
    """A resource with the node that it is on."""

    def __init__(self, call: Call, resource: HaResource) -> None:
        guest = call.cluster.guest(resource.vmid)
        self.resource = resource
        self.node = guest.node if guest is not None else ""
        self.running = guest is not None and guest.running


def _date(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%a %b %e %H:%M:%S %Y")


def _fencing(call: Call) -> Entry:
    armed = bool(call.cluster.ha)
    return {
        "id": "fencing",
        "type": "fencing",
        "node": call.node.name,
        "status": "armed (CRM watchdog active)" if armed else "standby (CRM watchdog standby)",
        "armed-state": "armed" if armed else "standby",
    }


def _service(call: Call, resource: HaResource) -> Entry:
    placed = _Placed(call, resource)
    state = resource.manager_state
    if state == "started" and not placed.running:
        shown = "starting"
    else:
        shown = "stopping" if state == "request_stop" else state
    entry: Entry = {
        "id": f"service:{resource.sid}",
        "type": "service",
        "sid": resource.sid,
        "node": placed.node,
        "crm_state": state,
        "state": shown,
        "request_state": resource.state,
        "status": f"{resource.sid} ({placed.node}, {shown})",
        "max_restart": resource.max_restart,
        "max_relocate": resource.max_relocate,
    }
    return entry | _group(call, resource)


def _group(call: Call, resource: HaResource) -> Entry:
    extra: Entry = {"comment": resource.comment} if resource.comment else {}
    if call.release.at_least(9):
        extra["failback"] = 1
    elif resource.group:
        extra["group"] = resource.group
    return extra


def list_ha_resources(call: Call) -> list[Entry]:
    """Answer `GET /cluster/ha/resources`."""
    kind = call.text("type")
    found = [
        _resource(call, resource)
        for resource in call.cluster.ha.values()
        if kind in {None, resource.sid.partition(":")[0]}
    ]
    return call.shuffled(found)


def show_ha_resource(call: Call) -> Entry:
    """Answer `GET /cluster/ha/resources/{sid}`."""
    sid = call.place["sid"]
    for resource in call.cluster.ha.values():
        if sid in {resource.sid, str(resource.vmid)}:
            return _resource(call, resource)
    raise handler_error(f"no such resource '{sid}'")


def _resource(call: Call, resource: HaResource) -> Entry:
    entry: Entry = {
        "sid": resource.sid,
        "type": resource.sid.partition(":")[0],
        "state": resource.state,
        "max_restart": resource.max_restart,
        "max_relocate": resource.max_relocate,
        "digest": hashlib.sha1(str(sorted(call.cluster.ha)).encode(), usedforsecurity=False).hexdigest(),
    }
    return entry | _group(call, resource)


def show_ha_manager(call: Call) -> Entry:
    """Answer `GET /cluster/ha/status/manager_status`."""
    cluster = call.cluster
    states = {node.name: "online" if node.online else "unknown" for node in cluster.nodes.values()}
    return {
        "quorum": {"node": call.node.name, "quorate": str(int(cluster.quorate(call.node)))},
        "manager_status": {"node_status": states if cluster.ha else {}},
    }


def list_ha_groups(call: Call) -> list[Entry]:
    """Answer `GET /cluster/ha/groups`, which became rules in 9."""
    if call.release.at_least(9):
        raise handler_error("cannot index groups: ha groups have been migrated to rules")
    return []


HA = "/cluster/ha"

ROUTES = (
    Route("GET", f"{HA}/status/current", show_ha_status),
    Route("GET", f"{HA}/status/manager_status", show_ha_manager),
    Route("GET", f"{HA}/resources", list_ha_resources),
    Route("GET", f"{HA}/resources/{{sid}}", show_ha_resource),
    Route("GET", f"{HA}/groups", list_ha_groups),
)
