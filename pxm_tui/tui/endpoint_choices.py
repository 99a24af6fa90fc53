"""The other nodes that were found at a registration: each that works is taken as an endpoint, or left, by Space."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content

from pxm_tui.domain.cluster import Endpoint
from pxm_tui.services.proposals import Proposal
from pxm_tui.tui.glyphs import glyphs_of
from pxm_tui.tui.text import fit, safe
from pxm_tui.tui.widgets.frame import Painted

_LONGEST_NAME = 16
_GAP = 2


class EndpointRow(Painted, can_focus=True):
    """One node: whether it is taken, where it is, and how it does or why it cannot be used.

    Args:
        proposal: the node; one that does not work cannot be taken, and does not get the focus.
        columns: the widths of address and name.
        taken: it is an endpoint.
    """

    BINDINGS = [Binding("enter", "screen.done", show=False)]
    DEFAULT_CSS = """
    EndpointRow { text-wrap: nowrap; }
    EndpointRow:focus { text-style: reverse; }
    """

    def __init__(self, proposal: Proposal, columns: tuple[int, int], *, taken: bool) -> None:
        super().__init__()
        self.can_focus = proposal.works
        self._proposal = proposal
        self._columns = columns
        self._taken = taken

    @property
    def endpoint(self) -> Endpoint:
        """Where it is."""
        return self._proposal.look.endpoint

    @property
    def taken(self) -> bool:
        """Whether it is to be an endpoint."""
        return self._taken

    def toggle(self) -> None:
        """Take it, or leave it."""
        if self.can_focus:
            self._taken = not self._taken
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """As Space does."""
        event.stop()
        self.toggle()

    def paint(self, width: int) -> Content:
        """`[x] 10.20.0.12:8006  fra2  answers, 12 ms`."""
        glyphs = glyphs_of(self)
        mark = f"[{'x' if self._taken else ' '}] " if self.can_focus else f" {glyphs.nothing}  "
        address, name = self._columns
        where = fit(self.endpoint.authority, address, mark=glyphs.cut)
        node = fit(safe(self._proposal.node, 64), name, mark=glyphs.cut)
        words = safe(self._proposal.words)
        if cell_len(mark) + address + name + cell_len(words) + 2 * _GAP > width:
            node = ""  # how it does is more than what it is called
        text = (" " * _GAP).join(part for part in (where, node, words) if part)
        return Content(mark + fit(text, max(1, width - cell_len(mark)), mark=glyphs.cut).rstrip())


class EndpointChoices(Vertical):
    """The rows, below the line of the registered endpoint."""

    DEFAULT_CSS = """
    EndpointChoices { height: auto; padding: 0 1 0 14; }
    """

    async def show(self, proposals: Sequence[Proposal], kept: Sequence[Endpoint]) -> None:
        """Show what was found, with those taken that are endpoints now."""
        await self.remove_children()
        columns = (
            max((cell_len(one.look.endpoint.authority) for one in proposals), default=0),
            min(_LONGEST_NAME, max((cell_len(safe(one.node, 64)) for one in proposals), default=0)),
        )
        await self.mount_all(EndpointRow(one, columns, taken=one.look.endpoint in kept) for one in proposals)

    def left(self) -> frozenset[Endpoint]:
        """Those that a person does not want."""
        return frozenset(row.endpoint for row in self.query(EndpointRow) if row.can_focus and not row.taken)
