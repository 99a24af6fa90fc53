"""The registry's speed beside its peers: sqlite, and TinyDB as it comes.

Rounds of all peers are interleaved in one run, and medians compared: on a shared machine only ratios mean much.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from tinydb import TinyDB, where

from pxm_tui.domain.cluster import CheckResult, Cluster, Status
from pxm_tui.storage.book import Book
from pxm_tui.storage.documents import identity_document, state_document
from pxm_tui.storage.fields import optional_written, written
from pxm_tui.storage.tinydb_repository import TinyDbRepository
from tests.storage.samples import make_check, make_cluster

Row = tuple[str, str, str, bool]

CLUSTERS = 1000
ROUNDS = 21
STATE_COLUMNS = (
    "status", "proxmox_version", "node_count", "updated_at", "last_seen_at", "nodes_online", "quorate",
    "guests_running", "guests_total", "limits", "error", "own_name", "refused",
)  # fmt: skip


class SqliteRegistry:
    """What a registry in sqlite would do: the same rules, every field of a state a column, safe as ours is."""

    def __init__(self, path: Path, clusters: Sequence[Cluster]) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE clusters (id TEXT PRIMARY KEY, document TEXT)")
        self._connection.execute(f"CREATE TABLE states (id TEXT PRIMARY KEY, {', '.join(STATE_COLUMNS)})")
        self._book = Book(clusters)
        marks = ", ".join("?" * (len(STATE_COLUMNS) + 1))
        self._connection.execute("BEGIN")
        for cluster in clusters:
            document = json.dumps(identity_document(cluster))
            self._connection.execute("INSERT INTO clusters VALUES (?, ?)", (cluster.id, document))
            self._connection.execute(f"INSERT INTO states VALUES ({marks})", (cluster.id, *_columns(cluster)))
        self._connection.execute("COMMIT")

    def save_checks(self, checks: Sequence[CheckResult]) -> None:
        """Apply the checks and write what changed in one transaction."""
        self._book, changed = self._book.with_checks(checks)
        self.write(changed)

    def write(self, clusters: Sequence[Cluster]) -> None:
        """Write the states of clusters in one transaction."""
        setters = ", ".join(f"{name} = ?" for name in STATE_COLUMNS)
        rows = [(*_columns(cluster), cluster.id) for cluster in clusters]
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(f"UPDATE states SET {setters} WHERE id = ?", rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


def _columns(cluster: Cluster) -> tuple[Any, ...]:
    """A row of `states`, made with as little as it takes."""
    return (
        cluster.status.value,
        cluster.proxmox_version,
        cluster.node_count,
        written(cluster.updated_at),
        optional_written(cluster.last_seen_at),
        cluster.nodes_online,
        cluster.quorate,
        cluster.guests_running,
        cluster.guests_total,
        json.dumps([[limit.privilege, limit.path] for limit in cluster.limits]) if cluster.limits else "[]",
        None if cluster.error is None else json.dumps(cluster.error.to_json()),
        cluster.own_name,
        cluster.login.refused,
    )


class DefaultTinyDb:
    """TinyDB with its own storage, which writes in place, and is neither locked nor private."""

    def __init__(self, path: Path, clusters: Sequence[Cluster]) -> None:
        self._database = TinyDB(path)
        self._database.insert_multiple(_whole_document(cluster) for cluster in clusters)

    def write(self, clusters: Sequence[Cluster]) -> None:
        """Write the states of clusters in one operation."""
        states = {cluster.id: state_document(cluster) for cluster in clusters}
        self._database.update(lambda document: document.update(states[document["id"]]))

    def find_by_id(self, cluster_id: str) -> object:
        """One document."""
        return self._database.get(where("id") == cluster_id)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _whole_document(cluster: Cluster) -> dict[str, Any]:
    return identity_document(cluster) | state_document(cluster)


def write_ours(repository: TinyDbRepository, clusters: Sequence[Cluster]) -> None:
    """What `save_checks` does after the checks were applied: lock, encode, write, fsync, copy, rename, fsync."""
    with repository._file.lock():
        states = [state_document(cluster) for cluster in clusters]
        repository._write(repository._current(), Book(clusters, in_order=True), states=states)


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def compare(peers: dict[str, Callable[[int], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each peer, their rounds interleaved; the first round warms up and does not count."""
    times: dict[str, list[float]] = {name: [] for name in peers}
    for number in range(rounds + 1):
        for name, work in peers.items():
            times[name].append(seconds(lambda work=work, number=number: work(number)))  # type: ignore[misc]
    return {name: median(found[1:]) for name, found in times.items()}


def run() -> list[Row]:
    """Measure everything; a row for each goal."""
    with tempfile.TemporaryDirectory() as directory:
        return _run(Path(directory))


def _run(directory: Path) -> list[Row]:
    clusters = [make_cluster(number) for number in range(CLUSTERS)]
    repository = TinyDbRepository(directory / "ours")
    with repository._file.lock():
        identities, states = zip(*((identity_document(each), state_document(each)) for each in clusters), strict=True)
        repository._write(repository._current(), Book(clusters), identities=identities, states=states)
    clusters = list(repository.read())
    sqlite, tinydb = SqliteRegistry(directory / "sqlite", clusters), DefaultTinyDb(directory / "tinydb", clusters)
    try:
        return [
            *_save_rows(repository, sqlite, clusters),
            *_write_rows(repository, sqlite, tinydb, clusters),
            _get_row(repository, tinydb, clusters[CLUSTERS // 2].id),
        ]
    finally:
        sqlite.close()
        tinydb.close()
        repository.close()


def _save_rows(repository: TinyDbRepository, sqlite: SqliteRegistry, clusters: Sequence[Cluster]) -> list[Row]:
    """`save_checks` from end to end, every status new."""

    def checks(number: int) -> list[CheckResult]:
        status = Status.HEALTHY if number % 2 else Status.DEGRADED
        return [make_check(cluster, status=status) for cluster in clusters]

    rounds = [checks(number) for number in range(2)]
    found = compare(
        {
            "ours": lambda number: repository._save_checks(rounds[number % 2]),
            "sqlite": lambda number: sqlite.save_checks(rounds[number % 2]),
        },
        ROUNDS,
    )
    return [_times(f"{CLUSTERS} checks applied and saved, sqlite = 1", found["ours"], found["sqlite"], 2.5)]


def _write_rows(
    repository: TinyDbRepository, sqlite: SqliteRegistry, tinydb: DefaultTinyDb, clusters: Sequence[Cluster]
) -> list[Row]:
    """The write alone, the same changed clusters for each."""
    rounds = [[replace(cluster, status=status) for cluster in clusters] for status in (Status.HEALTHY, Status.DEGRADED)]
    found = compare(
        {
            "ours": lambda number: write_ours(repository, rounds[number % 2]),
            "sqlite": lambda number: sqlite.write(rounds[number % 2]),
            "tinydb": lambda number: tinydb.write(rounds[number % 2]),
        },
        ROUNDS,
    )
    return [
        _times(f"{CLUSTERS} statuses in one write, sqlite = 1", found["ours"], found["sqlite"], 2.5),
        _faster(f"{CLUSTERS} statuses in one write, TinyDB's own = 1", found["ours"], found["tinydb"], 4),
    ]


def _get_row(repository: TinyDbRepository, tinydb: DefaultTinyDb, cluster_id: str) -> Row:
    many = 200

    async def get_many() -> None:
        for _ in range(many):
            await repository.find_by_id(cluster_id)

    found = compare(
        {"ours": lambda _: asyncio.run(get_many()), "tinydb": lambda _: tinydb.find_by_id(cluster_id)}, ROUNDS
    )
    return _faster(f"one of {CLUSTERS} by id, TinyDB's own = 1", found["ours"] / many, found["tinydb"], 100)


def _times(name: str, ours: float, peer: float, goal: float) -> Row:
    return name, f"{ours / peer:.2f}x ({ours * 1000:.1f} ms)", f"<= {goal:g}x", ours <= goal * peer


def _faster(name: str, ours: float, peer: float, goal: float) -> Row:
    return name, f"{peer / ours:.1f}x faster ({ours * 1000:.3g} ms)", f">= {goal:g}x faster", ours * goal <= peer


def main() -> None:
    """Print the rows."""
    for name, measured, goal, met in run():
        sys.stdout.write(f"{name:<50} {measured:>28}  goal {goal:<14} {'met' if met else 'MISSED'}\n")


if __name__ == "__main__":
    main()
