"""What is written of an unexpected error: where it happened, never what the variables held."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.text import one_line

_SPEAKS_OF_CODE = (AttributeError, TypeError, NameError, ImportError, IndexError, NotImplementedError, PxmError)
"""Errors whose text is about the program itself, or worded by us. The text of others may quote data."""

_logger = logging.getLogger("pxm_tui.crash")


def log_crash(error: BaseException) -> None:
    """Write an unexpected error into the log: types and places of the whole chain, no values of variables."""
    _logger.critical("unexpected error\n%s", "\n".join(describe(error)))


def describe(error: BaseException) -> Iterator[str]:
    """Lines that say what happened and where, the cause first."""
    inner = getattr(error, "error", None)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__) or inner
    if isinstance(cause, BaseException):
        yield from describe(cause)
        yield "which led to:"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}'
        if frame.line:
            yield f"    {frame.line}"
    yield f"{type(error).__module__}.{type(error).__qualname__}{_words(error)}"


def _words(error: BaseException) -> str:
    speaks_of_code = isinstance(error, _SPEAKS_OF_CODE) or type(error).__module__.startswith("textual.css")
    return f": {one_line(str(error))}" if speaks_of_code else ""
