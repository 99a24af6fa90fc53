"""What all dialogs share: the box, its keys, the moment before it listens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import PxmError
from pxm_tui.services.bundle import Services
from pxm_tui.tui.copying import TMUX_HINT
from pxm_tui.tui.glyphs import STEP_STYLE, glyphs_of, tag_spans
from pxm_tui.tui.keys import Key, bindings
from pxm_tui.tui.prose import BLANK, Fact, Prose
from pxm_tui.tui.remedies import on_screen
from pxm_tui.tui.screens.base import PxmDialog
from pxm_tui.tui.text import fit, safe
from pxm_tui.tui.widgets.frame import KeysLine, Painted, keys_content

T = TypeVar("T")

LISTENS_AFTER = 0.5
"""Seconds that a dialog which trusts, erases or changes something is shown before it takes a key."""

BOX_WIDTH = 80
ENVIRONMENT_ENDS = 18
"""Columns between the environment's word and the right edge of a box."""


class BodyScroll(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls without keys of its own, so that up and down stay with the fields."""


class BoxTop(Painted):
    """The upper edge of a box: title on the left, the environment's word and `RO` on the right."""

    def __init__(self, title: str, environment: str = "", *, read_only: bool = False) -> None:
        super().__init__()
        self._title = safe(title)
        self._environment = environment
        self._read_only = read_only

    def paint(self, width: int) -> Content:
        """The edge."""
        glyphs = glyphs_of(self)
        left, right = ("+", "+") if glyphs.ascii else ("┌", "┐")
        tags = tag_spans(self._environment, read_only=self._read_only)
        taken = sum(len(word) for word, _ in tags)
        room = width - 4 - (taken + 2 if tags else 0)
        title = fit(self._title, room, middle=True, mark=glyphs.cut).rstrip()
        head = Content.assemble(left, " ", (title, "bold"), " ")
        if tags:
            gap = width - ENVIRONMENT_ENDS - head.cell_length - taken
            head = Content.assemble(head, " " * max(0, gap), *tags, " ")
        return Content.assemble(head, glyphs.rule * max(0, width - 1 - head.cell_length), right)


class BoxDialog(PxmDialog[T]):
    """A box over the screen.

    Subclasses give `box_title`, `compose_body`, `DIALOG_KEYS`, and say with `GUARDED` whether they trust, erase or
    change something: then keys that arrive before they have been shown for half a second are dropped.

    Args:
        services: the bundle.
    """

    GUARDED: ClassVar[bool] = False
    MOVE_KEYS = (
        Key("dialog.next", "tab,down", "move(1)", "Tab", "move", "next field or button"),
        Key("dialog.previous", "shift+tab,up", "move(-1)", "Shift-Tab", "move back", "previous field or button"),
    )
    BINDINGS = [
        *bindings(MOVE_KEYS),
        ("escape", "leave"),
        ("ctrl+y", "copy"),
        ("question_mark,f1", "help"),
        ("pagedown", "page(1)"),
        ("pageup", "page(-1)"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-roomy")]
    SCOPED_CSS = False  # subclasses are meant, too
    # Not among the defaults, which the app's background of every screen would override.
    CSS = """
    BoxDialog { background: $pxm-shade; }
    BoxDialog:ansi { background: transparent; }
    """
    DEFAULT_CSS = """
    BoxDialog #box { width: 80; max-width: 100%; height: auto; background: $background; }
    BoxDialog #box-body {
        height: auto; padding: 0 1; border: solid $foreground; border-top: none;
        scrollbar-size-vertical: 1;
    }
    BoxDialog.-ascii #box-body { border: ascii $foreground; border-top: none; }
    BoxDialog .buttons { height: 1; width: 1fr; padding-left: 10; }
    BoxDialog.-narrow .buttons { layout: vertical; height: auto; padding-left: 0; }
    BoxDialog.-narrow FieldRow .hint.-help { display: none; }
    BoxDialog #box-keys { height: auto; background: $background; }
    """

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self._shown_at: float | None = None

    # What subclasses give

    @property
    def box_title(self) -> str:
        """Stands in the upper edge."""
        raise NotImplementedError

    def about(self) -> Cluster | None:
        """The cluster that it is about: its environment, and whether it is read-only, are in the upper edge."""
        return None

    @property
    def environment(self) -> str:
        """The environment's word in the upper edge; empty for none."""
        cluster = self.about()
        return cluster.environment if cluster else ""

    def compose_body(self) -> ComposeResult:
        """What is in the box."""
        raise NotImplementedError

    def footer_keys(self) -> list[tuple[str, str]]:
        """Keys and their words, for the line below the box."""
        return [("Tab", "move"), ("Enter", "press"), ("Esc", "cancel")]

    def copied(self) -> str:
        """What Ctrl-Y copies; empty for nothing."""
        return ""

    def problem(self, error: PxmError) -> list[Fact]:
        """A failure, and what to do."""
        mark = self.glyphs.of_step("failed")
        return [Fact(f"{mark} {error.message}", style=STEP_STYLE["failed"]), Fact(on_screen(error.hint))]

    def show_problem(self, error: PxmError) -> None:
        """Show a failure in the `Prose` called `#problem`."""
        found = self.query_one("#problem", Prose)
        found.show([BLANK, *self.problem(error)])
        found.display = True

    # The box

    def compose(self) -> ComposeResult:
        """The box, and its keys below it."""
        with Vertical(id="box"):
            cluster = self.about()
            read_only = cluster is not None and self.services.guard.is_read_only(cluster)
            yield BoxTop(self.box_title, self.environment, read_only=read_only)
            with BodyScroll(id="box-body"):
                yield from self.compose_body()
            yield KeysLine(id="box-keys")

    def on_mount(self) -> None:
        """Begin to count the time on the screen once it has been drawn."""
        self.set_class(glyphs_of(self).ascii, "-ascii")
        self.call_after_refresh(self._shown)

    async def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002
        """Leave room for the edge and the keys."""
        self.show_keys()

    def show_keys(self) -> None:
        """Show the keys as they are now."""
        rows = fit_keys(self.footer_keys(), min(BOX_WIDTH, self.app.size.width))
        self.query_one("#box-keys", KeysLine).show_content(*rows)
        self.query_one("#box-keys").styles.height = len(rows)
        self.query_one("#box-body").styles.max_height = max(3, self.app.size.height - 1 - len(rows))

    def _shown(self) -> None:
        self._shown_at = self.services.timer()

    @property
    def listens(self) -> bool:
        """Keys are taken now."""
        if not self.GUARDED:
            return True
        return self._shown_at is not None and self.services.timer() - self._shown_at >= LISTENS_AFTER

    # Keys

    def action_help(self) -> None:
        """Its keys as they are now. In a field `?` is text, and F1 helps."""
        from pxm_tui.tui.screens.help import HelpScreen

        scroll = [("PgUp PgDn", "scroll")] if not any("PgDn" in key for key, _ in self.footer_keys()) else []
        keys = [
            Key(f"dialog.{key}", "", "", key, "", does, "Keys")
            for key, does in (*self.footer_keys(), *scroll, ("F1", "help; also ?, outside of fields"))
        ]
        self.app.push_screen(HelpScreen(self.services, keys, safe(self.box_title, 60), legend=False))

    def action_move(self, by: int) -> None:
        """To the next field or button, or the one before."""
        if self.listens:
            self.focus_next() if by > 0 else self.focus_previous()

    def action_page(self, by: int) -> None:
        """Scroll the box."""
        body = self.query_one("#box-body")
        body.scroll_relative(y=by * max(1, body.size.height - 1), animate=False)

    def action_leave(self) -> None:
        """Close it, changing nothing."""
        if self.listens:
            self.leave()

    def leave(self) -> None:
        """Close it, changing nothing."""
        self.dismiss(None)

    async def action_back(self) -> None:
        """One step back: as Esc."""
        self.action_leave()

    def action_copy(self) -> None:
        """Copy what the dialog is about."""
        text = self.copied()
        if self.listens and text:
            copy(self, text)


def program_title(services: Services, title: str) -> Content:
    """The left of a title line: the program, and what the screen is."""
    return Content.assemble((services.program, "bold $pxm-key"), f"  {title}")


def buttons(*found: Widget) -> Horizontal:
    """Buttons beside each other, or below each other where it is narrow."""
    return Horizontal(*found, classes="buttons")


def copy(screen: Screen[Any], text: str) -> None:
    """Copy by OSC 52, and show what was copied, because a terminal may throw it away."""
    screen.app.copy_to_clipboard(text)
    lines = text.splitlines()
    more = f" and {len(lines) - 1} more lines" if len(lines) > 1 else ""
    screen.notify(f"Copied: {safe(lines[0], 120)}{more}. {TMUX_HINT}", markup=False)


def fit_keys(keys: Sequence[tuple[str, str]], width: int, rows: int = 2) -> list[Content]:
    """Keys and their words in at most `rows` lines, three columns between two of them."""
    lines: list[list[tuple[str, str]]] = [[]]
    for key in keys:
        if lines[-1] and keys_content([*lines[-1], key], 3).cell_length > width - 2:
            if len(lines) == rows:
                break
            lines.append([])
        lines[-1].append(key)
    return [keys_content(line, 3) for line in lines]
