"""Tokens that are about to be made, one small file each, in the state directory.

Two processes may be about to make the same one, so each has a file of its own. It holds a lock on that until it is
cleared; a file without a lock is of a process that has ended in the middle. What a kill left half-written was never
acted upon, because the write comes before the act.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from pxm_tui.domain.tokens import TokenIntent
from pxm_tui.storage import problems
from pxm_tui.storage.atomic import PRIMITIVES, PRIVATE_FILE, Primitives, prepare_directory
from pxm_tui.storage.notices import Notices

LARGEST_FILE = 8192
_SUFFIX = ".json"
_UNFINISHED = ".unfinished"

_YOUNG = 60.0
"""Seconds for which a file without a lock may be one that is just being made."""

_Held = tuple[Path, int]
"""A file and the descriptor that keeps its lock."""


class FileIntentLog:
    """Implements `services.token_ports.IntentLog`.

    Args:
        directory: made when it is first written to.
        primitives: the operations to write with.
    """

    def __init__(self, directory: Path, primitives: Primitives = PRIMITIVES) -> None:
        self._directory = directory
        self._primitives = primitives
        self._held: dict[TokenIntent, _Held] = {}
        self._notices = Notices()

    async def add(self, intent: TokenIntent) -> None:
        """Write it down; on the disk when this returns. Raises `StorageError`."""
        await asyncio.to_thread(self._add, intent)

    async def clear(self, intent: TokenIntent) -> None:
        """Forget it. Raises `StorageError`."""
        await asyncio.to_thread(self._clear, intent)

    async def left_over(self) -> tuple[TokenIntent, ...]:
        """Those of processes that have ended without clearing them."""
        if not self._directory.is_dir():
            return ()
        return await asyncio.to_thread(self._left_over)

    def close(self) -> None:
        """Let go of what is still held: it is left over now."""
        while self._held:
            os.close(self._held.popitem()[1][1])

    def _new_path(self, intent: TokenIntent) -> Path:
        return self._directory / f"{intent.cluster_id[:36]}-{intent.name}.{os.urandom(4).hex()}{_SUFFIX}"

    def _add(self, intent: TokenIntent) -> None:
        try:
            prepare_directory(self._directory, self._notices)
            # It gets its name when it is locked and whole: who looks for left-overs meets no other.
            path = self._new_path(intent)
            unfinished = path.with_suffix(_UNFINISHED)
            descriptor = self._primitives.open(unfinished)
        except OSError as error:
            raise problems.cannot_write(self._directory, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = json.dumps(asdict(intent)).encode()
            if self._primitives.write(descriptor, memoryview(content)) != len(content):
                raise OSError(errno.ENOSPC, "short write")
            self._primitives.fsync(descriptor)
            self._primitives.rename(unfinished, path)
            self._primitives.fsync_directory(self._directory)
        except OSError as error:
            for written in (unfinished, path):
                with suppress(OSError):
                    written.unlink()
            os.close(descriptor)
            raise problems.cannot_write(self._directory, error) from None
        self._let_go(intent)  # it was added before
        self._held[intent] = path, descriptor

    def _clear(self, intent: TokenIntent) -> None:
        """Remove the own file; where there is none those that processes which have ended left."""
        held = self._held.get(intent)
        try:
            for path in [held[0]] if held else [path for path, found in self._of_ended() if found == intent]:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise problems.cannot_write(self._directory, error) from None
        finally:
            self._let_go(intent)

    def _let_go(self, intent: TokenIntent) -> None:
        held = self._held.pop(intent, None)
        if held is not None:
            os.close(held[1])

    def _left_over(self) -> tuple[TokenIntent, ...]:
        for path in self._directory.glob(f"*{_UNFINISHED}"):
            _erase_unfinished(path)
        return tuple(dict.fromkeys(intent for _, intent in self._of_ended()))

    def _of_ended(self) -> list[tuple[Path, TokenIntent]]:
        """The files that no process holds, and what they say."""
        found = ((path, _read(path)) for path in sorted(self._directory.glob(f"*{_SUFFIX}")))
        return [(path, intent) for path, intent in found if intent is not None]


def _erase_unfinished(path: Path) -> None:
    """Remove what a run that was killed before it could act has left; not what is just being written."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_mtime < time.time() - _YOUNG:
                path.unlink()
        finally:
            os.close(descriptor)


def _read(path: Path) -> TokenIntent | None:
    """An intent that no process holds; None where one does, and where nothing whole was written."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fields = json.loads(os.read(descriptor, LARGEST_FILE))
        intent = TokenIntent(**fields)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    finally:
        os.close(descriptor)
    texts = (intent.cluster_id, intent.endpoint, intent.owner, intent.name, intent.identity or "")
    return intent if all(isinstance(text, str) for text in texts) else None
