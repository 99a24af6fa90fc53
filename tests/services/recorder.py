"""A dialog that answers as it was told to and remembers what it was told."""

from __future__ import annotations

from dataclasses import dataclass, field

from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import Step, StepState
from pxm_tui.services.dialog import (
    CodeQuestion,
    KnownAnswer,
    KnownQuestion,
    PassphraseQuestion,
    TokenChoice,
    TokenQuestion,
    TrustQuestion,
)


@dataclass
class Recorder:
    """Answers, and what was asked and told."""

    trusts: bool = True
    known_answer: KnownAnswer | None = KnownAnswer.SEPARATE
    codes: list[str] = field(default_factory=list)
    passphrases: list[str | None] = field(default_factory=list)
    token_choice: TokenChoice | None = None
    steps: list[Step] = field(default_factory=list)
    questions: list[object] = field(default_factory=list)

    def step(self, step: Step) -> None:
        """Remember it."""
        self.steps.append(step)

    async def trust(self, question: TrustQuestion) -> bool:
        """As told."""
        self.questions.append(question)
        return self.trusts

    async def code(self, question: CodeQuestion) -> Secret | None:
        """The next code."""
        self.questions.append(question)
        return Secret(self.codes.pop(0)) if self.codes else None

    async def known(self, question: KnownQuestion) -> KnownAnswer | None:
        """As told."""
        self.questions.append(question)
        return self.known_answer

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:
        """The next passphrase."""
        self.questions.append(question)
        found = self.passphrases.pop(0) if self.passphrases else None
        return None if found is None else Secret(found)

    async def token(self, question: TokenQuestion) -> TokenChoice | None:
        """As told."""
        self.questions.append(question)
        return self.token_choice

    def ended(self) -> list[tuple[str, str]]:
        """The steps that ended, and how."""
        return [(step.name, str(step.state)) for step in self.steps if step.state is not StepState.RUNNING]
