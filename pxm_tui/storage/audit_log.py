"""The audit in the state directory: lines are only ever added, under a lock, by one thread a process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pxm_tui.domain.audit import AuditEntry, AuditVerdict
from pxm_tui.storage import atomic
from pxm_tui.storage.atomic import PRIMITIVES, PRIVATE_FILE, Primitives
from pxm_tui.storage.audit_chain import START, Link, read_line, torn_hash, write_line
from pxm_tui.storage.audit_check import ChainCheck
from pxm_tui.storage.audit_files import (
    CURRENT,
    HEAD,
    Tail,
    head_bytes,
    older_files,
    older_name,
    pieces,
    read_head,
    read_tail,
)
from pxm_tui.storage.lock import FileLock
from pxm_tui.storage.notices import Notices
from pxm_tui.storage.problems import cannot_write
from pxm_tui.storage.writer_thread import WriterThread

if TYPE_CHECKING:
    from pathlib import Path

FILE_BYTES = 4_000_000
FILES_KEPT = 10


class FileAuditLog:
    """Implements `services.audit.AuditLog` on `audit.jsonl`.

    Args:
        directory: the state directory; made at the first entry.
        also_to: given every line once it is on the disk; must neither wait nor raise.
        file_bytes: from this size on a file is put aside and a new one begun.
        files_kept: how many files are kept beside the present one.
        primitives: the operations of a write.
    """

    def __init__(
        self,
        directory: Path,
        *,
        also_to: Callable[[str], object] = lambda _line: None,
        file_bytes: int = FILE_BYTES,
        files_kept: int = FILES_KEPT,
        primitives: Primitives = PRIMITIVES,
    ) -> None:
        self._directory = directory
        self._also_to = also_to
        self._file_bytes = file_bytes
        self._files_kept = files_kept
        self._primitives = primitives
        self._thread = WriterThread("pxm-audit")
        self._notices = Notices()
        self._lock = FileLock(directory / "audit.lock", pause=self._thread.pause)

    async def append(self, entry: AuditEntry) -> None:
        """Write one more. Raises `StorageError`."""
        await self._thread.run(lambda: self._append(entry))

    def read(self, last: int | None = None) -> tuple[AuditEntry, ...]:
        """The entries, oldest first; of many the `last` ones. Raises `StorageError`."""
        found: list[AuditEntry] = []
        for _, data in self._newest_first():
            lines = [line for line in map(read_line, pieces(data)) if line is not None]
            found[:0] = [line.entry() for line in lines]
            if last is not None and len(found) >= last:
                break
        return tuple(found if last is None else found[-last:] if last else [])

    def verify(self) -> AuditVerdict:
        """Whether all is as it was written. Raises `StorageError`."""
        if not self._directory.is_dir():
            return AuditVerdict(0)
        with self._lock.held():
            head = read_head(self._directory, self._notices)
            late = len(older_files(self._directory)) >= self._files_kept
            return ChainCheck(head, may_begin_late=late).run(reversed(list(self._newest_first())))

    def close(self) -> None:
        """Finish what was begun and end the thread."""
        self._thread.close()

    def _newest_first(self) -> Iterator[tuple[str, bytes]]:
        for path in [self._directory / CURRENT, *reversed(older_files(self._directory))]:
            found = atomic.read_private(path, self._notices)
            if found is not None:
                yield path.name, found[0]

    # Writing; in the thread

    def _append(self, entry: AuditEntry) -> None:
        atomic.prepare_directory(self._directory, self._notices)
        with self._lock.held():
            tail = read_tail(self._directory)
            head = read_head(self._directory, self._notices)
            before, torn = _place(tail, head)
            line, link = write_line(entry, before, torn)
            if before not in {head, START}:
                self._note(before)  # its writer was killed before it did, and only one line may lack it
            try:
                begun = self._put_aside(tail)
                self._write((b"" if begun or tail.closed else b"\n") + line + b"\n")
            except OSError as error:
                raise cannot_write(self._directory, error) from None
            self._note(link)
        self._also_to(line.decode())

    def _put_aside(self, tail: Tail) -> bool:
        """Begin a new file where the present one is large enough, and erase the oldest; gives whether it did."""
        if tail.size < self._file_bytes or tail.last is None:
            return False
        target = self._directory / older_name(tail.last.link.number)
        if target.exists():
            return False
        self._primitives.rename(self._directory / CURRENT, target)
        for path in older_files(self._directory)[: -self._files_kept]:
            path.unlink()
        return True

    def _note(self, link: Link) -> None:
        """Note the last line, so that it is missed when it is gone."""
        note = [head_bytes(link)]
        atomic.write_atomically(self._directory / HEAD, note, backup=False, primitives=self._primitives)

    def _write(self, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._directory / CURRENT, flags, PRIVATE_FILE)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._primitives.write(descriptor, rest) :]
            self._primitives.fsync(descriptor)
        finally:
            os.close(descriptor)


def _place(tail: Tail, head: Link | None) -> tuple[Link, str | None]:
    """The line that the next one follows, and what is said of fragments before it.

    Where lines that were acknowledged are not there any more, the chain goes on from the note of the last one, so
    that the gap is found.
    """
    last = tail.last.link if tail.last else START
    if head is not None and (head.number > last.number or (head.number == last.number and head != last)):
        return head, None
    return last, torn_hash(tail.torn)
