"""Vaults, each as another process would have it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.storage.sealing import Argon2
from pxm_tui.storage.vault import SecretVault
from tests.storage.samples import NOW
from tests.storage.vaults import NO_KEYRING, PASSPHRASE, Make


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def file(directory: Path) -> Path:
    return directory / "secrets.vault"


@pytest.fixture
def make(directory: Path) -> Iterator[Make]:
    """Vaults on one directory, each as another process would have it; without a keyring if not told otherwise."""
    made: list[SecretVault] = []

    def make_one(**options: Any) -> SecretVault:
        defaults: dict[str, Any] = {"keyring": NO_KEYRING, "now": lambda: NOW, "argon2": lambda: Argon2(1, 64, 1)}
        made.append(SecretVault(directory, **(defaults | options)))
        return made[-1]

    yield make_one
    for vault in made:
        vault.close()


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    found = tmp_path / "passphrase"
    found.write_text(PASSPHRASE.reveal() + "\n")
    found.chmod(0o600)
    return found
