"""The secrets in `secrets.vault`: opened by whoever holds the key, changed under the lock. Blocking."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.messages import secret_store
from pxm_tui.domain.secret import Secret
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.storage.keyholders import Keyring, read_passphrase
from pxm_tui.storage.sealing import Argon2, Key
from pxm_tui.storage.stored_file import Stored, StoredFile
from pxm_tui.storage.vault_file import EntryKey, Vault

if TYPE_CHECKING:
    from pathlib import Path

_CHOOSE = (
    'Give PXM_VAULT_PASSPHRASE_FILE a file with a passphrase (`chmod 600`), set secret_store = "ask", '
    "or start pxm on a terminal and choose."
)
_NEW_LOGIN = "Move secrets.vault away, then press `c`, Log in again, for each cluster."


class SealedSecrets:
    """Puts secrets into the vault and takes them out. One thread at a time, but for `peek`.

    Args:
        file: the vault's file.
        secret_store: `auto`, `keyring` or `passphrase`: who shall hold the key of a vault that is yet to be made. A
            vault that exists is opened by its own key holder.
        passphrase: held in memory; with it nothing else is asked.
        passphrase_file: holds the passphrase.
        keyring: the operating system's.
        now: the time, UTC.
        argon2: makes the parameters for a new vault.
    """

    def __init__(
        self,
        file: StoredFile[Vault],
        *,
        secret_store: str,
        passphrase: Secret | None,
        passphrase_file: Path | None,
        keyring: Keyring,
        now: Callable[[], datetime],
        argon2: Callable[[], Argon2],
    ) -> None:
        self._file = file
        self._wanted = secret_store
        self._passphrase = passphrase
        self._passphrase_file = passphrase_file
        self._keyring = keyring
        self._now = now
        self._argon2 = argon2
        self._loaded: Stored[Vault] | None = None
        self._opened: tuple[str, Key] | None = None
        self._keyring_answered = False

    def exists(self) -> bool:
        """The file is there."""
        return self._file.stamp() is not None

    def state(self) -> VaultState:
        """How the vault is, opened if that needs no person. Raises `StorageError`."""
        vault = self._load()
        if vault is not None:
            return VaultState(vault.mode, self._key(vault) is not None, exists=True)
        mode = self._mode_of_new_vault()
        ready = mode is VaultMode.KEYRING or (mode is VaultMode.PASSPHRASE and self._known_passphrase() is not None)
        return VaultState(mode, ready, exists=False)

    def unlock(self, passphrase: Secret) -> None:
        """Open the vault, or make it. Raises `InvalidError`, `StorageError`."""
        if not passphrase:
            raise InvalidError("passphrase", "The passphrase is empty.", do="Type one.", field="passphrase")
        vault = self._load()
        if vault is None:
            with self._file.lock():
                vault = self._load(locked=True)
                if vault is None:
                    self._write(self._new_vault(VaultMode.PASSPHRASE, passphrase))
                    return
        self._open_with(vault, passphrase)

    def put(self, place: EntryKey, secret: Secret) -> None:
        """Keep a secret. Raises `StorageError`."""
        with self._file.lock():
            vault = self._load(locked=True) or self._new_vault(self._chosen_mode(), None)
            changed = vault.with_secret(place, secret, self._now(), self._key_or_refuse(vault))
            self._write(changed, forget=place in vault.entries)

    def get(self, place: EntryKey) -> Secret | None:
        """The secret, or None. Raises `StorageError`."""
        vault = self._load()
        if vault is None or place not in vault.entries:
            return None
        return _secret(vault, place, self._key_or_refuse(vault))

    def peek(self, place: EntryKey) -> tuple[bool, Secret | None]:
        """As `get` where all is in memory and the file unchanged: (True, the secret or None); else (False, None)."""
        loaded, opened = self._loaded, self._opened
        if loaded is None or opened is None or loaded.value.vault_id != opened[0]:
            return False, None
        if loaded.stamp != self._file.stamp():
            return False, None
        vault = loaded.value
        return True, _secret(vault, place, opened[1]) if place in vault.entries else None

    def erase(self, unwanted: Callable[[EntryKey, datetime], bool]) -> int:
        """Erase the entries for which `unwanted(place, created_at)` holds; how many. Needs no key."""
        vault = self._load()
        if vault is None or not _places(vault, unwanted):
            return 0
        with self._file.lock():
            vault = self._load(locked=True)
            places = [] if vault is None else _places(vault, unwanted)
            if vault is not None and places:
                self._write(vault.without(places), forget=True)
            return len(places)

    def forget_key(self) -> None:
        """Close the vault."""
        self._opened = None

    def _load(self, *, locked: bool = False) -> Vault | None:
        loaded = self._loaded
        if loaded is None or loaded.stamp != self._file.stamp() or (locked and loaded.borrowed):
            self._loaded = loaded = self._file.load(locked=locked)
        return None if loaded is None else loaded.value

    def _write(self, vault: Vault, *, forget: bool = False) -> None:
        self._loaded = self._file.write(vault, forget=forget)

    def _key(self, vault: Vault) -> Key | None:
        """The key of the entries; None where it takes a person."""
        if self._opened is not None and self._opened[0] == vault.vault_id:
            return self._opened[1]
        if vault.mode is VaultMode.KEYRING:
            return self._open_by_keyring(vault)
        passphrase = self._known_passphrase()
        if passphrase is None:
            return None
        try:
            return self._open_with(vault, passphrase)
        except InvalidError:
            where = "The passphrase" if self._passphrase else f"The passphrase in {self._passphrase_file}"
        raise secret_store(f"{where} is not that of the secret store.", "Correct it, or name another file.")

    def _key_or_refuse(self, vault: Vault) -> Key:
        key = self._key(vault)
        if key is None:
            raise secret_store("The secret store is locked.", "Give its passphrase, or PXM_VAULT_PASSPHRASE_FILE.")
        return key

    def _open_by_keyring(self, vault: Vault) -> Key:
        wrapping = self._keyring.load(vault.vault_id)
        if wrapping is None:
            raise secret_store("The keyring here does not hold the key of the secret store.", _NEW_LOGIN)
        key = vault.unwrap(wrapping)
        if key is None:
            raise secret_store("The key in the keyring is not that of the secret store.", _NEW_LOGIN)
        self._opened = (vault.vault_id, key)
        return key

    def _open_with(self, vault: Vault, passphrase: Secret) -> Key:
        if vault.argon2 is None:
            raise secret_store("The key of the secret store is in the keyring, not under a passphrase.")
        key = vault.unwrap(vault.argon2.derive(passphrase))
        if key is None:
            raise InvalidError(
                "passphrase",
                "This is not the passphrase of the secret store.",
                do="Type it again. Forgotten: move secrets.vault away and log in to the clusters again.",
                field="passphrase",
            )
        self._opened = (vault.vault_id, key)
        return key

    def _new_vault(self, mode: VaultMode, passphrase: Secret | None) -> Vault:
        """An empty vault, open, its key held as `mode` says; not written yet, the lock is held."""
        vault_id = str(uuid.uuid4())
        if mode is VaultMode.KEYRING:
            argon2, wrapping = None, Key.new()
            self._keyring.store(vault_id, wrapping)
        else:
            known = passphrase or self._known_passphrase()
            if known is None:
                raise secret_store("The secret store has no passphrase yet.", _CHOOSE)
            argon2 = self._argon2()
            wrapping = argon2.derive(known)
        vault, key = Vault.new(vault_id, mode, argon2, wrapping)
        self._opened = (vault_id, key)
        return vault

    def _mode_of_new_vault(self) -> VaultMode | None:
        """Who shall hold the key; None where a person must choose."""
        if self._passphrase:
            return VaultMode.PASSPHRASE
        if self._wanted == VaultMode.PASSPHRASE:
            return VaultMode.PASSPHRASE
        if self._has_keyring():
            return VaultMode.KEYRING
        if self._wanted == VaultMode.KEYRING:
            raise secret_store(
                "There is no keyring here that answers and keeps secrets encrypted.",
                'Unlock it, then `r`; or set secret_store = "auto".',
            )
        return VaultMode.PASSPHRASE if self._passphrase_file is not None else None

    def _has_keyring(self) -> bool:
        """Once it has answered it is not tried again; one that did not may have been unlocked since."""
        self._keyring_answered = self._keyring_answered or self._keyring.usable()
        return self._keyring_answered

    def _chosen_mode(self) -> VaultMode:
        mode = self._mode_of_new_vault()
        if mode is None:
            raise secret_store("There is no keyring here to keep secrets in, and no passphrase was chosen.", _CHOOSE)
        return mode

    def _known_passphrase(self) -> Secret | None:
        if self._passphrase:
            return self._passphrase
        return None if self._passphrase_file is None else read_passphrase(self._passphrase_file)


def _secret(vault: Vault, place: EntryKey, key: Key) -> Secret:
    secret = vault.secret(place, key)
    if secret is None:
        raise secret_store(
            f"The secret kept for cluster {place[0]} was changed by something else than pxm.",
            "Somebody has written into secrets.vault: find out who. Then press `c`, Log in again.",
        )
    return secret


def _places(vault: Vault, unwanted: Callable[[EntryKey, datetime], bool]) -> list[EntryKey]:
    return [place for place, entry in vault.entries.items() if unwanted(place, entry.created_at)]


def older_strangers(known: Collection[str], older_than: datetime) -> Callable[[EntryKey, datetime], bool]:
    """Tells the entries of clusters that are not `known` and were made before `older_than`."""
    return lambda place, created_at: place[0] not in known and created_at < older_than
