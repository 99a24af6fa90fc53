"""A token that needs an administrator: which of the three ways to take."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import TokenChoice, TokenQuestion
from pxm_tui.tui.dialog import BoxDialog, buttons
from pxm_tui.tui.fields import PushButton
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.text import safe

_LABEL = 15
FULL_CONTROL = "With its rights that is full control of the cluster, and that it expires does not limit a thief."


class TokenDialog(BoxDialog[TokenChoice | None]):
    """Offers a token without rights, the password, and a token with all rights. None keeps the password.

    Args:
        question: whose token it is, and what an administrator would run.
        services: the bundle.
    """

    GUARDED = True

    def __init__(self, question: TokenQuestion, services: Services) -> None:
        super().__init__(services)
        self._question = question

    @property
    def box_title(self) -> str:
        """Whose token."""
        return f"A token for {self._question.user}"

    def footer_keys(self) -> list[tuple[str, str]]:
        """The keys."""
        return [("Tab", "move"), ("Enter", "press"), ("Ctrl-Y", "copy the command"), ("Esc", "keep the password")]

    def copied(self) -> str:
        """What an administrator runs."""
        return "\n".join(self._question.lines)

    def compose_body(self) -> ComposeResult:
        """The three ways, and a button for each."""
        question = self._question
        user = safe(question.user, 64)
        role = question.role
        yield Prose(
            [
                Fact(f"{user} may do more than the role {role}, and may not {safe(question.missing)}."),
                BLANK,
                _way("No rights yet", "a token to which an administrator gives its rights, on any node:"),
                *(Fact(f"`{safe(line, 1000)}`", label_width=_LABEL) for line in question.lines),
                _way("Keep password", "no token is made; the password is stored encrypted."),
                _way("All rights", f"a token that may do everything that {user} may, without a second factor."),
                *([Fact(FULL_CONTROL, label_width=_LABEL)] if question.full_control else []),
                BLANK,
            ]
        )
        yield buttons(
            PushButton("Keep password", id="password"),
            PushButton("No rights yet", id="separated"),
            PushButton("All rights", id="all"),
        )

    def on_mount(self) -> None:
        """Begin on the way that leaves nothing on the cluster."""
        self.query_one("#password").focus(scroll_visible=False)

    @on(PushButton.Pressed)
    def _pressed(self, event: PushButton.Pressed) -> None:
        self.dismiss(TokenChoice(event.button.id or TokenChoice.PASSWORD))


def _way(label: str, text: str) -> Fact:
    return Fact(text, label=label, label_width=_LABEL, quoted=True)
