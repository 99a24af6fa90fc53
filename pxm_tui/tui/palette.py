"""The program's own colours, by the names that styles use."""

from __future__ import annotations

FOREGROUND = "#d0d0d0"
BACKGROUND = "#16191d"

COLOURS = {
    "pxm-good": "#5fbf5f",
    "pxm-note": "#e5c07b",
    "pxm-bad": "#ef6b73",
    "pxm-stopped": "#c98be0",
    "pxm-key": "#6fc3df",
    "pxm-title": "#262b31",
    "pxm-rule": "#6b7480",
    "pxm-faint": "#8a929c",
}

PLAIN = {
    "pxm-good": "ansi_green",
    "pxm-note": "ansi_yellow",
    "pxm-bad": "ansi_red",
    "pxm-stopped": "ansi_magenta",
    "pxm-key": "ansi_cyan",
    "pxm-title": "ansi_default",
    "pxm-rule": "ansi_default",
    "pxm-faint": "ansi_default",
}
"""The terminal's own sixteen."""
