"""What `clusters.json` holds: TinyDB's tables and a format version, with the way from older formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pxm_tui.storage import problems
from pxm_tui.storage.problems import DamagedError
from pxm_tui.storage.records import IDENTITIES, STATES

if TYPE_CHECKING:
    from pathlib import Path

    from pxm_tui.storage.book import Book

FILE_NAME = "clusters.json"
FORMAT = 3

Content = dict[str, Any]
Tables = dict[str, dict[str, Any]]
Migration = Callable[[Content], Content]


def _with_trust_and_guard(content: Content) -> Content:
    """Format 2 knows who made a token, the cluster's own authority, vouched leaves and the guard."""
    identities = {}
    for key, before in content[IDENTITIES].items():
        login = dict(before["login"])
        if "token_id" in login:
            login |= {"minted": False, "expires_at": None}
        identities[key] = before | {
            "login": login,
            "trust": before["trust"] | {"ca_fingerprint": None},
            "guard": {"read_only": False},
            "kept": before["kept"] | {"authority": None, "vouched": []},
        }
    return content | {"format": 2, IDENTITIES: identities}


def _with_secret_ids(content: Content) -> Content:
    """Format 3 knows which secret is the login's. Those from before have no id, in the secret store neither."""
    identities = {
        key: before | {"kept": before["kept"] | {"secret_id": None}} for key, before in content[IDENTITIES].items()
    }
    return content | {"format": 3, IDENTITIES: identities}


MIGRATIONS: Mapping[int, Migration] = {1: _with_trust_and_guard, 2: _with_secret_ids}
"""By format number: makes the content of the next format from that one."""


class Registry:
    """The content of the file.

    Attributes:
        tables: TinyDB's. Neither they nor their documents are changed in place.
        book: the clusters that they describe.
        migrated_from: the format on disk, where it was an older one.
    """

    __slots__ = ("book", "migrated_from", "tables")

    def __init__(self, tables: Tables, book: Book, migrated_from: int | None = None) -> None:
        self.tables = tables
        self.book = book
        self.migrated_from = migrated_from


class RegistryCodec:
    """Between the file's bytes and the registry."""

    def __init__(self, path: Path, known_format: int, migrations: Mapping[int, Migration]) -> None:
        self._path = path
        self._format = known_format
        self._migrations = migrations
        self._encoded: dict[str, tuple[object, bytes]] = {}

    def decode(self, data: bytes) -> Registry:
        """The registry, every record looked at.

        Raises:
            DamagedError: it is not what was written.
            StorageError: it has a newer format, or one too old.
        """
        tables, migrated_from = self.tables(data)
        return Registry(tables, book_of(tables), migrated_from)

    def encode(self, value: Registry) -> Sequence[bytes]:
        """The file's content. A table that TinyDB has not replaced since the last write is not encoded again."""
        known, self._encoded = self._encoded, {}
        parts = [f'{{"format":{self._format}'.encode()]
        for name, table in value.tables.items():
            before = known.get(name)
            encoded = before[1] if before and before[0] is table else _compact(table)
            self._encoded[name] = (table, encoded)
            parts += [b",\n" + _compact(name) + b":", encoded]
        return [*parts, b"}\n"]

    def describe(self, value: Registry) -> str:
        """How many clusters."""
        count = len(value.tables[IDENTITIES])
        return "1 cluster" if count == 1 else f"{count} clusters"

    def tables(self, data: bytes) -> tuple[Tables, int | None]:
        """The tables in the present format, and the format on disk where that is an older one. Raises as `decode`."""
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            raise DamagedError("not JSON") from None
        found = content.get("format") if isinstance(content, dict) else None
        if type(found) is not int:
            raise DamagedError("no format version")
        if found > self._format:
            raise problems.newer(self._path, found, self._format)
        content = self._migrate(content, found)
        tables: Tables = {}
        for name in (IDENTITIES, STATES):
            table = content.get(name)
            if not isinstance(table, dict):
                raise DamagedError(f"no {name} in it")
            tables[name] = table
        return tables, found if found < self._format else None

    def _migrate(self, content: Content, found: int) -> Content:
        for number in range(found, self._format):
            migration = self._migrations.get(number)
            if migration is None:
                raise problems.too_old(self._path, found)
            try:
                content = migration(content)
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                raise DamagedError(f"format {number} has a wrong form ({type(error).__name__})") from None
        return content


def empty_tables() -> Tables:
    """The tables of a registry without clusters."""
    return {IDENTITIES: {}, STATES: {}}


def book_of(tables: Tables) -> Book:
    """The clusters in the tables.

    Raises:
        DamagedError: a document is not one of ours.
    """
    from pxm_tui.storage.book import Book
    from pxm_tui.storage.documents import cluster_of

    identities, states = tables[IDENTITIES], tables[STATES]
    if states.keys() != identities.keys():
        raise DamagedError("clusters and states do not belong together")
    return Book(cluster_of(document, states[key]) for key, document in identities.items())


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), check_circular=False).encode()
