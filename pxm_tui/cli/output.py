"""What is printed: JSON for programs and texts for people on stdout, messages on stderr."""

from __future__ import annotations

import json
import re
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pxm_tui.domain.errors import PxmError


class OutputLostError(Exception):
    """Standard output cannot be written: its disk is full, or nobody reads any more. The cause is an `OSError`."""


class _Stdout:
    """Tells a stdout that cannot be written from other failures; without contextlib, which slows `pxm list` down."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise OutputLostError from error


_UNSEEN = (
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
"""As `domain.text` has them, which this module does not import."""


def _escaped(found: re.Match[str]) -> str:
    sign = found.group()
    return f"\\u{ord(sign):04x}" if sign <= "\uffff" else json.dumps(sign)[1:-1]


def print_json(value: Any) -> None:
    """Print a value as JSON in UTF-8: indented for a terminal, on one line for a program.

    Signs that a terminal could act on are written as escapes, inside strings; the value stays the same.
    """
    _print(value, 2 if sys.stdout.isatty() else None)


def print_json_line(value: Any) -> None:
    """Print a value as one line of JSON, as `print_json` writes it for a program."""
    _print(value, None)


def _print(value: Any, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if not text.isascii() or "\x7f" in text:
        text = re.sub(_UNSEEN, _escaped, text)
    put(text.encode() + b"\n")


def say(text: str) -> None:
    """Print lines for people on stdout."""
    with _Stdout():
        _write(sys.stdout, text + "\n")


def put(found: bytes) -> None:
    """Print bytes for programs on stdout, at once."""
    with _Stdout():
        sys.stdout.flush()
        sys.stdout.buffer.write(found)
        sys.stdout.buffer.flush()


def flush() -> None:
    """Write out what has been printed."""
    with _Stdout():
        sys.stdout.flush()


def note(text: str) -> None:
    """A message on stderr that is no failure."""
    _write(sys.stderr, f"pxm: {text}\n")


def fail(error: PxmError, *, as_json: bool) -> int:
    """Print an error; gives its exit status."""
    if as_json:
        print_json({"error": error.to_json()})
    else:
        _write(sys.stderr, "\n".join(error_lines(error)) + "\n")
    return error.exit_status


def error_lines(error: PxmError) -> list[str]:
    """What happened, and under it the likely reason and what to do."""
    from pxm_tui.domain.text import one_line

    parts = [part for part in (error.probably, error.do) if part]
    return [f"pxm: {one_line(error.message, 1000)}", *(f"  {one_line(part, 1000)}" for part in parts)]


def _write(stream: Any, text: str) -> None:
    """Write text to a stream whose encoding may not have every sign of it."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
