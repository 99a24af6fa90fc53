"""A program that registers 50 clusters, as one of two at once: `python -m tests.storage.registering DIRECTORY FIRST`.

With a third argument, a key held in memory, it also puts a secret for each into the vault.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pxm_tui.domain.errors import AlreadyRegisteredError
from pxm_tui.storage.tinydb_repository import TinyDbRepository
from tests.storage.samples import make_cluster

COUNT = 50


async def register(directory: Path, first: int) -> int:
    """Save 50 clusters of our own, and try one name that both programs want; how often that was refused."""
    repository = TinyDbRepository(directory)
    refused = 0
    for number in range(first, first + COUNT):
        await repository.save(make_cluster(number))
    try:
        await repository.save(make_cluster(first + COUNT, name="both"))
    except AlreadyRegisteredError:
        refused = 1
    repository.close()
    return refused


if __name__ == "__main__":
    sys.stdin.readline()
    sys.stdout.write(str(asyncio.run(register(Path(sys.argv[1]), int(sys.argv[2])))))
