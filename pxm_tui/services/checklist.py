"""Runs the steps of a registration or check one after the other, and reports each as it begins and ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.services.ports import Timer


class StepNotes:
    """What a step has to say when it has passed."""

    def __init__(self) -> None:
        self.message = ""
        self.cause: str | None = None
        self.do = ""
        self.waited = 0.0
        """Seconds that a person took to answer; they are not the step's."""

    def warn(self, cause: str, message: str, do: str = "") -> None:
        """Pass with a warning."""
        self.cause, self.message, self.do = cause, message, do


class Checklist:
    """The steps so far.

    Args:
        names: all steps, in order.
        report: called with a step when it begins and when it ends.
        timer: monotonic seconds.
    """

    def __init__(self, names: Sequence[str], report: Callable[[Step], None], timer: Timer) -> None:
        self._names = names
        self._report = report
        self._timer = timer
        self._steps: dict[str, Step] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[StepNotes]:
        """Run the body as the step `name`; an error of ours ends it as failed and goes on up."""
        began = self._timer()
        self._report(Step(name, StepState.RUNNING))
        notes = StepNotes()
        try:
            yield notes
        except PxmError as error:
            self._end(Step.of_error(name, self._since(began + notes.waited), error))
            raise
        state = StepState.WARNING if notes.cause else StepState.OK
        self._end(Step(name, state, self._since(began + notes.waited), notes.cause, notes.message, do=notes.do))

    @contextmanager
    def waiting(self, notes: StepNotes) -> Iterator[None]:
        """Do not count the body's time: a person is being asked."""
        began = self._timer()
        try:
            yield
        finally:
            notes.waited += self._timer() - began

    def _since(self, began: float) -> int:
        return round((self._timer() - began) * 1000)

    def _end(self, step: Step) -> None:
        self._steps[step.name] = step
        self._report(step)

    def steps(self) -> tuple[Step, ...]:
        """All steps; those that did not run are skipped."""
        return tuple(self._steps.get(name, Step(name, StepState.SKIPPED)) for name in self._names)

    def take(self, steps: Iterable[Step]) -> None:
        """Take over steps that another checklist has run and reported."""
        self._steps |= {step.name: step for step in steps}

    def ended(self) -> tuple[Step, ...]:
        """The steps that have run, in order."""
        return tuple(self._steps[name] for name in self._names if name in self._steps)

    def failed_at(self) -> str | None:
        """The name of the step that failed."""
        return next((step.name for step in self._steps.values() if step.state is StepState.FAILED), None)
