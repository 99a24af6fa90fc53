"""The frame that every screen has: title line, rules, the text above the footer, the footer's keys.

Each repaints only when what it shows has changed, so that a still screen writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from pxm_tui.tui.glyphs import glyphs_of
from pxm_tui.tui.line import choose_beside


class Painted(Widget):
    """A widget that draws itself for the width it has, from content that is replaced as a whole."""

    DEFAULT_CSS = """
    Painted { height: 1; width: 1fr; }
    """
    can_focus = False

    def paint(self, width: int) -> Content:
        """What is shown in `width` columns."""
        raise NotImplementedError

    def render(self) -> RenderResult:
        """Draw."""
        return self.paint(self.size.width)


class TitleLine(Painted):
    """The first line: what this is on the left, the rest on the right.

    Several variants may be given, widest first; the first that fits is shown.
    """

    DEFAULT_CSS = """
    TitleLine { background: $pxm-title; text-wrap: nowrap; }
    """

    def __init__(
        self,
        left: str | Content | Sequence[Content] = "",
        right: str | Content | Sequence[Content] = "",
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._left = _as_variants(left)
        self._right = _as_variants(right)

    def show(self, left: str | Content | Sequence[Content], right: str | Content | Sequence[Content] = "") -> None:
        """Replace both sides; repaints only if that changes something."""
        lefts, rights = _as_variants(left), _as_variants(right)
        if not (_same(lefts, self._left) and _same(rights, self._right)):
            self._left, self._right = lefts, rights
            self.refresh()

    def paint(self, width: int) -> Content:
        """Left, space, right; one column stays free at the end."""
        return side_by_side(self._left, self._right, width - 1)


def side_by_side(lefts: Sequence[Content], rights: Sequence[Content], width: int) -> Content:
    """The first pair of variants that fits beside each other in `width` columns, filled with spaces between them.

    Narrower variants of the right side are taken before those of the left side.
    """
    chosen = choose_beside([left.cell_length for left in lefts], [right.cell_length for right in rights], width)
    if chosen is not None:
        i, j, gap = chosen
        return Content.assemble(" ", lefts[i], " " * gap, rights[j])
    left, right = lefts[-1], rights[-1]
    room = max(0, width - 2 - right.cell_length)
    cut = left.truncate(room, ellipsis=True)
    return Content.assemble(" ", cut, " " * (width - 1 - cut.cell_length - right.cell_length), right)


class RuleLine(Painted):
    """A line across the screen with a label near its left or its right end."""

    DEFAULT_CSS = """
    RuleLine { color: $pxm-rule; text-wrap: nowrap; }
    """

    def __init__(self, label: str | Content = "", *, right: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._label = _as_content(label)
        self._right = right

    def show(self, label: str | Content) -> None:
        """Replace the label; repaints only if that changes something."""
        new = _as_content(label)
        if not new.is_same(self._label):
            self._label = new
            self.refresh()

    def paint(self, width: int) -> Content:
        """The rule, interrupted by the label."""
        rule = glyphs_of(self).rule
        if not self._label.cell_length:
            return Content(rule * width)
        shown = self._label.truncate(max(1, width - 4), ellipsis=True)
        label = Content.assemble(" ", shown.stylize_before("$foreground"), " ")
        rest = rule * (width - 1 - label.cell_length)
        return Content.assemble(rest, label, rule) if self._right else Content.assemble(rule, label, rest)


class TextLines(Painted):
    """A few lines of text, given as they are to be shown; the rest of its height stays empty."""

    def __init__(self, rows: Sequence[str | Content] = (), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows = tuple(_as_content(row) for row in rows)

    def show(self, rows: Sequence[str | Content]) -> None:
        """Replace the lines; repaints only if that changes something."""
        new = tuple(_as_content(row) for row in rows)
        if not _same(new, self._rows):
            self._rows = new
            self.refresh()

    @property
    def text(self) -> str:
        """What is shown, without styles."""
        return "\n".join(row.plain for row in self._rows)

    def paint(self, width: int) -> Content:  # noqa: ARG002
        """The lines, one column in from the left."""
        return Content("\n").join([Content.assemble(" ", row) for row in self._rows])


class KeysLine(Painted):
    """The footer: keys and what they do. `show` takes (key, label) pairs in the order in which they are shown."""

    DEFAULT_CSS = """
    KeysLine { text-wrap: nowrap; }
    """

    def __init__(
        self,
        keys: Sequence[tuple[str, str]] = (),
        *,
        gap: int = 3,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._rows: tuple[Content, ...] = (keys_content(keys, gap),)
        self._gap = gap

    def show(self, *rows: Sequence[tuple[str, str]], gap: int | None = None, right: str = "") -> None:
        """Replace the keys, one sequence a line; `right` stands at the end of the last line."""
        new = [keys_content(row, self._gap if gap is None else gap) for row in rows]
        if right:
            room = self.app.size.width - 2
            new[-1] = side_by_side([new[-1]], [Content(right)], room + 1)[1:]
        self.show_content(*new)

    def show_content(self, *rows: Content) -> None:
        """Show lines of any content instead of keys."""
        if not _same(rows, self._rows):
            self._rows = rows
            self.refresh()

    @property
    def text(self) -> str:
        """What is shown, without styles."""
        return "\n".join(f" {row.plain}" for row in self._rows)

    def paint(self, width: int) -> Content:  # noqa: ARG002
        """The lines, one column in from the left."""
        return Content("\n").join([Content.assemble(" ", row) for row in self._rows])


def set_height(widget: Widget, lines: int) -> None:
    """Give a widget so many lines; the screen is laid out again only if it had another number."""
    height = widget.styles.height
    if height is None or height.value != lines:
        widget.styles.height = lines


def keys_content(keys: Sequence[tuple[str, str]], gap: int) -> Content:
    """Keys and labels in one line, the keys in their own colour; what cannot work now, in parentheses, is faint."""
    parts: list[str | tuple[str, str]] = []
    for index, (key, label) in enumerate(keys):
        if index:
            parts.append(" " * gap)
        unable = label.startswith("(")
        parts += [(key, "$pxm-faint" if unable else "bold $pxm-key"), (f" {label}", "$pxm-faint" if unable else "")]
    return Content.assemble(*parts)


def _as_content(text: str | Content) -> Content:
    return text if isinstance(text, Content) else Content(text)


def _as_variants(text: str | Content | Sequence[Content]) -> tuple[Content, ...]:
    return (_as_content(text),) if isinstance(text, str | Content) else tuple(text)


def _same(new: Sequence[Content], old: Sequence[Content]) -> bool:
    return len(new) == len(old) and all(one.is_same(other) for one, other in zip(new, old, strict=True))
