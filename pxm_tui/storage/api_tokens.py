"""The REST API's bearer tokens in a private file, their hashes only."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pxm_tui.domain.access import ApiToken, Role
from pxm_tui.domain.times import from_iso
from pxm_tui.storage import atomic, problems
from pxm_tui.storage.lock import FileLock
from pxm_tui.storage.notices import Notices

FILE_NAME = "api-tokens.json"
FORMAT = 1


class FileTokenBook:
    """Implements `services.access.TokenBook` on `api-tokens.json`.

    What was read is used again for as long as the file's stamp is the same, so a running server knows of a revoked
    token at its next request.

    Args:
        directory: the data directory; made at the first write, closed to other users.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / FILE_NAME
        self._lock = FileLock(directory / f"{FILE_NAME}.lock")
        self._notices = Notices()
        self._known: tuple[atomic.Stamp | None, tuple[ApiToken, ...]] = None, ()

    def read(self) -> tuple[ApiToken, ...]:
        """All tokens as they are on disk now."""
        stamp, tokens = self._known
        if atomic.current_stamp(self._path) != stamp:
            found = atomic.read_private(self._path, self._notices)
            stamp, tokens = (None, ()) if found is None else (found[1], self._parse(found[0]))
            self._known = stamp, tokens
        return tokens

    def change(self, change: Callable[[tuple[ApiToken, ...]], tuple[ApiToken, ...]]) -> None:
        """Replace the tokens by what `change` makes of them, under the lock."""
        atomic.prepare_directory(self._directory, self._notices)
        with self._lock.held():
            tokens = change(self.read())
            document = {"format": FORMAT, "tokens": [_document(token) for token in tokens]}
            content = json.dumps(document, indent=1).encode()
            self._known = atomic.write_atomically(self._path, [content], backup=False), tokens

    def _parse(self, content: bytes) -> tuple[ApiToken, ...]:
        """A damaged file lets nobody in. Raises `StorageError`."""
        try:
            document = json.loads(content)
            if document["format"] > FORMAT:
                raise problems.newer(self._path, document["format"], FORMAT)
            return tuple(_token(entry) for entry in document["tokens"])
        except (ValueError, LookupError, TypeError, RecursionError):
            raise problems.beyond_repair(self._path, "it is no list of tokens") from None


def _document(token: ApiToken) -> dict[str, Any]:
    return {**token.to_json(), "sha256": token.sha256}


def _token(entry: dict[str, Any]) -> ApiToken:
    expires_at = entry["expires_at"]
    return ApiToken(
        str(entry["name"]),
        Role(entry["role"]),
        str(entry["sha256"]),
        from_iso(entry["created_at"]),
        from_iso(expires_at) if expires_at else None,
    )
