"""What `secrets.vault` holds: who keeps its key, the wrapped key, and sealed entries.

An entry is of one login of one cluster: its `kind` is `Login.secret_kind`, which is method, random id and account. It
is sealed for its vault, cluster, kind and time, so that it opens nowhere else. Before logins had ids the kind was the
method alone. Such entries stay as they are and are found by the records from then, whose logins have no id either; the
next login of the cluster gets an entry of the present form, and with that the old one goes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any

from pxm_tui.services.ports import VaultMode
from pxm_tui.storage import fields, problems
from pxm_tui.storage.problems import DamagedError
from pxm_tui.storage.sealing import Argon2, Key

if TYPE_CHECKING:
    from pathlib import Path

    from pxm_tui.domain.secret import Secret

FILE_NAME = "secrets.vault"
FORMAT = 1

EntryKey = tuple[str, str]
"""Cluster id and kind of secret."""

Choice = Callable[[Mapping[EntryKey, datetime]], Collection[EntryKey]]
"""Which entries are meant, of these and when they were made."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One sealed secret.

    Attributes:
        created_at: when it was put, UTC, to the second.
        box: nonce and ciphertext.
        about: which place of which vault it was sealed for, made once because secrets are opened often.
    """

    created_at: datetime
    box: bytes
    about: bytes


@dataclass(frozen=True, slots=True)
class Vault:
    """The content of the file.

    Attributes:
        vault_id: random; names the entry in the keyring.
        mode: who holds the wrapping key.
        argon2: how the passphrase becomes the wrapping key; None for a keyring.
        wrapped_key: the key of the entries, under the wrapping key.
        entries: by cluster id and kind.
    """

    vault_id: str
    mode: VaultMode
    argon2: Argon2 | None
    wrapped_key: bytes
    entries: Mapping[EntryKey, Entry]

    @classmethod
    def new(cls, vault_id: str, mode: VaultMode, argon2: Argon2 | None, wrapping: Key) -> tuple[Vault, Key]:
        """An empty vault, and the key of its entries."""
        key = Key.new()
        empty = cls(vault_id, mode, argon2, b"", {})
        return replace(empty, wrapped_key=wrapping.wrap(key, empty._about_key())), key

    def rewrapped(self, key: Key, mode: VaultMode, argon2: Argon2 | None, wrapping: Key) -> Vault:
        """The vault with the same entries under the same `key`, which another holder keeps from now on."""
        held = replace(self, mode=mode, argon2=argon2)
        return replace(held, wrapped_key=wrapping.wrap(key, held._about_key()))

    def unwrap(self, wrapping: Key) -> Key | None:
        """The key of the entries; None where `wrapping` is not the right key."""
        return wrapping.unwrap(self.wrapped_key, self._about_key())

    def with_secret(self, place: EntryKey, secret: Secret, created_at: datetime, key: Key) -> Vault:
        """The vault with a secret sealed into it."""
        moment = created_at.replace(microsecond=0)
        about = _about_entry(self.vault_id, place, moment)
        entry = Entry(moment, key.seal(secret, about), about)
        return replace(self, entries={**self.entries, place: entry})

    def without(self, places: Collection[EntryKey]) -> Vault:
        """The vault without some entries."""
        return replace(self, entries={place: entry for place, entry in self.entries.items() if place not in places})

    def secret(self, place: EntryKey, key: Key) -> Secret | None:
        """The secret of an entry that exists; None where it was sealed for another place, or tampered with."""
        entry = self.entries[place]
        return key.open(entry.box, entry.about)

    def _about_key(self) -> bytes:
        parameters = None if self.argon2 is None else _argon2_document(self.argon2)
        return _canonical("pxm-tui vault key", self.vault_id, self.mode.value, parameters)


class VaultCodec:
    """Between the file's bytes and the vault. Without the key nothing of a secret can be seen in either."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def decode(self, data: bytes) -> Vault:
        """The vault, still sealed.

        Raises:
            DamagedError: it is not what was written.
            StorageError: it has a newer format.
        """
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            raise DamagedError("not JSON") from None
        found = content.get("format") if isinstance(content, dict) else None
        if type(found) is not int or found < 1:
            raise DamagedError("no format version")
        if found > FORMAT:
            raise problems.newer(self._path, found, FORMAT)
        try:
            return _vault(content)
        except DamagedError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise DamagedError(f"a value has a wrong form ({type(error).__name__})") from None

    def encode(self, value: Vault) -> Sequence[bytes]:
        """The reverse."""
        content = {
            "format": FORMAT,
            "vault": value.vault_id,
            "mode": value.mode.value,
            "argon2id": None if value.argon2 is None else _argon2_document(value.argon2),
            "key": _text(value.wrapped_key),
            "entries": [
                {"cluster": cluster_id, "kind": kind, "created_at": fields.written(entry.created_at),
                 "box": _text(entry.box)}
                for (cluster_id, kind), entry in value.entries.items()
            ],
        }  # fmt: skip
        return [json.dumps(content, separators=(",", ":")).encode(), b"\n"]

    def describe(self, value: Vault) -> str:
        """How many secrets."""
        return "1 secret" if len(value.entries) == 1 else f"{len(value.entries)} secrets"


def _vault(content: Any) -> Vault:
    found = fields.mapping(content, ("format", "vault", "mode", "argon2id", "key", "entries"))
    mode = VaultMode(found["mode"])
    argon2 = None if found["argon2id"] is None else _argon2(found["argon2id"])
    if mode is VaultMode.ASK or (argon2 is None) is not (mode is VaultMode.KEYRING):
        raise DamagedError("mode and key do not belong together")
    vault_id, entries = fields.text(found["vault"]), {}
    for item in fields.items(found["entries"]):
        entry = fields.mapping(item, ("cluster", "kind", "created_at", "box"))
        place = fields.text(entry["cluster"]), fields.text(entry["kind"])
        moment = fields.moment(entry["created_at"])
        entries[place] = Entry(moment, _bytes(entry["box"]), _about_entry(vault_id, place, moment))
    return Vault(vault_id, mode, argon2, _bytes(found["key"]), entries)


def _argon2_document(argon2: Argon2) -> dict[str, Any]:
    return {
        "iterations": argon2.iterations,
        "memory_kib": argon2.memory_kib,
        "lanes": argon2.lanes,
        "salt": _text(argon2.salt),
    }


def _argon2(document: Any) -> Argon2:
    found = fields.mapping(document, ("iterations", "memory_kib", "lanes", "salt"))
    argon2 = Argon2(
        fields.number(found["iterations"]),
        fields.number(found["memory_kib"]),
        fields.number(found["lanes"]),
        _bytes(found["salt"]),
    )
    if not argon2.within_reason():
        raise DamagedError("the parameters of the key are beyond reason")
    return argon2


def _canonical(*parts: object) -> bytes:
    """Several values as bytes that no other values give."""
    return json.dumps(parts, separators=(",", ":"), sort_keys=True).encode()


def _about_entry(vault_id: str, place: EntryKey, created_at: datetime) -> bytes:
    """As `_canonical`, a good deal faster: a vault may have thousands of entries."""
    parts = ",".join(map(encode_basestring_ascii, (vault_id, *place, fields.written(created_at))))
    return f'["pxm-tui vault entry",{parts}]'.encode()


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(value: Any) -> bytes:
    return base64.b64decode(fields.text(value), validate=True)
