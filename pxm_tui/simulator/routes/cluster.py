"""The whole cluster at a glance: version, status, resources."""

import json
from collections.abc import Iterator

from pxm_tui.simulator.answers import EncodedList
from pxm_tui.simulator.inventory import STORAGES, Guest, Node, Pool, Storage
from pxm_tui.simulator.metrics import GuestSample, guest_sample, node_figures, sampled, storage_used
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.guest_rows import guest_rows

MANY = 500


def show_version(call: Call) -> Entry:
    """Answer `GET /version`, to which Proxmox VE 6 adds the settings of the datacenter."""
    data = release_of(call)
    if not call.cluster.release.at_least(7):
        data["keyboard"] = "en-us"
    return data


def release_of(call: Call) -> Entry:
    """Name the release of a node."""
    release = call.cluster.installed_on(call.node)
    return {"version": release.version, "release": release.name, "repoid": release.repository}


def show_status(call: Call) -> list[Entry]:
    """Answer `GET /cluster/status`: the cluster first, then its nodes as the answering node sees them."""
    cluster = call.cluster
    entries: list[Entry] = [_status_entry(call, node) for node in cluster.nodes.values()]
    cluster.numbers.shuffle(entries)
    if cluster.options.standalone:
        return entries
    head: Entry = {
        "type": "cluster",
        "id": "cluster",
        "name": cluster.name,
        "nodes": len(cluster.nodes),
        "quorate": int(cluster.quorate(call.node)),
        "version": cluster.configuration_version,
    }
    return [head, *entries]


def _status_entry(call: Call, node: Node) -> Entry:
    entry: Entry = {
        "type": "node",
        "id": f"node/{node.name}",
        "name": node.name,
        "nodeid": node.number,
        "local": int(node is call.node),
        "online": int(call.cluster.node_online(node, call.node)),
        "level": "",
    }
    address = call.cluster.told_address(node)
    return entry | {"ip": address} if address else entry


def list_nodes(call: Call) -> list[Entry]:
    """Answer `GET /nodes`."""
    entries = []
    for node in call.cluster.nodes.values():
        entry = node_entry(call, node)
        entry["ssl_fingerprint"] = call.cluster.leaf(node.name).fingerprint
        entries.append(entry)
    call.cluster.numbers.shuffle(entries)
    return entries


def node_entry(call: Call, node: Node) -> Entry:
    """Describe a node as `/nodes` and `/cluster/resources` do.

    An offline node loses its figures at once and its sizes when pmxcfs forgets them; who may not audit the
    node sees neither.
    """
    online = call.cluster.node_online(node, call.node)
    entry: Entry = {
        "id": f"node/{node.name}",
        "node": node.name,
        "type": "node",
        "status": "online" if online else "offline",
    }
    known_until = call.cluster.figures_time(node, call.now)
    if known_until is None:
        return entry
    entry["level"] = ""
    if call.may(f"/nodes/{node.name}", "Sys.Audit"):
        entry.update(maxcpu=node.cores, maxmem=node.memory, maxdisk=node.disk)
        if online:
            entry.update(node_figures(node, sampled(call.now)))
    return entry


def list_resources(call: Call) -> EncodedList:
    """Answer `GET /cluster/resources`, filtered by what who asks may see."""
    wanted = call.text("type")
    entries: list[Entry] = []
    if wanted is None:
        entries += _pools(call)
    if wanted in {None, "node"}:
        entries += _nodes(call)
    if wanted in {None, "storage"}:
        entries += storage_entries(call)
    if wanted in {None, "sdn"}:
        entries += _zones(call, wanted)
    rows = [json.dumps(entry, separators=(",", ":"), ensure_ascii=False) for entry in entries]
    if wanted in {None, "vm"}:
        rows += guest_rows(call)
    return EncodedList(_any_order(call, rows))


def _any_order(call: Call, rows: list[str]) -> list[str]:
    """Put rows into an arbitrary order; of many, only where the list begins is left to chance."""
    if len(rows) < MANY:
        call.cluster.numbers.shuffle(rows)
        return rows
    start = call.cluster.numbers.randrange(len(rows))
    return rows[start:] + rows[:start]


def _pools(call: Call) -> list[Entry]:
    privilege = "Pool.Audit" if call.cluster.release.at_least(7) else "Pool.Allocate"
    return [_pool_entry(call, pool) for pool in call.cluster.pools if call.may(f"/pool/{pool.name}", privilege)]


def _pool_entry(call: Call, pool: Pool) -> Entry:
    """Describe a pool, with the sums of its members that run, whether who asks may see those or not."""
    entry: Entry = {"type": "pool", "id": f"/pool/{pool.name}", "pool": pool.name}
    running = list(_running_members(call, pool))
    if not running:
        return entry
    cores = sum(guest.cores for guest, _ in running)
    return entry | {
        "uptime": max(uptime for _, (_, _, _, uptime, *_) in running),
        "mem": sum(memory for _, (_, memory, *_) in running),
        "maxmem": sum(guest.memory for guest, _ in running),
        "cpu": sum(cpu * guest.cores for guest, (cpu, *_) in running) / cores,
        "maxcpu": cores,
    }


def _running_members(call: Call, pool: Pool) -> Iterator[tuple[Guest, GuestSample]]:
    """Go through a pool's guests that run, with their figures of the last round of pvestatd."""
    for path in pool.members:
        guest = call.cluster.guest(int(path[5:])) if path.startswith("/vms/") else None
        if guest is None or not guest.running:
            continue
        last = call.cluster.figures_time(call.cluster.nodes[guest.node], call.now)
        if last is not None:
            yield guest, guest_sample(guest, sampled(last))


def _nodes(call: Call) -> list[Entry]:
    entries = []
    for node in call.cluster.nodes.values():
        entry = node_entry(call, node)
        if call.cluster.release.at_least(7, 3) and "level" in entry:
            entry["cgroup-mode"] = 2
        entries.append(entry)
    return entries


def storage_entries(call: Call) -> list[Entry]:
    """Describe the storages that who asks may audit as `/cluster/resources` does, one entry a node."""
    return [
        _storage_entry(call, storage, node)
        for storage in STORAGES
        if call.may(f"/storage/{storage.name}", "Datastore.Audit")
        for node in call.cluster.nodes.values()
    ]


def _storage_entry(call: Call, storage: Storage, node: Node) -> Entry:
    known_until = call.cluster.figures_time(node, call.now)
    entry: Entry = {
        "id": f"storage/{node.name}/{storage.name}",
        "type": "storage",
        "storage": storage.name,
        "node": node.name,
        "plugintype": storage.plugin,
        "content": storage.content,
        "shared": int(storage.shared),
        "status": "unknown" if known_until is None else "available",
    }
    if known_until is not None:
        entry["maxdisk"] = storage.size
        entry["disk"] = storage_used(storage, node, sampled(known_until))
    return entry


def _zones(call: Call, wanted: str | None) -> list[Entry]:
    """List the software-defined networks: none in 6 and 7, the local one in 8, of another type since 9.1."""
    release = call.cluster.release
    if not release.at_least(8) or not call.may("/sdn/zones/localnetwork", "SDN.Audit"):
        return []
    if release.at_least(9, 1):
        return [] if wanted == "sdn" else [_network_entry(node) for node in call.cluster.nodes.values()]
    return [
        {
            "id": f"sdn/{node.name}/localnetwork",
            "type": "sdn",
            "sdn": "localnetwork",
            "node": node.name,
            "status": "ok",
        }
        for node in call.cluster.nodes.values()
    ]


def _network_entry(node: Node) -> Entry:
    return {
        "id": f"network/{node.name}/zone/localnetwork",
        "type": "network",
        "network": "localnetwork",
        "network-type": "zone",
        "node": node.name,
        "status": "ok",
    }


ROUTES = (
    Route("GET", "/version", show_version),
    Route("GET", "/cluster/status", show_status),
    Route("GET", "/cluster/resources", list_resources),
    Route("GET", "/nodes", list_nodes),
)
