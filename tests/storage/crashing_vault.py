"""A program that kills its children with `kill -9` while the vault's key changes hands, and says what opens it then.

`python -m tests.storage.crashing_vault DIRECTORY TRIALS` prints one JSON line a trial. It stands alone because forking
is only safe where no other thread runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.ports import VaultMode
from pxm_tui.storage.atomic import backup_of
from pxm_tui.storage.keyholders import Keyring
from pxm_tui.storage.sealing import Argon2
from pxm_tui.storage.vault import SecretVault
from tests.storage.faults import WatchedPrimitives, kill_here, run_until_killed
from tests.storage.vaults import TOKEN

FORMER, NEW = Secret("the former one"), Secret("the new one")
KEPT = {f"c{number}": f"s3cret-{number}" for number in range(5)}
CHANGES = (
    (VaultMode.PASSPHRASE, VaultMode.PASSPHRASE),
    (VaultMode.PASSPHRASE, VaultMode.KEYRING),
    (VaultMode.KEYRING, VaultMode.PASSPHRASE),
)
STEPS = 20
"""More than the operations of a change, so that some changes come to their end."""


class FileBackend:
    """A keyring that outlives the process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _kept(self) -> dict[str, str]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def get_password(self, service: str, name: str) -> str | None:
        return self._kept().get(service + name)

    def set_password(self, service: str, name: str, password: str) -> None:
        self._path.write_text(json.dumps(self._kept() | {service + name: password}))

    def delete_password(self, service: str, name: str) -> None:
        self._path.write_text(json.dumps({key: kept for key, kept in self._kept().items() if key != service + name}))


def a_vault(directory: Path, **options: Any) -> SecretVault:
    """A vault as the next process would have it."""
    name = f"{FileBackend.__module__}.{FileBackend.__qualname__}"
    keyring = Keyring(lambda: FileBackend(directory.with_suffix(".keyring")), allowed=frozenset({name}))
    return SecretVault(directory, keyring=keyring, argon2=lambda: Argon2(1, 64, 1), **options)


async def fill(directory: Path, mode: VaultMode) -> None:
    """A vault with secrets in it."""
    vault = a_vault(directory, secret_store=str(mode))
    if mode is VaultMode.PASSPHRASE:
        await vault.unlock(FORMER)
    for cluster, secret in KEPT.items():
        await vault.put(cluster, TOKEN, Secret(secret))
    await vault.put("c0", TOKEN, Secret(KEPT["c0"]))  # replacing writes the copy, too
    vault.close()


async def change_until_killed(directory: Path, change: tuple[VaultMode, VaultMode], trial: int) -> None:
    """Change the holder; even trials die before the chosen operation, odd ones after it."""
    step = trial // 2 % STEPS

    def kill(_name: str, number: int) -> None:
        if number == step:
            kill_here()

    primitives = WatchedPrimitives(**{"after" if trial % 2 else "before": kill}, largest_write=300)
    vault = a_vault(directory, primitives=primitives)
    await vault.change(change[1], NEW, FORMER)


async def opened_by(directory: Path) -> list[str]:
    """Who opens the vault, and finds every secret in it."""
    found = []
    for name, passphrase in (("former", FORMER), ("new", NEW), ("keyring", None)):
        vault = a_vault(directory)
        try:
            if passphrase is not None:
                await vault.unlock(passphrase)
            secrets = {cluster: await vault.get(cluster, TOKEN) for cluster in KEPT}
            if secrets == {cluster: Secret(secret) for cluster, secret in KEPT.items()}:
                found.append(name)
        except PxmError:
            continue
        finally:
            vault.close()
    return found


def one_trial(directory: Path, trial: int) -> dict[str, object]:
    """Let a child be killed, and open what it left as the next program would."""
    change = CHANGES[trial % len(CHANGES)]
    asyncio.run(fill(directory, change[0]))
    _, signal = run_until_killed(lambda _pipe: change_until_killed(directory, change, trial // len(CHANGES)))
    found: dict[str, object] = {
        "change": change,
        "signal": signal,
        "opened_by": asyncio.run(opened_by(directory)),
    }
    file = directory / "secrets.vault"
    os.replace(backup_of(file), file)  # noqa: PTH105 - as if the file itself had been lost
    found["copy_opened_by"] = asyncio.run(opened_by(directory))
    return found


def main() -> None:
    """Run the trials."""
    base, trials = Path(sys.argv[1]), int(sys.argv[2])
    for trial in range(trials):
        sys.stdout.write(json.dumps(one_trial(base / str(trial), trial)) + "\n")


if __name__ == "__main__":
    main()
