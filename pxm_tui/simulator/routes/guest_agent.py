"""What a guest says of itself: QEMU's guest agent, and the interfaces of containers (Qemu/Agent.pm, LXC.pm)."""

from pxm_tui.simulator.errors import handler_error
from pxm_tui.simulator.guest_details import details_of, ip_address, mac_address
from pxm_tui.simulator.inventory import Guest
from pxm_tui.simulator.metrics import guest_figures
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.guest_base import guest_of, whole

COMMANDS = (
    *("exec", "exec-status", "file-read", "file-write", "fsfreeze-freeze", "fsfreeze-status", "fsfreeze-thaw"),
    *("fstrim", "get-fsinfo", "get-host-name", "get-memory-block-info", "get-memory-blocks", "get-osinfo"),
    *("get-time", "get-timezone", "get-users", "get-vcpus", "info", "network-get-interfaces", "ping"),
    *("set-user-password", "shutdown", "suspend-disk", "suspend-hybrid", "suspend-ram"),
)
SYSTEM = {
    "id": "debian",
    "name": "Debian GNU/Linux",
    "pretty-name": "Debian GNU/Linux 12 (bookworm)",
    "version": "12 (bookworm)",
    "version-id": "12",
    "kernel-release": "6.1.0-28-amd64",
    "kernel-version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)",
    "machine": "x86_64",
}
LOOPBACK = "00:00:00:00:00:00"


def list_commands(call: Call) -> list[Entry]:
    """Answer `GET …/agent`."""
    guest_of(call)
    return [{"name": name} for name in COMMANDS]


def ask_anything(call: Call) -> Entry:
    """Answer `POST …/agent`, the older way to give a command."""
    answers = {"ping": ping, "get-osinfo": show_system, "network-get-interfaces": show_interfaces}
    command = call.text("command") or ""
    if command in answers:
        return answers[command](call)
    _agent(call)
    return {"result": {}}


def ping(call: Call) -> Entry:
    """Answer `POST …/agent/ping`."""
    _agent(call)
    return {"result": {}}


def show_system(call: Call) -> Entry:
    """Answer `GET …/agent/get-osinfo`."""
    _agent(call)
    return {"result": dict(SYSTEM)}


def show_host_name(call: Call) -> Entry:
    """Answer `GET …/agent/get-host-name`."""
    return {"result": {"host-name": _agent(call).name}}


def show_interfaces(call: Call) -> Entry:
    """Answer `GET …/agent/network-get-interfaces`."""
    guest = _agent(call)
    figures = guest_figures(guest, call.now)
    received, sent = whole(figures["netin"]), whole(figures["netout"])
    return {
        "result": [
            _interface("lo", LOOPBACK, ("127.0.0.1", 8), ("::1", 128), (0, 0)),
            _interface(
                "ens18",
                mac_address(guest.vmid, 0).lower(),
                (ip_address(guest.vmid), 24),
                (_link_local(guest), 64),
                (received, sent),
            ),
        ]
    }


Address = tuple[str, int]


def _interface(name: str, mac: str, ipv4: Address, ipv6: Address, traffic: tuple[int, int]) -> Entry:
    statistics = {f"{way}-{what}": 0 for way in ("rx", "tx") for what in ("dropped", "errs")}
    for way, count in zip(("rx", "tx"), traffic, strict=True):
        statistics |= {f"{way}-bytes": count, f"{way}-packets": count // 700}
    return {
        "name": name,
        "hardware-address": mac,
        "ip-addresses": [
            {"ip-address": ipv4[0], "ip-address-type": "ipv4", "prefix": ipv4[1]},
            {"ip-address": ipv6[0], "ip-address-type": "ipv6", "prefix": ipv6[1]},
        ],
        "statistics": statistics,
    }


def _agent(call: Call) -> Guest:
    """Give the guest if its agent answers.

    Raises:
        ApiError: it has none, or does not run.
    """
    guest = guest_of(call)
    if not str(details_of(guest).options.get("agent", "0")).startswith(("1", "enabled=1")):
        raise handler_error("No QEMU guest agent configured")
    if not guest.running:
        raise handler_error(f"VM {guest.vmid} is not running")
    if guest.quiet_since is not None:
        raise handler_error("QEMU guest agent is not running")
    return guest


def show_file_systems(call: Call) -> Entry:
    """Answer `GET …/agent/get-fsinfo`."""
    guest = _agent(call)
    used = int(guest.disk * (0.2 + 0.5 * guest.phase))
    root = {
        "name": "sda1",
        "mountpoint": "/",
        "type": "ext4",
        "total-bytes": guest.disk,
        "used-bytes": used,
        "disk": [],
    }
    return {"result": [root]}


def show_time(call: Call) -> Entry:
    """Answer `GET …/agent/get-time`, in nanoseconds."""
    _agent(call)
    return {"result": int(call.now * 1_000_000_000)}


def show_time_zone(call: Call) -> Entry:
    """Answer `GET …/agent/get-timezone`."""
    _agent(call)
    return {"result": {"zone": "UTC", "offset": 0}}


def show_users(call: Call) -> Entry:
    """Answer `GET …/agent/get-users`: nobody is logged in."""
    _agent(call)
    return {"result": []}


def show_processors(call: Call) -> Entry:
    """Answer `GET …/agent/get-vcpus`."""
    cores = range(_agent(call).cores)
    return {"result": [{"logical-id": number, "online": True, "can-offline": number > 0} for number in cores]}


def _link_local(guest: Guest) -> str:
    parts = [int(part, 16) for part in mac_address(guest.vmid, 0).split(":")]
    parts[0] ^= 2
    first, second, third, fourth = (
        parts[0] << 8 | parts[1],
        parts[2] << 8 | 0xFF,
        0xFE00 | parts[3],
        parts[4] << 8 | parts[5],
    )
    return f"fe80::{first:x}:{second:x}:{third:x}:{fourth:x}"


def show_container_interfaces(call: Call) -> list[Entry] | None:
    """Answer `GET /nodes/{node}/lxc/{vmid}/interfaces`; a stopped container has none at all."""
    guest = guest_of(call)
    if not guest.running:
        return None
    return [
        _container_interface(call, "lo", LOOPBACK, ("127.0.0.1", 8), ("::1", 128)),
        _container_interface(
            call, "eth0", mac_address(guest.vmid, 0).lower(), (ip_address(guest.vmid), 24), (_link_local(guest), 64)
        ),
    ]


def _container_interface(call: Call, name: str, mac: str, ipv4: Address, ipv6: Address) -> Entry:
    entry: Entry = {"name": name, "hwaddr": mac, "inet": f"{ipv4[0]}/{ipv4[1]}", "inet6": f"{ipv6[0]}/{ipv6[1]}"}
    if call.release.at_least(8, 4):
        entry["hardware-address"] = mac
        entry["ip-addresses"] = [
            {"ip-address": ipv4[0], "ip-address-type": "inet", "prefix": ipv4[1]},
            {"ip-address": ipv6[0], "ip-address-type": "inet6", "prefix": ipv6[1]},
        ]
    return entry


AGENT = "/nodes/{node}/qemu/{vmid}/agent"

ROUTES: tuple[Route, ...] = (
    Route("GET", AGENT, list_commands),
    Route("POST", AGENT, ask_anything),
    Route("POST", AGENT + "/ping", ping),
    Route("GET", AGENT + "/get-osinfo", show_system),
    Route("GET", AGENT + "/get-host-name", show_host_name),
    Route("GET", AGENT + "/network-get-interfaces", show_interfaces),
    Route("GET", AGENT + "/get-fsinfo", show_file_systems),
    Route("GET", AGENT + "/get-time", show_time),
    Route("GET", AGENT + "/get-timezone", show_time_zone),
    Route("GET", AGENT + "/get-users", show_users),
    Route("GET", AGENT + "/get-vcpus", show_processors),
    Route("GET", "/nodes/{node}/lxc/{vmid}/interfaces", show_container_interfaces),
)
