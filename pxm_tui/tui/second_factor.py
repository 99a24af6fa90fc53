"""A second factor that a server waits for while a person types it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pxm_tui.domain.secret import Secret
from pxm_tui.tui.fields import FormInput

SHORTEST_CODE = 6
"""The digits of a TOTP code; recovery keys and one-time passwords of hardware are longer."""


class CodeWait:
    """Between the question and the field in which it is answered.

    Args:
        field: where the code is typed.
    """

    def __init__(self, field: FormInput) -> None:
        self._field = field
        self._waiting: asyncio.Future[Secret | None] | None = None
        self._ready: Secret | None = None

    @property
    def waits(self) -> bool:
        """The server has asked, and has no answer yet."""
        return self._waiting is not None

    def prepare(self, code: Secret | None) -> None:
        """A code that was typed before anybody has asked; it answers the first question."""
        self._ready = code

    async def ask(self, show: Callable[[], object]) -> Secret | None:
        """The code, which `show` makes a person type."""
        if self._ready is not None:
            ready, self._ready = self._ready, None
            return ready
        self._waiting = asyncio.get_running_loop().create_future()
        show()
        return await self._waiting

    async def typed(self) -> str | None:
        """What stands in the field; None where nobody waits for it."""
        await self._field.drained()
        if self._waiting is None or self._waiting.done():
            return None
        return self._field.value.strip()

    @staticmethod
    def complaint(code: str) -> str:
        """Why a code is not worth one of the few tries that a server allows; empty where it may be right."""
        if not code:
            return "! empty"
        return f"! at least {SHORTEST_CODE} characters" if len(code) < SHORTEST_CODE else ""

    def answer(self, code: str) -> None:
        """Hand the code over."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.set_result(Secret(code))

    def give_up(self) -> None:
        """Nobody waits any more."""
        self._waiting = None
