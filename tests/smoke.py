"""Run a command in a terminal of 80x24, wait until the demo shows its fleet, quit with `q`, and check how it ended.

Usage: python tests/smoke.py FILE, where FILE holds the command.
"""

from __future__ import annotations

import os
import pty
import select
import struct
import sys
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

PATIENCE = 300.0
WANTED = (b"DEMO", b"demo-fourth")
ENTER_SCREEN, LEAVE_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


def main(command: str) -> int:
    """Gives 0 when the demo came up, quit cleanly and left the terminal as it was."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", LANG="C.UTF-8")
        os.execvp("bash", ["bash", "-c", command])
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen = read_until(terminal, WANTED)
    os.write(terminal, b"q")
    seen += read_until(terminal, ())
    _, status = os.waitpid(child, 0)
    problems = [f"{word.decode()} did not appear" for word in WANTED if word not in seen]
    if os.waitstatus_to_exitcode(status) != 0:
        problems.append(f"exit status {os.waitstatus_to_exitcode(status)}")
    if seen.count(ENTER_SCREEN) != 1 or seen.count(LEAVE_SCREEN) != 1:
        problems.append("the alternate screen was not entered once and left once")
    sys.stdout.write("smoke run: " + ("; ".join(problems) or "the demo came up and quit cleanly") + "\n")
    if problems:
        sys.stdout.write(seen[-4000:].decode(errors="replace") + "\n")
    return 1 if problems else 0


def read_until(terminal: int, wanted: tuple[bytes, ...]) -> bytes:
    """Read until all of `wanted` has been seen; with nothing wanted, to the end."""
    seen, end = b"", time.monotonic() + PATIENCE
    while time.monotonic() < end:
        readable, _, _ = select.select([terminal], [], [], 1.0)
        if not readable:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
        if wanted and all(word in seen for word in wanted):
            break
    return seen


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).read_text(encoding="utf-8")))
