"""Signs and colours with a meaning, in Unicode and in ASCII. Colour never carries meaning alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pxm_tui.domain.cluster import Status
from pxm_tui.tui.text import safe

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from pxm_tui.domain.steps import StepState


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs, each one column wide.

    Attributes:
        status: by status word.
        step: by step state word.
        cut: where text was cut.
        dash: between two figures of a range.
        path: between a screen and what it shows.
        rule: a line across the screen.
        up: sorted upwards.
        down: sorted downwards.
        arrows: the arrow keys down and up, as help and footers name them.
        bullet: stands for a character that is not shown.
        nothing: a figure that does not apply.
        ascii: it is the ASCII set.
    """

    status: dict[str, str]
    step: dict[str, str]
    cut: str
    dash: str
    path: str
    rule: str
    up: str
    down: str
    arrows: str
    bullet: str
    nothing: str
    ascii: bool

    def of_status(self, status: Status | str) -> str:
        """The sign of a cluster's status."""
        return self.status[str(status)]

    def of_step(self, state: StepState | str) -> str:
        """The sign of a step's state."""
        return self.step[str(state)]

    def plain(self, text: str) -> str:
        """Words of ours in this set: in ASCII the signs in them are replaced."""
        return text.translate(_TO_ASCII) if self.ascii else text


UNICODE = Glyphs(
    status={
        "healthy": "●",
        "degraded": "▲",
        "unreachable": "×",
        "untrusted": "■",
        "unauthorized": "■",
        "unknown": "○",
    },
    step={"waiting": "·", "running": "▸", "ok": "✔", "warning": "!", "failed": "✘", "skipped": "–"},
    cut="…",
    dash="–",
    path="›",
    rule="─",
    up="▲",
    down="▼",
    arrows="↓ ↑",
    bullet="•",
    nothing="–",
    ascii=False,
)

ASCII = Glyphs(
    status={
        "healthy": "+",
        "degraded": "!",
        "unreachable": "x",
        "untrusted": "#",
        "unauthorized": "#",
        "unknown": "?",
    },
    step={"waiting": ".", "running": ">", "ok": "+", "warning": "!", "failed": "x", "skipped": "-"},
    cut="~",
    dash="-",
    path=">",
    rule="-",
    up="^",
    down="v",
    arrows="Down Up",
    bullet="*",
    nothing="-",
    ascii=True,
)

_TO_ASCII = str.maketrans(
    {
        "●": "+",
        "▲": "!",
        "×": "x",
        "■": "#",
        "○": "?",
        "…": "~",
        "–": "-",
        "›": ">",
        "─": "-",
        "•": "*",
        "✔": "+",
        "✘": "x",
        "·": ".",
        "▸": ">",
        "\u2009": " ",
        "↓": "Down",
        "↑": "Up",
    }
)

STATUS_STYLE = {
    "healthy": "$pxm-good",
    "degraded": "$pxm-note",
    "unreachable": "$pxm-bad",
    "untrusted": "$pxm-stopped",
    "unauthorized": "$pxm-stopped",
    "unknown": "dim",
}
"""Styles for Textual's `Content`, by status word."""

STEP_STYLE = {
    "waiting": "dim",
    "running": "",
    "ok": "$pxm-good",
    "warning": "$pxm-note",
    "failed": "$pxm-bad",
    "skipped": "dim",
}
"""Styles by step state word."""

ENVIRONMENT_STYLE = {
    "prod": "bold $pxm-bad",
    "staging": "bold $pxm-note",
    "test": "bold $pxm-good",
    "lab": "bold $pxm-key",
}
"""Styles of the environment's word, by the label `env`."""


def environment_style(environment: str) -> str:
    """The style of an environment's word; any other than the four usual ones is bold."""
    return ENVIRONMENT_STYLE.get(environment.lower(), "bold")


def tag_spans(environment: str, *, read_only: bool) -> list[tuple[str, str]]:
    """The words at the right of everything that is about one cluster: `PROD`, `RO`, `PROD RO`; each with its style."""
    word = safe(environment.upper(), 12)
    found = [(word, environment_style(environment))] if word else []
    if read_only:
        found.append((" RO" if word else "RO", "bold $pxm-stopped"))
    return found


def glyphs_of(node: DOMNode) -> Glyphs:
    """The set in use in the app that `node` belongs to."""
    app: Any = node.app
    found = getattr(app, "glyphs", UNICODE)
    return found if isinstance(found, Glyphs) else UNICODE
