"""What answers in a terminal: a small shell that echoes, and the login before it."""

import re
from collections.abc import Callable

Send = Callable[[bytes], None]
Check = Callable[[str, str], bool]

CLEAR = b"\x1b[H\x1b[2J"
INTERRUPT, END_OF_INPUT, BACKSPACE, DELETE, FORM_FEED = "\x03", "\x04", "\x08", "\x7f", "\x0c"
FILES = "bin  boot  dev  etc  home  lib  media  mnt  opt  proc  root  run  sbin  srv  sys  tmp  usr  var"
COMMANDS = "clear  echo  exit  help  hostname  ls  pwd  stty  uname  uptime  whoami"


class Shell:
    """A shell for one person: reads lines, echoes them and knows a few commands.

    Attributes:
        columns: width of the terminal.
        rows: its height.
        ended: whether it is over.
    """

    def __init__(self, host: str, send: Send, *, uptime: int, check: Check | None = None) -> None:
        """Begin a shell.

        Args:
            host: what it calls its machine.
            send: takes what it writes.
            uptime: for how many seconds the machine runs.
            check: decides about a name and a password; without it nobody is asked for them.
        """
        self._host = host
        self._send = send
        self._uptime = uptime
        self._check = check
        self._name: str | None = "root" if check is None else None
        self._pending = ""
        self._asking_password = False
        self._line = ""
        self._escape = ""
        self._last = ""
        self.columns, self.rows = 80, 20
        self.ended = False
        self._prompt()

    def receive(self, text: str) -> None:
        """Take what was typed."""
        for char in text:
            if self.ended:
                return
            self._take(char)

    def resize(self, columns: int, rows: int) -> None:
        """Take note of another size of the terminal."""
        self.columns, self.rows = columns, rows

    def _take(self, char: str) -> None:
        if self._in_sequence(char):
            return
        if char in {"\r", "\n"}:
            if not (char == "\n" and self._last == "\r"):
                self._enter()
        elif char == INTERRUPT:
            self._line = ""
            self._write("^C\n")
            self._prompt()
        elif char == END_OF_INPUT and not self._line:
            self._end("logout\n")
        elif char in {BACKSPACE, DELETE}:
            self._rub_out()
        elif char == FORM_FEED:
            self._send(CLEAR)
            self._prompt()
        elif char.isprintable():
            self._line += char
            if not self._asking_password:
                self._send(char.encode())
        self._last = char

    def _in_sequence(self, char: str) -> bool:
        """Swallow the escape sequences of arrow and function keys."""
        if not self._escape:
            self._escape = char if char == "\x1b" else ""
            return bool(self._escape)
        self._escape += char
        if re.fullmatch(r"\x1b(\[[0-9;?]*[@-~]|O.|[^\[O])", self._escape):
            self._escape = ""
        return True

    def _rub_out(self) -> None:
        if self._line:
            self._line = self._line[:-1]
            if not self._asking_password:
                self._send(b"\b \b")

    def _enter(self) -> None:
        line, self._line = self._line, ""
        self._send(b"\r\n")
        if self._asking_password:
            self._log_in(line)
        elif self._name is None:
            self._pending = line.strip()
            self._asking_password = bool(self._pending)
            self._prompt()
        else:
            self._run(line)
            if not self.ended:
                self._prompt()

    def _log_in(self, password: str) -> None:
        self._asking_password = False
        if self._check is not None and self._check(self._pending, password):
            self._name = self._pending
        else:
            self._write("\nLogin incorrect\n")
        self._prompt()

    def _prompt(self) -> None:
        if self._asking_password:
            self._send(b"Password: ")
        elif self._name is None:
            self._send(f"{self._host} login: ".encode())
        else:
            self._send(f"{self._name}@{self._host}:~{'#' if self._name == 'root' else '$'} ".encode())

    def _run(self, line: str) -> None:
        command, _, rest = line.strip().partition(" ")
        hours, minutes = self._uptime // 3600, self._uptime % 3600 // 60
        answers = {
            "": "",
            "echo": rest + "\n",
            "help": COMMANDS + "\n",
            "hostname": self._host + "\n",
            "ls": FILES + "\n",
            "pwd": "/root\n",
            "stty": f"rows {self.rows}; columns {self.columns};\n",
            "uname": "Linux\n",
            "uptime": f"up {hours // 24} days, {hours % 24}:{minutes:02d},  1 user,  load average: 0.08, 0.05, 0.01\n",
            "whoami": f"{self._name}\n",
        }
        if command in {"exit", "logout"}:
            self._end("logout\n")
        elif command == "clear":
            self._send(CLEAR)
        else:
            self._write(answers.get(command, f"-bash: {command}: command not found\n"))

    def _end(self, text: str) -> None:
        self._write(text)
        self.ended = True

    def _write(self, text: str) -> None:
        self._send(text.replace("\n", "\r\n").encode())
