"""What the screens remember from run to run: a small JSON file in the state directory."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pxm_tui.domain.errors import StorageError
from pxm_tui.storage import atomic
from pxm_tui.storage.notices import Notices

_logger = logging.getLogger(__name__)
LARGEST_FILE = 65536


class FilePreferences:
    """Implements `services.bundle.Preferences`. Losing the file loses nothing but comfort.

    Args:
        path: the file; its directory is made when it is first written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._notices = Notices()

    def read(self) -> dict[str, Any]:
        """What was remembered; empty where there is nothing, or nothing that can be read."""
        try:
            found = atomic.read_private(self._path, self._notices)
            values = json.loads(found[0]) if found and len(found[0]) <= LARGEST_FILE else {}
        except (StorageError, ValueError, RecursionError):
            return {}
        return values if isinstance(values, dict) else {}

    def write(self, values: Mapping[str, Any]) -> None:
        """Remember; a failure goes to the log."""
        try:
            atomic.prepare_directory(self._path.parent, self._notices)
            content = json.dumps(dict(values)).encode()
            atomic.write_atomically(self._path, [content], backup=False, durable=False)
        except StorageError as error:
            _logger.warning("%s", error.message)
