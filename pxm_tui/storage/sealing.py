"""Authenticated encryption of secrets: keys that do not show themselves, AES-256-GCM, Argon2id."""

from __future__ import annotations

import base64
import os
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pxm_tui.domain.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 16
_ENCODING = ("utf-8", "surrogatepass")  # what a terminal sends need not be valid text


class Key:
    """A key of 256 bits. Its `repr` shows nothing of it, and it cannot be pickled."""

    __slots__ = ("_cipher", "_value")

    def __init__(self, value: bytes) -> None:
        if len(value) != KEY_BYTES:
            raise ValueError("a key has 32 bytes")
        self._value = value
        self._cipher: AESGCM | None = None

    @classmethod
    def new(cls) -> Key:
        """A random key."""
        return cls(os.urandom(KEY_BYTES))

    @classmethod
    def from_text(cls, text: str) -> Key | None:
        """The reverse of `to_text`; None where it is not such a text."""
        try:
            return cls(base64.b64decode(text, validate=True))
        except ValueError:
            return None

    def to_text(self) -> Secret:
        """The key for a keyring, which keeps texts."""
        return Secret(base64.b64encode(self._value).decode())

    def seal(self, secret: Secret, about: bytes) -> bytes:
        """Encrypt a secret; `about` must be the same for `open`."""
        return self._seal(secret.reveal().encode(*_ENCODING), about)

    def open(self, box: bytes, about: bytes) -> Secret | None:
        """The secret; None where key, box or `about` is not the one that it was sealed with."""
        found = self._open(box, about)
        return None if found is None else Secret(found.decode(*_ENCODING))

    def wrap(self, key: Key, about: bytes) -> bytes:
        """Encrypt another key under this one."""
        return self._seal(key._value, about)

    def unwrap(self, box: bytes, about: bytes) -> Key | None:
        """The reverse of `wrap`; None where it is not for this key."""
        found = self._open(box, about)
        return Key(found) if found is not None and len(found) == KEY_BYTES else None

    def _seal(self, content: bytes, about: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aes().encrypt(nonce, content, about)

    def _open(self, box: bytes, about: bytes) -> bytes | None:
        try:
            return (self._cipher or self._aes()).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], about)
        except ValueError:
            return None
        except Exception as error:
            from cryptography.exceptions import InvalidTag  # not at every call: it would take as long as the rest

            if isinstance(error, InvalidTag):
                return None
            raise

    def _aes(self) -> AESGCM:
        if self._cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._cipher = AESGCM(self._value)
        return self._cipher

    def __repr__(self) -> str:
        return "Key(********)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a key is not written anywhere by accident")


@dataclass(frozen=True, slots=True)
class Argon2:
    """How a passphrase becomes a key.

    Attributes:
        iterations: passes over the memory.
        memory_kib: memory, KiB.
        lanes: threads.
        salt: random, one for each vault.
    """

    iterations: int = 3
    memory_kib: int = 65_536
    lanes: int = 4
    salt: bytes = field(default_factory=lambda: os.urandom(SALT_BYTES))

    def within_reason(self) -> bool:
        """Whether a file that asks for this may be believed: it must not be able to hang or exhaust the program."""
        return (
            1 <= self.iterations <= 20
            and 8 * self.lanes <= self.memory_kib <= 1_048_576
            and 1 <= self.lanes <= 16
            and 8 <= len(self.salt) <= 64
        )

    def derive(self, passphrase: Secret) -> Key:
        """The key of a passphrase; takes some tenths of a second and the memory.

        Raises:
            StorageError: this machine cannot do it.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        from pxm_tui.domain.messages import secret_store

        try:
            function = Argon2id(
                salt=self.salt,
                length=KEY_BYTES,
                iterations=self.iterations,
                lanes=self.lanes,
                memory_cost=self.memory_kib,
            )
            return Key(function.derive(unicodedata.normalize("NFC", passphrase.reveal()).encode(*_ENCODING)))
        except UnsupportedAlgorithm:
            why, do = "The OpenSSL in use here has no Argon2id.", "Install pxm with pip's own build of `cryptography`."
        except MemoryError:
            why, do = "There is not enough memory to derive the key.", "Free 64 MiB, then try again."
        raise secret_store(why, do)
