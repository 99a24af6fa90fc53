"""The two themes: the program's own colours, and the terminal's sixteen."""

from __future__ import annotations

from textual.theme import BUILTIN_THEMES, Theme

from pxm_tui.tui import palette

COLOURS = Theme(
    name="pxm",
    primary="#5fafd7",
    secondary="#87afaf",
    accent="#5fafd7",
    success="#5faf5f",
    warning="#d7af5f",
    error="#e06c75",
    foreground=palette.FOREGROUND,
    background=palette.BACKGROUND,
    surface=palette.BACKGROUND,
    panel="#262b31",
    dark=True,
    variables={**palette.COLOURS, "pxm-shade": "#101214 60%"},
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
        **palette.PLAIN,
        "pxm-shade": "ansi_default",
    },
)
