"""How a service asks through a screen: each question is a dialog over it, and the steps go to the screen itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from textual.screen import Screen

from pxm_tui.domain.observation import Realm
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import Step
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import (
    CodeQuestion,
    KnownAnswer,
    KnownQuestion,
    PassphraseQuestion,
    TokenChoice,
    TokenQuestion,
    TrustQuestion,
)

T = TypeVar("T")


async def ask(screen: Screen[Any], dialog: Screen[T]) -> T | None:
    """Open a dialog over `screen` and wait for its answer; None when it was left, or the screen has gone."""
    answer: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()

    def answered(result: T | None) -> None:
        if not answer.done():
            answer.set_result(result)

    if not screen.call_later(lambda: screen.app.push_screen(dialog, answered)):
        return None
    try:
        return await answer
    except asyncio.CancelledError:
        if dialog.is_current:
            dialog.dismiss(None)
        raise


class Asker:
    """A screen's side of a service: shows the steps, opens the dialogs.

    Everything reaches the screen through its own queue, in order, whichever task the service calls from.

    Args:
        screen: over which dialogs open.
        services: the bundle, for the dialogs.
        on_step: told of every step.
        on_code: asked for a second factor.
        on_realms: told of the server's realms.
    """

    def __init__(
        self,
        screen: Screen[Any],
        services: Services,
        *,
        on_step: Callable[[Step], None],
        on_code: Callable[[CodeQuestion], Awaitable[Secret | None]] | None = None,
        on_realms: Callable[[tuple[Realm, ...]], None] | None = None,
    ) -> None:
        self._screen = screen
        self._services = services
        self._on_step = on_step
        self._on_code = on_code
        self._on_realms = on_realms
        self._trusted: set[str] = set()

    def step(self, step: Step) -> None:
        """Show it."""
        self._screen.call_later(self._on_step, step)

    def realms(self, realms: tuple[Realm, ...]) -> None:
        """Show what the realms are."""
        if self._on_realms is not None:
            self._screen.call_later(self._on_realms, realms)

    async def trust(self, question: TrustQuestion) -> bool:
        """Ask, unless the person has trusted this certificate of this endpoint a moment ago."""
        from pxm_tui.tui.screens.certificate import CertificateDialog

        key = f"{question.endpoint.url} {question.certificate.sha256}"
        if key not in self._trusted and await ask(self._screen, CertificateDialog(question, self._services)):
            self._trusted.add(key)
        return key in self._trusted

    async def code(self, question: CodeQuestion) -> Secret | None:
        """Ask the screen, where it has a field for it."""
        return None if self._on_code is None else await self._on_code(question)

    async def known(self, question: KnownQuestion) -> KnownAnswer | None:
        """Ask."""
        from pxm_tui.tui.screens.known import KnownDialog

        return await ask(self._screen, KnownDialog(question, self._services))

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:
        """Ask."""
        from pxm_tui.tui.screens.passphrase import PassphraseDialog

        return await ask(self._screen, PassphraseDialog(question, self._services))

    async def token(self, question: TokenQuestion) -> TokenChoice | None:
        """Ask; leaving the question keeps the password."""
        from pxm_tui.tui.screens.token import TokenDialog

        return await ask(self._screen, TokenDialog(question, self._services))
