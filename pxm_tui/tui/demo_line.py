"""The line of the demo that stays: what is left to be registered, and with which login."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from pxm_tui.domain.cluster import Cluster
from pxm_tui.services.bundle import DemoFourth
from pxm_tui.tui.text import wrap

_WORDS = ("Demo fleet, nothing here is real. Register a fourth:", "Demo fleet. Register a fourth:", "A fourth:")


class DemoLine(Widget):
    """As many words as fit; the login is never cut.

    Args:
        demo: the cluster that is left.
    """

    DEFAULT_CSS = """
    DemoLine { height: auto; width: 1fr; padding: 0 1; }
    """

    def __init__(self, demo: DemoFourth, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._host = demo.endpoint
        self._login = f"{demo.endpoint}  {demo.user}  {demo.password}"

    def look(self, clusters: Iterable[Cluster]) -> None:
        """Say it as long as that cluster is not among the registered ones."""
        self.display = all(cluster.endpoint.host != self._host for cluster in clusters)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """One line, or two where it is narrow."""
        return len(self._rows(width))

    def render(self) -> RenderResult:
        """The words and the login."""
        return Content("\n".join(self._rows(self.content_size.width)))

    def _rows(self, width: int) -> list[str]:
        lines = (f"{words}  {self._login}" for words in _WORDS)
        whole = next((line for line in lines if len(line) <= width), None)
        return [whole] if whole is not None else wrap(f"{_WORDS[-1]} {self._login}", max(8, width), 3)
