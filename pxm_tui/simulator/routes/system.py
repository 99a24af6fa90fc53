"""What a node tells of its operating system: services, network, disks, clock, subscription."""

import hashlib
from datetime import UTC, datetime

from pxm_tui.simulator.clock import seeded
from pxm_tui.simulator.errors import handler_error, parameter_error
from pxm_tui.simulator.inventory import Node
from pxm_tui.simulator.routes.base import Call, Entry, Route

SERVICES = {
    "chrony": "chrony, an NTP client/server",
    "corosync": "Corosync Cluster Engine",
    "cron": "Regular background program processing daemon",
    "ksmtuned": "Kernel Samepage Merging (KSM) Tuning Daemon",
    "postfix": "Postfix Mail Transport Agent (instance -)",
    "pve-cluster": "The Proxmox VE cluster filesystem",
    "pve-firewall": "Proxmox VE firewall",
    "pve-ha-crm": "PVE Cluster HA Resource Manager Daemon",
    "pve-ha-lrm": "PVE Local HA Resource Manager Daemon",
    "pvedaemon": "PVE API Daemon",
    "pveproxy": "PVE API Proxy Server",
    "pvescheduler": "Proxmox VE scheduler",
    "pvestatd": "PVE Status Daemon",
    "spiceproxy": "PVE SPICE Proxy Server",
    "sshd": "OpenBSD Secure Shell server",
    "syslog": "System Logging Service",
}
DISK_SIZE = 480_103_981_056


def list_services(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/services`."""
    return call.shuffled([_service(call, name) for name in SERVICES])


def show_service(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/services/{service}/state`."""
    name = call.place["service"]
    if name not in SERVICES:
        return {"service": name, "name": None, "desc": None, "state": "unknown"}
    return _service(call, name)


def _service(call: Call, name: str) -> Entry:
    stopped = name == "corosync" and call.cluster.options.standalone
    state = "dead" if stopped else "running"
    entry: Entry = {"service": name, "name": name, "desc": SERVICES[name], "state": state}
    if call.release.at_least(7):
        entry |= {"active-state": "inactive" if stopped else "active", "unit-state": "enabled"}
    return entry


def show_subscription(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/subscription`: nobody bought one."""
    modern = call.release.at_least(7)
    path = "en/proxmox-virtual-environment" if modern else "proxmox-ve"
    return {
        "status": "notfound" if modern else "NotFound",
        "message": "There is no subscription key",
        "serverid": seeded(call.cluster.seed, "server", call.node.name).randbytes(16).hex().upper(),
        "url": f"https://www.proxmox.com/{path}/pricing",
    }


def list_interfaces(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/network`: a card and a bridge on it."""
    kind = call.text("type")
    found = []
    for name, interface in _interfaces(call.node).items():
        bridge = interface["type"] == "bridge"
        if kind in {None, interface["type"]} or (bridge and kind in {"any_bridge", "any_local_bridge"}):
            found.append({"iface": name, **interface})
    return call.shuffled(found)


def show_interface(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/network/{iface}`."""
    interface = _interfaces(call.node).get(call.place["iface"])
    if interface is None:
        raise parameter_error({"iface": "interface does not exist"})
    return {name: value for name, value in interface.items() if name != "active"}


def _interfaces(node: Node) -> dict[str, Entry]:
    gateway = node.address.rpartition(".")[0] + ".254"
    card: Entry = {"type": "eth", "method": "manual", "method6": "manual", "priority": 3, "active": 1}
    bridge: Entry = {
        "type": "bridge",
        "method": "static",
        "method6": "manual",
        "priority": 4,
        "active": 1,
        "autostart": 1,
        "address": node.address,
        "netmask": "24",
        "cidr": f"{node.address}/24",
        "gateway": gateway,
        "bridge_ports": "eth0",
        "bridge_stp": "off",
        "bridge_fd": "0",
    }
    return {name: {**entry, "families": ["inet"]} for name, entry in (("eth0", card), ("vmbr0", bridge))}


def list_disks(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/disks/list`: two solid state disks."""
    numbers = seeded(call.cluster.seed, "disks", call.node.name)
    return [_disk(call, letter, numbers.randbytes(6).hex().upper()) for letter in "ab"]


def _disk(call: Call, letter: str, serial: str) -> Entry:
    entry: Entry = {
        "devpath": f"/dev/sd{letter}",
        "by_id_link": f"/dev/disk/by-id/ata-INTEL_SSDSC2KB480G8_{serial}",
        "model": "INTEL_SSDSC2KB480G8",
        "vendor": "ATA",
        "serial": serial,
        "wwn": f"0x{serial.lower()}55cd",
        "size": DISK_SIZE,
        "type": "ssd",
        "rpm": 0,
        "gpt": 1,
        "health": "PASSED",
        "wearout": 97,
        "used": "LVM",
        "osdid": -1,
    }
    return entry | {"mounted": 0, "osdid-list": None} if call.release.at_least(7) else entry


def show_dns(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/dns`."""
    return {"search": call.cluster.domain, "dns1": "10.11.12.1"}


def show_time(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/time`."""
    return {"timezone": "Etc/UTC", "time": int(call.now), "localtime": int(call.now)}


def show_hosts(call: Call) -> Entry:
    """Answer `GET /nodes/{node}/hosts`."""
    lines = ["127.0.0.1 localhost"]
    lines += [f"{node.address} {node.name}.{call.cluster.domain} {node.name}" for node in call.cluster.nodes.values()]
    content = "".join(f"{line}\n" for line in lines)
    return {"data": content, "digest": hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()}


def show_configuration(_call: Call) -> Entry:
    """Answer `GET /nodes/{node}/config`: nothing is set."""
    return {}


def list_system_log(call: Call) -> list[Entry]:
    """Answer `GET /nodes/{node}/syslog`: lines that say when which daemon was started."""
    call.total = len(SERVICES)
    start, limit = call.number("start") or 0, call.number("limit") or 50
    lines = []
    for number, (name, title) in enumerate(SERVICES.items(), 1):
        moment = datetime.fromtimestamp(call.node.started_at + number, UTC).strftime("%b %d %H:%M:%S")
        unit = f"{name}.service - {title}" if call.release.at_least(8) else title
        lines.append({"n": number, "t": f"{moment} {call.node.name} systemd[1]: Started {unit}."})
    return list(lines[start : start + limit])


def change_power(call: Call) -> None:
    """Answer `POST /nodes/{node}/status`: the node says yes and is gone two seconds later."""
    if call.text("command") not in {"reboot", "shutdown"}:
        raise handler_error("unknown command")
    call.cluster.power.switch_off(call.node, call.now, again=call.text("command") == "reboot")


NODE = "/nodes/{node}"

ROUTES = (
    Route("POST", f"{NODE}/status", change_power),
    Route("GET", f"{NODE}/services", list_services),
    Route("GET", f"{NODE}/services/{{service}}/state", show_service),
    Route("GET", f"{NODE}/subscription", show_subscription),
    Route("GET", f"{NODE}/network", list_interfaces),
    Route("GET", f"{NODE}/network/{{iface}}", show_interface),
    Route("GET", f"{NODE}/disks/list", list_disks),
    Route("GET", f"{NODE}/dns", show_dns),
    Route("GET", f"{NODE}/time", show_time),
    Route("GET", f"{NODE}/hosts", show_hosts),
    Route("GET", f"{NODE}/config", show_configuration),
    Route("GET", f"{NODE}/syslog", list_system_log),
)
