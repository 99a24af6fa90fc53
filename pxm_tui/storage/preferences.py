"""What the screens remember from run to run: a small JSON file in the state directory."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_logger = logging.getLogger(__name__)
MOST_BYTES = 65536


class FilePreferences:
    """Implements `services.bundle.Preferences`. Losing the file loses nothing but comfort.

    Args:
        path: the file; its directory is made when it is first written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, Any]:
        """What was remembered; empty where there is nothing, or nothing that can be read."""
        try:
            if self._path.stat().st_size > MOST_BYTES:
                return {}
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, values: Mapping[str, Any]) -> None:
        """Remember; a failure goes to the log."""
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(dict(values), file)
            beside.replace(self._path)
        except OSError as error:
            _logger.warning("cannot write %s: %s", self._path, error.strerror)
