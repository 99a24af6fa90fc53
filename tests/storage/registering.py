"""A program that registers 50 clusters, as one of two at once: `python -m tests.storage.registering DIRECTORY FIRST`.

With a passphrase as third argument it puts 50 secrets into the vault instead.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pxm_tui.domain.errors import AlreadyRegisteredError
from pxm_tui.domain.secret import Secret
from pxm_tui.storage.sealing import Argon2
from pxm_tui.storage.tinydb_repository import TinyDbRepository
from pxm_tui.storage.vault import SecretVault
from tests.storage.samples import make_cluster
from tests.storage.vaults import TOKEN

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


async def keep(directory: Path, first: int, passphrase: Secret) -> int:
    """Put 50 secrets into one vault that neither program has made yet."""
    vault = SecretVault(directory, passphrase=passphrase, argon2=lambda: Argon2(1, 64, 1))
    for number in range(first, first + COUNT):
        await vault.put(f"c{number}", TOKEN, Secret(f"secret-{number}"))
    vault.close()
    return 0


def main() -> None:
    """Begin when told to, on standard input."""
    directory, first = Path(sys.argv[1]), int(sys.argv[2])
    sys.stdin.readline()
    work = keep(directory, first, Secret(sys.argv[3])) if len(sys.argv) > 3 else register(directory, first)
    sys.stdout.write(str(asyncio.run(work)))


if __name__ == "__main__":
    main()
