"""The two programs whose first paint is compared: the smallest Textual app, and the table over stored clusters.

Arguments: `smallest`, or `table` and how many clusters.
"""

from __future__ import annotations


def smallest() -> int:
    """One line of text."""
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Smallest(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("by name")

        def key_q(self) -> None:
            self.exit()

    Smallest().run()
    return 0


if __name__ == "__main__":
    raise SystemExit(smallest())
