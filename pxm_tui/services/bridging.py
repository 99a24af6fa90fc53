"""Between a face's loop and the Proxmox client's: its dialog, and work that is not stopped half-way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from pxm_tui.domain.observation import Realm
from pxm_tui.domain.secret import Secret
from pxm_tui.domain.steps import Step
from pxm_tui.services.dialog import (
    CodeQuestion,
    Dialog,
    KnownAnswer,
    KnownQuestion,
    PassphraseQuestion,
    RealmListener,
    TokenChoice,
    TokenQuestion,
    TrustQuestion,
)
from pxm_tui.services.ports import Runner

T = TypeVar("T")


class BridgedDialog:
    """Calls a face's dialog on the face's own loop."""

    def __init__(self, dialog: Dialog, runner: Runner) -> None:
        self._step = runner.here(dialog.step)
        self._trust = runner.ask(dialog.trust)
        self._code = runner.ask(dialog.code)
        self._known = runner.ask(dialog.known)
        self._passphrase = runner.ask(dialog.passphrase)
        self._token = runner.ask(dialog.token)
        self._realms = runner.here(dialog.realms) if isinstance(dialog, RealmListener) else None

    def step(self, step: Step) -> None:
        """Report a step."""
        self._step(step)

    def realms(self, realms: tuple[Realm, ...]) -> None:
        """Report the realms, where the face listens."""
        if self._realms is not None:
            self._realms(realms)

    async def trust(self, question: TrustQuestion) -> bool:
        """Ask whether to trust."""
        return await self._trust(question)

    async def code(self, question: CodeQuestion) -> Secret | None:
        """Ask for a second factor."""
        return await self._code(question)

    async def known(self, question: KnownQuestion) -> KnownAnswer | None:
        """Ask what to do with a cluster that is known."""
        return await self._known(question)

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:
        """Ask for the vault's passphrase."""
        return await self._passphrase(question)

    async def token(self, question: TokenQuestion) -> TokenChoice | None:
        """Ask what becomes of the token."""
        return await self._token(question)


async def to_the_end(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run work that is not stopped half-way, whatever happens to who waits for it."""
    task = asyncio.ensure_future(work())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
