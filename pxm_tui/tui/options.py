"""How the UI is shown, chosen before it starts."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UiOptions:
    """How the UI is shown.

    Attributes:
        ascii: signs from ASCII only.
        no_mouse: ask the terminal for no mouse events.
        plain_colours: the terminal's own sixteen colours instead of the theme's.
    """

    ascii: bool = False
    no_mouse: bool = False
    plain_colours: bool = False


def detect(
    environment: Mapping[str, str] | None = None, *, ascii_only: bool = False, no_mouse: bool = False
) -> UiOptions:
    """Options as the terminal needs them: ASCII outside UTF-8 and on the console, sixteen colours if it has no more."""
    found = os.environ if environment is None else environment
    return UiOptions(
        ascii=ascii_only or found.get("TERM") == "linux" or not _is_utf8(found),
        no_mouse=no_mouse,
        plain_colours="NO_COLOR" in found or not _has_many_colours(found),
    )


def _is_utf8(environment: Mapping[str, str]) -> bool:
    named = next((environment[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(name)), "")
    if named in {"C", "POSIX"}:
        return False
    encoding = named.partition(".")[2].partition("@")[0] or locale.getpreferredencoding(False)
    return encoding.lower().replace("-", "") == "utf8"


def _has_many_colours(environment: Mapping[str, str]) -> bool:
    if environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return True
    return environment.get("TERM", "").endswith(("256color", "truecolor", "direct", "kitty", "alacritty", "ghostty"))
