"""The name that is typed before something is destroyed in production: one piece for every dialog that does so."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.guard import is_named, wants_name
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.text import content, safe

_LONG_NAME = 30


class NameGate(Vertical):
    """A line in which the cluster's name is to be typed; nothing at all for a cluster that is no production.

    Attributes:
        typed: where it is typed.

    Args:
        cluster: whose name.
    """

    SCOPED_CSS = False  # the width is the class of the screen
    DEFAULT_CSS = """
    NameGate { height: auto; width: 1fr; }
    NameGate #typing { height: 1; width: 1fr; }
    NameGate #typing Static { width: auto; }
    NameGate #typing FormInput { width: 20; max-width: 1fr; }
    NameGate #typing.-long { layout: vertical; height: auto; }
    NameGate #typing.-long Static { width: 1fr; height: auto; }
    NameGate #typing.-long .edge { display: none; }
    NameGate #typing.-long FormInput { width: 1fr; }
    .-narrow NameGate #typing { layout: vertical; height: auto; }
    .-narrow NameGate #typing Static { width: 1fr; height: auto; }
    .-narrow NameGate #typing .edge { display: none; }
    .-narrow NameGate #typing FormInput { width: 1fr; }
    """

    class Changed(Message):
        """What is typed has changed."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster
        self.typed = FormInput(id="typed")
        self.display = self.closed

    @property
    def wanted(self) -> bool:
        """The name has to be typed."""
        return wants_name(self._cluster)

    @property
    def closed(self) -> bool:
        """The name has to be typed, and is not there yet."""
        return self.wanted and not is_named(self._cluster, self.typed.value)

    def compose(self) -> ComposeResult:
        """Which name, and a field for it."""
        if not self.wanted:
            return
        name = safe(self._cluster.name, 64)
        words: tuple[str | Content, ...] = ("Type  ", content(name, "bold"), "  to go on:  ")
        if not self._cluster.name.isascii():
            words = (f"Type the name, or {self._cluster.short_id}, to go on:  ",)
        row = Horizontal(
            Static(Content.assemble(*words)),
            Static(Content("["), classes="edge"),
            self.typed,
            Static(Content("]"), classes="edge"),
            id="typing",
        )
        yield row.set_class(len(name) > _LONG_NAME and self._cluster.name.isascii(), "-long")
        yield Static("")

    @on(Input.Changed, "#typed")
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())
