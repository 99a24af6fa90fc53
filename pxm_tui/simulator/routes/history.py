"""Figures of the past: `rrddata` of nodes, guests and storages."""

from pxm_tui.simulator.errors import handler_error
from pxm_tui.simulator.history import Source, frame_of, guest_source, node_source, series, storage_source
from pxm_tui.simulator.routes.base import Call, Route
from pxm_tui.simulator.routes.storages import find_storage

Series = list[dict[str, float]]


def _series(call: Call, source: Source) -> Series:
    frame = frame_of(call.text("timeframe") or "hour", call.release)
    return series(source, frame, call.now, highest=call.text("cf") == "MAX")


def show_node(call: Call) -> Series:
    """Answer `GET /nodes/{node}/rrddata`, on any node: the data is replicated."""
    name = call.place["node"]
    node = call.node if name == "localhost" else call.cluster.nodes.get(name)
    if node is None:
        raise _unknown(call, "node", name)
    return _series(call, node_source(node, call.release))


def _show_guest(call: Call, kind: str) -> Series:
    guest = call.cluster.guest(int(call.place["vmid"]), kind=kind)
    if guest is None:
        raise _unknown(call, "vm", call.place["vmid"])
    return _series(call, guest_source(guest, call.cluster.nodes[guest.node], call.release))


def show_machine(call: Call) -> Series:
    """Answer `GET /nodes/{node}/qemu/{vmid}/rrddata`."""
    return _show_guest(call, "qemu")


def show_container(call: Call) -> Series:
    """Answer `GET /nodes/{node}/lxc/{vmid}/rrddata`."""
    return _show_guest(call, "lxc")


def show_storage(call: Call) -> Series:
    """Answer `GET /nodes/{node}/storage/{storage}/rrddata`."""
    return _series(call, storage_source(find_storage(call), call.node))


def _unknown(call: Call, kind: str, name: str) -> Exception:
    """Say that there is no such database."""
    file = f"/var/lib/rrdcached/db/pve-{kind}-9.0/{name}"
    if not call.release.at_least(9):
        file = f"/var/lib/rrdcached/db/pve2-{kind}/{name}"
    return handler_error(f"RRD error: opening '{file}': No such file or directory")


ROUTES = (
    Route("GET", "/nodes/{node}/rrddata", show_node),
    Route("GET", "/nodes/{node}/qemu/{vmid}/rrddata", show_machine),
    Route("GET", "/nodes/{node}/lxc/{vmid}/rrddata", show_container),
    Route("GET", "/nodes/{node}/storage/{storage}/rrddata", show_storage),
)
