"""Registering a cluster that is known already: another endpoint of it, or a cluster of its own."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from pxm_tui.domain.cluster import Cluster
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import Kinship, KnownAnswer, KnownQuestion
from pxm_tui.tui.dialog import BoxDialog, buttons
from pxm_tui.tui.fields import PushButton
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.text import safe

_LABEL = 20


def _kinship(kind: Kinship, name: str) -> str:
    return f"it has the same {kind}" if kind is not Kinship.VOUCHED else kind.words(name)


class KnownDialog(BoxDialog[KnownAnswer | None]):
    """Asks what is to be done. None: nothing.

    Args:
        question: which cluster is known, and where it was met again.
        services: the bundle.
    """

    GUARDED = True

    def __init__(self, question: KnownQuestion, services: Services) -> None:
        super().__init__(services)
        self._question = question

    @property
    def box_title(self) -> str:
        """The same for all."""
        return "Registered already"

    def about(self) -> Cluster:
        """The cluster that is known."""
        return self._question.cluster

    def footer_keys(self) -> list[tuple[str, str]]:
        """The keys."""
        return [("Tab", "move"), ("Enter", "press"), ("Esc", "cancel")]

    def compose_body(self) -> ComposeResult:
        """What is known, the ways, and a button for each."""
        question = self._question
        name = safe(question.cluster.name, 64)
        separately = Fact(
            "registers it as a cluster of its own, as a cloned lab is: a copy has the same certificates.",
            label="Register separately",
            label_width=_LABEL,
            quoted=True,
        )
        if question.may_add:
            yield Prose(
                [
                    Fact(
                        f"{question.endpoint.url} belongs to {name}, which is registered already at "
                        f"{question.cluster.endpoint.url}: {_kinship(question.kind, name)}."
                    ),
                    BLANK,
                    Fact(
                        f"{name} gets one more endpoint, and keeps its login. What you typed to log in is forgotten.",
                        label="Add as endpoint",
                        label_width=_LABEL,
                        quoted=True,
                    ),
                    separately,
                    BLANK,
                ]
            )
            yield buttons(
                PushButton("Cancel", id="cancel"),
                PushButton("Add as endpoint", id="endpoint"),
                PushButton("Register separately", id="separate"),
            )
            return
        yield Prose([Fact(f"{question.endpoint.url} is an endpoint of {name} already."), BLANK, separately, BLANK])
        yield buttons(PushButton("Cancel", id="cancel"), PushButton("Register separately", id="separate"))

    def on_mount(self) -> None:
        """Begin on the button that changes nothing."""
        self.query_one("#cancel").focus(scroll_visible=False)

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        self.dismiss(None if event.button.id == "cancel" else KnownAnswer(event.button.id or ""))
