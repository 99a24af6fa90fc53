"""Opening the secret store: the question waits until it does not come over a field."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.dialog import PassphraseQuestion, Silent

if TYPE_CHECKING:
    from pxm_tui.tui.screens.prompting import PromptingScreen


class _Over(Silent):
    """Asks for the passphrase over a screen, never over a form or a prompt."""

    def __init__(self, screen: PromptingScreen[Any]) -> None:
        self._screen = screen

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:
        """What the person typed, or None."""
        from pxm_tui.tui.screens.passphrase import PassphraseDialog

        await self._screen.unoccupied.wait()
        answer: asyncio.Future[Secret | None] = asyncio.get_running_loop().create_future()

        def answered(secret: Secret | None) -> None:
            if not answer.done():
                answer.set_result(secret)

        self._screen.app.push_screen(PassphraseDialog(question, self._screen.services), answered)
        return await answer


async def unlock(screen: PromptingScreen[Any]) -> None:
    """Ask for the passphrase and refresh once the store is open; declined, the rows stay as last seen."""
    with suppress(StorageError):
        await screen.services.secrets.unlock(_Over(screen))
