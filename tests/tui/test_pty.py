"""The program in a real terminal: it starts, shows, writes nothing while nothing changes, and leaves it clean."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.tui.pty_app import SECRET
from tests.tui.terminal import TerminalProgram

Starter = Callable[..., TerminalProgram]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Start the program with a log in the test's directory."""
    with ExitStack() as stack:

        def starter(count: int = 0, *words: str, **environment: str | None) -> TerminalProgram:
            arguments = ["-m", "tests.tui.pty_app", str(count), str(tmp_path / "pxm.log"), *words]
            return stack.enter_context(TerminalProgram(arguments, environment=environment))

        yield starter


def _is_clean(output: bytes) -> bool:
    return (
        output.count(b"\x1b[?1049h") == output.count(b"\x1b[?1049l") == 1
        and output.rindex(b"\x1b[?25h") > output.rindex(b"\x1b[?25l")
        and output.rfind(b"\x1b[?1000l") >= output.rfind(b"\x1b[?1000h")
    )


def _colours(output: bytes) -> set[bytes]:
    """All parts of all sequences that set colours and styles."""
    return {part for found in re.findall(rb"\x1b\[([0-9;]*)m", output) for part in found.split(b";")}


def test_keys_typed_before_the_first_frame_act_in_their_order(start: Starter) -> None:
    program = start()
    program.press("jj")
    program.wait_for("by name")
    program.press("Gk\r")
    program.wait_for("Last errors")

    assert "Clusters › lab-old" in re.sub(r"\x1b\[[0-9;]*m", "", program.output.decode())


@pytest.mark.parametrize("keys", ["jj!/x", ":open dr-ams\rq", "?q", "sS", "\t\t"])
def test_keys_typed_before_the_first_frame_do_no_harm(start: Starter, keys: str) -> None:
    program = start()
    program.press(keys)
    program.wait_for("\x1b[?1049h")
    program.press(keys)
    program.wait_for("pxm")
    program.wait_until_quiet()
    program.press("\x03\x03")

    assert program.wait() == 0


def test_starts_shows_and_quits(start: Starter) -> None:
    program = start()
    before = program.modes()
    program.wait_for("by name")
    assert program.modes() != before
    program.press("q")

    assert program.wait() == 0
    assert _is_clean(program.output)
    assert program.modes() == before


def test_the_stored_table_is_there_before_textual_is(start: Starter) -> None:
    program = start()
    program.wait_for("by name")
    first = program.output
    program.wait_for("\x1b[?1000h")
    program.wait_until_quiet()

    assert b"\x1b[?1000h" not in first
    assert first.count(b"\r\n") == 23
    program.press("q")
    assert program.wait() == 0


def test_asks_for_clicks_and_not_for_every_movement(start: Starter) -> None:
    program = start()
    program.wait_for("by name")
    program.press("q")
    program.wait()

    assert b"\x1b[?1003h" not in program.output
    assert b"\x1b[?1006h" in program.output


def test_no_mouse_asks_for_nothing(start: Starter) -> None:
    program = start(0, "no-mouse")
    program.wait_for("by name")
    program.press("q")
    program.wait()

    assert b"\x1b[?1000h" not in program.output
    assert b"\x1b[?1003h" not in program.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("after", ["by name", "\x1b[?1000h"])
def test_signals_end_it_as_q_does(start: Starter, number: signal.Signals, after: str) -> None:
    program = start()
    program.wait_for(after)
    program.send(number)

    assert program.wait() == 0
    assert _is_clean(program.output)


def test_ends_when_the_terminal_is_gone(start: Starter) -> None:
    program = start()
    program.wait_for("by name")
    program.hang_up()

    program.wait()


@pytest.mark.parametrize("keys", ["\x03", ":q\r", "jj/fra\r:q\r"])
def test_other_ways_out(start: Starter, keys: str) -> None:
    program = start()
    program.wait_for("by name")
    program.press(keys)

    assert program.wait() == 0
    assert _is_clean(program.output)


def test_a_crash_leaves_the_terminal_clean_and_tells_the_log_without_secrets(start: Starter, tmp_path: Path) -> None:
    program = start(0, "crash")
    program.wait_for("by name")
    program.press("x")

    assert program.wait() == 1
    assert _is_clean(program.output)
    after = program.output[program.output.rindex(b"\x1b[?1049l") :].decode()
    assert "pxm: unexpected error, details in ~/.local/state/pxm/pxm.log (no secrets in it)." in after
    log = (tmp_path / "pxm.log").read_text()
    assert "RuntimeError" in log
    assert "_crash" in log
    assert SECRET not in log
    assert SECRET.encode() not in program.output
    assert "Traceback" not in after


def test_writes_nothing_while_nothing_changes(start: Starter) -> None:
    program = start()
    program.wait_for("by name")
    program.wait_until_quiet()

    assert program.read(1.5) == b""


def test_no_color_writes_no_colours(start: Starter) -> None:
    program = start(0, NO_COLOR="1")
    program.wait_for("by name")
    program.press("q")
    program.wait()

    assert _colours(program.output) <= {b"", b"0", b"1", b"2", b"7", b"39", b"49"}
    assert b"7" in _colours(program.output)


def test_sixteen_colours_where_the_terminal_has_no_more(start: Starter) -> None:
    program = start(0, TERM="xterm", COLORTERM=None)
    program.wait_for("by name")
    program.press("q")
    program.wait()

    assert not {b"38", b"48"} & _colours(program.output)
    assert {b"31", b"32", b"33", b"35"} <= _colours(program.output)


def test_ascii_outside_utf8(start: Starter) -> None:
    program = start(0, LC_ALL="C", LANG="C", PYTHONUTF8="0")
    program.wait_for("by name")
    program.press("q")
    program.wait()

    program.output.decode("ascii")
