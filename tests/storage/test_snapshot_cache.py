"""The cache: what was written comes back, and whatever goes wrong, nothing is lost but the cache."""

# ruff: noqa: ASYNC240 - the tests look at the files themselves

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.ports import SnapshotCache
from pxm_tui.storage.snapshot_cache import FileSnapshotCache
from pxm_tui.storage.snapshot_documents import snapshot_document, snapshot_of
from tests.storage.faults import failing_at
from tests.storage.samples import make_snapshot

Make = Callable[..., FileSnapshotCache]
SNAPSHOTS = {"c1": make_snapshot("c1"), "c2": Snapshot("c2")}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[FileSnapshotCache] = []

    def make_one(**options: Any) -> FileSnapshotCache:
        made.append(FileSnapshotCache(tmp_path / "cache", **options))
        return made[-1]

    yield make_one
    for cache in made:
        cache.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "snapshots.json"


async def test_snapshots_come_back(make: Make) -> None:
    cache: SnapshotCache = make()
    assert cache.read() == {}
    await cache.write(SNAPSHOTS)
    assert cache.read() == make().read() == SNAPSHOTS
    await cache.write({})
    assert make().read() == {}


async def test_the_cache_is_private_and_has_no_copy(make: Make, file: Path) -> None:
    await make().write(SNAPSHOTS)
    await make().write(SNAPSHOTS)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in file.parent.iterdir()} == {
        "snapshots.json": 0o600,
        "snapshots.json.lock": 0o600,
    }


UNREADABLE = {
    "empty": b"",
    "cut": b"{",
    "a list": b"[]",
    "a number": b"7",
    "newer": b'{"format":2}',
    "without snapshots": b'{"format":1}',
    "a wrong snapshot": b'{"format":1,"snapshots":[{}]}',
    "too deep": b"[" * 99_999,
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_what_cannot_be_read_is_empty(make: Make, file: Path, content: bytes) -> None:
    await make().write(SNAPSHOTS)
    file.write_bytes(content)
    assert make().read() == {}
    await make().write(SNAPSHOTS)
    assert make().read() == SNAPSHOTS


@pytest.mark.parametrize("key", ["nodes", "rtts_ms", "errors"])
async def test_a_wrong_value_makes_it_empty(make: Make, file: Path, key: str) -> None:
    await make().write(SNAPSHOTS)
    content = json.loads(file.read_bytes())
    content["snapshots"][0][key] = [{}]
    file.write_text(json.dumps(content))
    assert make().read() == {}


async def test_a_cache_of_another_user_is_not_believed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    await make().write(SNAPSHOTS)
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    assert make().read() == {}


async def test_a_full_disk_is_only_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    await make().write(SNAPSHOTS)
    await make(primitives=failing_at(1)).write({})
    assert "no space left" in caplog.text
    assert make().read() == SNAPSHOTS


async def test_the_size_is_bounded(make: Make, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    small = make(largest_file=100)
    await small.write(SNAPSHOTS)
    assert not file.exists()
    assert "too many" in caplog.text
    await make().write(SNAPSHOTS)
    assert small.read() == {}


async def test_after_the_end_writing_is_only_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    cache = make()
    cache.close()
    await cache.write(SNAPSHOTS)
    assert "ending" in caplog.text


def test_paths_with_the_same_privileges_are_kept_together() -> None:
    audits = frozenset({"VM.Audit"})
    permissions = {f"/vms/{number}": audits for number in range(100, 10_100)}
    document = snapshot_document(Snapshot("c1", permissions=permissions))
    assert [held for held, _ in document["permissions"]] == [["VM.Audit"]]
    assert snapshot_of(document).permissions == permissions


def test_a_snapshot_of_before_has_no_permissions() -> None:
    document = snapshot_document(Snapshot("c1"))
    del document["permissions"]
    assert snapshot_of(document) == Snapshot("c1")
