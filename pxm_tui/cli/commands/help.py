"""`pxm help`: topics, commands, and the manual page."""

from __future__ import annotations

import argparse
import textwrap

from pxm_tui.cli import output
from pxm_tui.cli.grammar import COMMANDS
from pxm_tui.cli.parser import HELP_WIDTH, HelpShownError, build_parser
from pxm_tui.cli.topics import TOPICS
from pxm_tui.domain.errors import InvalidError


def run(arguments: argparse.Namespace) -> int:
    """Print what was asked for. Raises `InvalidError` where there is no such topic."""
    topic = (arguments.topic or "").lower()
    if arguments.man:
        from pxm_tui.cli.manual import manual_page

        output.say(manual_page().rstrip("\n"))
    elif not topic:
        output.say(_contents())
    elif topic in TOPICS:
        title, text = TOPICS[topic]
        output.say(f"{title}\n\n{text}")
        if topic in {name for name, *_ in COMMANDS}:
            output.say(f"\n`pxm {topic} --help` lists the options.")
    elif topic in {name for name, *_ in COMMANDS}:
        _command_help(topic)
    else:
        raise InvalidError("usage", "There is no such topic.", do=f"Topics: {', '.join(TOPICS)}; or a command's name.")
    return 0


def _contents() -> str:
    width = max(map(len, (*TOPICS, *(name for name, *_ in COMMANDS)))) + 2
    topics = [f"  {name:<{width}}{title}" for name, (title, _) in TOPICS.items()]
    commands = [
        textwrap.fill(summary, HELP_WIDTH, initial_indent=f"  {name:<{width}}", subsequent_indent=" " * (width + 2))
        for name, _, summary, _, _ in COMMANDS
    ]
    head = "pxm help TOPIC explains a topic or a command."
    return "\n".join((head, "", "Topics:", *topics, "", "Commands:", *commands))


def _command_help(name: str) -> None:
    try:
        build_parser([name]).parse_args([name, "--help"])
    except HelpShownError:
        return
