"""The fields of a form that fills a screen: what all of them share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from textual.containers import Vertical
from textual.widget import Widget

from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.forms import FieldRow, LoginFields


class FormBody(Vertical):
    """Rows of fields, a login among them. Subclasses say with `inputs` and `controls` which fields there are."""

    SCOPED_CSS = False  # subclasses are meant, too
    DEFAULT_CSS = """
    FormBody { height: auto; width: 1fr; padding: 0 1; }
    """

    login: LoginFields

    def inputs(self) -> Iterator[FormInput]:
        """All fields to type in."""
        raise NotImplementedError

    def controls(self) -> Iterator[Widget]:
        """All fields."""
        raise NotImplementedError

    def row(self, field: str) -> FieldRow:
        """The row of a field."""
        return self.query_one(f"#row-{field}", FieldRow)

    def control(self, field: str) -> Widget:
        """Where a field is typed or chosen."""
        return self.row(field).control

    def complain(self, field: str, hint: str = "", text: str = "") -> None:
        """Say at a field what is wrong with it."""
        row = self.row(field)
        if hint:
            row.say(hint, "problem")
        if text:
            row.say_below(text)

    async def drained(self) -> None:
        """Wait until every key that was sent to any field has been taken in."""
        await asyncio.gather(*(field.drained() for field in self.inputs()))

    def freeze(self, *, but_code: bool = False) -> None:
        """Nothing can be typed, or only the code."""
        self.screen.set_focus(None)
        for control in self.controls():
            control.disabled = not (but_code and control is self.login.code)

    def thaw(self) -> None:
        """Everything can be typed."""
        for control in self.controls():
            control.disabled = False
