"""What a person should be told about the stored files, kept until a face asks for it."""

from __future__ import annotations

from collections import deque


class Notices:
    """Collects texts from any thread; each is logged as a warning and given out once, however often it is added."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque(maxlen=100)
        self._known: set[str] = set()

    def add(self, text: str) -> None:
        """Log a text and keep it for `take`, unless it was said before."""
        import logging

        if text in self._known:
            return
        self._known.add(text)

        logger = logging.getLogger(__name__)
        if logger.hasHandlers():  # without a log it would be printed, and once more by the face
            logger.warning("%s", text)
        self._texts.append(text)

    def take(self) -> tuple[str, ...]:
        """The texts since the last call, oldest first."""
        found: list[str] = []
        while self._texts:
            found.append(self._texts.popleft())
        return tuple(found)
