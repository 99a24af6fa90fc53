"""Paragraphs and labelled facts, wrapped to the width there is: the text of dialogs and pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from pxm_tui.domain.text import one_line
from pxm_tui.tui.checklist_view import styled
from pxm_tui.tui.glyphs import Glyphs, glyphs_of
from pxm_tui.tui.wrapping import fold_command, wrap

Lines = Callable[[int], Sequence[Content]]
"""Gives the lines of a fact for so many columns."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled text, or a paragraph where there is no label.

    Attributes:
        text: may hold commands between backticks, unless it is `quoted`.
        label: stands before the first line.
        label_width: columns of the label; the text is wrapped beside it.
        style: of the text.
        quoted: somebody else's words, in which backticks mean nothing.
        indent: columns before label and text.
        lines: gives the lines itself, instead of `text`.
    """

    text: str = ""
    label: str = ""
    label_width: int = 0
    style: str = ""
    quoted: bool = False
    indent: int = 0
    lines: Lines | None = None


BLANK = Fact()
_NARROW = 56
_WIDE_LABEL = 13
"""Where it is narrow, a label of more columns stands above its text."""


def fact_lines(fact: Fact, width: int, glyphs: Glyphs) -> list[Content]:
    """The lines of one fact, each at most `width` columns wide."""
    if width < _NARROW and fact.label_width > _WIDE_LABEL:
        below = replace(fact, label="", label_width=0, indent=fact.indent + 2)
        head = [Content.assemble(" " * fact.indent, fact.label)] if fact.label else []
        return head + fact_lines(below, width, glyphs)
    column = fact.indent + fact.label_width
    room = max(8, width - column)
    if fact.lines is not None:
        found = list(fact.lines(room))
        return [_beside(fact, index, line) for index, line in enumerate(found)]
    if not fact.text:
        return [_beside(fact, 0, Content())]
    lines: list[Content] = []
    for line in wrap(glyphs.plain(one_line(fact.text, 2000)), room, commands=not fact.quoted):
        if line.alone:
            at = column if _fits(line.plain, room) else fact.indent
            pieces = fold_command(line.plain, max(8, width - at))
            lines += [Content(" " * at).append(Content.styled(piece, "bold")) for piece in pieces]
        else:
            body = styled(line)
            lines.append(_beside(fact, len(lines), body.stylize(fact.style) if fact.style else body))
    return lines


def _fits(text: str, room: int) -> bool:
    return len(text) <= room


def _beside(fact: Fact, index: int, line: Content) -> Content:
    label = fact.label if index == 0 else ""
    return Content.assemble(" " * fact.indent, label.ljust(fact.label_width), line).rstrip()


class Prose(Widget):
    """Facts one below the other."""

    DEFAULT_CSS = """
    Prose { height: auto; width: 1fr; }
    """

    def __init__(self, facts: Sequence[Fact] = (), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._facts = tuple(facts)

    def show(self, facts: Sequence[Fact]) -> None:
        """Replace all of it; nothing is drawn where it stays the same."""
        if tuple(facts) != self._facts:
            self._facts = tuple(facts)
            self.refresh(layout=True)

    @property
    def text(self) -> str:
        """What is shown, at a width at which little wraps."""
        return "\n".join(line.plain for line in self._lines(200))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as it takes at this width."""
        return len(self._lines(width))

    def render(self) -> RenderResult:
        """The lines."""
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        glyphs = glyphs_of(self)
        return [line for fact in self._facts for line in fact_lines(fact, width, glyphs)]
