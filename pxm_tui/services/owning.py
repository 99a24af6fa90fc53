"""Tasks that somebody owns: they end with whoever started them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any


async def end_all(tasks: Collection[asyncio.Future[Any]]) -> None:
    """Cancel tasks, and wait until they have ended; what they gave or raised is for who awaits them."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
