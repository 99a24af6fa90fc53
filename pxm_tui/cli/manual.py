"""The manual page pxm(1), from the same commands, options and topics as `--help`."""

from __future__ import annotations

import re
from typing import Any

from pxm_tui import __version__
from pxm_tui.cli.grammar import COMMANDS, GLOBAL, OPTIONS
from pxm_tui.cli.topics import TOPICS

_HEAD = """\
.\\" Made by `pxm help --man`.
.TH PXM 1 "" "pxm-tui {version}" "User Commands"
.SH NAME
pxm \\- look after many Proxmox VE clusters on one terminal
.SH SYNOPSIS
.B pxm
.RI [ OPTION ...]
.br
.B pxm
.I COMMAND
.RI [ OPTION ...]
.SH DESCRIPTION
Without a command the terminal UI opens. Every command prints text for people, or JSON for programs with \\-\\-json;
data goes to standard output, messages to standard error, and nothing is asked without a terminal."""


def manual_page() -> str:
    """The page in roff's man macros."""
    lines = [_HEAD.format(version=__version__), ".SH OPTIONS", *(line for name in GLOBAL for line in _option(name))]
    lines.append(".SH COMMANDS")
    for _, usage, summary, more, options in COMMANDS:
        lines += [".SS " + _roff("pxm " + usage.split()[1]), ".nf", *_usage(usage), ".fi", ".PP"]
        lines += _paragraphs(f"{summary} {more}".strip())
        lines += [line for name in options for line in _option(name)]
    for name, (title, text) in TOPICS.items():
        lines += [".SH " + _roff(title.upper()), *_paragraphs(text), f'.\\" pxm help {name}']
    return "\n".join(lines) + "\n"


def _usage(usage: str) -> list[str]:
    return [_line(line) for line in usage.split("\n")]


def _option(name: str) -> list[str]:
    options: dict[str, Any] = OPTIONS[name]
    shown = options.get("name", name) if name.startswith("-") else ""
    value = options.get("metavar", "")
    words = [f"\\fB{_roff(shown)}\\fR"] if shown else []
    words += [f"\\fI{_roff(value)}\\fR"] if value else []
    return [".TP", " ".join(words), _line(options["help"])]


def _paragraphs(text: str) -> list[str]:
    """Paragraphs are filled, indented ones kept as they are."""
    lines: list[str] = []
    for part in text.split("\n\n"):
        if part.startswith(" "):
            lines += [".nf", *(_line(line) for line in part.split("\n")), ".fi", ".PP"]
        else:
            lines += [*(_line(line) for line in part.split("\n")), ".PP"]
    return lines[:-1]


def _line(text: str) -> str:
    """Text as roff prints it; a line that begins with a control character is none of roff's."""
    found = _roff(text)
    return f"\\&{found}" if found[:1] in {".", "'"} else found


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return re.sub("[^\x00-\x7f]", lambda found: f"\\[u{ord(found.group()):04X}]", escaped)
