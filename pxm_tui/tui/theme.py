"""The two themes: the program's own colours, and the terminal's sixteen."""

from __future__ import annotations

from textual.theme import BUILTIN_THEMES, Theme

COLOURS = Theme(
    name="pxm",
    primary="#5fafd7",
    secondary="#87afaf",
    accent="#5fafd7",
    success="#5faf5f",
    warning="#d7af5f",
    error="#e06c75",
    foreground="#d0d0d0",
    background="#16191d",
    surface="#16191d",
    panel="#262b31",
    dark=True,
    variables={
        "pxm-good": "#5fbf5f",
        "pxm-note": "#e5c07b",
        "pxm-bad": "#ef6b73",
        "pxm-stopped": "#c98be0",
        "pxm-key": "#6fc3df",
        "pxm-title": "#262b31",
        "pxm-rule": "#6b7480",
        "pxm-faint": "#8a929c",
        "pxm-shade": "#101214 60%",
    },
)

PLAIN = Theme(
    name="pxm-plain",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_cyan",
    accent="ansi_cyan",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        **BUILTIN_THEMES["ansi-dark"].variables,
        "pxm-good": "ansi_green",
        "pxm-note": "ansi_yellow",
        "pxm-bad": "ansi_red",
        "pxm-stopped": "ansi_magenta",
        "pxm-key": "ansi_cyan",
        "pxm-title": "ansi_default",
        "pxm-rule": "ansi_default",
        "pxm-faint": "ansi_default",
        "pxm-shade": "ansi_default",
    },
)
