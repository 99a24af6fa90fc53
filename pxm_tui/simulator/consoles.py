"""Consoles of guests and nodes: a ticket and a port first, then a terminal behind a websocket (pve-xtermjs, termproxy).

A console belongs to the node that was asked for it and lives as long as its task. Who does not connect within
ten seconds comes too late.
"""

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from pxm_tui.simulator.answers import Channel
from pxm_tui.simulator.shell import Shell
from pxm_tui.simulator.tasks import Task, Tasks

PORTS = range(5900, 6000)
CONNECT_WITHIN = 10
"""Seconds to connect after the console was made, and to log in after that."""
TICKET_AGE = (-20, 40)
"""How old the ticket may be when it is shown, in seconds."""
FAREWELL = "command '/usr/bin/termproxy {port} --path {path} --perm {privilege} -- {command}' failed: exit code 1"

Program = Callable[[Callable[[bytes], None]], "Shell | None"]
"""Begins what runs in the terminal; None where it has ended already, after what it had to say."""


@dataclass(slots=True)
class Console:
    """A console that somebody asked for.

    Attributes:
        path: what it is a console of, as in access control lists.
        user: who asked; the only one who may connect.
        ticket: what has to be shown, twice.
        speaks_first: whether its program begins without a login line, as a graphical console does.
        works: whether its program accepts who asked; older releases do not know tokens there.
        connected: whether somebody has connected.
    """

    port: int
    path: str
    user: str
    ticket: str = field(repr=False)
    program: Program = field(repr=False)
    works: bool
    opened_at: float
    speaks_first: bool = False
    task: Task | None = None
    connected: bool = False


class Consoles:
    """The consoles of one node.

    Args:
        secret: what tickets are signed with.
        tasks: where each console's task ends.
    """

    def __init__(self, secret: bytes, tasks: Tasks) -> None:
        self._secret = secret
        self._tasks = tasks
        self._open: dict[int, Console] = {}

    def open(self, path: str, user: str, program: Program, now: float, *, works: bool, screen: bool) -> Console:
        """Make a console on the lowest port that is free; a `screen` speaks first.

        Raises:
            OverflowError: there is none.
        """
        port = next((port for port in PORTS if not self._taken(port)), None)
        if port is None:
            raise OverflowError("unable to find free port (5900-6000)")
        console = Console(port, path, user, self.ticket(user, path, now), program, works, now, screen)
        self._open[port] = console
        return console

    def _taken(self, port: int) -> bool:
        console = self._open.get(port)
        return console is not None and console.task is not None and console.task.running

    def ticket(self, user: str, path: str, now: float) -> str:
        """Give a ticket for one user and one console."""
        stamp = f"PVEVNC:{int(now):08X}"
        return f"{stamp}::{self._signature(stamp, user, path)}"

    def accepts(self, ticket: str, user: str, path: str, now: float) -> bool:
        """Tell whether a ticket is genuine, fresh, and this user's for this path."""
        # What comes before PVEVNC is the password of a graphical console.
        stamp, separator, signature = ticket[max(0, ticket.find("PVEVNC:")) :].partition("::")
        try:
            age = now - int(stamp.removeprefix("PVEVNC:"), 16)
        except ValueError:
            return False
        fresh = TICKET_AGE[0] <= age <= TICKET_AGE[1]
        expected = self._signature(stamp, user, path)
        return bool(separator) and fresh and hmac.compare_digest(expected.encode(), signature.encode())

    def _signature(self, stamp: str, user: str, path: str) -> str:
        blocks = (hmac.digest(self._secret, f"{n}\0{stamp}\0{user}:{path}".encode(), "sha256") for n in range(8))
        return base64.b64encode(b"".join(blocks)).decode("ascii")

    def find(self, port: int, path: str) -> Console | None:
        """Give the console that waits on a port, None where nobody does or somebody has connected."""
        console = self._open.get(port)
        if console is None or console.path != path or console.connected:
            return None
        return console if console.task is not None and console.task.running else None

    def finish(self, console: Console, now: float, status: str = "OK") -> None:
        """End a console and its task."""
        if self._open.get(console.port) is console:
            del self._open[console.port]
        if console.task is not None:
            self._tasks.end(console.task, now, status)


class Terminal:
    """Serves a console over a websocket: the login line, `OK`, then frames of input (termproxy, main.rs)."""

    def __init__(self, consoles: Consoles, console: Console, clock: Callable[[], float]) -> None:
        self._consoles = consoles
        self._console = console
        self._clock = clock
        self._buffer = b""
        self._channel: Channel | None = None
        self._shell: Shell | None = None

    def connect(self, channel: Channel) -> None:
        """Begin."""
        self._console.connected = True
        self._channel = channel
        if self._console.task is not None:
            self._console.task.at_the_end(channel.end)
        if self._console.speaks_first:
            self._console.program(channel.send)

    def receive(self, data: bytes) -> None:
        """Take the content of one frame."""
        if self._console.speaks_first:
            return
        self._buffer += data
        if self._shell is None:
            self._log_in()
        while self._shell is not None and self._buffer and self._take():
            pass
        if self._shell is not None and self._shell.ended and self._channel is not None:
            self._channel.end()

    def close(self) -> None:
        """Take note that the connection is gone."""
        failed = self._shell is None and not self._console.speaks_first
        self._consoles.finish(self._console, self._clock(), farewell(self._console) if failed else "OK")

    def _log_in(self) -> None:
        line, separator, rest = self._buffer.partition(b"\n")
        if not separator or self._channel is None:
            return
        self._buffer = rest
        expected = f"{self._console.user}:{self._console.ticket}".encode()
        if not self._console.works or not hmac.compare_digest(expected, line):
            self._channel.end()
            return
        self._channel.send(b"OK")
        self._shell = self._console.program(self._channel.send)
        if self._shell is None:
            self._channel.end()

    def _take(self) -> bool:
        """Take one frame of the terminal's own protocol; False where it is not whole yet."""
        kind = self._buffer[:1]
        if kind == b"0":
            return self._take_input()
        if kind == b"1":
            return self._take_size()
        self._buffer = self._buffer[1:]
        return True

    def _take_input(self) -> bool:
        parts = self._buffer.split(b":", 2)
        if len(parts) < 3 or not parts[1].isdigit():
            return self._skip(parts)
        length = int(parts[1])
        if len(parts[2]) < length:
            return False
        content, self._buffer = parts[2][:length], parts[2][length:]
        if self._shell is not None:
            self._shell.receive(content.decode("utf-8", "replace"))
        return True

    def _take_size(self) -> bool:
        parts = self._buffer.split(b":", 3)
        if len(parts) < 4 or not (parts[1].isdigit() and parts[2].isdigit()):
            return self._skip(parts)
        self._buffer = parts[3]
        if self._shell is not None:
            self._shell.resize(int(parts[1]), int(parts[2]))
        return True

    def _skip(self, parts: list[bytes]) -> bool:
        """Skip a byte that begins nothing; wait where what it begins may still become whole."""
        if all(part.isdigit() or not part for part in parts) and len(self._buffer) < 16:
            return False
        self._buffer = self._buffer[1:]
        return True


def farewell(console: Console) -> str:
    """Say how a console's task fails."""
    node = console.path.startswith("/nodes/")
    command = "/bin/login -f root" if node else f"/usr/sbin/qm terminal {console.path.rpartition('/')[2]} -escape 0"
    privilege = "Sys.Console" if node else "VM.Console"
    return FAREWELL.format(port=console.port, path=console.path, privilege=privilege, command=command)
