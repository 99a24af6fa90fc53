"""The last known state beyond the registry, in the cache directory. Losing it loses nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.storage import atomic
from pxm_tui.storage.atomic import PRIMITIVES, Primitives
from pxm_tui.storage.lock import FileLock
from pxm_tui.storage.notices import Notices
from pxm_tui.storage.snapshot_documents import snapshot_document, snapshot_of
from pxm_tui.storage.writer_thread import WriterThread

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "snapshots.json"
FORMAT = 1
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes; some 100 000 nodes. A larger file is neither read nor written."""

_LOCK_SECONDS = 2.0


class FileSnapshotCache:
    """Implements `services.ports.SnapshotCache` on `snapshots.json`; what goes wrong is logged, never raised.

    Args:
        directory: the cache directory; made at the first write, closed to other users.
        primitives: the operations of a write.
        largest_file: bytes that the file may have.
    """

    def __init__(
        self, directory: Path, *, primitives: Primitives = PRIMITIVES, largest_file: int = LARGEST_FILE
    ) -> None:
        self._path = directory / FILE_NAME
        self._primitives = primitives
        self._largest_file = largest_file
        self._thread = WriterThread("pxm-cache")
        self._notices = Notices()
        self._lock = FileLock(directory / f"{FILE_NAME}.lock", seconds=_LOCK_SECONDS, pause=self._thread.pause)

    def read(self) -> dict[str, Snapshot]:
        """By cluster id; empty where there is none or it cannot be read."""
        try:
            stamp = atomic.current_stamp(self._path)
            if stamp is None or stamp[1] > self._largest_file:
                return {}
            atomic.check_directory(self._path.parent, self._notices)
            found = atomic.read_private(self._path, self._notices)
            return {} if found is None else _decode(found[0])
        except (StorageError, ValueError, RecursionError, LookupError, TypeError) as error:
            _log("read", error)
            return {}

    async def write(self, snapshots: Mapping[str, Snapshot]) -> None:
        """Replace the cache."""
        copy = tuple(snapshots.values())
        try:
            await self._thread.run(lambda: self._write(copy))
        except StorageError as error:
            _log("written", error)

    def close(self) -> None:
        """Finish the write that was begun and end the thread."""
        self._thread.close()

    def _write(self, snapshots: tuple[Snapshot, ...]) -> None:
        # One by one, because json lets no other thread run until it is through: the screens would stand still.
        texts = [_encode(snapshot_document(snapshot)) for snapshot in snapshots]
        data = f'{{"format":{_encode(FORMAT)},"snapshots":[{",".join(texts)}]}}'.encode()
        if len(data) > self._largest_file:
            _log("written", ValueError(f"{len(data)} bytes are too many"))
            return
        atomic.prepare_directory(self._path.parent, self._notices)
        with self._lock.held():
            atomic.write_atomically(self._path, [data], backup=False, durable=False, primitives=self._primitives)


def _encode(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), check_circular=False)


def _decode(data: bytes) -> dict[str, Snapshot]:
    content = json.loads(data)
    if content["format"] != FORMAT:
        return {}
    snapshots = [snapshot_of(document) for document in content["snapshots"]]
    return {snapshot.cluster_id: snapshot for snapshot in snapshots}


def _log(what: str, error: Exception) -> None:
    import logging

    logging.getLogger(__name__).warning("the cache could not be %s: %s", what, error)
