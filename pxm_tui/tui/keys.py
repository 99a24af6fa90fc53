"""The keys, declared once: bindings, footer, help, the `:` command line and the README's table come from here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that a screen can do.

    Attributes:
        id: `screen.action`, for the user's own keymap.
        keys: as Textual names them, joined by commas.
        action: the screen's `action_…`.
        shown: the keys as help and footer name them.
        label: the word in the footer.
        help: what it does, for help and the README.
        group: the block of the help page.
        names: names at the `:` prompt, the first of them shown there; none: not a command.
        hidden_names: names that are understood at the `:` prompt and never shown.
        command_help: one line for the `:` prompt; `help` where empty.
    """

    id: str
    keys: str
    action: str
    shown: str
    label: str
    help: str
    group: str = ""
    names: tuple[str, ...] = ()
    hidden_names: tuple[str, ...] = ()
    command_help: str = ""

    @property
    def footer_key(self) -> str:
        """The first of its keys."""
        return self.shown.split(" ")[0]


def bindings(keys: Iterable[Key]) -> list[Binding]:
    """Textual's bindings for these keys.

    All have priority, so that keys typed ahead act in the order in which they were typed (a binding without
    priority acts later, in the focused widget's own queue).
    """
    return [
        Binding(key.keys, key.action, key.label, show=False, priority=True, id=key.id, tooltip=key.help)
        for key in keys
        if key.keys
    ]


def footer(keys: Sequence[Key], width: int, gap: int = 2) -> list[tuple[str, str]]:
    """The keys, in this order, as far as they fit in `width` columns."""
    found: list[tuple[str, str]] = []
    used = 1
    for key in keys:
        needed = len(key.footer_key) + 1 + len(key.label) + (gap if found else 0)
        if used + needed > width:
            break
        used += needed
        found.append((key.footer_key, key.label))
    return found
