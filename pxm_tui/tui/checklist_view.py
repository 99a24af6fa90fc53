"""The checklist of a registration or a check as it is shown: one line a step, a failure explained in full."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from pxm_tui.domain.describe import grouped
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.domain.text import one_line
from pxm_tui.tui.glyphs import STEP_STYLE, Glyphs, glyphs_of
from pxm_tui.tui.remedies import on_screen
from pxm_tui.tui.text import fit
from pxm_tui.tui.wrapping import WrappedLine, fold_command, wrap

_SAID = re.compile(r'(?P<what>.+?): "(?P<said>.*)"\.\Z', re.DOTALL)
_NARROW = 60
_NARROW_NAME = 12
_PASSED = (StepState.OK, StepState.WARNING)
_SHOWN_ELSEWHERE = ("discovery", "missing_privileges")
"""Step and cause of the warning whose remedy has a button of its own."""


@dataclass(frozen=True, slots=True)
class ChecklistShape:
    """How a checklist is laid out.

    Attributes:
        name_width: columns for the name of a step.
        fold: passed steps share one line where a step has failed.
    """

    name_width: int = 13
    fold: bool = True

    @property
    def message_column(self) -> int:
        """Where the messages begin."""
        return 2 + self.name_width


def split_said(message: str) -> tuple[str, str]:
    """What happened, and the server's own words in it, without quotes; the latter empty where there are none."""
    found = _SAID.match(message)
    return (found["what"], found["said"]) if found else (message, "")


def checklist_lines(steps: Sequence[Step], width: int, shape: ChecklistShape, glyphs: Glyphs) -> list[Content]:
    """The lines of a checklist, each at most `width` columns wide. Steps that wait are shown, too."""
    composer = _Composer(width, shape if width >= _NARROW else replace(shape, name_width=_NARROW_NAME), glyphs)
    failed = any(step.state is StepState.FAILED for step in steps)
    passed = [step for step in steps if step.state in _PASSED]
    lines: list[Content] = []
    if failed and shape.fold and passed:
        lines += composer.folded(passed)
    for step in steps:
        if step.state is StepState.SKIPPED or (failed and shape.fold and step.state in _PASSED):
            continue
        lines += composer.step(step)
    skipped = [step.name for step in steps if step.state is StepState.SKIPPED]
    if skipped:
        lines += composer.line("skipped", "", f"{', '.join(skipped)}: not run")
    return lines


@dataclass(frozen=True, slots=True)
class _Composer:
    width: int
    shape: ChecklistShape
    glyphs: Glyphs

    @property
    def _room(self) -> int:
        return max(8, self.width - self.shape.message_column)

    def folded(self, passed: Sequence[Step]) -> list[Content]:
        """The steps that passed, in one line."""
        names = f"{', '.join(step.name for step in passed)}: passed"
        ms = self._milliseconds(sum(step.ms for step in passed))
        room = max(8, self.width - 2)
        wrapped = wrap(names, room, room - len(ms) - 2)
        head = Content.assemble(
            (self.glyphs.of_step("ok"), STEP_STYLE["ok"]), " ", self._timed(wrapped[0].plain, room, ms)
        )
        return [head, *(Content("  " + line.plain) for line in wrapped[1:])]

    def step(self, step: Step) -> list[Content]:
        """One step: its message, and where it failed the explanation."""
        state = str(step.state)
        timed = step.state in {*_PASSED, StepState.FAILED}
        what, said = split_said(step.message) if step.state is StepState.FAILED else (step.message, "")
        lines = self.line(state, step.name, what, self._milliseconds(step.ms) if timed else "")
        if said:
            lines += self._below("", f"It said: {one_line(said)}", commands=False)
        do = on_screen(step.do)
        if step.probably:
            lines += self._below("Probably", step.probably)
        if do and step.state is StepState.FAILED:
            lines += self._below("Do", do)
        elif do and (step.name, step.cause) != _SHOWN_ELSEWHERE:
            lines += self._below("", do)
        return lines

    def line(self, state: str, name: str, message: str, ms: str = "") -> list[Content]:
        """Glyph, name and message, the milliseconds at the right of the first line."""
        first = self._room - (len(ms) + 2 if ms else 0)
        wrapped = wrap(one_line(message, 600), self._room, first, commands=False) or [WrappedLine(())]
        style = STEP_STYLE[state]
        dim = "dim" if state in {"waiting", "skipped"} else ""
        head = Content.assemble(
            (self.glyphs.of_step(state), style),
            " ",
            (fit(name, self.shape.name_width), dim),
            self._timed(wrapped[0].plain, self._room, ms).stylize(dim),
        )
        return [head.rstrip(), *(self._indented(line) for line in wrapped[1:])]

    def _below(self, heading: str, text: str, *, commands: bool = True) -> list[Content]:
        wrapped = wrap(one_line(text, 900), self._room, commands=commands)
        found: list[Content] = []
        for index, line in enumerate(wrapped):
            if line.alone:
                found += [
                    Content("  ").append(Content.styled(piece, "bold"))
                    for piece in fold_command(line.plain, self.width - 2)
                ]
            else:
                found.append(self._indented(line, heading if index == 0 else ""))
        if heading and wrapped and wrapped[0].alone:
            found.insert(0, Content("  ").append(Content.styled(heading, "bold")))
        return found

    def _indented(self, line: WrappedLine, heading: str = "") -> Content:
        start = Content.assemble("  ", (heading.ljust(self.shape.name_width), "bold"))
        return start.append(styled(line))

    def _timed(self, text: str, room: int, ms: str) -> Content:
        if not ms:
            return Content(text)
        return Content.assemble(fit(text, max(0, room - len(ms))), (ms, "dim"))

    def _milliseconds(self, ms: int) -> str:
        return f"{self.glyphs.plain(grouped(ms))} ms"


def styled(line: WrappedLine) -> Content:
    """A wrapped line with its commands set off."""
    return Content.assemble(*((part.text, "bold" if part.command else "") for part in line.parts))


class ChecklistView(Widget):
    """Shows steps as they come in.

    Args:
        names: all steps that are expected, in order.
        shape: how they are laid out.
    """

    DEFAULT_CSS = """
    ChecklistView { height: auto; width: 1fr; }
    """

    def __init__(self, names: Sequence[str], shape: ChecklistShape | None = None, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._names = tuple(names)
        self._shape = shape or ChecklistShape()
        self._steps: dict[str, Step] = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        """All expected steps as they are now, and others that failed."""
        known = [self._steps.get(name, Step(name, StepState.WAITING)) for name in self._names]
        others = [step for step in self._steps.values() if step.name not in self._names]
        return (*(step for step in others if step.state is StepState.FAILED), *known)

    def has_begun(self, name: str) -> bool:
        """Whether this step runs or has run."""
        return name in self._steps and self._steps[name].state is not StepState.WAITING

    def clear(self, names: Sequence[str] | None = None) -> None:
        """Wait for all steps again; for these from now on, where they are given."""
        self._names = self._names if names is None else tuple(names)
        self._steps = {}
        self.refresh(layout=True)

    def take(self, step: Step) -> None:
        """Show a step that has begun or ended."""
        self._steps[step.name] = step
        self.refresh(layout=True)

    def take_all(self, steps: Sequence[Step]) -> None:
        """Show these steps instead of all others."""
        self._steps = {step.name: step for step in steps}
        self.refresh(layout=True)

    def say(self, name: str, message: str) -> None:
        """Change what a running step says."""
        step = self._steps.get(name)
        if step is not None and step.state is StepState.RUNNING:
            self.take(replace(step, message=message))

    def stop(self) -> None:
        """What was running was stopped by a person."""
        for step in list(self._steps.values()):
            if step.state is StepState.RUNNING:
                self.take(replace(step, state=StepState.WAITING, message="stopped"))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as the steps take at this width."""
        return len(self._lines(width))

    def render(self) -> RenderResult:
        """The lines."""
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        return checklist_lines(self.steps, width, self._shape, glyphs_of(self))
