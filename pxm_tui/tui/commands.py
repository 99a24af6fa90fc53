"""The `:` command line: names of actions, what they take, and how they are completed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

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


def hint(text: str, keys: Sequence[Key], unable: Mapping[str, str] = MappingProxyType({})) -> str:
    """What stands behind the line while it is typed: the command that is meant, or those that begin so.

    Args:
        text: the line so far.
        keys: the commands.
        unable: why those that cannot work now cannot, by `Key.id`; their names stand in parentheses.
    """
    name, space, _ = text.partition(" ")
    command = understand(name, keys)
    begun = matches(name, keys)
    if command is not None and (space or len(begun) < 2):
        return _hint_of(command.key, unable)
    if space or not begun:
        return "no such command"
    return "  ".join(f"({key.names[0]})" if key.id in unable else key.names[0] for key in begun)


def _hint_of(key: Key, unable: Mapping[str, str]) -> str:
    words = f"not now: {unable[key.id]}" if key.id in unable else key.command_help or key.help
    return f"{key.names[0]}   {words}"


def _common(words: Sequence[str]) -> str:
    if not words:
        return ""
    first, last = min(words), max(words)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:length]
