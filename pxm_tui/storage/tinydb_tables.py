"""TinyDB over the registry's tables: a change is staged here as a whole, and written by the registry in one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document, Table

from pxm_tui.storage.records import IDENTITIES, STATES

Tables = dict[str, dict[str, Any]]


class StagedStorage(Storage):
    """Holds the tables that a change begins with and ends in.

    TinyDB rewrites its file at every operation; a registration takes several that belong together. TinyDB replaces
    the tables that it touches and keeps the others, so the tables given at first stay as they are on disk.
    """

    def __init__(self, tables: Mapping[str, dict[str, Any]]) -> None:
        self._tables = dict(tables)

    def read(self) -> Tables:
        """The tables as the change has left them so far."""
        return self._tables

    def write(self, data: Tables) -> None:
        """Take the tables after one operation."""
        self._tables = data


class KeyedTable(Table):
    """A table whose document ids are the clusters' own, instead of numbers."""

    document_id_class = str  # type: ignore[assignment]  # tinydb: documented to be replaced, typed as int


class Database(TinyDB):
    """TinyDB with tables keyed by cluster id."""

    table_class = KeyedTable


def changed_tables(
    tables: Mapping[str, dict[str, Any]],
    identities: Sequence[Mapping[str, Any]],
    states: Sequence[Mapping[str, Any]],
    removed: Sequence[str],
) -> Tables:
    """The tables after one change; those given are not touched.

    Args:
        tables: as they are on disk.
        identities: documents that replace or join those of `clusters`, each with its `id`.
        states: the same for `states`.
        removed: ids that leave both.
    """
    database = Database(tables, storage=StagedStorage)
    if identities:
        _put(database.table(IDENTITIES, cache_size=0), identities)
    if states:
        _put(database.table(STATES, cache_size=0), states)
    for name in (IDENTITIES, STATES) if removed else ():
        database.table(name, cache_size=0).remove(doc_ids=_ids(removed))
    return dict(database.storage.read() or {})


def _put(table: Table, documents: Sequence[Mapping[str, Any]]) -> None:
    ids = [document["id"] for document in documents]
    table.remove(doc_ids=_ids(ids))
    table.insert_multiple(Document(document, document["id"]) for document in documents)


def _ids(ids: Iterable[str]) -> Any:
    """Ids as TinyDB's signature wants them: it says `int` where it takes any key."""
    return ids
