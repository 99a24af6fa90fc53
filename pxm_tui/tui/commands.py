"""The `:` command line: names of actions, what they take, and how they are completed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pxm_tui.domain.text import fold
from pxm_tui.tui.keys import Key


@dataclass(frozen=True, slots=True)
class Command:
    """What was typed, understood.

    Attributes:
        key: the action.
        argument: the rest of the line, or empty.
    """

    key: Key
    argument: str = ""


def understand(text: str, keys: Sequence[Key]) -> Command | None:
    """The command that was typed: by any of its names, or by the beginning of one if no other begins so."""
    name, _, argument = text.strip().removeprefix(":").partition(" ")
    wanted = name.lower()
    for key in keys:
        if wanted in (*key.names, *key.hidden_names):
            return Command(key, argument.strip())
    begun = matches(name, keys)
    return Command(begun[0], argument.strip()) if wanted and len(begun) == 1 else None


def matches(beginning: str, keys: Sequence[Key]) -> list[Key]:
    """The commands whose shown name begins so, by name."""
    found = {key.names[0]: key for key in keys if key.names and key.names[0].startswith(beginning.lower())}
    return [found[name] for name in sorted(found)]


def complete(text: str, keys: Sequence[Key], clusters: Sequence[str]) -> str:
    """The line completed as far as it can only go one way: the command's name, then a cluster's."""
    name, space, argument = text.partition(" ")
    if not space:
        found = [key.names[0] for key in matches(name, keys)]
        common = _common(found)
        if len(found) == 1:
            return f"{common} "
        return common if len(common) > len(name) else text
    command = understand(name, keys)
    if command is None or not command.key.verb:
        return text
    begun = [cluster for cluster in clusters if fold(cluster).startswith(fold(argument))]
    common = _common(begun)
    return f"{name} {common}" if len(common) > len(argument) else text


def hint(text: str, keys: Sequence[Key]) -> str:
    """What stands behind the line while it is typed: the command that is meant, or those that begin so."""
    name, space, _ = text.partition(" ")
    command = understand(name, keys)
    begun = matches(name, keys)
    if space or len(begun) == 1:
        key = command.key if command else None
        return f"{key.names[0]}   {key.command_help or key.help}" if key and key.names else "no such command"
    return "  ".join(key.names[0] for key in begun) if begun else (_hint_of(command) or "no such command")


def _hint_of(command: Command | None) -> str:
    return f"{command.key.names[0]}   {command.key.command_help or command.key.help}" if command else ""


def _common(words: Sequence[str]) -> str:
    if not words:
        return ""
    first, last = min(words), max(words)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:length]
