"""The dialog of an import: everything is asked as at a registration, but for a cluster that is known, which stays."""

from __future__ import annotations

from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import Step
from pxm_tui.services.dialog import (
    CodeQuestion,
    Dialog,
    KnownAnswer,
    KnownQuestion,
    PassphraseQuestion,
    TokenChoice,
    TokenQuestion,
    TrustQuestion,
)


class ImportDialog:
    """Passes on what a face is told and asked.

    Args:
        dialog: the face's.
    """

    def __init__(self, dialog: Dialog) -> None:
        self._dialog = dialog

    def step(self, step: Step) -> None:
        """Pass it on."""
        self._dialog.step(step)

    async def trust(self, question: TrustQuestion) -> bool:
        """Pass it on."""
        return await self._dialog.trust(question)

    async def code(self, question: CodeQuestion) -> Secret | None:
        """Pass it on."""
        return await self._dialog.code(question)

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:
        """Pass it on."""
        return await self._dialog.passphrase(question)

    async def token(self, question: TokenQuestion) -> TokenChoice | None:
        """Pass it on."""
        return await self._dialog.token(question)

    async def known(self, question: KnownQuestion) -> KnownAnswer | None:  # noqa: ARG002
        """None: no endpoint is added to it, and no copy is made of it."""
        return None
