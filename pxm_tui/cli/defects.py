"""An unexpected exception: its way through the program goes to the log, a sentence to the user, no value to either."""

from __future__ import annotations

import os
import time
import traceback
from pathlib import Path

from pxm_tui import __version__
from pxm_tui.domain.errors import InternalError
from pxm_tui.domain.text import one_line

_SPEAKS_OF_CODE = (AttributeError, TypeError, NameError, ImportError, NotImplementedError)
"""Errors whose text is about the program itself. The text of others may quote what they were given."""


def report(error: Exception, argv: list[str]) -> InternalError:
    """Write where `error` happened to the log file; gives what to tell the user."""
    log = _log_file(argv)
    if log is None or not _append(log, "".join(_lines(error))):
        where = traceback.extract_tb(error.__traceback__)[-1]
        return InternalError(
            "internal", f"unexpected error, {type(error).__name__} in {Path(where.filename).name}:{where.lineno}."
        )
    return InternalError("internal", f"unexpected error, details in {log} (no secrets in it).")


def _lines(error: BaseException) -> list[str]:
    """A traceback without locals, and without the words of most exceptions."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = _lines(before) if before is not None else [f"{time.strftime('%F %T')} pxm {__version__} unexpected error\n"]
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return [*lines, *traceback.format_tb(error.__traceback__), f"{kind}{_words(error)}\n"]


def _words(error: BaseException) -> str:
    if isinstance(error, OSError):
        return f": {error.strerror}"
    return f": {one_line(str(error))}" if isinstance(error, _SPEAKS_OF_CODE) else ""


def _log_file(argv: list[str]) -> Path | None:
    """Where this run's log is, as far as that can be found out."""
    try:
        from pxm_tui.cli.parser import parse
        from pxm_tui.settings import load_settings

        arguments = parse(argv)
        if arguments is None or arguments.command == "demo":  # which touches nothing of the user's
            return None
        return load_settings({"data_dir": getattr(arguments, "data_dir", None)}).log_file
    except Exception:  # noqa: BLE001  (what is broken may be just this)
        return None


def _append(path: Path, text: str) -> bool:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return True
