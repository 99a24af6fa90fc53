"""What belongs to the whole cluster: log, options, configuration, backup jobs."""

import hashlib

from pxm_tui.simulator.clock import seeded
from pxm_tui.simulator.errors import ApiError, handler_error, parameter_error
from pxm_tui.simulator.inventory import Node
from pxm_tui.simulator.journal import entries_of
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.schema.values import split_list

LOWEST, HIGHEST = 100, 1_000_000
FROM_GUESTS = 20
"""A cluster of so many guests has a backup job from the start."""


def show_log(call: Call) -> list[Entry]:
    """Answer `GET /cluster/log`: newest first, all of it only for who may read system logs."""
    everything = call.may("/", "Sys.Syslog")
    entries = [entry for entry in entries_of(call.cluster, call.now) if everything or entry.user == call.authid]
    limit = call.number("max")
    return [entry.data() for entry in entries[: limit or 500]]


def show_next_id(call: Call) -> str:
    """Answer `GET /cluster/nextid`: a number that no guest has, as a string."""
    asked = call.text("vmid")
    if asked is not None:
        if call.cluster.guest(int(asked)) is not None:
            raise parameter_error({"vmid": f"VM {asked} already exists"})
        return asked
    taken = {guest.vmid for guest in call.cluster.guests}
    for vmid in range(LOWEST, HIGHEST if call.release.at_least(7, 2) else 10_000):
        if vmid not in taken:
            return str(vmid)
    raise handler_error(f"unable to get any free VMID in range [{LOWEST}, {HIGHEST}]")


def show_options(call: Call) -> Entry:
    """Answer `GET /cluster/options`: the datacenter's settings, few of them for who may not audit."""
    options: Entry = {"keyboard": "en-us"}
    if not call.release.at_least(7, 3):
        return options
    options["tag-style"] = {"color-map": "prod:ff0000"}
    options["description"] = ""
    options["next-id"] = {"lower": str(LOWEST), "upper": str(HIGHEST)}
    if call.release.at_least(8):
        options["mac_prefix"] = "BC:24:11"
    options["allowed-tags"] = _tags(call)
    if call.may("/", "Sys.Audit"):
        return options
    return {name: options[name] for name in ("tag-style", "allowed-tags")}


def _tags(call: Call) -> list[str]:
    visible = (guest for guest in call.cluster.guests if guest.tags and call.may(f"/vms/{guest.vmid}", "VM.Audit"))
    return sorted({tag for guest in visible for tag in split_list(guest.tags or "")})


def list_configured_nodes(call: Call) -> list[Entry]:
    """Answer `GET /cluster/config/nodes`: strings from corosync.conf."""
    if call.cluster.options.standalone:
        return []
    return call.shuffled([{"node": node.name, **_corosync(node)} for node in call.cluster.nodes.values()])


def _corosync(node: Node) -> Entry:
    return {"name": node.name, "nodeid": str(node.number), "quorum_votes": "1", "ring0_addr": node.address}


def show_totem(call: Call) -> Entry | None:
    """Answer `GET /cluster/config/totem`."""
    if call.cluster.options.standalone:
        return None
    return {
        "cluster_name": call.cluster.name,
        "config_version": str(call.cluster.configuration_version),
        "interface": {"0": {"linknumber": "0"}},
        "ip_version": "ipv4-6",
        "link_mode": "passive",
        "secauth": "on",
        "version": "2",
    }


def show_join_information(call: Call) -> Entry:
    """Answer `GET /cluster/config/join`."""
    cluster = call.cluster
    if cluster.options.standalone:
        status = 424 if call.release.at_least(7, 1) else 500
        raise ApiError(status, "node is not in a cluster, no join info available!\n")
    nodes: list[Entry] = [
        {
            **_corosync(node),
            "pve_addr": cluster.told_address(node) or node.address,
            "pve_fp": cluster.leaf(node.name).fingerprint,
        }
        for node in cluster.nodes.values()
    ]
    content = f"{cluster.name} {cluster.configuration_version} {list(cluster.nodes)}"
    return {
        "nodelist": call.shuffled(nodes),
        "preferred_node": call.text("node") or call.node.name,
        "totem": show_totem(call),
        "config_digest": hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest(),
    }


def show_join_version(_call: Call) -> str:
    """Answer `GET /cluster/config/apiversion`."""
    return "1"


def show_quorum_device(_call: Call) -> Entry:
    """Answer `GET /cluster/config/qdevice`: there is none."""
    return {}


def list_nothing(_call: Call) -> list[Entry]:
    """Answer lists of what no cluster here has: HA rules, replication jobs, metric servers."""
    return []


def backup_job(call: Call) -> Entry | None:
    """Give the cluster's backup job: nightly, of half of its guests. Small clusters have none."""
    guests = call.cluster.guests
    if len(guests) < FROM_GUESTS:
        return None
    numbers = seeded(call.cluster.seed, "backup job")
    job: Entry = {
        "enabled": 1,
        "storage": "nas",
        "mode": "snapshot",
        "compress": "zstd",
        "mailnotification": "failure",
        "vmid": ",".join(str(guest.vmid) for guest in guests[: len(guests) // 2]),
    }
    if not call.release.at_least(7):
        return job | {
            "id": f"{numbers.randbytes(20).hex()}:1",
            "dow": "mon,tue,wed,thu,fri,sat,sun",
            "starttime": "21:00",
        }
    tonight = int(call.now) // 86400 * 86400 + 21 * 3600
    job |= {"id": f"backup-{numbers.randbytes(6).hex()}", "type": "vzdump", "schedule": "21:00"}
    return job | {"next-run": tonight if tonight > call.now else tonight + 86400}


def list_backup_jobs(call: Call) -> list[Entry]:
    """Answer `GET /cluster/backup`."""
    job = backup_job(call)
    return [] if job is None else [job]


def show_backup_job(call: Call) -> Entry:
    """Answer `GET /cluster/backup/{id}`."""
    job = backup_job(call)
    if job is None or job["id"] != call.place["id"]:
        raise parameter_error({"id": f"No such job '{call.place['id']}'"})
    return {name: value for name, value in job.items() if name != "next-run"}


def list_guests_without_backup(call: Call) -> list[Entry]:
    """Answer `GET /cluster/backup-info/not-backed-up`: guests that no job includes."""
    job = backup_job(call)
    included = set(split_list(str(job["vmid"]))) if job else set()
    found: list[Entry] = [
        {"vmid": guest.vmid, "name": guest.name, "type": guest.kind}
        for guest in call.cluster.guests
        if str(guest.vmid) not in included and call.may(f"/vms/{guest.vmid}", "VM.Audit")
    ]
    return call.shuffled(found)


ROUTES = (
    Route("GET", "/cluster/log", show_log),
    Route("GET", "/cluster/nextid", show_next_id),
    Route("GET", "/cluster/options", show_options),
    Route("GET", "/cluster/config/nodes", list_configured_nodes),
    Route("GET", "/cluster/config/totem", show_totem),
    Route("GET", "/cluster/config/join", show_join_information),
    Route("GET", "/cluster/config/apiversion", show_join_version),
    Route("GET", "/cluster/config/qdevice", show_quorum_device),
    Route("GET", "/cluster/ha/rules", list_nothing),
    Route("GET", "/cluster/replication", list_nothing),
    Route("GET", "/nodes/{node}/replication", list_nothing),
    Route("GET", "/cluster/metrics/server", list_nothing),
    Route("GET", "/cluster/backup", list_backup_jobs),
    Route("GET", "/cluster/backup/{id}", show_backup_job),
    Route("GET", "/cluster/backup-info/not-backed-up", list_guests_without_backup),
    Route("GET", "/cluster/backupinfo/not_backed_up", list_guests_without_backup),
)
