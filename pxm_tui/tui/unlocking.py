"""Opening the secret store at the start: the question waits until it does not come over a field."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.dialog import PassphraseQuestion, Silent

if TYPE_CHECKING:
    from pxm_tui.tui.screens.clusters import ClustersScreen


class _AtHome(Silent):
    """Asks for the passphrase over the home screen, never over a form or a prompt."""

    def __init__(self, home: ClustersScreen) -> None:
        self._home = home

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:
        """What the person typed, or None."""
        from pxm_tui.tui.screens.passphrase import PassphraseDialog

        await self._home.unoccupied.wait()
        answer: asyncio.Future[Secret | None] = asyncio.get_running_loop().create_future()

        def answered(secret: Secret | None) -> None:
            if not answer.done():
                answer.set_result(secret)

        self._home.app.push_screen(PassphraseDialog(question, self._home.services), answered)
        return await answer


async def unlock(home: ClustersScreen) -> None:
    """Ask for the passphrase and refresh once the store is open; declined, the rows stay as last seen."""
    try:
        await home.services.clusters.open_vault(_AtHome(home))
    except StorageError:
        return
    home.services.fleet.dismiss_notices()
    await home.services.fleet.refresh()
