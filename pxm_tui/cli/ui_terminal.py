"""What the terminal UI needs before it can be opened: a terminal, and the flags about how to draw."""

from __future__ import annotations

import argparse
import os
from typing import Any

from pxm_tui.cli.terminal import has_terminal
from pxm_tui.domain.errors import InvalidError
from pxm_tui.settings import Settings, load_settings, parse_refresh


def need_terminal(instead: str) -> None:
    """Raise `InvalidError` where the UI could not be drawn; `instead` says what to do then."""
    if not has_terminal() or os.environ.get("TERM") == "dumb":
        raise InvalidError("no_terminal", f"no terminal here. {instead}")


def ui_settings(arguments: argparse.Namespace, *, environment: dict[str, str] | None = None, **given: Any) -> Settings:
    """The settings with the flags of the UI on top. Raises `InvalidError`."""
    refresh = getattr(arguments, "refresh", None)
    period = parse_refresh(refresh) if refresh is not None else None
    flags = {
        "ascii": True if getattr(arguments, "ascii", False) else None,
        "mouse": False if getattr(arguments, "no_mouse", False) else None,
        "read_only": True if getattr(arguments, "read_only", False) else None,
        "refresh": period,
    }
    settings = load_settings({**given, **flags}, environment)
    return settings._replace(refresh=None) if refresh is not None and period is None else settings
