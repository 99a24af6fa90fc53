"""Terminals of guests and nodes (pve-manager Nodes.pm, qemu-server Qemu.pm, pve-container LXC.pm)."""

from collections.abc import Callable

from pxm_tui.simulator.consoles import CONNECT_WITHIN, Console, Program, Terminal, farewell
from pxm_tui.simulator.errors import ApiError, handler_error, permission_error
from pxm_tui.simulator.guest_details import details_of
from pxm_tui.simulator.inventory import Guest, Node
from pxm_tui.simulator.permissions import ROOT
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.guest_base import both, place_of, run_task
from pxm_tui.simulator.shell import Shell
from pxm_tui.simulator.tasks import Task, TaskError, Work

GUEST_TOKENS_SINCE = NODE_TOKENS_SINCE = (9, 1)
FOREVER = 1e9
PASSWORDS_SINCE = (9, 2)
PASSWORD_LETTERS = "".join(chr(code) for code in range(33, 127) if chr(code) != ":")


def open_guest_terminal(call: Call) -> Entry:
    """Answer `POST …/termproxy` of a guest. It runs on the node that was asked."""
    place = place_of(call)
    guest = call.cluster.guest(place.vmid, node=call.place["node"], kind=place.kind)
    if guest is None:
        raise handler_error(f"Configuration file '{place.file}' does not exist")
    serial = call.text("serial")
    if serial is not None and serial not in details_of(guest).options:
        raise handler_error(f"serial interface '{serial}' is not defined")
    works = not call.identity.by_token or call.release.number >= GUEST_TOKENS_SINCE
    return _open(call, f"/vms/{place.vmid}", _guest_program(call, guest), "vncproxy", place.vmid, works=works)


def _guest_program(call: Call, guest: Guest) -> Program:
    clock = call.cluster.clock

    def begin(send: Callable[[bytes], None]) -> Shell | None:
        if not guest.running:
            send(f"{'VM' if guest.kind == 'qemu' else 'CT'} {guest.vmid} not running\r\n".encode())
            return None
        if guest.kind == "qemu":
            if not any(name.startswith("serial") for name in details_of(guest).options):
                send(b"unable to find a serial interface\r\n")
                return None
            send(b"starting serial terminal on interface serial0\r\n")
        return Shell(guest.name, send, uptime=int(clock() - (guest.started_at or clock())))

    return begin


def open_node_terminal(call: Call) -> Entry:
    """Answer `POST /nodes/{node}/termproxy`: a shell for root@pam, a login for everybody else."""
    realm = call.authid.partition("!")[0].rpartition("@")[2]
    if not call.release.at_least(8) and realm != "pam":
        raise permission_error(f"realm {realm} != pam")
    if call.identity.by_token and call.release.number < NODE_TOKENS_SINCE:
        raise handler_error(f"value '{call.authid}' does not look like a valid user name")
    if call.text("cmd") not in {None, "login"} and call.authid != ROOT:
        raise permission_error("user != root@pam")
    name = call.place["node"]
    node = call.node if name == "localhost" else call.cluster.nodes.get(name)
    if node is None:
        raise handler_error(f"no such cluster node '{name}'")
    program = _node_program(call, node, login=call.authid != ROOT)
    return _open(call, f"/nodes/{node.name}", program, "vncshell", "", works=True)


def _node_program(call: Call, node: Node, *, login: bool) -> Program:
    cluster = call.cluster

    def check(name: str, password: str) -> bool:
        return name == "root" and password == cluster.accounts.user(ROOT).password

    def begin(send: Callable[[bytes], None]) -> Shell | None:
        if not node.online:
            send(f"ssh: connect to host {node.address} port 22: No route to host\r\n".encode())
            return None
        if not login:
            send(f"Linux {node.name} {cluster.release.kernel} x86_64\r\n\r\n".encode())
        uptime = int(cluster.clock() - node.started_at)
        return Shell(node.name, send, uptime=uptime, check=check if login else None)

    return begin


def open_screen(call: Call) -> Entry:
    """Answer `POST …/vncproxy`: a graphical console, of which nothing but the first greeting is simulated.

    Since 9.1.9 a password is always made and stands before the ticket; until then the ticket is the password.
    """
    place = place_of(call)
    if call.cluster.guest(place.vmid, node=call.place["node"], kind=place.kind) is None:
        raise handler_error(f"Configuration file '{place.file}' does not exist")

    def greet(send: Callable[[bytes], None]) -> None:
        send(b"RFB 003.008\n")

    entry = _open(call, f"/vms/{place.vmid}", greet, "vncproxy", place.vmid, works=True, screen=True)
    entry |= {"port": str(entry["port"]), "cert": call.cluster.authority.own.pem}
    if call.release.number >= PASSWORDS_SINCE:
        entry["password"] = "".join(call.cluster.numbers.choices(PASSWORD_LETTERS, k=8))
        entry["ticket"] = f"{entry['password']}:{entry['ticket']}"
    return entry


def _open(
    call: Call, path: str, program: Program, kind: str, subject: object, *, works: bool, screen: bool = False
) -> Entry:
    consoles = call.cluster.consoles(call.node)
    try:
        console = consoles.open(path, call.authid, program, call.now, works=works, screen=screen)
    except OverflowError as error:
        raise handler_error(str(error)) from None

    def work(task: Task) -> Work:
        console.task = task
        yield CONNECT_WITHIN
        if not console.connected:
            raise TaskError(farewell(console))
        yield FOREVER

    upid = run_task(call, call.node, kind, work, subject)
    port: int | str = console.port if call.release.at_least(7) else str(console.port)
    return {"user": call.authid, "ticket": console.ticket, "port": port, "upid": upid}


def connect(call: Call) -> Entry | Terminal:
    """Answer `GET …/vncwebsocket`: the terminal behind a port, for who shows its ticket."""
    vmid = call.place.get("vmid")
    name = call.node.name if call.place["node"] == "localhost" else call.place["node"]
    path = f"/nodes/{name}" if vmid is None else f"/vms/{vmid}"
    consoles = call.cluster.consoles(call.node)
    if not consoles.accepts(call.text("vncticket") or "", call.authid, path, call.now):
        raise ApiError(401, "permission denied - invalid PVEVNC ticket\n")
    port = call.number("port") or 0
    console = consoles.find(port, path)
    if not call.upgrades:
        return {"port": port}
    if console is None:
        raise handler_error(f"connect to 'localhost:{port}' failed: Connection refused")
    return _terminal(call, console)


def _terminal(call: Call, console: Console) -> Terminal:
    return Terminal(call.cluster.consoles(call.node), console, call.cluster.clock)


ROUTES: tuple[Route, ...] = (
    *both("POST", "/{vmid}/termproxy", open_guest_terminal),
    *both("POST", "/{vmid}/vncproxy", open_screen),
    *both("GET", "/{vmid}/vncwebsocket", connect),
    Route("POST", "/nodes/{node}/termproxy", open_node_terminal),
    Route("GET", "/nodes/{node}/vncwebsocket", connect),
)
