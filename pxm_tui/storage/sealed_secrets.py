"""The secrets in `secrets.vault`: opened by whoever holds the key, changed under the lock. Blocking."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from pxm_tui.domain.errors import InvalidError, StorageError
from pxm_tui.domain.messages import secret_store, secrets_locked
from pxm_tui.domain.remedies import LOG_IN_AGAIN
from pxm_tui.domain.secret import Secret
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.storage.keyholders import Keyring, read_passphrase
from pxm_tui.storage.login_session import LoginSession
from pxm_tui.storage.notices import Notices
from pxm_tui.storage.sealing import Argon2, Key
from pxm_tui.storage.stored_file import Stored, StoredFile
from pxm_tui.storage.vault_file import Choice, EntryKey, Vault

if TYPE_CHECKING:
    from pathlib import Path

_CHOOSE = (
    'Give PXM_VAULT_PASSPHRASE_FILE a file with a passphrase (`chmod 600`), set secret_store = "ask", '
    "or start pxm on a terminal and choose."
)
_UNLOCK_KEYRING = 'Unlock it and try again; or set secret_store = "auto".'
_NEW_LOGIN = f"Move secrets.vault away, then for each cluster {LOG_IN_AGAIN}."


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
        session: remembers the key that a passphrase gave; None: nothing does.
        notices: where a person is told.
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
        session: LoginSession | None,
        notices: Notices,
    ) -> None:
        self._file = file
        self._wanted = secret_store
        self._passphrase = passphrase
        self._passphrase_file = passphrase_file
        self._keyring = keyring
        self._now = now
        self._argon2 = argon2
        self._session = session
        self._notices = notices
        self._shut = False
        self._loaded: Stored[Vault] | None = None
        self._opened: tuple[str, Key] | None = None
        self._keyring_answered = False

    def exists(self) -> bool:
        """The file is there."""
        return self._file.stamp() is not None

    def state(self) -> VaultState:
        """How the vault is, opened if that needs no person. Raises `StorageError`."""
        vault = self._load()
        remembers = self._session.minutes if self._session is not None else 0
        if vault is not None:
            asks = vault.mode is VaultMode.PASSPHRASE and not self._passphrase and self._passphrase_file is None
            is_open = self._key(vault) is not None
            return VaultState(vault.mode, is_open, True, asks, len(vault.entries), remembers)
        mode = self._mode_of_new_vault()
        ready = mode is VaultMode.KEYRING or (mode is VaultMode.PASSPHRASE and self._known_passphrase() is not None)
        return VaultState(mode, ready, exists=False, remembers=remembers)

    def unlock(self, passphrase: Secret) -> None:
        """Open the vault, or make it. Raises `InvalidError`, `StorageError`."""
        _given(passphrase)
        vault = self._load()
        if vault is None:
            with self._file.lock():
                vault = self._load(locked=True)
                if vault is None:
                    self._write(self._new_vault(VaultMode.PASSPHRASE, passphrase))
                    return
        wrapping = self._open_with(vault, passphrase)
        self._shut = False
        if self._session is not None:
            self._session.store(vault.vault_id, wrapping)

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

    def erase(self, unwanted: Choice) -> int:
        """Erase the entries that are `unwanted`, which is asked again under the lock; how many. Needs no key."""
        vault = self._load()
        if vault is None or not _chosen(vault, unwanted):
            return 0
        with self._file.lock():
            vault = self._load(locked=True)
            places = () if vault is None else _chosen(vault, unwanted)
            if vault is not None and places:
                self._write(vault.without(places), forget=True)
            return len(places)

    def is_open(self) -> bool:
        """The key is in memory."""
        return self._opened is not None

    def lock(self) -> None:
        """Drop the key, here and in the login session; nothing opens the vault before `reopen` or `unlock`."""
        self._opened = None
        self._shut = True
        if self._session is None:
            return
        with suppress(StorageError):  # a vault that cannot be read is locked all the same
            vault = self._load()
            if vault is not None:
                self._session.erase(vault.vault_id)

    def reopen(self) -> None:
        """What opens the vault without a person may do so again."""
        self._shut = False

    def forget_key(self) -> None:
        """Close the vault."""
        self._opened = None

    # Another holder of the key

    def change(self, mode: VaultMode, passphrase: Secret | None, current: Secret | None) -> None:
        """Wrap the key anew, for another holder; one write, before which and after which the vault can be opened.

        The entries and their key stay, so that other processes that have the vault open go on. Raises `InvalidError`,
        `StorageError`.
        """
        with self._file.lock():
            vault = self._load(locked=True)
            if vault is None:
                self._write(self._new_vault(mode, passphrase))
                self._shut = False
                return
            if vault.mode is mode is VaultMode.KEYRING:
                return
            new = None if mode is VaultMode.KEYRING else _given(passphrase)
            key = self._proven(vault, current)
            former, argon2 = vault.mode, None if new is None else self._argon2()
            wrapping = Key.new() if argon2 is None or new is None else argon2.derive(new)
            changed = vault.rewrapped(key, mode, argon2, wrapping)
            if argon2 is None:
                self._hand_to_keyring(changed, wrapping)
            # the copy as well, which the former passphrase would open
            self._write(changed, forget=True)
        self._opened, self._shut = (vault.vault_id, key), False
        self._let_go(vault.vault_id, former, mode, passphrase, wrapping)

    def surrender(self, current: Secret | None) -> dict[EntryKey, tuple[datetime, Secret]]:
        """All secrets, after which the file is removed and no key is held anywhere. Raises as `change`."""
        with self._file.lock():
            vault = self._load(locked=True)
            if vault is None:
                return {}
            key = self._proven(vault, current)
            found = {place: (entry.created_at, _secret(vault, place, key)) for place, entry in vault.entries.items()}
            self._file.erase()
        self._opened, self._loaded = None, None
        self._let_go(vault.vault_id, vault.mode, VaultMode.ASK, None, None)
        return found

    def _proven(self, vault: Vault, current: Secret | None) -> Key:
        """The key, from who may have it: a vault under a passphrase is not rewrapped without that passphrase."""
        if vault.mode is VaultMode.KEYRING:
            return self._of_keyring(vault)
        given = current or self._known_passphrase()
        if given is None:
            raise InvalidError("passphrase", "The present passphrase is missing.", do="Type it.", field="current")
        try:
            return _unwrapped(vault, given)[1]
        except InvalidError as error:
            raise InvalidError(error.cause, error.message, do=error.do, field="current") from None

    def _hand_to_keyring(self, changed: Vault, wrapping: Key) -> None:
        """Give the wrapping key to the keyring, and see that it keeps it, before the file depends on it."""
        if not self._has_keyring():
            raise secret_store("There is no keyring here that answers and keeps secrets encrypted.", _UNLOCK_KEYRING)
        self._keyring.store(changed.vault_id, wrapping)
        kept = self._keyring.load(changed.vault_id)
        if kept is None or changed.unwrap(kept) is None:
            raise secret_store("The keyring did not keep the key.", "Nothing was changed. Try again.")

    def _let_go(
        self, vault_id: str, former: VaultMode, mode: VaultMode, passphrase: Secret | None, wrapping: Key | None
    ) -> None:
        """Whoever held the key so far holds it no longer."""
        if former is VaultMode.KEYRING and not self._keyring.erase(vault_id):
            self._notices.add("The keyring would not erase its key of the secret store; that opens nothing any more.")
        if self._session is not None:
            self._session.erase(vault_id)
        if mode is not VaultMode.PASSPHRASE:
            return
        if self._passphrase:
            self._passphrase = passphrase
        elif self._passphrase_file is not None:
            self._notices.add(f"Write the new passphrase into {self._passphrase_file}, which holds the former one.")
        elif self._session is not None and wrapping is not None:
            self._session.store(vault_id, wrapping)

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
        if self._shut:
            return None
        if vault.mode is VaultMode.KEYRING:
            return self._open_by_keyring(vault)
        passphrase = self._known_passphrase()
        if passphrase is None:
            return self._open_by_session(vault)
        try:
            self._open_with(vault, passphrase)
            return self._key(vault)
        except InvalidError:
            where = "The passphrase" if self._passphrase else f"The passphrase in {self._passphrase_file}"
        raise secret_store(f"{where} is not that of the secret store.", "Correct it, or name another file.")

    def _key_or_refuse(self, vault: Vault) -> Key:
        key = self._key(vault)
        if key is None:
            raise secrets_locked()
        return key

    def _open_by_keyring(self, vault: Vault) -> Key:
        key = self._of_keyring(vault)
        self._opened = (vault.vault_id, key)
        return key

    def _of_keyring(self, vault: Vault) -> Key:
        wrapping = self._keyring.load(vault.vault_id)
        if wrapping is None:
            raise secret_store("The keyring here does not hold the key of the secret store.", _NEW_LOGIN)
        key = vault.unwrap(wrapping)
        if key is None:
            raise secret_store("The key in the keyring is not that of the secret store.", _NEW_LOGIN)
        return key

    def _open_by_session(self, vault: Vault) -> Key | None:
        wrapping = None if self._session is None else self._session.load(vault.vault_id)
        key = None if wrapping is None else vault.unwrap(wrapping)
        if key is not None:
            self._opened = (vault.vault_id, key)
        elif wrapping is not None and self._session is not None:
            self._session.erase(vault.vault_id)  # of a passphrase that was changed since
        return key

    def _open_with(self, vault: Vault, passphrase: Secret) -> Key:
        """Open the vault; gives the key that the passphrase makes."""
        wrapping, key = _unwrapped(vault, passphrase)
        self._opened = (vault.vault_id, key)
        return wrapping

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
        if passphrase and self._session is not None:
            self._session.store(vault_id, wrapping)
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
                _UNLOCK_KEYRING,
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


def _given(passphrase: Secret | None) -> Secret:
    if not passphrase:
        raise InvalidError("passphrase", "The passphrase is empty.", do="Type one.", field="passphrase")
    return passphrase


def _unwrapped(vault: Vault, passphrase: Secret) -> tuple[Key, Key]:
    """The key that a passphrase makes, and the key of the entries under it."""
    if vault.argon2 is None:
        raise secret_store("The key of the secret store is in the keyring, not under a passphrase.")
    wrapping = vault.argon2.derive(passphrase)
    key = vault.unwrap(wrapping)
    if key is None:
        raise InvalidError(
            "passphrase",
            "This is not the passphrase of the secret store.",
            do="Type it again. Forgotten: move secrets.vault away and log in to the clusters again.",
            field="passphrase",
        )
    return wrapping, key


def _secret(vault: Vault, place: EntryKey, key: Key) -> Secret:
    secret = vault.secret(place, key)
    if secret is None:
        raise secret_store(
            f"The secret kept for cluster {place[0]} was changed by something else than pxm.",
            f"Somebody has written into secrets.vault: find out who. Then {LOG_IN_AGAIN}.",
        )
    return secret


def _chosen(vault: Vault, choice: Choice) -> Collection[EntryKey]:
    return choice({place: entry.created_at for place, entry in vault.entries.items()})
